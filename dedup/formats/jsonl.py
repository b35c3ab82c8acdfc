"""JSON Lines: one line is one record, a JSON object; nothing is ever written again as JSON, only cut."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from dedup.formats.base import MAX_RECORD_BYTES, META, Batcher, Range, Span
from dedup.formats.compression import InputStream, open_decompressed
from dedup.formats.escapes import BACKSLASH, JsonPlaces, unescape
from dedup.formats.fields import Column, resolve, unresolved
from dedup.formats.places import locate_spans, settle_spans
from dedup.formats.text import HEAD_BYTES, foreign_reason
from dedup.model import Documents, Fields, Source

SAMPLE_RECORDS = 1000
SAMPLE_BYTES = 1 << 20
"""The fields are looked for in so many first records, or in those that begin in so many first bytes."""

MAX_DEPTH = 400
"""Levels of nesting that are read. A limit of our own, because Python's depends on how deep the caller stands."""

BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
_SURROGATES = re.compile("[\ud800-\udfff]")
# Possessive, so that a string of millions of escapes takes no memory for ways back.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRINGS = re.compile(_STRING, re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_KEY = re.compile(rb"[\s,]*(" + _STRING + rb")\s*:\s*", re.DOTALL)
_NESTED = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_SCALAR = re.compile(rb"[^,}\]\s]+")


class _Number(str):
    """The digits of a JSON number as they stand in the record."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)


class _BadLineError(Exception):
    """A line that is not a document; the reason is its message."""


class JsonlReader:
    """Reader of `.jsonl`. Lines end in a line feed; blank lines are no records, a BOM at the start belongs to none."""

    def __init__(self, source: Source, fields: Fields, batch_bytes: int) -> None:
        self.source = source
        self._batch_bytes = batch_bytes
        self.fields = self._resolve(fields)
        self._keys = {name.encode("utf-8", "surrogatepass"): i for i, name in enumerate(self.fields.text)}

    def read(self) -> Iterator[Documents]:
        """Yield the documents. See `SourceReader.read`."""
        batcher = Batcher(self.source, self.fields, self._batch_bytes)
        text_names = self.fields.text
        meta_names = tuple(name for name in (getattr(self.fields, role) for role in META) if name is not None)
        with open_decompressed(self.source.path, self.source.compression) as stream:
            for offset, line, length, reason in _lines(stream):
                try:
                    if reason is not None:
                        raise _BadLineError(reason)
                    texts, meta = _values(line, text_names, meta_names)
                    batcher.add(offset, length, texts, meta)
                except _BadLineError as bad:
                    batcher.spoil(offset, length, str(bad))
                if batcher.full:
                    yield batcher.take(stream.consumed())
            yield from batcher.last(stream.consumed())

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:
        """See `SourceReader.settle`."""
        return settle_spans([JsonPlaces(raw[start:end]) for start, end in self._strings(raw)], spans)

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:
        """See `SourceReader.locate`."""
        strings = self._strings(raw)
        ranges = locate_spans([JsonPlaces(raw[start:end]) for start, end in strings], spans)
        starts = [strings[field][0] for field, _, _ in spans]
        return [(first + start, first + end) for first, (start, end) in zip(starts, ranges, strict=True)]

    def _strings(self, raw: bytes) -> list[Range]:
        """Find where each text field's string stands in the record, without its quotes; (0, 0) where there is none."""
        strings = [(0, 0)] * len(self._keys)
        for key, start, end in members(raw):
            field = self._keys.get(key)
            if field is not None:
                strings[field] = (start + 1, end - 1) if raw[start : start + 1] == b'"' else (0, 0)
        return strings

    def _resolve(self, given: Fields) -> Fields:
        """Look at the first records, and at further ones only for given fields that these do not have."""
        wanted = {name for name in (*given.text, *(getattr(given, role) for role in META)) if name is not None}
        columns: dict[str, Column] = {}
        n_records = 0
        with open_decompressed(self.source.path, self.source.compression) as stream:
            for offset, line, _, reason in _lines(stream):
                enough = n_records >= SAMPLE_RECORDS or (n_records and offset >= SAMPLE_BYTES)
                if enough and wanted <= columns.keys():
                    break
                record = _sample(line) if reason is None else None
                if record is not None:
                    n_records += 1
                    _count(columns, record)
        if not n_records:
            return unresolved(given)
        kinds = {name: column.kind for name, column in columns.items()}
        return resolve(self.source.path, given, kinds, lambda: list(columns.values()))


def _lines(stream: InputStream) -> Iterator[tuple[int, bytes, int, str | None]]:
    """Yield offset, bytes, length and (of one that cannot be read) the reason of each line that is not blank."""
    head = stream.peek(HEAD_BYTES)[:HEAD_BYTES]
    offset = 0
    reason = foreign_reason(head)
    if reason is not None:
        yield 0, b"", sum(map(len, iter(lambda: stream.read(1 << 20), b""))), reason
        return
    if head.startswith(BOM):
        offset = len(stream.read(len(BOM)))
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        length = len(line)
        if length > MAX_RECORD_BYTES:
            line = b""
            while piece := stream.readline(1 << 20):
                length += len(piece)
                if piece.endswith(b"\n"):
                    break
            yield offset, b"", length, f"longer than {MAX_RECORD_BYTES >> 20} MiB"
        elif line.strip(_WHITE):
            yield offset, line, length, None
        offset += length


