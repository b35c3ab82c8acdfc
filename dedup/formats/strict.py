"""One line of JSON, read with the standard parser: it decides what the fast reader of records is not sure of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from dedup.formats.escapes import BACKSLASH, unescape
from dedup.formats.fields import Column

MAX_DEPTH = 400
"""Levels of nesting that are read. A limit of our own, because Python's depends on how deep the caller stands."""

MOST_FIELDS = 1000
"""Fields of one record that are looked at when the fields of a source are looked for."""

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


class BadLineError(Exception):
    """A line that is not a document; the reason is its message."""


def values_of(line: bytes, text_names: Sequence[str], meta_names: Sequence[str]) -> tuple[list[bytes], list[bytes]]:
    """Decode the text fields and the other fields of a line.

    Lone surrogates become U+FFFD, bytes that are not UTF-8 stay. A text field that is null or not there is empty; so is
    any other field that is neither a string nor a number.

    Raises:
        BadLineError: the line is not one JSON object, or a text field is not a string.
    """
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
            raise BadLineError(f"the text field {name!r} is {kind_named(value)}, not a string")
    return texts, [_encode(value) if isinstance(value := record.get(name), str) else b"" for name in meta_names]


def _raw_values(line: bytes, text_names: Sequence[str], meta_names: Sequence[str]) -> tuple[list[bytes], list[bytes]]:
    """Do as `values_of` for a line with bytes that are not UTF-8, which the values keep as they are."""
    # The parser only proves that the line is an object: in what it decodes, bytes and escapes cannot be told apart.
    record = _parse(line.decode("utf-8", "surrogateescape"))
    slices: dict[bytes, bytes] = {}
    for key, start, end in members(line):
        slices[key] = line[start:end]
    texts, meta = [], []
    for name in text_names:
        value = slices.get(name.encode("utf-8", "surrogatepass"), b"null")
        if value != b"null" and not value.startswith(b'"'):
            raise BadLineError(f"the text field {name!r} is {kind_named(record.get(name))}, not a string")
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
        raise BadLineError(f"nested deeper than {MAX_DEPTH} levels")
    try:
        record = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        # The parser goes past the line's end before it misses something; the place is the same with an end and without.
        place = min(error.pos, len(line.rstrip()))
        column = len(line[:place].encode("utf-8", "surrogateescape")) + 1
        raise BadLineError(f"not valid JSON: {error.msg.removesuffix(' at')} at byte {column:,} of the line") from None
    except RecursionError:
        raise BadLineError(f"nested deeper than {MAX_DEPTH} levels") from None
    if type(record) is not dict:
        raise BadLineError(f"{kind_named(record)}, not a JSON object")
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


def kind_named(value: object) -> str:
    """Say what a decoded value is, with its article."""
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


def count_fields(columns: dict[str, Column], line: bytes) -> bool:
    """Add what a line has to what is known of the fields; False where the line is none of JSON."""
    try:
        record = _parse(line.decode("utf-8", "surrogateescape"))
    except BadLineError:
        return False
    for name, value in islice(record.items(), MOST_FIELDS):
        kind = kind_named(value).removeprefix("a ").removeprefix("an ")
        column = columns.setdefault(name, Column(name, kind))
        if kind == "string" or column.kind == "null":
            column.kind = kind
        if isinstance(value, str) and kind == "string":
            column.n_values += 1
            column.n_bytes += len(value.encode("utf-8", "surrogatepass"))
    return True
