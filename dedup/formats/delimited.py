"""CSV and TSV: rows as RFC 4180 has them, found with their byte ranges; values are text and never written again.

https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from dedup import kernels
from dedup.errors import FormatError
from dedup.formats.base import MAX_RECORD_BYTES, META, Ahead, Range, Span, field_bounds, text_fields
from dedup.formats.blocks import NOTHING
from dedup.formats.compression import InputStream, open_decompressed
from dedup.formats.fields import Column, resolve, unresolved
from dedup.formats.places import Places, locate_spans, settle_spans
from dedup.formats.ranges import by_record
from dedup.formats.stretches import Stretch, stretches
from dedup.formats.text import HEAD_BYTES, foreign_reason
from dedup.kernels.arrays import BARE, DOUBLED, OVERLONG, UNCLOSED, Rows
from dedup.model import I64, U8, BadRecord, Documents, Fields, Source, Strings

BOM = b"\xef\xbb\xbf"
SAMPLE_RECORDS = 100

BLOCK_BYTES = 1 << 21
"""Bytes that are read at a time: few enough to stay in a core's cache, so many that the calls for each cost nothing."""

HEADER_BYTES = 1 << 16
_QUOTE = b'"'
_DOUBLED = re.compile(rb'""')


class _QuotedPlaces(Places):
    """The places of a value in quotes."""

    def __init__(self, raw: bytes) -> None:
        starts = np.array([found.start() for found in _DOUBLED.finditer(raw)], np.int64)
        super().__init__(raw, (starts, starts + 2, np.ones_like(starts)))


class _BarePlaces(Places):
    """The places of a value without quotes around it."""

    def clashes(self, start: int, end: int) -> bool:
        """Whether a quote would come to stand at the start, where it would open a quoted value."""
        return start == 0 and self.raw[end : end + 1] == _QUOTE


