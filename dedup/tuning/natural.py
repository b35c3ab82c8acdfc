"""The pairs that stand in the data: found by broad bands, measured on the text, templates among them told by a third text."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.backends.base import Backend
from dedup.model import I64, U8, Batch, concat, rows_of, take
from dedup.stages.band import BucketPairs, band
from dedup.stages.sketch import key_name
from dedup.tuning.likeness import FLOORS, Likeness, Texts, likeness

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

BANDS, ROWS = 40, 3
"""The broad setting: half of all pairs with a Jaccard of .26."""
LIMIT = 16
"""Members of a bucket that each other one is paired with."""
PROBES = 100_000
"""Of more texts so many are paired with all others."""
MOST_MEASURED = 400_000
"""Of more pairs so many are measured, drawn at random."""
MOST_WORK = 2e11
"""Cells of the tables of edit distances that may be filled, 64 of them at a time: of long texts fewer pairs are measured."""
MOST_PAIRS = 40_000
"""Of more pairs above the floor so many are held against a third text, and counted."""
BATCH_PAIRS = 1 << 14
RANDOM_PAIRS = 2_000
THIRDS = 5
"""Other texts that a pair is held against."""
MOST_SHINGLES = 4_000
"""A longer text is not held against a third: templates are short."""
SPLIT = 0.25
"""Of the shingles in which three texts differ, those in two of them are to those in one as 1 : 1 among copies, and as 0 : 1 in
the slots of a template. Below this ratio it is a template."""
KEPT = 0.65
"""A third text that has less than this of what a pair shares says nothing of the places where the pair differs."""
SIDED = 0.5
"""A third text sides with one of two copies where they differ: of the shingles of either alone it has, both shares added, about
1. Below this it says something else there."""
LEAST_CHANCE = 0.02
"""The least chance to be found that a pair stands for others by: rarer ones would weigh too much."""


@dataclass(frozen=True, slots=True)
class Natural:
    """Pairs of the data.

    Attributes:
        first, second: int64[m], rows of the segments.
        likeness: m measures.
        numbers: bool[m], whether the numerals differ.
        template: bool[m], whether a third text shows the differences to be slots.
        weight: float64[m], how many pairs of the whole input each stands for.
        left_out: pairs that the limit of a bucket left out.
    """

    first: I64
    second: I64
    likeness: Likeness
    numbers: Flags
    template: Flags
    weight: F64
    left_out: int


def natural(
    segments: Batch, arena: U8, backend: Backend, measure: str, k: int, seed: int, sampled: float, draw: np.random.Generator
) -> Natural:  # fmt: skip
    """Find and measure the pairs of distinct texts that are alike at all.

    What was found by chance stands for what was not: each pair weighs the inverse of its chance to be found by the bands, which
    its Jaccard gives exactly, and of the chance that both its documents were drawn (Horvitz, Thompson, "A generalization of
    sampling without replacement from a finite universe", 1952).

    Args:
        segments: distinct texts, sketched with `BANDS` x `ROWS`.
        arena: uint8[...], the text.
        backend: where the buckets are paired.
        measure: `edit`, `jaccard` or `containment`.
        k, seed: of the shingles.
        sampled: the share of the documents that was drawn.
        draw: draws what is left of too many pairs.
    """
    pairs, share, left_out = _found(segments, backend, draw)
    pairs, share = _worth_measuring(pairs, share, segments["tokens"], measure, draw)
    parts = list(_measured(pairs, segments, arena, measure, k, seed))
    rows = np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in parts)])
    found = Likeness.joined([part for _, part in parts])
    if len(rows) > MOST_PAIRS:
        some = np.sort(draw.choice(len(rows), MOST_PAIRS, replace=False))
        share *= MOST_PAIRS / len(rows)
        rows, found = rows[some], found.take(some)
    first, second = pairs["first"][rows], pairs["second"][rows]
    chance = 1 - (1 - found.jaccard**ROWS) ** BANDS  # as in `dedup.curve`
    apart = segments["document"][first] != segments["document"][second]
    drawn = np.where(apart, sampled**2, sampled)
    return Natural(
        first, second, found,
        segments["numbers"][first] != segments["numbers"][second],
        templates(first, second, segments, arena, k, seed),
        1 / (np.maximum(chance, LEAST_CHANCE) * drawn * share), left_out,
    )  # fmt: skip


def by_chance(segments: Batch, arena: U8, measure: str, k: int, seed: int, draw: np.random.Generator) -> float:
    """The similarity that 99 of 100 pairs of about equal length, drawn at random, do not pass; the floor, if that is more."""
    order = np.lexsort((draw.random(rows_of(segments)), segments["tokens"]))
    at = draw.choice(len(order) - 1, min(len(order) - 1, RANDOM_PAIRS), replace=False)
    pairs = {"first": order[at], "second": order[at + 1]}
    parts = [part.similarity for _, part in _measured(pairs, segments, arena, measure, k, seed, keep_all=True)]
    return max(float(np.quantile(np.concatenate(parts), 0.99)), FLOORS[measure])


def _found(segments: Batch, backend: Backend, draw: np.random.Generator) -> tuple[Batch, float, int]:
    """Distinct candidate pairs, the share of all that they are drawn as, and how many the limit left out."""
    n = rows_of(segments)
    probe = np.zeros(n, bool)
    probe[draw.permutation(n)[:PROBES]] = True
    ranks = np.arange(n, dtype=np.int64)
    found: list[Batch] = []
    for number in range(BANDS):
        rows = {"key": segments[key_name(number)], "rank": ranks}
        for part in backend.sorted_runs([rows], "key", "rank", BucketPairs("key", LIMIT)):
            counts = part["first"] < 0  # there `second` is no rank
            ends = (np.where(counts, 0, part[side]) for side in ("first", "second"))
            found.append(take(part, np.logical_or.reduce([counts, *(probe[end] for end in ends)])))
    share = probe.mean()
    pairs, left_out = band(concat(found))
    return pairs, float(1 - (1 - share) ** 2), left_out


def _worth_measuring(
    pairs: Batch, share: float, tokens: I64, measure: str, draw: np.random.Generator
) -> tuple[Batch, float]:
    """Of pairs whose lengths let them be alike at all as many as there is time to measure, and the share that is drawn now."""
    one, two = tokens[pairs["first"]], tokens[pairs["second"]]
    if measure != "containment":
        pairs = take(pairs, np.minimum(one, two) >= FLOORS[measure] * np.maximum(one, two))
    n = rows_of(pairs)
    order = draw.permutation(n)[:MOST_MEASURED]
    work = tokens[pairs["first"][order]] * np.ceil(tokens[pairs["second"][order]] / 64) * 64
    order = order[np.cumsum(work.astype(np.float64)) <= MOST_WORK]
    return take(pairs, np.sort(order)), share * len(order) / max(n, 1)


def texts_of(rows: I64, segments: Batch, arena: U8, k: int, seed: int) -> Texts:
    """The texts of some segments."""
    return Texts.of(*kernels.tokens(arena, segments["start"][rows], segments["end"][rows]), k, seed)


def _measured(
    pairs: Batch, segments: Batch, arena: U8, measure: str, k: int, seed: int, *, keep_all: bool = False
) -> Iterator[tuple[I64, Likeness]]:
    """The pairs above the floor, batch by batch: their rows, and how alike they are."""
    for low in range(0, max(rows_of(pairs), 1), BATCH_PAIRS):
        both = np.concatenate([pairs[side][low : low + BATCH_PAIRS] for side in ("first", "second")])
        ranks, place = np.unique(both, return_inverse=True)
        local = np.ascontiguousarray(place.reshape(2, -1).T.astype(np.int64))
        found = likeness(texts_of(ranks, segments, arena, k, seed), local, measure)
        kept = np.flatnonzero((found.similarity > 0) | keep_all)
        yield kept + low, found.take(kept)


def templates(first: I64, second: I64, segments: Batch, arena: U8, k: int, seed: int) -> Flags:
    """Which pairs are two texts of one template, as some third text that is like one of them shows.

    Where copies were edited, each in places of its own, two of three texts agree against the third at every place. In a slot
    each says something else, or one of a few things.

    Returns:
        bool[m]; False where there is no third text to tell.
    """
    n = len(first)
    ranks, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    a, b = np.split(place.astype(np.int64), 2)
    near = _neighbours(a, b, len(ranks))
    texts = texts_of(ranks, segments, arena, k, seed)
    is_short = (np.diff(texts.bounds) <= MOST_SHINGLES).tolist()
    sets: dict[int, set[int]] = {}

    def shingles(text: int) -> set[int]:
        if text not in sets:
            sets[text] = set(texts.shingles[texts.bounds[text] : texts.bounds[text + 1]].tolist())
        return sets[text]

    result = np.zeros(n, bool)
    for row, (one, two) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        others = dict.fromkeys(c for c in (*near[one], *near[two]) if c not in (one, two) and is_short[c])
        if others and is_short[one] and is_short[two]:
            result[row] = _are_slots(shingles(one), shingles(two), [shingles(c) for c in list(others)[:THIRDS]], k)
    return result


def _neighbours(a: I64, b: I64, n: int) -> list[list[int]]:
    """For each text the first few that it is paired with."""
    one, two = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.argsort(one, kind="stable")
    bounds = np.searchsorted(one[order], np.arange(n + 1)).tolist()
    other = two[order]
    return [other[low : min(high, low + THIRDS + 1)].tolist() for low, high in itertools.pairwise(bounds)]


def _are_slots(a: set[int], b: set[int], thirds: list[set[int]], k: int) -> bool:
    """Whether the differences of two texts are slots: half of the other texts, and two at least, say a third thing there; or
    all three of some text and these differ wherever any two do."""
    shared, only_a, only_b = a & b, a - b, b - a
    if not only_a or not only_b:  # one goes on where the other ends: nothing stands in the place of something else
        return False
    near = [c for c in thirds if len(shared & c) >= KEPT * len(shared)]
    aside = sum(len(only_a & c) / len(only_a) + len(only_b & c) / len(only_b) < SIDED for c in near)
    if aside >= max(2, len(near) / 2):
        return True
    if (
        len(thirds) < 2 and max(len(only_a), len(only_b)) <= k
    ):  # one edit: in a short text another may well stand beside it
        return False
    return statistics.median_high(_two_to_one(a, b, c) for c in thirds) < SPLIT


def _two_to_one(a: set[int], b: set[int], c: set[int]) -> float:
    """Shingles in exactly two of three sets for each that is in one alone."""
    shared = a & b
    all_three = len(shared & c)
    pairwise = len(shared) + len(a & c) + len(b & c)
    two = pairwise - 3 * all_three
    one = len(a) + len(b) + len(c) - 2 * pairwise + 3 * all_three
    return two / max(one, 1)
