"""The compiled kernels that read records and rows, as functions on arrays; see `native`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import _native
from dedup.kernels.arrays import Part, Rows, array, check_parts, clamped, made, packed

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


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
    offsets = array(offsets, np.int64)
    lines, members, kinds, ranges = _native.records(block, names, offsets)
    n, k = len(memoryview(members)) // 8, len(offsets) - 1
    return (
        made(lines, np.int64).reshape(n, 2),
        made(members, np.int64),
        made(kinds, np.int64).astype(np.uint8).reshape(n, k),
        made(ranges, np.int64).reshape(n, k, 2),
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
    return _decoded(_native.unescape, text, starts, ends, escaped)


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
    columns = array(columns, np.int64)
    (places, counts, faults, kinds, ranges), stop = _native.delimited(
        block, columns, separator, blank, at_end, clamped(limit)
    )
    n, k = len(memoryview(counts)) // 8, len(columns)
    return Rows(
        made(places, np.int64).reshape(n, 2),
        made(counts, np.int64),
        made(faults, np.int64),
        made(kinds, np.int64).astype(np.uint8).reshape(n, k),
        made(ranges, np.int64).reshape(n, k, 2),
        stop,
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
    return _decoded(_native.unquote, text, starts, ends, doubled)


def _decoded(decode: Callable[..., None], text: U8, starts: I64, ends: I64, odd: U8) -> tuple[U8, I64]:
    starts, ends = array(starts, np.int64), array(ends, np.int64)
    if len(starts) != len(ends):
        raise ValueError("starts and ends must have the same length")
    values = np.empty(max(int((ends - starts).sum()), 0), np.uint8)
    offsets = np.empty(len(starts) + 1, np.int64)
    decode(text, starts, ends, array(odd, np.uint8), values, offsets)
    return values[: offsets[-1]], offsets


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
    starts, ends = array(starts, np.int64), array(ends, np.int64)
    valid = np.empty(len(starts), np.uint8)
    _native.valid_utf8(text, starts, ends, valid)
    return valid


def json_places(text: U8, starts: I64, ends: I64, firsts: I64, places: I64) -> tuple[I64, U8]:
    """Find where places of decoded JSON strings stand in the raw ones.

    Args:
        text: uint8[...].
        starts: int64[n], first byte of each string, behind its quote.
        ends: int64[n], the byte after each one's last.
        firsts: int64[n + 1], string i has the places[firsts[i]:firsts[i + 1]].
        places: int64[m], bytes of the decoded string, as `unescape` gives it; those of a string do not go down.

    Returns:
        int64[m, 4]: where the escape that a place lies inside begins, in the decoded string and in the raw one, and where it ends;
        twice the place itself where it lies inside none. uint8[n]: 1 for a string with half a surrogate pair.

    Raises:
        ValueError: a range does not lie within the text, firsts are out of range, or a place not in its string.
    """
    starts, places = array(starts, np.int64), array(places, np.int64)
    borders, halves = np.empty((len(places), 4), np.int64), np.empty(len(starts), np.uint8)
    _native.json_places(text, starts, array(ends, np.int64), array(firsts, np.int64), places, borders, halves)
    return borders, halves


def compose(parts: Sequence[Part], rows: int) -> U8:
    """Write lines from columns: row by row, of each all parts in order.

    Args:
        parts: see `Part`.
        rows: how many rows each part has.

    Returns:
        uint8[...], all rows one after the other.

    Raises:
        ValueError: a range does not lie within its buffer, or a part is not sound.
    """
    check_parts(parts, rows)
    leads, about, cells, buffers = packed(parts)
    (memory,), size = _native.compose(leads, about, cells, buffers)
    return made(memory, np.uint8)[:size]
