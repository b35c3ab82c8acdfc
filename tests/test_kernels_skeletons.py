"""What is constant in segments of a site's pages: each implementation against an oracle of plain sets."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels import portable

Segment = tuple[list[int], int, int, float]
"""Tokens, host, page, and the least number of pages."""
WORD, NUMERAL = 1, 2

tokens = st.lists(st.integers(0, 11), max_size=6)
segments = st.lists(
    st.tuples(tokens, st.integers(0, 1), st.integers(0, 5), st.sampled_from([2.0, 3.0, 3.5, 4.0])), max_size=14
)


def learn(rows: list[Segment], share: float) -> list[list[bool] | None]:
    """For each segment which tokens are constant; None where nothing is learnt."""
    pages: dict[tuple[int, int, int], set[int]] = defaultdict(set)
    for text, host, page, _ in rows:
        for one, two in pairwise(text):
            pages[host, one, two].add(page)
    groups: list[tuple[int, int, int] | None] = []
    for text, host, _, least in rows:
        pairs = [(host, one, two) for one, two in pairwise(text)]
        best = max(pairs, key=lambda pair: len(pages[pair]), default=None)
        groups.append(best if best and len(pages[best]) >= max(least, 3) else None)
    members: dict[tuple[int, int, int], set[int]] = defaultdict(set)
    spread: dict[tuple[tuple[int, int, int], int], set[int]] = defaultdict(set)
    for (text, _, page, _), group in zip(rows, groups, strict=True):
        if group is not None:
            members[group].add(page)
            for token in text:
                spread[group, token].add(page)
    return [
        None
        if group is None
        else [
            len(spread[group, token]) >= max(least, share * len(members[group])) and not token & NUMERAL
            for token in text
        ]
        for (text, _, _, least), group in zip(rows, groups, strict=True)
    ]


def template(text: list[int], constant: list[bool]) -> list[int | None]:
    """The text with one mark for each stretch that varies."""
    marked = [token if stays else None for token, stays in zip(text, constant, strict=True)]
    return [token for i, token in enumerate(marked) if token is not None or i == 0 or marked[i - 1] is not None]


def weights(text: list[int], constant: list[bool]) -> list[int]:
    sizes = [2 if token & WORD else 1 for token in text]
    longest = slot = 0
    for size, stays in zip(sizes, constant, strict=True):
        slot = 0 if stays else slot + size
        longest = max(longest, slot)
    return [sum(sizes), sum(size for size, stays in zip(sizes, constant, strict=True) if stays), longest]


def check(kernels: ModuleType, rows: list[Segment], share: float) -> None:
    offsets = np.cumsum([0] + [len(text) for text, *_ in rows])
    values = np.array([token for text, *_ in rows for token in text], np.uint64)
    host, page = (np.array([row[place] for row in rows], np.int64) for place in (1, 2))
    hashes, sums, varies = kernels.skeletons(values, offsets, host, page, np.array([row[3] for row in rows]), share)
    assert (hashes.dtype, sums.dtype, varies.dtype) == (np.uint64, np.int64, np.uint8)
    assert not (hashes & np.uint64(1)).any()
    found = learn(rows, share)
    templates = [None if stays is None else template(row[0], stays) for row, stays in zip(rows, found, strict=True)]
    for i, (low, high) in enumerate(pairwise(offsets.tolist())):
        stays = found[i]
        assert varies[low:high].tolist() == ([0] * (high - low) if stays is None else [not one for one in stays])
        assert sums[i].tolist() == ([0, 0, 0] if stays is None else weights(rows[i][0], stays))
        assert stays is not None or hashes[i] == 0
        assert all((hashes[i] == hashes[j]) == (templates[i] == templates[j]) for j in range(i))


@given(rows=segments, share=st.sampled_from([0.0, 0.5, 1.0]))
def test_what_is_constant_is_the_oracles(kernels: ModuleType, rows: list[Segment], share: float) -> None:
    check(kernels, rows, share)


def test_many_pages_and_long_segments(kernels: ModuleType) -> None:
    draw = np.random.default_rng(3)
    frame = [int(token) * 4 for token in draw.integers(0, 1 << 20, 700)]
    rows: list[Segment] = [
        ([*frame[:300], int(draw.integers(1 << 40)) * 4 + 1, *frame[300 : 300 + size]], size % 3, int(page), 3.0)
        for size, page in zip(draw.integers(0, 400, 90), draw.permutation(90), strict=True)
    ]
    check(kernels, rows, 0.5)


def test_implementations_give_the_same_bits(kernels: ModuleType) -> None:
    draw = np.random.default_rng(4)
    for _ in range(50):
        n = int(draw.integers(1, 40))
        offsets = np.concatenate([[0], np.cumsum(draw.integers(0, 9, n))])
        values = draw.integers(0, 9, offsets[-1]).astype(np.uint64)
        host, page, least = draw.integers(0, 3, n), draw.integers(0, 9, n), draw.choice([3.0, 4.5], n)
        one, two = (part.skeletons(values, offsets, host, page, least, 0.5) for part in (kernels, portable))
        assert all((x == y).all() for x, y in zip(one, two, strict=True))


@pytest.mark.parametrize("offsets", [[], [0, 2, 1], [0, 4], [1, 3], [0, 2]])
def test_offsets_out_of_range_are_refused(kernels: ModuleType, offsets: list[int]) -> None:
    some = np.zeros(max(len(offsets) - 1, 0), np.int64)
    with pytest.raises(ValueError, match="offsets"):
        kernels.skeletons(np.zeros(3, np.uint64), np.array(offsets, np.int64), some, some, some.astype(float), 0.5)
    with pytest.raises(ValueError, match="buffer"):
        kernels.skeletons(np.zeros(3, np.uint64), np.array([0, 3], np.int64), some[:0], some, some.astype(float), 0.5)
