"""Plain text and Markdown: one file is one record, its whole content the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dedup.formats.base import MAX_RECORD_BYTES, Batcher, Range, Span, check_spans
from dedup.formats.compression import open_decompressed
from dedup.model import Documents, Fields, Source

# The longer marks first: the mark of UTF-32 starts with that of UTF-16.
WIDE_BOMS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def wide_reason(head: bytes) -> str | None:
    """Say why a file that starts with these bytes cannot be read, if it is UTF-16 or UTF-32."""
    for bom, encoding in WIDE_BOMS.items():
        if head.startswith(bom):
            return f"{encoding} text; convert it to UTF-8 first, for example with iconv"
    return None


class TextReader:
    """Reader of `.txt` and `.md`. An empty file is one document with empty text; a UTF-8 BOM stays in the text."""

    def __init__(self, source: Source, fields: Fields, batch_bytes: int) -> None:  # noqa: ARG002
        self.source = source
        # Names given for other INPUTs mean nothing here: plain text has no fields but its text.
        self.fields = Fields(("text",))
        self._batch_bytes = batch_bytes

    def read(self) -> Iterator[Documents]:
        """Yield the one document. See `SourceReader.read`."""
        batcher = Batcher(self.source, self.fields, self._batch_bytes)
        with open_decompressed(self.source.path, self.source.compression) as stream:
            text = stream.read(MAX_RECORD_BYTES + 1)
            length = len(text)
            reason = wide_reason(text[:4])
            if length > MAX_RECORD_BYTES:
                reason = reason or f"longer than {MAX_RECORD_BYTES >> 20} MiB; split the file"
                text = b""
                while piece := stream.read(1 << 20):
                    length += len(piece)
            if reason is None:
                batcher.add(0, length, (text,))
            else:
                batcher.spoil(0, length, reason)
            yield batcher.take(stream.consumed())

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:  # noqa: ARG002
        """See `SourceReader.settle`: every span of plain text can be cut."""
        return list(spans)

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:
        """See `SourceReader.locate`: the text is the record."""
        check_spans(spans, (len(raw),))
        return [(start, end) for _, start, end in spans]
