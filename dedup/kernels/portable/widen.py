"""Which white space goes with a cut, so that nothing else does and none is left over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dedup.kernels.portable.checks import I64, check_ranges
from dedup.kernels.portable.text import U8

Span = tuple[int, int]

_BLANK = rb"(?:[ \t\v\f]|\xe3\x80\x80|\xc2\xa0|\xef\xbb\xbf)"
_WHITE = rb"(?:[ \t\v\f\r\n]|\xe3\x80\x80|\xc2\xa0|\xef\xbb\xbf)"
_WHITE_AFTER = re.compile(_WHITE + rb"*")
_BLANK_AFTER = re.compile(_BLANK + rb"*")
_WHITE_ALL = re.compile(_WHITE + rb"*\Z")
_ASCII_WHITE = b" \t\v\f\r\n"
_WIDE_WHITE = (b"\xe3\x80\x80", b"\xc2\xa0", b"\xef\xbb\xbf")


def widen(text: U8, field_starts: I64, field_ends: I64, starts: I64, ends: I64) -> tuple[I64, I64]:
    """Widen pieces that are to go so that no empty line, doubled space or glued word is left behind.

    A piece that fills its lines takes the line breaks up to the next text, and at the end of a field the ones before it. A piece inside
    a line takes the blanks after it, at the line's end those before it. Pieces with only white space between them go as one, and each
    still has its own span. White space is that of `lines`, and line ends.

    Args:
        text: uint8[...], UTF-8.
        field_starts: int64[f], first byte of each text field, sorted; white space is never taken across them.
        field_ends: int64[f], the byte after each one's last.
        starts: int64[m], first byte of each piece, sorted; each begins and ends with a visible character.
        ends: int64[m], the byte after each one's last.

    Returns:
        int64[m] twice: the span of each piece, which contains it; sorted and disjoint.

    Raises:
        ValueError: a range does not lie within the text, fields or pieces overlap or are not sorted, or a piece lies in no field.
    """
    check_ranges(len(text), field_starts, field_ends)
    check_ranges(len(text), starts, ends)
    if (field_starts[1:] < field_ends[:-1]).any() or (starts[1:] < ends[:-1]).any():
        raise ValueError("fields, and pieces, must be sorted and must not overlap")
    spans: list[Span] = []
    i = 0
    for low, high in zip(field_starts.tolist(), field_ends.tolist(), strict=True):
        j = i
        while j < len(starts) and starts[j] < high:
            j += 1
        if (starts[i:j] < low).any() or (ends[i:j] > high).any():
            break
        pieces = [(int(start) - low, int(end) - low) for start, end in zip(starts[i:j], ends[i:j], strict=True)]
        if pieces:
            field = text[low:high].tobytes()
            for group in _groups(field, pieces):
                spans.extend((low + start, low + end) for start, end in _widened(field, group))
        i = j
    if len(spans) != len(starts):
        raise ValueError("every piece must lie within a field")
    table = np.array(spans, np.int64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def _groups(text: bytes, pieces: Sequence[Span]) -> list[list[Span]]:
    """Pieces with nothing but white space between them, together."""
    groups: list[list[Span]] = []
    for start, end in pieces:
        if groups and _WHITE_ALL.fullmatch(text, groups[-1][-1][1], start):
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
    return groups


def _widened(text: bytes, group: list[Span]) -> list[Span]:
    start, end, size = group[0][0], group[-1][1], len(text)
    before = _white_before(text, start)
    after = _matched(_WHITE_AFTER, text, end)
    line_start = max(text.rfind(b"\n", before, start), text.rfind(b"\r", before, start)) + 1
    starts_line = line_start > before or before == 0
    break_after = max(text.rfind(b"\n", end, after), text.rfind(b"\r", end, after)) + 1
    ends_line = break_after > end or after == size
    if before == 0 and after == size:
        first, last = 0, size
    elif starts_line and ends_line:
        if after == size:  # nothing follows: the breaks before go, the text's own last ones stay
            first, last = before, _matched(_BLANK_AFTER, text, end)
        else:
            first, last = line_start if line_start > before else 0, break_after
    elif ends_line:
        first, last = before, _matched(_BLANK_AFTER, text, end)
    elif before < start or start == 0:
        first, last = start, _matched(_BLANK_AFTER, text, end)
    else:  # no white space stands before it, so that after it must stay
        first, last = start, end
    edges = [
        first,
        *(_line_start(text, s, e) for (_, e), (s, _) in pairwise(group)),
        last,
    ]
    return list(pairwise(edges))


def _line_start(text: bytes, start: int, floor: int) -> int:
    """Where the line of `start` begins, if only white space stands between; not before `floor`."""
    found = max(text.rfind(b"\n", floor, start), text.rfind(b"\r", floor, start)) + 1
    return found if found > floor else start


def _white_before(text: bytes, start: int) -> int:
    """Where the white space that ends at `start` begins."""
    while start > 0:
        if text[start - 1] in _ASCII_WHITE:
            start -= 1
        elif (wide := next((w for w in _WIDE_WHITE if text.endswith(w, 0, start)), None)) is not None:
            start -= len(wide)
        else:
            break
    return start


def _matched(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def gather(text: U8, starts: I64, ends: I64, out: U8) -> None:
    """Lay ranges of a text out one after the other.

    Args:
        text: uint8[...].
        starts: int64[n], first byte of each range.
        ends: int64[n], the byte after each one's last.
        out: uint8[...], contiguous and apart from the text; gets them.

    Raises:
        ValueError: a range does not lie within the text, or there is too little room.
    """
    check_ranges(len(text), starts, ends)
    if int((ends - starts).sum()) > len(out):
        raise ValueError("a buffer is too small or not aligned to its items")
    place = 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        out[place : place + end - start] = text[start:end]
        place += end - start
