"""Lines of JSON objects, token by token; strings decoded by one regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.arrays import ABSENT, ESCAPED, NULL, NUMBER, OTHER, STRING
from dedup.kernels.portable.checks import I64, check_offsets, check_ranges

U8 = NDArray[np.uint8]

MAX_LEVELS = 64

_WHITE = b" \t\r\n"
_TOKEN = re.compile(
    rb"""[ \t\r\n]*+(?:
        (?P<mark>[{}\[\],:])
      | "(?P<string>(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"
      | (?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+)
      | (?P<null>null)
      | (?P<other>true|false)
    )""",
    re.VERBOSE,
)
# A surrogate pair is one escape; half of one is one too.
ESCAPE = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([\"\\/bfnrt]))"
)
_REPLACEMENT = b"\xef\xbf\xbd"
_SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b'"': b'"', b"\\": b"\\", b"/": b"/"}
_KINDS = {"number": NUMBER, "null": NULL, "other": OTHER}

Value = tuple[int, int, int]
"""Kind, start and end."""


class _UnsureError(Exception):
    """The line is not sure."""


def records(block: U8, names: U8, offsets: I64) -> tuple[I64, I64, U8, I64]:
    """Find the values of wanted keys in lines of JSON objects, without making anything of the rest.

    A line is `sure` if it is UTF-8 and one JSON object of RFC 8259 with at most 64 levels, in which no wanted key comes
    twice, and no key is written with half a surrogate pair or with an escape and U+FFFD. Of other lines, which may be
    sound all the same, nothing more is said.

    Args:
        block: uint8[...], whole lines, each ending in a line feed, the last perhaps without. Blank lines count for nothing.
        names: uint8[...], the wanted keys as UTF-8, one after the other.
        offsets: int64[k + 1], bounds of the keys in them.

    Returns:
        int64[n, 2] byte range of each line, its end included; int64[n] how many members it has, -1 where
        it is not sure; uint8[n, k] the kind of each
        value: 0 absent, 1 string, 2 string with escapes, 3 number, 4 null, 5 any other; int64[n, k, 2] its bytes, of a
        string those between the quotes (0, 0 where it is absent).

    Raises:
        ValueError: offsets are out of range.
    """
    check_offsets(len(names), offsets)
    data, bounds = block.tobytes(), offsets.tolist()
    wanted = [names[start:end].tobytes() for start, end in pairwise(bounds)]
    lines: list[tuple[int, int]] = []
    values: list[list[Value]] = []
    members: list[int] = []
    for start, end in _lines(data):
        count, found = _wanted(data, start, end, wanted)
        lines.append((start, end))
        members.append(count)
        values.append(found)
    table = np.array(values, np.int64).reshape(len(lines), len(wanted), 3)
    return (
        np.array(lines, np.int64).reshape(-1, 2),
        np.array(members, np.int64),
        table[:, :, 0].astype(np.uint8),
        np.ascontiguousarray(table[:, :, 1:]),
    )


def unescape(text: U8, starts: I64, ends: I64, escaped: U8) -> tuple[U8, I64]:
    """Copy byte ranges one after the other, and decode those that are the inside of a JSON string with escapes.

    Half a surrogate pair becomes U+FFFD; what is no escape of JSON stays as it is.

    Args:
        text: uint8[...].
        starts: int64[n], first byte of each range.
        ends: int64[n], the byte after each range's last.
        escaped: uint8[n], 1 where escapes are to be decoded.

    Returns:
        uint8[...] and int64[n + 1], the bounds of the n results in it.

    Raises:
        ValueError: a range does not lie within the text, or escaped is too short.
    """
    return copied(text, starts, ends, escaped, lambda part: ESCAPE.sub(decode_escape, part))


def copied(text: U8, starts: I64, ends: I64, marked: U8, decode: Callable[[bytes], bytes]) -> tuple[U8, I64]:
    """Copy byte ranges one after the other, and decode those that are marked."""
    check_ranges(len(text), starts, ends)
    if len(marked) < len(starts):
        raise ValueError("a buffer is too small or not aligned to its items")
    data = text.tobytes()
    parts = [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    parts = [decode(part) if mark else part for part, mark in zip(parts, marked, strict=False)]
    bounds = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=bounds[1:])
    return np.frombuffer(b"".join(parts), np.uint8), bounds


def valid_utf8(text: U8, starts: I64, ends: I64) -> U8:
    """Whether texts are valid UTF-8, as the Unicode Standard has it in table 3-7.

    Args:
        text: uint8[...].
        starts: int64[n], first byte of each text.
        ends: int64[n], the byte after each text's last.

    Returns:
        uint8[n], 1 where the text is valid.

    Raises:
        ValueError: a range does not lie within the text.
    """
    check_ranges(len(text), starts, ends)
    found = (_is_utf8(text[start:end].tobytes()) for start, end in zip(starts.tolist(), ends.tolist(), strict=True))
    return np.fromiter(found, np.uint8, len(starts))


def decode_escape(escape: re.Match[bytes]) -> bytes:
    """Decode what `ESCAPE` has found to UTF-8."""
    high, low, single, simple = escape.groups()
    if simple is not None:
        return _SIMPLE[simple]
    if single is None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)).encode()
    code = int(single, 16)
    return _REPLACEMENT if 0xD800 <= code < 0xE000 else chr(code).encode()


def _lines(data: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        if data[start:end].strip(_WHITE):
            yield start, end
        start = end


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wanted(data: bytes, start: int, end: int, wanted: list[bytes]) -> tuple[int, list[Value]]:
    """How many members a line has, and the value of each wanted key; -1 and no values if it is not sure."""
    absent: list[Value] = [(ABSENT, 0, 0)] * len(wanted)
    if not _is_utf8(data[start:end]):
        return -1, absent
    found, count = absent.copy(), 0
    try:
        for key, value in _members(data, start, end):
            count += 1
            for i in (i for i, name in enumerate(wanted) if name == key):
                if found[i][0] != ABSENT:
                    return -1, absent
                found[i] = value
    except _UnsureError:
        return -1, absent
    return count, found


def _members(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, Value]]:
    """The members of a line's object: key and value.

    Raises:
        _UnsureError: the line is not sure.
    """
    at = _expect(data, start, end, b"{")
    more = _mark(data, at, end) != b"}"
    while more:
        key, at = _key(data, at, end)
        value, at = _value(data, at, end)
        yield key, value
        more = _mark(data, at, end) == b","
        at = at if not more else _expect(data, at, end, b",")
    if data[_expect(data, at, end, b"}") : end].strip(_WHITE):
        raise _UnsureError


def _token(data: bytes, at: int, end: int) -> re.Match[bytes]:
    found = _TOKEN.match(data, at, end)
    if found is None:
        raise _UnsureError
    return found


def _mark(data: bytes, at: int, end: int) -> bytes:
    """The bracket, comma or colon that comes next, or nothing."""
    return _token(data, at, end)["mark"] or b""


def _expect(data: bytes, at: int, end: int, mark: bytes) -> int:
    token = _token(data, at, end)
    if token["mark"] != mark:
        raise _UnsureError
    return token.end()


def _key(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    token = _token(data, at, end)
    key = token["string"]
    if key is None:
        raise _UnsureError
    if b"\\" in key:
        key = ESCAPE.sub(decode_escape, key)
        if _REPLACEMENT in key:  # half a surrogate pair: other keys decode to this as well
            raise _UnsureError
    return key, _expect(data, token.end(), end, b":")


def _value(data: bytes, at: int, end: int) -> tuple[Value, int]:
    token = _token(data, at, end)
    if token["mark"] is not None:
        start = token.start("mark")
        stop = _nested(data, start, end)
        return (OTHER, start, stop), stop
    if token["string"] is not None:
        kind = ESCAPED if b"\\" in token["string"] else STRING
        return (kind, *token.span("string")), token.end()
    name = str(token.lastgroup)
    return (_KINDS[name], *token.span(name)), token.end()


def _nested(data: bytes, at: int, end: int) -> int:
    """The end of the object or list that starts here."""
    levels: list[bytes] = []
    fresh = True  # right after a bracket that opens: it may be closed at once
    while True:
        mark = _mark(data, at, end)
        if levels and mark == levels[-1] and fresh:
            at, fresh = _expect(data, at, end, mark), False
            levels.pop()
        else:
            if levels and levels[-1] == b"}":
                _, at = _key(data, at, end)
                mark = _mark(data, at, end)
            if mark in (b"{", b"["):
                at, fresh = _expect(data, at, end, mark), True
                levels.append(b"}" if mark == b"{" else b"]")
                if len(levels) >= MAX_LEVELS:
                    raise _UnsureError
                continue
            _, at = _value(data, at, end)
        while levels and _mark(data, at, end) == levels[-1]:
            at = _expect(data, at, end, levels.pop())
        if not levels:
            return at
        at, fresh = _expect(data, at, end, b","), False
