"""Texts of any length -> candidate pairs, all of them: of the rarest shingles of two that match they share one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64, MIX, U8, U64, Batch, concat, distinct, rows_of, take

COUNTERS = 20
"""Shingles are counted by this many of their bits: two that share a counter are taken to be as frequent as both together."""
PAIRS = 1 << 21
"""Pairs that are looked at at a time."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much two texts of a similarity share, as elements of sets.

    For `jaccard` and `containment` the elements are the distinct shingles. For `edit` they are all grams, the same one again as
    another element: each edit changes as many grams as a gram has tokens (Gravano et al., VLDB 2001).

    Attributes:
        measure, threshold: the similarity.
        longer: pairs are wanted whose longer text has more tokens than this.
        k: tokens in an element.
        edits: the edits allowed, by the tokens of the longer text; for `edit` alone.
    """

    measure: str
    threshold: float
    longer: int
    k: int
    edits: tuple[int, ...] = ()

    def least(self, tokens: tuple[I64, I64], sizes: tuple[I64, I64]) -> I64:
        """The fewest elements, int64[...], that pairs of so many tokens and elements share if they match; at least 1."""
        if self.measure == "edit":
            shared = _grams_left(np.array(self.edits, np.int64), self.k)[np.maximum(*tokens)]
        elif self.measure == "jaccard":
            shared = _up(self.threshold / (1 + self.threshold) * (sizes[0] + sizes[1]))
        else:
            shared = _up(self.threshold * np.minimum(*sizes))
        least: I64 = np.maximum(shared, 1)
        return least

    def prefixes(self, tokens: I64, sizes: I64) -> I64:
        """How many of its rarest elements each text must offer, so that it meets all that match it; int64[...]."""
        if self.measure == "edit":
            grams = np.maximum(_grams_left(np.array(self.edits, np.int64), self.k), 1)
            after = np.minimum.accumulate(grams[::-1])[::-1]
            shared = after[np.minimum(np.maximum(tokens, self.longer + 1), len(after) - 1)]
        elif self.measure == "jaccard":
            shared = np.maximum(_up(self.threshold * sizes), 1)
        else:
            return sizes  # one of few shingles may be contained in any other
        kept: I64 = np.clip(sizes - shared + 1, 0, sizes)
        return kept


def gram_of(edits: I64, longer: int) -> int:
    """Tokens in a gram: 2, or 1 where so many edits may leave no gram of 2 of a text longer than `longer`."""
    return 2 if bool((_grams_left(edits, 2)[longer + 1 :] >= 1).all()) else 1


def _grams_left(edits: I64, k: int) -> I64:
    """By the tokens of the longer text, how many of its grams are left after the edits allowed."""
    left: I64 = np.arange(len(edits)) - k + 1 - k * edits
    return left


def _up(values: NDArray[np.floating[Any]]) -> I64:
    whole: I64 = np.ceil(values - 1e-6).astype(np.int64)
    return whole


def frequency(batch: Batch, *, arena: U8, seed: int, overlap: Overlap) -> Batch:
    """Count elements: `counter` int64 and `count` int64, a row for each counter that is not 0."""
    _, elements, _, _ = _elements(batch, arena, seed, overlap)
    counts = np.bincount((elements >> np.uint64(64 - COUNTERS)).astype(np.int64), minlength=1 << COUNTERS)
    counters = np.flatnonzero(counts)
    return {"counter": counters, "count": counts[counters]}


def prefix(batch: Batch, *, arena: U8, seed: int, overlap: Overlap, frequencies: I64, shard: int, shards: int) -> Batch:
    """Order the elements of texts from rare to frequent, and give those of each that candidates are found by.

    Args:
        batch: `rank`, `start` and `end` int64 of texts in the arena.
        arena: uint8[...], the text.
        seed: salts the shingles.
        overlap: which pairs match.
        frequencies: int64[2**COUNTERS], the sums of what `frequency` counted in all texts.
        shard, shards: only keys that leave the remainder `shard` when divided by `shards` are given.

    Returns:
        `key` uint64, `rank` int64, `place` int64 in the order, `size` int64, elements of the text, and `tokens` int64,
        for `PrefixPairs`. Chaudhuri, Ganti, Kaushik, "A primitive operator for similarity joins", ICDE 2006; Bayardo,
        Ma, Srikant, "Scaling up all pairs similarity search", WWW 2007.
    """
    text, elements, tokens, sizes = _elements(batch, arena, seed, overlap)
    counted = frequencies[(elements >> np.uint64(64 - COUNTERS)).astype(np.int64)]
    order = np.lexsort((elements, counted, text))
    place = np.arange(len(text)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wanted = place < overlap.prefixes(tokens, sizes)[text]
    if shards > 1:
        wanted &= elements[order] % np.uint64(shards) == np.uint64(shard)
    text, place, elements = text[wanted], place[wanted], elements[order][wanted]
    return {"key": elements, "rank": batch["rank"][text], "place": place, "size": sizes[text], "tokens": tokens[text]}


def _elements(batch: Batch, arena: U8, seed: int, overlap: Overlap) -> tuple[I64, U64, I64, I64]:
    """The text of each element, ascending, the elements, and the tokens and elements of each text."""
    values, offsets = kernels.tokens(arena, batch["start"], batch["end"])
    shingles, bounds = kernels.shingle(values, offsets, overlap.k, seed)
    n = len(offsets) - 1
    text = np.repeat(np.arange(n), bounds[1:] - bounds[:-1])
    order = np.lexsort((shingles, text))
    shingles = shingles[order]
    fresh = np.ones(len(text), bool)
    fresh[1:] = (shingles[1:] != shingles[:-1]) | (text[1:] != text[:-1])
    if overlap.measure == "edit":
        again = np.arange(len(text)) - np.maximum.accumulate(np.where(fresh, np.arange(len(text)), 0))
        elements = shingles ^ (again.astype(np.uint64) * MIX)
    else:
        text, elements = text[fresh], shingles[fresh]
    return text, elements, offsets[1:] - offsets[:-1], np.bincount(text, minlength=n)


@dataclass(frozen=True, slots=True)
class PrefixPairs:
    """Pairs the rows of a key that may share as much as a match does, by what can still follow where they meet.

    Attributes:
        overlap: which pairs match.

    Rows in: what `prefix` gives. Rows out: those of `BucketPairs`; none is left out, so the rows of one key are held. Xiao,
    Wang, Lin, Yu, "Efficient similarity joins for near duplicate detection" (PPJoin), WWW 2008.
    """

    overlap: Overlap

    def table(self, batch: Batch) -> Batch:
        """All keys at once."""
        batch = take(batch, np.argsort(batch["key"], kind="stable"))
        fresh = np.ones(rows_of(batch), bool)
        fresh[1:] = batch["key"][1:] != batch["key"][:-1]
        rows = np.arange(len(fresh))
        before = rows - np.maximum.accumulate(np.where(fresh, rows, 0))
        group = (np.cumsum(before) - before) // PAIRS
        found = [np.zeros(0, np.uint64)]
        for mine in np.split(rows, np.flatnonzero(np.diff(group)) + 1):
            second = np.repeat(mine, before[mine])
            within = np.arange(len(second)) - np.repeat(np.cumsum(before[mine]) - before[mine], before[mine])
            first = second - before[second] + within
            alike = self._alike(batch, first, second)
            ranks = batch["rank"][np.stack([first[alike], second[alike]])].astype(np.uint64)
            found.append(distinct(ranks[0] << np.uint64(32) | ranks[1]))
        pairs = distinct(np.concatenate(found))
        low = np.uint64(0xFFFFFFFF)
        return {"first": (pairs >> np.uint64(32)).astype(np.int64), "second": (pairs & low).astype(np.int64)}

    def stream(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Key after key; the rows of one are held until it ends."""
        held: list[Batch] = []
        for batch in batches:
            if not rows_of(batch):
                continue
            last = batch["key"][-1]
            if held and held[0]["key"][0] == last:
                held.append(batch)
                continue
            whole = int(np.searchsorted(batch["key"], last))
            ended = concat([*held, take(batch, np.arange(whole))])
            if rows_of(ended):
                yield self.table(ended)
            held = [take(batch, np.arange(whole, rows_of(batch)))]
        if held:
            yield self.table(concat(held))

    def _alike(self, batch: Batch, first: I64, second: I64) -> NDArray[np.bool_]:
        one, two = take(batch, first), take(batch, second)
        tokens, sizes = (one["tokens"], two["tokens"]), (one["size"], two["size"])
        follow = np.minimum(sizes[0] - one["place"], sizes[1] - two["place"])
        alike: NDArray[np.bool_] = follow >= self.overlap.least(tokens, sizes)
        alike &= np.maximum(*tokens) > self.overlap.longer
        if self.overlap.measure == "edit":
            edits = np.array(self.overlap.edits, np.int64)[np.maximum(*tokens)]
            alike &= np.abs(tokens[0] - tokens[1]) <= edits
        return alike
