"""Documents + removals -> cleaned documents, and a log of what was taken out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from dedup import kernels
from dedup.errors import IntegrityError
from dedup.formats import SourceReader, open_source
from dedup.formats.compression import open_compressed, open_decompressed
from dedup.formats.splice import Splicer
from dedup.ledger.left import Left
from dedup.ledger.lines import LogLines
from dedup.log import Line, LineWriter, file_digest, text_hash, with_raw
from dedup.model import I64, BadRecord

WHOLE_SOURCE = -1


@dataclass(slots=True)
class Account:
    """What came in and where it went, of one source: records, and bytes of the decompressed file.

    What stands between records (a header, blank lines) counts as kept bytes. in = kept + removed + quarantined, in both.
    """

    name: str
    records_in: int = 0
    records_kept: int = 0
    records_removed: int = 0
    records_quarantined: int = 0
    bytes_in: int = 0
    bytes_kept: int = 0
    bytes_removed: int = 0
    bytes_quarantined: int = 0
    input_hash: str = ""
    output_hash: str | None = None
    row_groups: list[int] = field(default_factory=list)

    def check(self) -> None:
        """Raise IntegrityError unless nothing is unaccounted for."""
        for unit in ("records", "bytes"):
            came, kept, removed, quarantined = (
                getattr(self, f"{unit}_{part}") for part in ("in", "kept", "removed", "quarantined")
            )
            if came != kept + removed + quarantined:
                raise IntegrityError(
                    f"{self.name}: {came:,} {unit} came in, but {kept:,} kept + {removed:,} removed + {quarantined:,} quarantined "
                    "do not add up. Nothing was published; please report this."
                )


@dataclass(slots=True)
class _Tally:
    """A binary stream that counts and hashes what passes through it."""

    stream: BinaryIO
    size: int = 0
    digest: Any = field(default_factory=file_digest)

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self._count(data)
        return data

    def write(self, data: bytes) -> int:
        self._count(data)
        return self.stream.write(data)

    def _count(self, data: bytes) -> None:
        self.size += len(data)
        self.digest.update(data)

    def seekable(self) -> bool:
        return False


@dataclass(slots=True)
class _Edit:
    """A stretch of a source that goes: what the log or the quarantine says of it; `whole` is a row of Parquet."""

    line: Line
    quarantined: bool = False
    removal: int = -1
    inside: list[Line] = field(default_factory=list)
    whole: bool = False


class Cleaner:
    """Writes what is left of each source, and the log.

    Args:
        left: what is left of the documents.
        lines: makes the lines of the log.
        removed, quarantine: the two logs; a quarantine of None keeps bad records in their place.
    """

    def __init__(
        self, left: Left, lines: LogLines, removed: LineWriter, quarantine: LineWriter, keep_bad: bool
    ) -> None:
        self._left = left
        self._corpus = left.corpus
        self._lines = lines
        self._removed = removed
        self._quarantine = quarantine
        self._keep_bad = keep_bad
        self._first: dict[int, str] = {}

    def clean(self, source: int, target: Path) -> Account:
        """Write one source below `target`.

        Raises:
            IntegrityError: the account does not add up.
            InputChangedError: the source is not as it was read.
        """
        mine = np.flatnonzero(self._corpus.source == source)
        bad = [record for record in self._corpus.bad if record.source == source]
        account = Account(self._corpus.sources[source].name)
        account.records_removed = int(self._left.dropped[mine].sum())
        whole = [record for record in bad if record.record == WHOLE_SOURCE]
        account.records_quarantined = 0 if self._keep_bad or whole else len(bad)
        account.records_in = len(mine) + (1 if whole else len(bad))
        account.records_kept = account.records_in - account.records_removed - account.records_quarantined
        path = target / account.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if whole:
            self._copy(source, path, account, whole[0])
        elif self._corpus.sources[source].format == "parquet":
            self._rows(source, mine, path, account)
        else:
            self._text(source, mine, bad, path, account)
        account.check()
        return account

    def _copy(self, source: int, path: Path, account: Account, record: BadRecord) -> None:
        """A source that cannot be read stays as it is, byte for byte."""
        with Path(self._corpus.sources[source].path).open("rb") as stream, path.open("wb") as out:
            sink = _Tally(out)
            while data := stream.read(1 << 20):
                sink.write(data)
        account.bytes_in = account.bytes_kept = sink.size
        account.input_hash = account.output_hash = sink.digest.hexdigest()
        self._quarantine.plain(
            {
                "source": account.name,
                "record": None,
                "offset": 0,
                "length": sink.size,
                "reason": record.reason,
                "action": "keep",
            }
        )

    def _text(self, source: int, mine: I64, bad: list[BadRecord], path: Path, account: Account) -> None:
        spec = self._corpus.sources[source]
        reader = open_source(spec, self._corpus.fields[source])
        with open_decompressed(spec.path, spec.compression) as stream:
            intake = _Tally(cast(BinaryIO, stream))
            with open_compressed(str(path), spec.compression) as out:
                sink = _Tally(out)
                splicer = Splicer(cast(BinaryIO, intake), cast(BinaryIO, sink))
                self._edit(mine, bad, reader, splicer, account)
                splicer.finish()
        account.bytes_in, account.bytes_kept = intake.size, sink.size
        account.input_hash, account.output_hash = intake.digest.hexdigest(), sink.digest.hexdigest()
        if spec.format in ("text", "markdown") and account.records_kept == 0:
            path.unlink()  # a file whose only record is gone
            account.output_hash = None

    def _note(self, edit: _Edit, raw: bytes, account: Account) -> None:
        if edit.quarantined:
            account.bytes_quarantined += len(raw)
            self._quarantine.plain(with_raw(edit.line, raw))
            return
        account.bytes_removed += len(raw)
        first = self._first.get(edit.removal)  # of a cut that an earlier one divides, this may be a later stretch
        name = self._removed.write(with_raw({**edit.line, "of": first} if first else edit.line, raw))
        if edit.removal >= 0:
            self._first.setdefault(edit.removal, name)
        for line in edit.inside:
            self._removed.write({**line, "within": name})

    def _edit(self, mine: I64, bad: list[BadRecord], reader: SourceReader, splicer: Splicer, account: Account) -> None:
        """Take out what goes from one source, by byte offset."""
        waiting = deque(sorted(bad, key=lambda record: record.offset))
        name = reader.source.name
        for document in self._touched(mine):
            offset, length = self._corpus.positions[document].tolist()
            self._bad_before(waiting, offset, name, splicer, account)
            raw = splicer.take(offset, length)
            if not self._left.dropped[document]:
                self._cut(document, raw, offset, reader, splicer, account)
                continue
            if not self._left.edited[document] and self._dropped(document, raw, offset, account):
                continue
            inside = [line for *_, line in self._lines.cuts(document)] if self._left.edited[document] else []
            line = {**self._lines.drop(document), "offset": offset, "record_hash": text_hash(raw)}
            self._note(_Edit(line, inside=inside), raw, account)
        self._bad_before(waiting, None, name, splicer, account)

    def _dropped(self, document: int, raw: bytes, offset: int, account: Account) -> bool:
        """Say of a record that it went, in one piece; whether that is all there is to say of it."""
        told, quoted = self._lines.drop_encoded(document), kernels.quoted(raw)
        if told is None or not quoted:
            return False
        account.bytes_removed += len(raw)
        self._removed.members(
            b'%b,"offset":%d,"record_hash":"%b","raw":%b' % (told, offset, text_hash(raw).encode(), quoted)
        )
        return True

    def _touched(self, mine: I64) -> list[int]:
        """Those of the documents that are dropped or cut."""
        touched = self._left.dropped[mine] | self._left.edited[mine]
        found: list[int] = mine[touched].tolist()
        return found

    def _cut(
        self, document: int, raw: bytes, offset: int, reader: SourceReader, splicer: Splicer, account: Account
    ) -> None:
        found = list(self._lines.cuts(document))
        spans = reader.settle(raw, [(number, *span) for _, number, span, _ in found])
        record_hash = text_hash(raw)
        place = 0
        for (removal, _, span, line), settled, (start, end) in zip(
            found, spans, reader.locate(raw, spans), strict=True
        ):
            if end == start:
                continue
            line |= {"offset": offset + start, "record_hash": record_hash}
            if settled[1:] != span:
                line |= {"start": line["start"] + settled[1] - span[0], "end": line["end"] + settled[2] - span[1]}
            splicer.keep(raw[place:start])
            self._note(_Edit(line, removal=removal), raw[start:end], account)
            place = end
        splicer.keep(raw[place:])

    def _bad_before(
        self, waiting: deque[BadRecord], offset: int | None, name: str, splicer: Splicer, account: Account
    ) -> None:
        while waiting and (offset is None or waiting[0].offset < offset):
            record = waiting.popleft()
            line = {
                "source": name,
                "record": record.record,
                "offset": record.offset,
                "length": record.length,
                "reason": record.reason,
            }
            if self._keep_bad:
                self._quarantine.plain({**line, "action": "keep"})
            else:
                raw = splicer.take(record.offset, record.length)
                self._note(_Edit({**line, "action": "quarantine"}, quarantined=True), raw, account)

    def _rows(self, source: int, mine: I64, path: Path, account: Account) -> None:
        """A Parquet source is written anew, row group by row group."""
        from dedup.formats.parquet import row_group_sizes, text_digest
        from dedup.formats.rewrite import Cuts, Drop, rewrite

        spec, names = self._corpus.sources[source], self._corpus.fields[source].text
        edits: dict[int, Drop | Cuts] = {}
        pending: deque[_Edit] = deque()
        for document in self._touched(mine):
            row = int(self._corpus.record[document])
            shared = {"offset": row, "record_hash": text_hash(self._corpus.text(document))}
            if self._left.dropped[document]:
                inside = [line for *_, line in self._lines.cuts(document)]
                edits[row] = Drop()
                pending.append(_Edit({**self._lines.drop(document), **shared}, inside=inside, whole=True))
                continue
            found = list(self._lines.cuts(document))
            edits[row] = Cuts(tuple((number, *span) for _, number, span, _ in found))
            pending.extend(
                _Edit({**line, **shared, "column": names[number]}, removal=removal)
                for removal, number, _, line in found
            )
        for row, raw in rewrite(spec.path, str(path), names, edits):
            edit = pending.popleft()
            size = int(self._corpus.positions[mine[np.searchsorted(self._corpus.record[mine], row)], 1])
            account.bytes_removed += (size if edit.whole else len(raw)) - len(raw)  # a row counts its text
            self._note(edit, raw, account)
        account.bytes_in, account.input_hash = text_digest(spec.path, self._corpus.fields[source])
        account.bytes_kept, account.output_hash = text_digest(str(path), self._corpus.fields[source])
        account.row_groups = row_group_sizes(spec.path)