class DelimitedReader:
    """Reader of `.csv` and `.tsv`. The first row names the fields; it, a BOM and blank lines belong to no record.

    Lines end in LF, CRLF or CR. A blank line is a record only where there is a single field, for so stands an empty
    value there. The separator of CSV is a comma, or what the header has in its place: a semicolon or a tab.
    """

    def __init__(self, source: Source, fields: Fields, batch_bytes: int) -> None:
        self.source = source
        self._block_bytes = min(batch_bytes, BLOCK_BYTES)
        self._separator = b"\t" if source.format == "tsv" else b","
        self._header: list[str] = []
        self._begin = 0  # where the rows after the header begin
        self._read_header()
        self.fields = self._resolve(fields)
        self._roles = [role for role in META if getattr(self.fields, role) is not None]
        names = (*self.fields.text, *(getattr(self.fields, role) for role in self._roles))
        self._columns = [self._header.index(name) for name in names] if self._header else [0] * len(names)

    def read(self, ahead: Ahead | None = None) -> Iterator[Documents]:  # noqa: ARG002 - as all readers
        """Yield the documents. See `SourceReader.read`."""
        record = told = 0
        with open_decompressed(self.source.path, self.source.compression) as stream:
            reason = foreign_reason(stream.peek(HEAD_BYTES)[:HEAD_BYTES])
            if reason is not None:
                length = sum(map(len, iter(lambda: stream.read(BLOCK_BYTES), b"")))
                bad = BadRecord(self.source.index, 0, 0, length, reason)
                yield replace(self._documents(self._nothing(), 0, stream.consumed()), bad=(bad,))
                return
            for stretch in self._stretches(stream, self._columns, self._block_bytes):
                yield self._documents(stretch, record, stream.consumed() - told)
                told = stream.consumed()
                record += len(stretch.rows.counts)
            if stream.consumed() > told:
                yield self._documents(self._nothing(), record, stream.consumed() - told)

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:
        """See `SourceReader.settle`."""
        return settle_spans([places for places, _ in self._places(raw)], spans)

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:
        """See `SourceReader.locate`."""
        fields = self._places(raw)
        ranges = locate_spans([places for places, _ in fields], spans)
        starts = [fields[index][1] for index, _, _ in spans]
        return [(first + start, first + end) for first, (start, end) in zip(starts, ranges, strict=True)]

    def ranges(self, block: U8, records: I64, owner: I64, spans: I64) -> tuple[I64, I64]:
        """See `SourceReader.ranges`."""
        return by_record(self, block, records, owner, spans)

    def _places(self, raw: bytes) -> list[tuple[Places, int]]:
        # A value of which nothing is left is a blank line, and at the end of a file not even that.
        found = self._find(np.frombuffer(raw or b"\\n", np.uint8), True, self._columns[: len(self.fields.text)])
        if found.counts.tolist() != [len(self._header)] or found.places[0].tolist() != [0, len(raw or b"\\n")]:
            raise ValueError("the bytes are not one row of this file; give the raw record as it was read")
        fields: list[tuple[Places, int]] = []
        for kind, (start, end) in zip(found.kinds[0].tolist(), found.ranges[0].tolist(), strict=True):
            inside = raw[start:end]
            fields.append((_BarePlaces(inside) if kind == BARE else _QuotedPlaces(inside), start))
        return fields

    def _documents(self, stretch: Stretch, first: int, consumed: int) -> Documents:
        """The documents of a stretch; `first` is the number of its first record."""
        rows, good = stretch.rows, np.flatnonzero(stretch.rows.counts == len(self._header))
        n_texts, kinds, ranges = len(self.fields.text), rows.kinds[good], rows.ranges[good]
        starts, ends, doubled = ranges[:, :, 0], ranges[:, :, 1], kinds == DOUBLED
        lengths, text = text_fields(
            kernels.unquote, stretch.block, starts[:, :n_texts], ends[:, :n_texts], doubled[:, :n_texts]
        )
        meta = {
            role: Strings(*kernels.unquote(stretch.block, starts[:, i], ends[:, i], doubled[:, i]))
            for i, role in enumerate(self._roles, n_texts)
        }
        places = rows.places[good]
        return Documents(
            source=self.source.index,
            records=good + first,
            positions=np.stack([places[:, 0] + stretch.offset, places[:, 1] - places[:, 0]], axis=1),
            text=text,
            bounds=field_bounds(lengths),
            meta=meta,
            bad=tuple(self._bad(stretch, first)),
            consumed=consumed,
        )

    def _bad(self, stretch: Stretch, first: int) -> Iterator[BadRecord]:
        """The rows of a stretch that are no documents."""
        rows, n = stretch.rows, len(self._header)
        for row in np.flatnonzero(rows.counts != n).tolist():
            start, end = rows.places[row].tolist()
            reason = _reason(int(rows.faults[row]))
            reason = reason or f"number of fields is {rows.counts[row]:,}, the header has {n:,}"
            yield BadRecord(self.source.index, first + row, stretch.offset + start, end - start, reason)

    def _find(self, block: U8, at_end: bool, columns: Sequence[int]) -> Rows:
        wanted, blank = np.array(columns, np.int64), len(self._header) == 1
        return kernels.delimited(block, wanted, self._separator[0], blank, at_end, MAX_RECORD_BYTES)

    def _nothing(self) -> Stretch:
        return Stretch(0, NOTHING, self._find(NOTHING, True, self._columns))

    def _stretches(self, stream: InputStream, columns: Sequence[int], size: int) -> Iterator[Stretch]:
        """The rows after the header, or from the first on while that is not known."""
        begin = self._begin or (len(BOM) if stream.peek(len(BOM)).startswith(BOM) else 0)
        return stretches(
            stream,
            len(stream.read(begin)),
            size,
            MAX_RECORD_BYTES,
            lambda block, at_end: self._find(block, at_end, columns),
        )

    def _read_header(self) -> None:
        found = self._first_row()
        if found is not None and self.source.format == "csv":
            first_line = next(iter(found[0].splitlines()), b"")
            if b"," not in first_line:
                self._separator = next((mark for mark in (b";", b"\t") if mark in first_line), b",")
                found = self._first_row()
        if found is None:
            return
        raw, offset, reason = found
        if reason is not None:
            advice = "Mend the first row; it must name the fields."
            raise FormatError(f"the header row cannot be read: {reason}.", self.source.path, offset, advice)
        block = np.frombuffer(raw, np.uint8)
        n = int(self._find(block, True, ()).counts[0])
        row = self._find(block, True, range(n))
        values = Strings(*kernels.unquote(block, row.ranges[0, :, 0], row.ranges[0, :, 1], row.kinds[0] == DOUBLED))
        # Bytes that are not UTF-8 make a name that nobody can give, but the file is read.
        self._header = [value.decode("utf-8", "replace") for value in values]
        self._begin = offset + len(raw)

    def _first_row(self) -> tuple[bytes, int, str | None] | None:
        """The first row, where it stands, and why it cannot be read."""
        with open_decompressed(self.source.path, self.source.compression) as stream:
            if foreign_reason(stream.peek(HEAD_BYTES)[:HEAD_BYTES]) is not None:
                return None
            for stretch in self._stretches(stream, (), HEADER_BYTES):
                for (start, end), fault in zip(stretch.rows.places.tolist(), stretch.rows.faults.tolist(), strict=True):
                    return stretch.block[start:end].tobytes(), stretch.offset + start, _reason(fault)
        return None

    def _resolve(self, given: Fields) -> Fields:
        if not self._header:
            return unresolved(given)
        return resolve(self.source.path, given, dict.fromkeys(self._header, "string"), self._described)

    def _described(self) -> list[Column]:
        """The fields, as the first rows have them."""
        columns = [Column(name, "string") for name in self._header]
        left = SAMPLE_RECORDS
        with open_decompressed(self.source.path, self.source.compression) as stream:
            for stretch in self._stretches(stream, range(len(columns)), HEADER_BYTES):
                rows = stretch.rows
                good = np.flatnonzero(rows.counts[:left] == len(columns))
                for i, column in enumerate(columns):
                    starts, ends = rows.ranges[good, i, 0], rows.ranges[good, i, 1]
                    values, _ = kernels.unquote(stretch.block, starts, ends, rows.kinds[good, i] == DOUBLED)
                    column.n_values += len(good)
                    column.n_bytes += len(values)
                left -= len(rows.counts)
                if left <= 0:
                    break
        return columns


def _reason(fault: int) -> str | None:
    """Say what is wrong with a row."""
    if fault == UNCLOSED:
        return "a quote is opened and never closed"
    if fault == OVERLONG:
        return f"longer than {MAX_RECORD_BYTES >> 20} MiB"
    return f"text after the closing quote at byte {fault:,} of the row" if fault else None
