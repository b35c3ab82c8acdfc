"""Rows of delimited text, value by value."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.arrays import ABSENT, BARE, DOUBLED, OVERLONG, QUOTED, UNCLOSED, Rows
from dedup.kernels.portable.checks import I64
from dedup.kernels.portable.records import copied

U8 = NDArray[np.uint8]

_QUOTE = b'"'
_LINE_END = re.compile(rb"\r\n?|\n")
# A closing quote is one of an odd run of them: the others stand for quotes of the text.
_INSIDE = re.compile(rb'[^"]*+(?:""[^"]*+)*+')

Value = tuple[int, int, int]
"""Kind, start and end."""


class _CutError(Exception):
    """More must be seen of the row."""


class _FaultError(Exception):
    """The row has the fault that is the argument."""


def delimited(block: U8, columns: I64, separator: int, blank: bool, at_end: bool, limit: int) -> Rows:
    """Find the rows of delimited text (RFC 4180) and in them the values of wanted columns.

    Lines end in LF, CRLF or CR. A value that begins with a quote ends with the next one that stands alone; any other quote is
    text. A row with a fault is its first line, and the next row begins behind that.

    Args:
        block: uint8[...], whole rows but for the last.
        columns: int64[k], the wanted columns, numbered from 0.
        separator: what stands between values: one byte.
        blank: whether a blank line is a row; if not, those before a row count for nothing.
        at_end: whether nothing follows the block.
        limit: bytes of the longest row, at least 0. A row has the fault of being longer if its first `limit` bytes hold neither
            its end nor a fault, or if its first line alone has more.

    Returns:
        A `Rows`. What is found does not depend on how the text is cut into blocks.

    Raises:
        ValueError: limit is below 0.
    """
    if limit < 0:
        raise ValueError("limit must be at least 0")
    data, wanted = block.tobytes(), columns.tolist()
    bare = re.compile(rb"[^\r\n" + re.escape(bytes([separator])) + rb"]*+")
    places: list[tuple[int, int]] = []
    counts: list[int] = []
    faults: list[int] = []
    values: list[list[Value]] = []
    at = 0
    while at < len(data):
        try:
            end = _after_line_end(data, at, at_end) if not blank and data[at] in b"\r\n" else None
            if end is None:
                found, fault, end = _row(data, at, bare, separator, at_end, limit)
                places.append((at, end))
                counts.append(len(found))
                faults.append(fault)
                values.append([found[i] if 0 <= i < len(found) else (ABSENT, 0, 0) for i in wanted])
        except _CutError:
            break
        at = end
    table = np.array(values, np.int64).reshape(len(places), len(wanted), 3)
    return Rows(
        np.array(places, np.int64).reshape(-1, 2),
        np.array(counts, np.int64),
        np.array(faults, np.int64),
        table[:, :, 0].astype(np.uint8),
        np.ascontiguousarray(table[:, :, 1:]),
        at,
    )


def unquote(text: U8, starts: I64, ends: I64, doubled: U8) -> tuple[U8, I64]:
    """Copy byte ranges one after the other, and make doubled quotes single in those that have some.

    Args:
        text: uint8[...].
        starts: int64[n], first byte of each range.
        ends: int64[n], the byte after each range's last.
        doubled: uint8[n], 1 where doubled quotes are to become single.

    Returns:
        uint8[...] and int64[n + 1], the bounds of the n results in it.

    Raises:
        ValueError: a range does not lie within the text, or doubled is too short.
    """
    return copied(text, starts, ends, doubled, lambda part: part.replace(b'""', _QUOTE))


def _after_line_end(data: bytes, at: int, at_end: bool) -> int:
    """The byte after the line end at this place."""
    found = _LINE_END.match(data, at)
    assert found is not None
    if found.group() == b"\r" and found.end() == len(data) and not at_end:
        raise _CutError
    return found.end()


def _row(
    data: bytes, start: int, bare: re.Pattern[bytes], separator: int, at_end: bool, limit: int
) -> tuple[list[Value], int, int]:
    """The values of a row, its fault, and its end; of one with a fault no values, and the end of its first line."""
    try:
        values, end = _values(data, start, bare, separator, at_end, limit)
    except _FaultError as fault:
        line = _LINE_END.search(data, start)
        if line is None and not at_end:
            raise _CutError from None
        end = len(data) if line is None else _after_line_end(data, line.start(), at_end)
        return [], OVERLONG if end - start > limit else int(fault.args[0]), end
    return values, 0, end


def _values(
    data: bytes, start: int, bare: re.Pattern[bytes], separator: int, at_end: bool, limit: int
) -> tuple[list[Value], int]:
    """The values of a row, and its end.

    Raises:
        _CutError: more must be seen of it.
        _FaultError: it has a fault.
    """
    at, bound = start, min(len(data), start + limit)
    values: list[Value] = []
    while True:
        is_quoted = at < bound and data[at] == _QUOTE[0]
        if is_quoted:
            at = _quoted(data, at, bound, at_end, values)
        else:
            found = bare.match(data, at, bound)
            assert found is not None
            values.append((BARE, at, found.end()))
            at = found.end()
        if at == len(data):
            if at_end:
                return values, at
            raise _CutError
        after = data[at]
        if is_quoted and after != separator and after not in b"\r\n":
            raise _FaultError(at - start + 1)
        if at >= bound:
            raise _FaultError(OVERLONG)
        if after != separator:
            end = _after_line_end(data, at, at_end)
            if end > bound:
                raise _FaultError(OVERLONG)
            return values, end
        at += 1


def _quoted(data: bytes, at: int, bound: int, at_end: bool, values: list[Value]) -> int:
    """Take the value in quotes that begins here; the byte after its closing quote."""
    found = _INSIDE.match(data, at + 1)
    assert found is not None
    end = found.end()
    if end >= bound:  # the closing quote, if there is one
        if bound < len(data):
            raise _FaultError(OVERLONG)
        raise _FaultError(UNCLOSED) if at_end else _CutError
    values.append((DOUBLED if _QUOTE in found.group() else QUOTED, at + 1, end))
    return end + 1
