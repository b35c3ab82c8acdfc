"""CSV and TSV: rows as RFC 4180 has them, found with their byte ranges; values are text and never written again.

https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from dedup.errors import FormatError
from dedup.formats.base import MAX_RECORD_BYTES, META, Batcher, Range, Span
from dedup.formats.compression import InputStream, open_decompressed
from dedup.formats.fields import Column, resolve, unresolved
from dedup.formats.places import Places, locate_spans, settle_spans
from dedup.formats.text import HEAD_BYTES, foreign_reason
from dedup.model import Documents, Fields, Source

BOM = b"\xef\xbb\xbf"
SAMPLE_RECORDS = 100
_READ_BYTES = 1 << 20
_QUOTE = b'"'
_DOUBLED = re.compile(rb'""')
_LINE_ENDS = (b"\n", b"\r")


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
        self._batch_bytes = batch_bytes
        self._header: list[str] = []
        self._separator = b"\t" if source.format == "tsv" else b","
        with open_decompressed(source.path, source.compression) as stream:
            lines = _Lines(stream)
            if foreign_reason(lines.head) is None:
                self._read_header(lines)
            self.fields = self._resolve(fields, lines)
        self._text_columns = [self._header.index(name) for name in self.fields.text if name in self._header]
        names = (getattr(self.fields, role) for role in META)
        self._meta_columns = [self._header.index(name) for name in names if name in self._header]

    def read(self) -> Iterator[Documents]:
        """Yield the documents. See `SourceReader.read`."""
        batcher = Batcher(self.source, self.fields, self._batch_bytes)
        with open_decompressed(self.source.path, self.source.compression) as stream:
            lines = _Lines(stream)
            reason = foreign_reason(lines.head)
            if reason is not None:
                batcher.spoil(0, lines.count_rest(), reason)
            elif self._header:
                _next_row(lines, self._separator)
                for row in self._rows(lines):
                    self._add(batcher, row)
                    if batcher.full:
                        yield batcher.take(stream.consumed())
            yield from batcher.last(stream.consumed())

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:
        """See `SourceReader.settle`."""
        return settle_spans([places for places, _ in self._places(raw)], spans)

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:
        """See `SourceReader.locate`."""
        fields = self._places(raw)
        ranges = locate_spans([places for places, _ in fields], spans)
        starts = [fields[index][1] for index, _, _ in spans]
        return [(first + start, first + end) for first, (start, end) in zip(starts, ranges, strict=True)]

    def _places(self, raw: bytes) -> list[tuple[Places, int]]:
        row = _Row(self._separator)
        for line in raw.splitlines(keepends=True) or [b""]:
            row.feed(line)
        if len(row.values) != len(self._header):
            raise ValueError("the bytes are not one row of this file; give the raw record as it was read")
        found: list[tuple[Places, int]] = []
        for start, end, quoted in (row.values[column] for column in self._text_columns):
            inside = raw[start:end]
            found.append((_QuotedPlaces(inside) if quoted else _BarePlaces(inside), start))
        return found

    def _read_header(self, lines: _Lines) -> None:
        row = _next_row(lines, self._separator)
        if row is not None and self.source.format == "csv" and b"," not in row.lines[0][0]:
            first = row.lines[0][0]
            self._separator = next((mark for mark in (b";", b"\t") if mark in first), b",")
            lines.back(row.lines)
            row = _next_row(lines, self._separator)
        if row is None:
            return
        if row.fault is not None:
            advice = "Mend the first row; it must name the fields."
            raise FormatError(f"the header row cannot be read: {row.fault}.", self.source.path, row.offset, advice)
        # Bytes that are not UTF-8 make a name that nobody can give, but the file is read.
        self._header = [value.decode("utf-8", "replace") for value in row.decoded()]

    def _resolve(self, given: Fields, lines: _Lines) -> Fields:
        if not self._header:
            return unresolved(given)

        def describe() -> list[Column]:
            columns = [Column(name, "string") for name in self._header]
            for row in islice(self._rows(lines), SAMPLE_RECORDS):
                for column, value in zip(columns, row.decoded() if row.fault is None else (), strict=False):
                    column.n_values += 1
                    column.n_bytes += len(value)
            return columns

        return resolve(self.source.path, given, dict.fromkeys(self._header, "string"), describe)

    def _rows(self, lines: _Lines) -> Iterator[_Row]:
        """Yield the rows after the header; one with another number of values than the header has a fault."""
        n = len(self._header)
        while (row := _next_row(lines, self._separator, blank=n == 1)) is not None:
            if row.fault is None and len(row.values) != n:
                row.fault = f"number of fields is {len(row.values):,}, the header has {n:,}"
            yield row

    def _add(self, batcher: Batcher, row: _Row) -> None:
        if row.fault is not None:
            batcher.spoil(row.offset, row.length, row.fault)
            return
        values = row.decoded()
        batcher.add(
            row.offset,
            row.length,
            [values[column] for column in self._text_columns],
            [values[column] for column in self._meta_columns],
        )


class _Lines:
    """Lines of a stream with their ends, and a way back for those of a row that turned out not to be one."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream
        self.head = stream.peek(HEAD_BYTES)[:HEAD_BYTES]
        self.offset = len(stream.read(len(BOM))) if self.head.startswith(BOM) else 0
        self._back: deque[tuple[bytes, int]] = deque()
        self._lines = _split_lines(stream)

    def next(self) -> tuple[bytes, int] | None:
        """Give the next line and its length; of a line that is too long only the length."""
        found = self._back.popleft() if self._back else next(self._lines, None)
        if found is not None:
            self.offset += found[1]
        return found

    def back(self, lines: Sequence[tuple[bytes, int]]) -> None:
        """Take lines back, to give them again."""
        self._back.extendleft(reversed(lines))
        self.offset -= sum(length for _, length in lines)

    def count_rest(self) -> int:
        """Read to the end and give the number of bytes since the start."""
        return self.offset + sum(map(len, iter(lambda: self._stream.read(_READ_BYTES), b"")))