def _values(line: bytes, text_names: Sequence[str], meta_names: Sequence[str]) -> tuple[list[bytes], list[bytes]]:
    """Decode the text fields and the other fields of a line."""
    try:
        record = _parse(line.decode())
    except UnicodeDecodeError:
        return _raw_values(line, text_names, meta_names)
    texts = []
    for name in text_names:
        value = record.get(name)
        if value is None:
            texts.append(b"")
        elif type(value) is str:
            texts.append(_encode(value))
        else:
            raise _BadLineError(f"the text field {name!r} is {_kind(value)}, not a string")
    return texts, [_encode(value) if isinstance(value := record.get(name), str) else b"" for name in meta_names]


def _raw_values(line: bytes, text_names: Sequence[str], meta_names: Sequence[str]) -> tuple[list[bytes], list[bytes]]:
    """Do as `_values` for a line with bytes that are not UTF-8, which the values keep as they are."""
    # The parser only proves that the line is an object: in what it decodes, bytes and escapes cannot be told apart.
    record = _parse(line.decode("utf-8", "surrogateescape"))
    slices: dict[bytes, bytes] = {}
    for key, start, end in members(line):
        slices[key] = line[start:end]
    texts, meta = [], []
    for name in text_names:
        value = slices.get(name.encode("utf-8", "surrogatepass"), b"null")
        if value != b"null" and not value.startswith(b'"'):
            raise _BadLineError(f"the text field {name!r} is {_kind(record.get(name))}, not a string")
        texts.append(b"" if value == b"null" else unescape(value[1:-1]))
    for name in meta_names:
        value = slices.get(name.encode("utf-8", "surrogatepass"), b"")
        if value.startswith(b'"'):
            meta.append(unescape(value[1:-1]))
        else:
            meta.append(value if isinstance(record.get(name), _Number) else b"")
    return texts, meta


def _parse(line: str) -> dict[str, object]:
    if line.count("[") + line.count("{") > MAX_DEPTH and _depth(line.encode("utf-8", "surrogateescape")) > MAX_DEPTH:
        raise _BadLineError(f"nested deeper than {MAX_DEPTH} levels")
    try:
        record = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        # The parser goes past the line's end before it misses something; the place is the same with an end and without.
        place = min(error.pos, len(line.rstrip()))
        column = len(line[:place].encode("utf-8", "surrogateescape")) + 1
        raise _BadLineError(f"not valid JSON: {error.msg.removesuffix(' at')} at byte {column:,} of the line") from None
    except RecursionError:
        raise _BadLineError(f"nested deeper than {MAX_DEPTH} levels") from None
    if type(record) is not dict:
        raise _BadLineError(f"{_kind(record)}, not a JSON object")
    return record


def _depth(line: bytes) -> int:
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", line)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _encode(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", value).encode()


def _kind(value: object) -> str:
    match value:
        case _Number():
            return "a number"
        case str():
            return "a string"
        case bool():
            return "true or false"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "null"


def members(raw: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield key (decoded) and the start and end of the value of each member of a record known to be a JSON object."""
    at = raw.index(b"{") + 1
    while (key := _KEY.match(raw, at)) is not None:
        start = key.end()
        end = _value_end(raw, start)
        name = key.group(1)[1:-1]
        yield (unescape(name) if BACKSLASH in name else name), start, end
        at = end


def _value_end(raw: bytes, start: int) -> int:
    first = raw[start : start + 1]
    if first in (b"{", b"["):
        depth = 0
        for token in _NESTED.finditer(raw, start):
            mark = token.group()
            if mark in (b"{", b"["):
                depth += 1
            elif mark in (b"}", b"]"):
                depth -= 1
                if depth == 0:
                    return token.end()
    match = (_STRINGS if first == b'"' else _SCALAR).match(raw, start)
    if match is None:
        raise ValueError(f"the record has no JSON value at byte {start}; give the raw record as it was read")
    return match.end()


def _sample(line: bytes) -> dict[str, object] | None:
    try:
        return _parse(line.decode("utf-8", "surrogateescape"))
    except _BadLineError:
        return None


def _count(columns: dict[str, Column], record: dict[str, object]) -> None:
    for name, value in islice(record.items(), SAMPLE_RECORDS):
        kind = _kind(value).removeprefix("a ").removeprefix("an ")
        column = columns.setdefault(name, Column(name, kind))
        if kind == "string" or column.kind == "null":
            column.kind = kind
        if isinstance(value, str) and kind == "string":
            column.n_values += 1
            column.n_bytes += len(value.encode("utf-8", "surrogatepass"))
