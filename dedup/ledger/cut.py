"""Cuts -> byte spans: a cut takes with it the white space that would be left over, and nothing else."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

Span = tuple[int, int]

_BLANK = rb"(?:[ \t\v\f]|\xe3\x80\x80|\xc2\xa0|\xef\xbb\xbf)"
_WHITE = rb"(?:[ \t\v\f\r\n]|\xe3\x80\x80|\xc2\xa0|\xef\xbb\xbf)"
_WHITE_AFTER = re.compile(_WHITE + rb"*")
_BLANK_AFTER = re.compile(_BLANK + rb"*")
_WHITE_ALL = re.compile(_WHITE + rb"*\Z")
_ASCII_WHITE = b" \t\v\f\r\n"
_WIDE_WHITE = (b"\xe3\x80\x80", b"\xc2\xa0", b"\xef\xbb\xbf")


def cut(text: bytes, pieces: Sequence[Span], bounds: Sequence[Span]) -> list[Span]:
    """Widen pieces that are to go so that no empty line, doubled space or glued word is left behind.

    A piece that fills its lines takes the line breaks up to the next text, and at the end of a field the ones before it. A piece
    inside a line takes the blanks after it, at the line's end those before it. Pieces with only white space between them
    go as one, and each still has its own span.

    Args:
        text: the document's text as read.
        pieces: stretches to cut, sorted, disjoint, each beginning and ending with a visible character.
        bounds: the text fields inside the document's text, sorted; white space is never taken across them.

    Returns:
        One span a piece, sorted and disjoint, each containing its piece.
    """
    spans: list[Span] = []
    i = 0
    for low, high in bounds:
        field: list[Span] = []
        while i < len(pieces) and pieces[i][0] < high:
            field.append(pieces[i])
            i += 1
        for group in _groups(text, field):
            spans.extend(_widen(text, group, low, high))
    return spans


def _groups(text: bytes, pieces: Sequence[Span]) -> list[list[Span]]:
    """Pieces with nothing but white space between them, together."""
    groups: list[list[Span]] = []
    for start, end in pieces:
        if groups and _WHITE_ALL.fullmatch(text, groups[-1][-1][1], start):
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
    return groups


def _widen(text: bytes, group: list[Span], low: int, high: int) -> list[Span]:
    start, end = group[0][0], group[-1][1]
    before = _white_before(text, start, low)
    after = _matched(_WHITE_AFTER, text, end, high)
    line_start = max(text.rfind(b"\n", before, start), text.rfind(b"\r", before, start)) + 1
    starts_line = line_start > before or before == low
    break_after = max(text.rfind(b"\n", end, after), text.rfind(b"\r", end, after)) + 1
    ends_line = break_after > end or after == high
    if before == low and after == high:
        first, last = low, high
    elif starts_line and ends_line:
        if after == high:  # nothing follows: the breaks before go, the text's own last ones stay
            first, last = before, _matched(_BLANK_AFTER, text, end, high)
        else:
            first, last = max(line_start, low) if line_start > before else low, break_after
    elif ends_line:
        first, last = before, _matched(_BLANK_AFTER, text, end, high)
    elif before < start or start == low:
        first, last = start, _matched(_BLANK_AFTER, text, end, high)
    else:  # no white space stands before it, so that after it must stay
        first, last = start, end
    edges = [
        first,
        *(max(_line_start(text, s, e), e) for (_, e), (s, _) in pairwise(group)),
        last,
    ]
    return list(pairwise(edges))


def _line_start(text: bytes, start: int, floor: int) -> int:
    """Where the line of `start` begins, if only white space stands between; not before `floor`."""
    found = max(text.rfind(b"\n", floor, start), text.rfind(b"\r", floor, start)) + 1
    return found if found > floor else start


def _white_before(text: bytes, start: int, low: int) -> int:
    """Where the white space that ends at `start` begins."""
    while start > low:
        if text[start - 1] in _ASCII_WHITE:
            start -= 1
        elif (wide := next((w for w in _WIDE_WHITE if text.endswith(w, low, start)), None)) is not None:
            start -= len(wide)
        else:
            break
    return start


def _matched(pattern: re.Pattern[bytes], text: bytes, start: int, high: int) -> int:
    found = pattern.match(text, start, high)
    return found.end() if found else start


def remove(text: bytes, spans: Sequence[Span]) -> bytes:
    """The text without the spans, which are sorted and disjoint."""
    place, kept = 0, []
    for start, end in spans:
        kept.append(text[place:start])
        place = end
    return b"".join([*kept, text[place:]])


def left_at(spans: Sequence[Span]) -> list[int]:
    """Where each span was, in the text without them."""
    removed, places = 0, []
    for start, end in spans:
        places.append(start - removed)
        removed += end - start
    return places


def to_read(start: int, end: int, spans: Sequence[Span], places: Sequence[int]) -> list[Span]:
    """Map a stretch of the text without `spans` back to the stretches of the text as read that it is made of.

    Args:
        start, end: the stretch; an empty one is made of nothing.
        spans: what is gone, sorted and disjoint.
        places: `left_at(spans)`.
    """
    if end <= start:
        return []
    row = bisect_right(places, start)  # the first span behind the start
    shift = spans[row - 1][1] - places[row - 1] if row else 0
    pieces: list[Span] = []
    while row < len(spans) and places[row] < end:
        pieces.append((start + shift, spans[row][0]))
        start, shift = places[row], spans[row][1] - places[row]
        row += 1
        while row < len(spans) and places[row] == start:
            shift = spans[row][1] - places[row]
            row += 1
    return [*pieces, (start + shift, end + shift)]
