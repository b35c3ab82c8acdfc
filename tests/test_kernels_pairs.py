"""The kernels on pairs against the oracle, and what every kernel says of arguments out of range."""

from __future__ import annotations

from difflib import SequenceMatcher
from types import ModuleType
from typing import Any

import naive
import numpy as np
import pytest
import strategies as some
from hypothesis import given
from hypothesis import strategies as st
from strategies import as_pairs, ints

I64 = some.I64
NO_LANES = np.zeros(0, np.uint32)


@given(keys=st.lists(st.integers(0, 3), max_size=40), limit=st.integers(0, 9), wide=st.booleans())
def test_bucket_pairs_are_the_oracles(kernels: ModuleType, keys: list[int], limit: int, wide: bool) -> None:
    column = np.array(keys, np.uint64) << np.uint64(62) if wide else np.array(keys, np.uint32) << np.uint32(30)
    pairs, skipped = kernels.bucket_pairs(column, limit)
    assert (pairs.dtype, pairs.shape[1:]) == (np.int64, (2,))
    assert ([tuple(pair) for pair in pairs.tolist()], skipped) == naive.bucket_pairs(keys, limit)


@given(data=st.data(), width=st.sampled_from([0, 1, 8, 63, 64, 65, 120, 257, 2040, 2041, 4096]), n=st.integers(1, 5))
def test_agreements_are_the_oracles(kernels: ModuleType, data: st.DataObject, width: int, n: int) -> None:
    draw = np.random.default_rng(data.draw(st.integers(0, 99)))
    lanes = draw.integers(0, data.draw(st.sampled_from([1, 2, 256])), (n, width)).astype(np.uint8)
    place = st.integers(0, n - 1)
    rows = data.draw(st.lists(st.tuples(place, place), max_size=20))
    counts = kernels.agreements(lanes, as_pairs(rows))
    assert counts.dtype == np.int64
    assert counts.tolist() == [naive.agreements(lanes[one].tolist(), lanes[two].tolist()) for one, two in rows]


def test_agreements_of_many_pairs(kernels: ModuleType) -> None:
    draw = np.random.default_rng(2)
    lanes, rows = draw.integers(0, 9, (300, 120)).astype(np.uint8), draw.integers(0, 300, (40_000, 2))
    counts = kernels.agreements(lanes, rows)
    some_rows = draw.integers(0, len(rows), 200).tolist()
    assert [counts[i] for i in some_rows] == [naive.agreements(*lanes[rows[i]].tolist()) for i in some_rows]
    assert counts.sum() == (lanes[rows[:, 0]] == lanes[rows[:, 1]]).sum()


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=60))
def test_numbers_are_the_oracles(kernels: ModuleType, keys: list[int]) -> None:
    numbers, distinct = kernels.number(np.array(keys, np.uint64))
    assert (numbers.dtype, distinct.dtype) == (np.int64, np.uint64)
    expected = list(dict.fromkeys(keys))
    assert distinct.tolist() == expected
    assert numbers.tolist() == [expected.index(key) for key in keys]


def test_many_keys_are_numbered(kernels: ModuleType) -> None:
    keys = np.random.default_rng(1).integers(0, 60_000, 200_000).astype(np.uint64) << np.uint64(40)
    numbers, distinct = kernels.number(keys)
    assert (distinct[numbers] == keys).all()
    assert len(set(distinct.tolist())) == len(distinct) == numbers.max() + 1


@pytest.mark.parametrize("wide", [False, True])
def test_large_buckets(kernels: ModuleType, wide: bool) -> None:
    keys = np.random.default_rng(1).integers(0, 2_000, 30_000).astype(np.uint64 if wide else np.uint32)
    keys[::3] = 7
    if wide:
        keys = keys.astype(np.uint64) * np.uint64(naive.G)
    pairs, skipped = kernels.bucket_pairs(keys, 8)
    expected, left_out = naive.bucket_pairs(keys.tolist(), 8)
    assert skipped == left_out
    assert (pairs == as_pairs(expected)).all()


@pytest.mark.parametrize("wide", [False, True])
def test_more_keys_than_are_grouped_at_a_time(kernels: ModuleType, wide: bool) -> None:
    keys = np.random.default_rng(1).integers(0, 200_000, 300_000).astype(np.uint64 if wide else np.uint32)
    keys[::1000] = 7
    pairs, skipped = kernels.bucket_pairs(keys, 2)
    expected, left_out = naive.bucket_pairs(keys.tolist(), 2)
    assert skipped == left_out
    assert sorted(map(tuple, pairs.tolist())) == sorted(expected)
    later = pairs[:, 1]
    assert np.count_nonzero(np.diff(later)) + 1 == len(np.unique(later))
    assert (np.diff(pairs[:, 0])[np.diff(later) == 0] > 0).all()


