"""Which white space goes with a cut, and what is left laid out: each implementation against an oracle on strings."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import ints

from dedup.kernels import portable

WHITE = " \t\v\f\r\n\u3000\u00a0\ufeff"
Spans = list[tuple[int, int]]

pieces_of_text = st.lists(
    st.tuples(st.sampled_from(["a", "字", "b.", *WHITE, *WHITE, "\n\n", "\r\n"]), st.booleans()), max_size=24
)


def after_break(gap: str) -> str:
    """What stands behind the last line break; all, where there is none."""
    return gap[max(gap.rfind("\n"), gap.rfind("\r")) + 1 :]


def has_break(gap: str) -> bool:
    return "\n" in gap or "\r" in gap


def widened(text: str, pieces: Spans) -> Spans:
    """The spans of the pieces of a field, in characters."""
    groups: list[Spans] = []
    for piece in pieces:
        if groups and not text[groups[-1][-1][1] : piece[0]].strip(WHITE):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    spans: Spans = []
    for group in groups:
        start, end = group[0][0], group[-1][1]
        head, tail = text[:start], text[end:]
        lead, trail = head[len(head.rstrip(WHITE)) :], tail[: len(tail) - len(tail.lstrip(WHITE))]
        opens, closes = lead == head, trail == tail
        blanks = len(trail.replace("\r", "\n").partition("\n")[0])
        first, last = start, end
        if opens and closes:
            first, last = 0, len(text)
        elif (opens or has_break(lead)) and has_break(trail) and not closes:
            first, last = start - len(after_break(lead)), end + len(trail) - len(after_break(trail))
        elif closes or has_break(trail):
            first, last = start - len(lead), end + blanks
        elif lead or opens:
            last = end + blanks
        borders = [
            own - len(after_break(text[before:own])) if has_break(text[before:own]) else own
            for (_, before), (own, _) in pairwise(group)
        ]
        spans += zip([first, *borders], [*borders, last], strict=True)
    return spans


def marked(parts: list[tuple[str, bool]]) -> tuple[str, Spans]:
    """A text, and the pieces of it that are to go: runs of visible characters that are marked."""
    text, pieces = "", []
    for part, goes in parts:
        if goes and part.strip(WHITE):
            pieces.append((len(text), len(text) + len(part)))
        text += part
    return text, pieces


def size(text: str) -> int:
    return len(text.encode())


@example(parts=[("a", True), (" ", False), ("a", False), ("\n", False), ("字", True)], ahead="\n", between=" ")
@given(parts=pieces_of_text, ahead=st.sampled_from(["", "x", " \n"]), between=st.sampled_from(["", "\n\n", " y "]))
def test_cuts_take_the_white_space_that_the_oracle_says(
    kernels: ModuleType, parts: list[tuple[str, bool]], ahead: str, between: str
) -> None:
    text, pieces = marked(parts)
    whole = f"{ahead}{text}{between}{text}"
    bases = [size(ahead), size(ahead + text + between)]
    spans = widened(text, pieces)
    field_starts, field_ends = ints(*bases), ints(*(base + size(text) for base in bases))
    starts, ends = (ints(*(base + size(text[: piece[side]]) for base in bases for piece in pieces)) for side in (0, 1))
    found = kernels.widen(np.frombuffer(whole.encode(), np.uint8), field_starts, field_ends, starts, ends)
    assert [part.dtype for part in found] == [np.int64] * 2
    for side in (0, 1):
        assert found[side].tolist() == [base + size(text[: span[side]]) for base in bases for span in spans]


def test_bytes_that_are_no_utf8_are_no_white_space(kernels: ModuleType) -> None:
    draw = np.random.default_rng(7)
    for _ in range(200):
        text = draw.choice(np.frombuffer(b"a \n\r\xe3\x80\x80\xc2\xa0\xef\xbb\xbf", np.uint8), 30)
        starts = np.arange(int(draw.integers(0, 4)), 30, int(draw.integers(2, 6)))
        fields = ints(0, 16), ints(16, 30)
        one, two = (part.widen(text, *fields, starts, starts + 1) for part in (kernels, portable))
        assert [column.tolist() for column in one] == [column.tolist() for column in two]


@pytest.mark.parametrize(
    ("fields", "pieces", "why"),
    [
        ([(0, 3), (2, 6)], [], "overlap"),
        ([(0, 6)], [(2, 4), (3, 5)], "overlap"),
        ([(0, 6)], [(4, 5), (1, 2)], "overlap"),
        ([(0, 3)], [(2, 4)], "within a field"),
        ([(0, 3), (4, 6)], [(3, 5)], "within a field"),
        ([], [(0, 1)], "within a field"),
        ([(0, 9)], [], "range"),
        ([(0, 6)], [(-1, 2)], "range"),
    ],
)
def test_pieces_out_of_place_are_refused(kernels: ModuleType, fields: Spans, pieces: Spans, why: str) -> None:
    columns = [ints(*(row[side] for row in rows)) for rows in (fields, pieces) for side in (0, 1)]
    with pytest.raises(ValueError, match=why):
        kernels.widen(np.zeros(6, np.uint8), *columns)


@given(data=st.binary(max_size=40), places=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6))
def test_ranges_are_laid_out(kernels: ModuleType, data: bytes, places: Spans) -> None:
    ranges = [(min(low, high, len(data)), min(max(low, high), len(data))) for low, high in places]
    wanted = b"".join(data[low:high] for low, high in ranges)
    out = np.zeros(len(wanted) + 1, np.uint8)
    starts, ends = (ints(*(row[side] for row in ranges)) for side in (0, 1))
    kernels.gather(np.frombuffer(data, np.uint8), starts, ends, out)
    assert out.tobytes() == wanted + b"\0"
    if wanted:
        with pytest.raises(ValueError, match="too small"):
            kernels.gather(np.frombuffer(data, np.uint8), starts, ends, out[: len(wanted) - 1])
    with pytest.raises(ValueError, match="range"):
        kernels.gather(np.frombuffer(data, np.uint8), ints(0), ints(len(data) + 1), out)
