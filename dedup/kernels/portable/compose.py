"""Lines from columns, and where places of decoded JSON strings stand in the raw ones."""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.arrays import COUNT, NAME, QUOTE, Part, check_parts
from dedup.kernels.portable.checks import I64, check_offsets, check_ranges
from dedup.kernels.portable.records import ESCAPE, decode_escape

U8 = NDArray[np.uint8]
_HALF = 6


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
    check_ranges(len(text), starts, ends)
    check_offsets(len(places), firsts)
    borders, halves = np.empty((len(places), 4), np.int64), np.zeros(len(starts), np.uint8)
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        stretches = list(_stretches(text[start:end].tobytes()))
        halves[i] = any(half for *_, half in stretches)
        mine = slice(firsts[i], firsts[i + 1])
        if (np.diff(places[mine]) < 0).any():
            raise ValueError("places must lie within their texts")
        borders[mine] = np.array([_borders(stretches, place) for place in places[mine].tolist()]).reshape(-1, 4)
    return borders, halves


def _stretches(raw: bytes) -> list[tuple[int, int, int, int, bool, bool]]:
    """Escapes and what stands between: start and end raw, start and end decoded, whether it is an escape, and half a pair."""
    found: list[tuple[int, int, int, int, bool, bool]] = []
    at = decoded = 0
    for escape in (*ESCAPE.finditer(raw), None):
        start, end = escape.span() if escape else (len(raw), len(raw))
        found.append((at, start, decoded, decoded + start - at, False, False))
        decoded += start - at
        if escape:
            size = len(decode_escape(escape))
            half = end - start == _HALF and 0xD800 <= int(escape.group()[2:], 16) < 0xE000
            found.append((start, end, decoded, decoded + size, True, half))
            decoded += size
        at = end
    return found


def _borders(stretches: Sequence[tuple[int, int, int, int, bool, bool]], place: int) -> tuple[int, int, int, int]:
    for raw, raw_end, start, end, is_escape, _ in stretches:
        if start <= place <= end and not is_escape:
            return place, raw + place - start, place, raw + place - start
        if start < place < end:
            return start, raw, end, raw_end
    raise ValueError("places must lie within their texts")


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
    if any(not 0 <= part.kind <= NAME for part in parts):
        raise ValueError("every part needs a kind of 0 to 3, a lead and one of the buffers")
    columns = [list(_column(part)) for part in parts]
    lines = b"".join(b"".join(row) for row in zip(*columns, strict=True))
    return np.frombuffer(lines, np.uint8)


def _column(part: Part) -> list[bytes]:
    return [part.lead + _written(part, start, end) if start <= end else b"" for start, end in part.cells.tolist()]


def _written(part: Part, start: int, end: int) -> bytes:
    if start < 0 or (part.kind < COUNT and end > len(part.buffer)):
        raise ValueError("every text range must satisfy 0 <= start <= end <= len(text)")
    if part.kind >= COUNT:
        return b"%d" % (end - start) if part.kind == COUNT else b'"r%06d"' % (end - start)
    data = part.buffer[start:end].tobytes()
    if part.kind == QUOTE:
        return encode_basestring(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return data