@given(data=st.data(), column=some.ragged(4))
def test_edit_distances_are_the_oracles(kernels: ModuleType, data: st.DataObject, column: tuple[Any, I64]) -> None:
    values, offsets = column
    place = st.integers(0, len(offsets) - 2)
    rows = data.draw(st.lists(st.tuples(place, place, st.integers(-1, 22)), max_size=8))
    distances = kernels.edit_distances(
        values, offsets, as_pairs([row[:2] for row in rows]), ints(*[row[2] for row in rows])
    )
    texts = [values[s:e].tolist() for s, e in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    expected = [naive.edit_distance(texts[one], texts[two]) for one, two, _ in rows]
    capped = [d if limit < 0 else min(d, limit + 1) for d, (_, _, limit) in zip(expected, rows, strict=True)]
    assert distances.dtype == np.int64
    assert distances.tolist() == capped


@pytest.mark.parametrize("size", [1, 63, 64, 65, 127, 128, 129, 200, 700])
def test_edit_distances_at_the_borders_of_words(kernels: ModuleType, size: int) -> None:
    random = np.random.default_rng(size)
    one = random.integers(0, 50, size).astype(np.uint64) * np.uint64(naive.G)
    for edits in (0, 1, size // 5, size):
        two = one.tolist()
        for _ in range(edits):
            at = int(random.integers(0, len(two) + 1))
            two[at : at + int(random.integers(0, 2))] = random.integers(0, 50, int(random.integers(0, 2))).tolist()
        values = np.concatenate([one, np.array(two, np.uint64)])
        offsets = ints(0, size, len(values))
        distance = naive.edit_distance(one.tolist(), two)
        limits = [-1, distance, max(distance - 1, 0), 0, distance + 100, 5]
        found = kernels.edit_distances(values, offsets, as_pairs([(0, 1), (1, 0)] * 3), ints(*limits))
        assert found.tolist() == [distance if limit < 0 else min(distance, limit + 1) for limit in limits]


@given(data=st.data(), column=some.ragged(8))
def test_overlaps_are_the_oracles(kernels: ModuleType, data: st.DataObject, column: tuple[Any, I64]) -> None:
    values, offsets = column
    place = st.integers(0, len(offsets) - 2)
    rows = data.draw(st.lists(st.tuples(place, place), max_size=8))
    counts = kernels.overlaps(values, offsets, as_pairs(rows))
    sets = [set(values[s:e].tolist()) for s, e in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    assert (counts.dtype, counts.shape) == (np.int64, (len(rows), 3))
    for (one, two), (shared, first, second) in zip(rows, counts.tolist(), strict=True):
        assert (shared, first, second) == (len(sets[one] & sets[two]), len(sets[one]), len(sets[two]))
        union = first + second - shared
        assert naive.jaccard(sets[one], sets[two]) == (shared / union if union else 0)
        assert naive.containment(sets[one], sets[two]) == (shared / first if first else 0)


@given(
    data=st.data(), column=some.ragged(4), least=st.sampled_from([0.0, 0.2, 0.4, 0.5, 1.0]), of_smaller=st.booleans()
)
def test_overlaps_below_the_line_are_not_told(
    kernels: ModuleType, data: st.DataObject, column: tuple[Any, I64], least: float, of_smaller: bool
) -> None:
    values, offsets = column
    place = st.integers(0, len(offsets) - 2)
    rows = as_pairs(data.draw(st.lists(st.tuples(place, place), max_size=8)))
    every = kernels.overlaps(values, offsets, rows)
    assert kernels.overlaps(values, offsets, rows, least, of_smaller).tolist() == at_least(every, least, of_smaller)


def at_least(counts: I64, least: float, of_smaller: bool) -> list[list[int]]:
    """The counts as they are told of where a line is to be reached."""
    wholes = [min(one, two) if of_smaller else one + two - shared for shared, one, two in counts.tolist()]
    return [row if row[0] >= least * whole else [0, 0, 0] for row, whole in zip(counts.tolist(), wholes, strict=True)]


@pytest.mark.parametrize("repeated", [1, 3])
@pytest.mark.parametrize(("of_smaller", "shared", "own"), [(False, 200, (150, 150)), (True, 140, (210, 900))])
def test_overlaps_right_at_the_line(
    kernels: ModuleType, repeated: int, of_smaller: bool, shared: int, own: tuple[int, int]
) -> None:
    """Wherever in a text what is shared stands, and whether its size is known from another pair or not."""
    values = np.random.default_rng(3).permutation(4_000).astype(np.uint64) * np.uint64(naive.G)
    both, one, two = values[:shared], values[1_000 : 1_000 + own[0]], values[2_000 : 2_000 + own[1]]
    mixed = np.random.default_rng(4).permutation(np.concatenate([both, two]))
    others = [np.concatenate([both, two]), np.concatenate([two, both]), mixed]
    texts = [np.concatenate([one, both]), *(np.tile(text, repeated) for text in others)]
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    counts = [shared, shared + own[0], shared + own[1]]
    for rows in ([(0, 1), (0, 2), (0, 3)] * 2, [(3, 0), (2, 0), (1, 0)], [(1, 2), (0, 2), (0, 1), (0, 3)]):
        found = kernels.overlaps(np.concatenate(texts), offsets, as_pairs(rows), 0.4, of_smaller)
        for (first, second), row in zip(rows, found.tolist(), strict=True):
            if 0 in (first, second):
                assert row == (counts if first == 0 else [counts[0], counts[2], counts[1]])


@pytest.mark.parametrize("of_smaller", [False, True])
@pytest.mark.parametrize("least", [0.1, 0.4, 0.8, 1.0])
def test_overlaps_of_long_texts(kernels: ModuleType, least: float, of_smaller: bool) -> None:
    """Copies with moved, changed and repeated stretches, and unlike sizes: near the line on both of its sides."""
    random = np.random.default_rng(5)
    texts = [random.integers(0, 2**64, int(size), np.uint64) for size in random.integers(1, 900, 12)]
    for source in texts[:12]:
        for share in (0.02, 0.3, 0.6):
            copy = np.roll(source, int(random.integers(0, 40)))
            gone = random.random(len(copy)) < share
            copy[gone] = random.integers(0, 2**64, int(gone.sum()), np.uint64)
            texts.append(np.concatenate([copy, copy[: int(random.integers(0, 200))]]))
    values = np.concatenate(texts)
    offsets = ints(0, *np.cumsum([len(text) for text in texts]).tolist())
    pairs = as_pairs([(one, two) for two in range(len(texts)) for one in range(len(texts))])
    found = [set(text.tolist()) for text in texts]
    every = [[len(found[a] & found[b]), len(found[a]), len(found[b])] for a, b in pairs.tolist()]
    expected = at_least(np.array(every), least, of_smaller)
    assert 0 < sum(row[1] > 0 for row in expected) < len(pairs)
    assert kernels.overlaps(values, offsets, pairs, least, of_smaller).tolist() == expected


def test_overlaps_on_the_line_are_told(kernels: ModuleType) -> None:
    random = np.random.default_rng(6)
    for _ in range(60):
        size, more, repeated = (int(number) for number in random.integers(1, 700, 3))
        small = random.integers(0, 2**64, size, np.uint64)
        large = np.concatenate(
            [random.permutation(small), random.integers(0, 2**64, more, np.uint64), small[:repeated]]
        )
        values, offsets = np.concatenate([large, small]), ints(0, len(large), len(large) + size)
        counts = [[size, size + more, size]]
        least = size / (size + more) * (1 - 1e-12)
        assert kernels.overlaps(values, offsets, as_pairs([(0, 1)]), least).tolist() == counts
        assert kernels.overlaps(values, offsets, as_pairs([(0, 1)]), 1.0, True).tolist() == counts


SEQUENCES = st.lists(st.integers(0, 3), max_size=40) | st.lists(st.integers(0, 2**64 - 1), max_size=5)


def as_by_difflib(first: list[int], second: list[int]) -> list[list[int]]:
    found = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [list(block) for block in found[:-1]]


@given(first=SEQUENCES, second=SEQUENCES)
def test_matching_blocks_are_those_of_difflib(kernels: ModuleType, first: list[int], second: list[int]) -> None:
    blocks = kernels.matching_blocks(np.array(first, np.uint64), np.array(second, np.uint64))
    assert (blocks.dtype, blocks.tolist()) == (np.int64, as_by_difflib(first, second))


def test_matching_blocks_of_long_texts(kernels: ModuleType) -> None:
    random = np.random.default_rng(4)
    for kinds in (5, 300):
        first = random.integers(0, kinds, 1000).astype(np.uint64) << np.uint64(32)
        second = np.where(random.random(1000) < 0.2, random.permutation(first), first)[random.random(1000) < 0.9]
        assert kernels.matching_blocks(first, second).tolist() == as_by_difflib(first.tolist(), second.tolist())


@given(data=st.data(), n=st.integers(2, 12))
def test_independent_sets_are_the_oracles(kernels: ModuleType, data: st.DataObject, n: int) -> None:
    node = st.integers(0, n - 1)
    pairs = data.draw(st.lists(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1]), max_size=30))
    kept = kernels.independent_set(as_pairs(pairs), n)
    assert (kept.dtype, kept.tolist()) == (np.uint8, naive.independent_set(pairs, n))


@pytest.mark.parametrize("n", [0, 1, 3])
def test_nodes_without_pairs_stay(kernels: ModuleType, n: int) -> None:
    assert kernels.independent_set(as_pairs([]), n).tolist() == [1] * n


# errors


TEXT = np.frombuffer(b"some text", np.uint8)
VALUES = np.arange(4, dtype=np.uint64)
LANES = np.ones(2, np.uint32)
SIGNATURES = np.zeros((3, 8), np.uint32)
RANGES = "every text range must satisfy 0 <= start <= end <= len(text)"
OFFSETS = "offsets must not decrease and must stay within the values"
TEXT_PAIRS = "pairs must name texts within 0..n-1"
NODES = "pairs must name nodes within 0..n-1"
SAME_LANES = "a and b must have the same length"
K = "k must be between 1 and 63"


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("tokenize", (TEXT, ints(0), ints(1, 2)), "starts and ends must have the same length"),
        ("tokenize", (TEXT, ints(-1), ints(1)), RANGES),
        ("tokenize", (TEXT, ints(0), ints(10)), RANGES),
        ("tokenize", (TEXT, ints(2), ints(1)), RANGES),
        ("lines", (TEXT, ints(0), ints(1, 2)), "starts and ends must have the same length"),
        ("lines", (TEXT, ints(0, 3), ints(10, 2)), RANGES),
        ("scan", (TEXT, ints(0), ints(10), 3, 0, LANES, LANES), RANGES),
        ("scan", (TEXT, ints(0), ints(9), 0, 0, LANES, LANES), K),
        ("scan", (TEXT, ints(0), ints(9), 3, 0, LANES, NO_LANES), SAME_LANES),
        ("shingle", (VALUES, ints(), 3, 0), "offsets must not be empty"),
        ("shingle", (VALUES, ints(0, 5), 3, 0), OFFSETS),
        ("shingle", (VALUES, ints(-1, 4), 3, 0), OFFSETS),
        ("shingle", (VALUES, ints(0, 3, 2), 3, 0), OFFSETS),
        ("shingle", (VALUES, ints(0, 4), 64, 0), K),
        ("text_shingles", (TEXT, ints(0), ints(10), 3, 0), RANGES),
        ("text_shingles", (TEXT, ints(0), ints(9), 64, 0), K),
        ("sketch", (VALUES, ints(0, 5), LANES, LANES), OFFSETS),
        ("sketch", (VALUES, ints(0, 4), LANES, NO_LANES), SAME_LANES),
        ("band_keys", (SIGNATURES, 0, 1), "bands and rows must be at least 1"),
        ("band_keys", (SIGNATURES, 1, 0), "bands and rows must be at least 1"),
        ("band_keys", (SIGNATURES, 3, 3), "bands * rows must not exceed the number of lanes"),
        ("bucket_pairs", (LANES, -1), "limit must be at least 0"),
        ("agreements", (np.zeros((3, 8), np.uint8), as_pairs([(0, 3)])), TEXT_PAIRS),
        ("agreements", (np.zeros((0, 8), np.uint8), as_pairs([(-1, 0)])), TEXT_PAIRS),
        ("edit_distances", (VALUES, ints(0, 5), as_pairs([]), ints()), OFFSETS),
        (
            "edit_distances",
            (VALUES, ints(0, 4), as_pairs([(0, 0)]), ints()),
            "limits must have one entry for each pair",
        ),
        ("edit_distances", (VALUES, ints(0, 4), as_pairs([(0, 1)]), ints(1)), TEXT_PAIRS),
        ("overlaps", (VALUES, ints(3, 2), as_pairs([])), OFFSETS),
        ("overlaps", (VALUES, ints(0, 4), as_pairs([(-1, 0)])), TEXT_PAIRS),
        ("matching_blocks", (np.zeros(4097, np.uint64), VALUES), "too many tokens for one call: at most 4096"),
        ("independent_set", (as_pairs([]), -1), "n must be at least 0"),
        ("independent_set", (as_pairs([(0, 3)]), 3), NODES),
        ("independent_set", (as_pairs([(1, 1)]), 3), "a pair must join two different nodes"),
    ],
)
def test_arguments_out_of_range(kernels: ModuleType, name: str, arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        getattr(kernels, name)(*arguments)
    assert str(caught.value) == sentence
