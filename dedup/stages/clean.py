"""Documents + removals -> cleaned documents, and a log of what was taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from dedup import kernels
from dedup.backends.beside import Beside
from dedup.errors import IntegrityError
from dedup.formats import SourceReader, open_source
from dedup.formats.compression import open_compressed, open_decompressed
from dedup.formats.splice import Splicer
from dedup.ledger.left import Left
from dedup.ledger.lines import LogLines
from dedup.ledger.telling import Pieces, Teller
from dedup.log import Line, LineWriter, encoded, file_digest, text_hash, with_raw
from dedup.model import I64, U8, BadRecord, Batch, rows_of, take

if TYPE_CHECKING:
    from dedup.formats.rewrite import Cuts, Drop

BLOCK_BYTES = 1 << 21
"""Raw records of which something goes are held so many bytes at a time, or one by one where one is longer."""
READY_DOCUMENTS = 1 << 11
"""Documents that rows are made for at a time: of many small files each has few."""

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
    """A binary stream that counts and hashes what passes through it, and writes and hashes beside the caller."""

    stream: BinaryIO
    beside: Beside
    size: int = 0
    digest: Any = field(default_factory=file_digest)

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.size += len(data)
        self.beside.call(self.digest.update, data)
        return data

    def write(self, data: bytes | memoryview) -> int:
        self.size += len(data)
        self.beside.call(self._write, data)
        return len(data)

    def _write(self, data: bytes | memoryview) -> None:
        self.digest.update(data)
        self.stream.write(data)

    def seekable(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Block:
    """Whole raw records of which something goes, and what stands between them.

    Attributes:
        raw: uint8[...].
        offset: where it begins in the source.
        records: int64[d, 2], the range of each record in it.
        which: int64[d], its document; of a bad record its place among those, from the end: -1 is the first.
    """

    raw: U8
    offset: int
    records: I64
    which: I64


@dataclass(frozen=True, slots=True)
class _Ready:
    """Rows that were made for documents to come: of the touched ones from the place `first` on, `bounds` int64[n + 1] apart."""

    first: int
    bounds: I64
    rows: Batch


class Cleaner:
    """Writes what is left of each source, and the log.

    Args:
        left: what is left of the documents.
        lines: makes the lines of the log.
        removed, quarantine: the two logs.
        keep_bad: whether bad records stay in their place.
        beside: does what can be done beside.
    """

    def __init__(
        self, left: Left, lines: LogLines, removed: LineWriter, quarantine: LineWriter, keep_bad: bool, beside: Beside
    ) -> None:
        self._beside = beside
        self._left = left
        self._corpus = left.corpus
        self._lines = lines
        self._teller = Teller(lines, removed)
        self._quarantine = quarantine
        self._keep_bad = keep_bad
        self._bounds = np.searchsorted(self._corpus.source, np.arange(len(self._corpus.sources) + 1))
        self._bad: dict[int, list[BadRecord]] = {}
        for record in self._corpus.bad:
            self._bad.setdefault(record.source, []).append(record)
        self._touched = np.flatnonzero(left.dropped | left.edited)
        self._ready = _Ready(0, np.zeros(1, np.int64), lines.rows(np.zeros(0, np.int64)))

    def finish(self) -> None:
        """Write what is still to be told: after the last source."""
        self._teller.finish()

    def clean(self, source: int, target: Path) -> Account:
        """Write one source below `target`.

        Raises:
            IntegrityError: the account does not add up.
            InputChangedError: the source is not as it was read.
        """
        mine = np.arange(self._bounds[source], self._bounds[source + 1])
        bad = self._bad.get(source, [])
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
        with Path(self._corpus.sources[source].path).open("rb") as stream, path.open("wb") as out, self._beside.done():
            sink = _Tally(out, self._beside)
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
            intake = _Tally(cast(BinaryIO, stream), self._beside)
            with open_compressed(str(path), spec.compression) as out, self._beside.done():
                sink = _Tally(out, self._beside)
                splicer = Splicer(cast(BinaryIO, intake), cast(BinaryIO, sink))
                self._edit(mine, bad, reader, splicer, account)
                splicer.finish()
        account.bytes_in, account.bytes_kept = intake.size, sink.size
        account.input_hash, account.output_hash = intake.digest.hexdigest(), sink.digest.hexdigest()
        if spec.format in ("text", "markdown") and account.records_kept == 0:
            path.unlink()  # a file whose only record is gone
            account.output_hash = None

    def _edit(self, mine: I64, bad: list[BadRecord], reader: SourceReader, splicer: Splicer, account: Account) -> None:
        """Take out what goes from one source, by byte offset."""
        bad = sorted(bad, key=lambda record: record.offset)
        if self._keep_bad:
            for record in bad:
                self._quarantine.plain(_bad_line(record, account.name, "keep"))
            bad = []
        documents = self._touched_of(mine)
        if not len(documents) and not bad:
            return
        which, places = documents, self._corpus.positions[documents]
        if bad:
            which = np.concatenate([documents, -1 - np.arange(len(bad))])
            places = np.concatenate([places, np.array([(record.offset, record.length) for record in bad], np.int64)])
            order = np.argsort(places[:, 0], kind="stable")
            which, places = which[order], places[order]
        starts, ends = places[:, 0], places[:, 0] + places[:, 1]
        first = 0
        while first < len(which):
            offset = int(starts[first])
            last = max(int(np.searchsorted(ends, offset + BLOCK_BYTES, "right")), first + 1)
            raw = np.frombuffer(splicer.take(offset, int(ends[last - 1]) - offset), np.uint8)
            records = places[first:last].copy()
            records[:, 0] -= offset
            records[:, 1] += records[:, 0]
            block = _Block(raw, offset, records, which[first:last])
            if bad:
                moved = self._move_bad(block, bad, account)
                is_document = block.which >= 0
                block = replace(block, records=records[is_document], which=block.which[is_document])
                gone = np.concatenate([self._tell(block, reader, account), moved])
            else:
                gone = self._tell(block, reader, account)
            splicer.keep(_without(raw, gone))
            first = last

    def _touched_of(self, mine: I64) -> I64:
        """Those of consecutive documents that are dropped or cut."""
        first, last = self._touched.searchsorted((mine[0], mine[-1] + 1)) if len(mine) else (0, 0)
        return self._touched[first:last]

    def _rows_of(self, documents: I64) -> Batch:
        """The rows of consecutive ones of the documents that are dropped or cut; made for many at a time."""
        first = int(self._touched.searchsorted(documents[0])) if len(documents) else self._ready.first
        last, ready = first + len(documents), self._ready
        if first < ready.first or last > ready.first + len(ready.bounds) - 1:
            chosen = self._touched[first : max(last, first + READY_DOCUMENTS)]
            rows = self._lines.rows(chosen)
            ready = self._ready = _Ready(first, np.searchsorted(rows["owner"], np.arange(len(chosen) + 1)), rows)
        mine = slice(ready.bounds[first - ready.first], ready.bounds[last - ready.first])
        rows = {name: column[mine] for name, column in ready.rows.items()}
        return {**rows, "owner": rows["owner"] - (first - ready.first)}

    def _tell(self, block: _Block, reader: SourceReader, account: Account) -> I64:
        """Say in the log what goes of the documents of a block; the byte ranges, int64[n, 2]."""
        records = block.records
        if not len(records):
            return records
        rows = self._rows_of(block.which)
        ranges = records[rows["owner"]]
        ranges[rows["inside"]] = 0, -1
        if rows["is_cut"].any():
            rows, ranges = self._located(rows, ranges, block.raw, records, reader)
        hashes = [b'"%b"' % text_hash(block.raw[start:end].data).encode() for start, end in records.tolist()]
        gone: I64 = ranges[~rows["inside"]]
        account.bytes_removed += int((gone[:, 1] - gone[:, 0]).sum())
        told = [
            None if within else hashes[record]
            for record, within in zip(rows["owner"].tolist(), rows["inside"].tolist(), strict=True)
        ]
        offset = np.where(rows["inside"], -1, ranges[:, 0] + block.offset)
        self._teller.add(Pieces(rows, block.raw, ranges, offset, told, [None] * len(told)))
        return gone

    def _located(self, rows: Batch, ranges: I64, raw: U8, records: I64, reader: SourceReader) -> tuple[Batch, I64]:
        """Rows with the spans that are cut in truth, and the byte ranges of these; without those of which nothing is cut."""
        is_cut, ranges = rows["is_cut"], ranges.copy()
        cuts = take(rows, is_cut)
        spans = np.stack([cuts["field"], cuts["start"] - cuts["low"], cuts["end"] - cuts["low"]], axis=1)
        settled, ranges[is_cut] = reader.ranges(raw, records, cuts["owner"], spans)
        start, end = rows["told_start"].copy(), rows["told_end"].copy()
        start[is_cut] += settled[:, 0] - spans[:, 1]
        end[is_cut] += settled[:, 1] - spans[:, 2]
        # restoring goes by bytes, and a record may have its fields in another order than they were named in
        order = np.lexsort((np.where(is_cut, ranges[:, 0], 0), rows["owner"]))
        some = order[~is_cut[order] | (ranges[order, 1] > ranges[order, 0])]
        return take({**rows, "told_start": start, "told_end": end}, some), ranges[some]

    def _move_bad(self, block: _Block, bad: list[BadRecord], account: Account) -> I64:
        """Put the bad records of a block into the quarantine; their byte ranges, int64[n, 2]."""
        is_bad = block.which < 0
        gone: I64 = block.records[is_bad]
        for number, (start, end) in zip((-1 - block.which[is_bad]).tolist(), gone.tolist(), strict=True):
            account.bytes_quarantined += end - start
            line = _bad_line(bad[number], account.name, "quarantine")
            self._quarantine.plain(with_raw(line, block.raw[start:end].tobytes()))
        return gone

    def _rows(self, source: int, mine: I64, path: Path, account: Account) -> None:
        """A Parquet source is written anew, row group by row group."""
        from dedup.formats.parquet import row_group_sizes, text_digest
        from dedup.formats.rewrite import rewrite

        spec, names = self._corpus.sources[source], self._corpus.fields[source].text
        rows = self._rows_of(self._touched_of(mine))
        parts: list[bytes] = []
        first = size = 0
        said = np.flatnonzero(~rows["inside"])
        for row, (_, raw) in zip(said.tolist(), rewrite(spec.path, str(path), names, self._edits(rows)), strict=True):
            if size >= BLOCK_BYTES and rows["owner"][row] != rows["owner"][row - 1]:
                self._tell_rows(take(rows, np.arange(first, row)), parts, names, account)
                first, size, parts = row, 0, []
            parts.append(raw)
            size += len(raw)
        self._tell_rows(take(rows, np.arange(first, rows_of(rows))), parts, names, account)
        account.bytes_in, account.input_hash = text_digest(spec.path, self._corpus.fields[source])
        account.bytes_kept, account.output_hash = text_digest(str(path), self._corpus.fields[source])
        account.row_groups = row_group_sizes(spec.path)

    def _edits(self, rows: Batch) -> dict[int, Drop | Cuts]:
        """What is to be done with the rows of a Parquet source."""
        from dedup.formats.rewrite import Cuts, Drop

        spans: dict[int, list[tuple[int, int, int]]] = {}
        columns = (rows["document"], rows["field"], rows["start"] - rows["low"], rows["end"] - rows["low"])
        for document, *span in zip(*(column.tolist() for column in columns), strict=True):
            spans.setdefault(document, []).append((span[0], span[1], span[2]))
        return {
            self._corpus.record.item(document): Drop() if self._left.dropped[document] else Cuts(tuple(mine))
            for document, mine in spans.items()
        }

    def _tell_rows(self, rows: Batch, parts: list[bytes], names: Sequence[str], account: Account) -> None:
        """Say in the log what went of rows of a Parquet source; `parts`: what was taken, of each row that is not inside another."""
        inside = rows["inside"]
        dropped = self._left.dropped[rows["document"]]
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        ranges = np.full((rows_of(rows), 2), (0, -1), np.int64)
        ranges[~inside, 1], ranges[~inside, 0] = ends, np.concatenate([[0], ends])[:-1]
        whole = self._corpus.positions[rows["document"][dropped & ~inside], 1]  # a row counts its text
        account.bytes_removed += int(whole.sum() + (ranges[~dropped, 1] - ranges[~dropped, 0]).sum())
        hashes: list[bytes | None] = [None] * len(inside)
        column: list[bytes | None] = [None] * len(inside)
        known = -1, b""
        for row in np.flatnonzero(~inside).tolist():
            document = rows["document"].item(row)
            if known[0] != document:
                known = document, b'"%b"' % text_hash(self._corpus.text(document)).encode()
            hashes[row] = known[1]
            if not dropped[row]:
                column[row] = encoded(names[rows["field"].item(row)]).encode("utf-8")
        offset = np.where(inside, -1, self._corpus.record[rows["document"]])
        raw = np.frombuffer(b"".join(parts), np.uint8)
        self._teller.add(Pieces(rows, raw, ranges, offset, hashes, column))


def _without(raw: U8, gone: I64) -> memoryview:
    """Bytes less disjoint ranges of them."""
    if len(gone) == 1 and gone[0, 1] - gone[0, 0] == len(raw):
        return memoryview(b"")
    gone = gone[np.argsort(gone[:, 0], kind="stable")]
    starts, ends = np.append(0, gone[:, 1]), np.append(gone[:, 0], len(raw))
    kept = np.empty(int((ends - starts).sum()), np.uint8)
    kernels.gather(raw, starts, ends, kept)
    return kept.data


def _bad_line(record: BadRecord, name: str, action: str) -> Line:
    return {"source": name, "record": record.record, "offset": record.offset, "length": record.length,
            "reason": record.reason, "action": action}  # fmt: skip
