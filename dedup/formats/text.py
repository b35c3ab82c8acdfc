"""Plain text and Markdown: one file is one record, its whole content the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dedup.formats.base import MAX_RECORD_BYTES, Ahead, Range, Span, check_spans
from dedup.formats.compression import open_decompressed
from dedup.formats.ranges import by_record
from dedup.model import I64, U8, BadRecord, Documents, Fields, Source, Strings

_WIDE = "{} text; convert it to UTF-8 first, for example with iconv"
_PACKED = "{} data under a name that does not say so; unpack it, or let the name end in {}"
# The longer marks first: the mark of UTF-32 starts with that of UTF-16.
_FOREIGN = {
    b"\xff\xfe\x00\x00": _WIDE.format("UTF-32"),
    b"\x00\x00\xfe\xff": _WIDE.format("UTF-32"),
    b"\xff\xfe": _WIDE.format("UTF-16"),
    b"\xfe\xff": _WIDE.format("UTF-16"),
    b"\x1f\x8b": _PACKED.format("gzip", ".gz"),
    b"\x28\xb5\x2f\xfd": _PACKED.format("zstd", ".zst"),
}
_MARKS = tuple(_FOREIGN)
HEAD_BYTES = 4
_READ_BYTES = 1 << 20


def foreign_reason(head: bytes) -> str | None:
    """Say why a file that starts with these bytes is none of lines of UTF-8, if its first bytes tell."""
    if not head.startswith(_MARKS):
        return None
    return next(reason for mark, reason in _FOREIGN.items() if head.startswith(mark))


class TextReader:
    """Reader of `.txt` and `.md`. An empty file is one document with empty text; a UTF-8 BOM stays in the text."""

    def __init__(self, source: Source, fields: Fields, batch_bytes: int) -> None:  # noqa: ARG002 - as all readers
        self.source = source
        # Names given for other INPUTs mean nothing here: plain text has no fields but its text.
        self.fields = Fields(("text",))

    def read(self, ahead: Ahead | None = None) -> Iterator[Documents]:  # noqa: ARG002 - as all readers
        """Yield the one document. See `SourceReader.read`."""
        with open_decompressed(self.source.path, self.source.compression) as stream:
            reason = foreign_reason(stream.peek(HEAD_BYTES)[:HEAD_BYTES])
            pieces: list[bytes] = []
            length = 0
            while piece := stream.read(_READ_BYTES):
                length += len(piece)
                if length > MAX_RECORD_BYTES:
                    reason = reason or f"longer than {MAX_RECORD_BYTES >> 20} MiB; split the file"
                if reason is None:
                    pieces.append(piece)
                else:
                    pieces.clear()
            bad = () if reason is None else (BadRecord(self.source.index, 0, 0, length, reason),)
            yield self._documents(b"".join(pieces), bad, stream.consumed())

    def _documents(self, text: bytes, bad: tuple[BadRecord, ...], consumed: int) -> Documents:
        n, size = 0 if bad else 1, len(text)
        return Documents(
            source=self.source.index,
            records=np.zeros(n, np.int64),
            positions=np.array([(0, size)] * n, np.int64).reshape(n, 2),
            text=Strings(np.frombuffer(text, np.uint8), np.array([0, size][: n + 1], np.int64)),
            bounds=np.array([(0, size)] * n, np.int64).reshape(n, 1, 2),
            bad=bad,
            markdown=self.source.format == "markdown",
            consumed=consumed,
        )

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:  # noqa: ARG002
        """See `SourceReader.settle`: every span of plain text can be cut."""
        return list(spans)

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:
        """See `SourceReader.locate`: the text is the record."""
        check_spans(spans, (len(raw),))
        return [(start, end) for _, start, end in spans]

    def ranges(self, block: U8, records: I64, owner: I64, spans: I64) -> tuple[I64, I64]:
        """See `SourceReader.ranges`."""
        return by_record(self, block, records, owner, spans)