def _split_lines(stream: InputStream) -> Iterator[tuple[bytes, int]]:
    held: list[bytes] = []  # the pieces of a line whose end was not read yet, and their bytes
    held_bytes = 0
    while piece := stream.read(_READ_BYTES):
        if piece.endswith(b"\r") and stream.peek(1)[:1] == b"\n":
            piece += stream.read(1)
        lines = piece.splitlines(keepends=True)
        if held_bytes or not lines[0].endswith(_LINE_ENDS):
            first = lines.pop(0)
            held_bytes += len(first)
            held = [*held, first] if held_bytes <= MAX_RECORD_BYTES else []
            if first.endswith(_LINE_ENDS):
                yield b"".join(held), held_bytes
                held, held_bytes = [], 0
        if lines and not lines[-1].endswith(_LINE_ENDS):
            held = [lines.pop()]
            held_bytes = len(held[0])
        yield from ((line, len(line)) for line in lines)
    if held_bytes:
        yield b"".join(held), held_bytes


@dataclass(slots=True)
class _Row:
    """One row, as its lines come in.

    Attributes:
        separator: one byte.
        offset, length: its place in the source.
        values: start and end of each value, without the quotes around it, and whether there are any.
        fault: why it cannot be read.
        lines: the lines with their lengths.
    """

    separator: bytes
    offset: int = 0
    length: int = 0
    values: list[tuple[int, int, bool]] = field(default_factory=list)
    fault: str | None = None
    lines: list[tuple[bytes, int]] = field(default_factory=list)
    _open: int = -1  # start of a value whose closing quote was not seen yet

    def decoded(self) -> list[bytes]:
        """Give the values, doubled quotes made single."""
        raw = self.lines[0][0] if len(self.lines) == 1 else b"".join(line for line, _ in self.lines)
        return [
            raw[start:end].replace(b'""', _QUOTE) if quoted else raw[start:end] for start, end, quoted in self.values
        ]

    def feed(self, line: bytes) -> bool:
        """Take the next line; say whether the row ends with it."""
        base = self.length
        end = base + len(_chomp(line))
        self.lines.append((line, len(line)))
        self.length += len(line)
        if _QUOTE not in line:
            if self._open < 0:
                self._take_bare(line, base, end)
            return self._open < 0
        at = base
        while at <= end:
            if self._open < 0:
                at = self._value(line, base, at, end)
            if self._open >= 0:
                at = self._close(line, base, at)
                if at < 0:
                    return False
            if at < end and line[at - base : at - base + 1] != self.separator:
                self.fault = f"text after the closing quote at byte {at + 1:,} of the row"
                return True
            at += 1
        return True

    def _take_bare(self, line: bytes, base: int, end: int) -> None:
        start = base
        for value in line[: end - base].split(self.separator):
            self.values.append((start, start + len(value), False))
            start += len(value) + 1

    def _value(self, line: bytes, base: int, at: int, end: int) -> int:
        """Start a value: take it whole if it is bare, or go past its opening quote."""
        if line[at - base : at - base + 1] == _QUOTE:
            self._open = at + 1
            return at + 1
        stop = line.find(self.separator, at - base, end - base)
        stop = end if stop < 0 else stop + base
        self.values.append((at, stop, False))
        return stop

    def _close(self, line: bytes, base: int, at: int) -> int:
        """Go past the closing quote; -1 if it is not on this line."""
        while (quote := line.find(_QUOTE, at - base)) >= 0:
            if line[quote + 1 : quote + 2] != _QUOTE:
                self.values.append((self._open, base + quote, True))
                self._open = -1
                return base + quote + 1
            at = base + quote + 2
        return -1


def _next_row(lines: _Lines, separator: bytes, blank: bool = False) -> _Row | None:
    """Take the next row; blank lines are passed over unless they are rows.

    Where quotes do not come out even, only the first line is a bad row: so the rows after it stay what they are.
    """
    row = _Row(separator, lines.offset)
    while (found := lines.next()) is not None:
        line, length = found
        if not row.lines and not blank and length == len(line) and not _chomp(line):
            row.offset = lines.offset
            continue
        if length > len(line) or row.length + length > MAX_RECORD_BYTES:
            row.lines.append(found)
            row.fault = f"longer than {MAX_RECORD_BYTES >> 20} MiB"
        elif not row.feed(line):
            continue
        break
    else:
        if not row.lines:
            return None
        row.fault = "a quote is opened and never closed"
    if row.fault is not None:
        lines.back(row.lines[1:])
        del row.lines[1:]
        row.length = row.lines[0][1]
    return row


def _chomp(line: bytes) -> bytes:
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith(_LINE_ENDS) else line
