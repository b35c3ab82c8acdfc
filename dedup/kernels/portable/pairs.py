"""Pairs of texts: those that share a key, how far apart they are, and which of them stay."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.portable.checks import I64, check_offsets, check_pairs
from dedup.kernels.portable.text import U8, U64

BATCH_ROWS = 1 << 14
"""Pairs of rows that are laid side by side at a time."""
MATCHED_TOKENS = 4096
"""The longest sequences whose matching blocks are looked for: that takes quadratic time."""


def bucket_pairs(keys: NDArray[np.unsignedinteger], limit: int) -> tuple[I64, int]:
    """Pair each item with the first `limit` earlier ones of the same key.

    Args:
        keys: uint32[n] or uint64[n]; the order of the items is the order of preference.
        limit: how many pairs an item proposes at most.

    Returns:
        int64[m, 2] pairs (earlier, later), those of a later item one after the other and sorted by earlier; and how many
        pairs of equal keys were left out.

    Raises:
        ValueError: limit is negative.
    """
    if limit < 0:
        raise ValueError("limit must be at least 0")
    n = len(keys)
    order = np.argsort(keys, kind="stable")
    new = np.ones(n, np.bool_)
    new[1:] = keys[order[1:]] != keys[order[:-1]]
    begins = np.flatnonzero(new)[np.cumsum(new) - 1]
    begin, rank = np.empty(n, np.int64), np.empty(n, np.int64)
    begin[order] = begins
    rank[order] = np.arange(n) - begins
    count = np.minimum(rank, limit)
    later = np.repeat(np.arange(n), count)
    within = np.arange(len(later)) - np.repeat(np.cumsum(count) - count, count)
    pairs = np.stack([order[begin[later] + within], later], axis=1).astype(np.int64, copy=False)
    return pairs, int(rank.sum()) - len(pairs)


def agreements(lanes: U8, pairs: I64) -> I64:
    """Count the lanes in which two signatures agree.

    Args:
        lanes: uint8[n, w], of each signature the lowest byte of each lane.
        pairs: int64[m, 2], indices of signatures.

    Returns:
        int64[m].

    Raises:
        ValueError: a pair names a signature outside 0..n-1.
    """
    check_pairs(pairs, len(lanes))
    counts = np.empty(len(pairs), np.int64)
    for low in range(0, len(pairs), BATCH_ROWS):
        first, second = pairs[low : low + BATCH_ROWS].T
        counts[low : low + BATCH_ROWS] = np.count_nonzero(lanes[first] == lanes[second], axis=1)
    return counts


def number(keys: U64) -> tuple[I64, U64]:
    """Number the distinct keys from 0, in the order in which they come.

    Args:
        keys: uint64[n].

    Returns:
        int64[n] the number of each key, and uint64[m] the distinct keys by number.
    """
    distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number_of = np.empty(len(order), np.int64)
    number_of[order] = np.arange(len(order))
    return number_of[inverse], distinct[order]


def edit_distances(values: U64, offsets: I64, pairs: I64, limits: I64) -> I64:
    """Levenshtein distance over tokens, bit-parallel: Myers, "A fast bit-vector algorithm for approximate string
    matching", 1999, in the form of Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit
    distances", 2003.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        pairs: int64[m, 2], indices of texts.
        limits: int64[m]; a distance above limits[r] becomes limits[r] + 1; a negative one sets no limit.

    Returns:
        int64[m] distances, in tokens.

    Raises:
        ValueError: offsets, pairs or limits are out of range.
    """
    check_offsets(len(values), offsets)
    if len(limits) != len(pairs):
        raise ValueError("limits must have one entry for each pair")
    check_pairs(pairs, len(offsets) - 1)
    distances = np.zeros(len(pairs), np.int64)
    bounds = offsets.tolist()
    for r, ((first, second), limit) in enumerate(zip(pairs.tolist(), limits.tolist(), strict=True)):
        one = values[bounds[first] : bounds[first + 1]].tolist()
        two = values[bounds[second] : bounds[second + 1]].tolist()
        bound = limit if limit >= 0 else max(len(one), len(two))
        distances[r] = min(_distance(one, two, bound), bound + 1)
    return distances


def _distance(one: list[int], two: list[int], bound: int) -> int:
    """Distance of two token sequences, or any number above `bound` where it is above."""
    if len(one) > len(two):
        one, two = two, one
    if len(two) - len(one) > bound or not one:
        return len(two) - len(one) if not one else bound + 1
    last = len(one) - 1
    everything = (1 << len(one)) - 1
    places: dict[int, int] = {}
    for i, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << i
    up, down, distance = everything, 0, len(one)
    for i, token in enumerate(two):
        match = places.get(token, 0)
        same = (((match & up) + up) ^ up) | match | down
        right = down | (everything & ~(same | up))
        left = up & same
        distance += (right >> last & 1) - (left >> last & 1)
        right = (right << 1 | 1) & everything
        up = (left << 1 & everything) | (everything & ~(same | right))
        down = right & same
        if distance - (len(two) - 1 - i) > bound:
            return bound + 1
    return distance


def overlaps(shingles: U64, offsets: I64, pairs: I64, least: float = 0.0, of_smaller: bool = False) -> I64:
    """Count distinct shingles that two texts share, and that each has.

    Args:
        shingles: uint64[s].
        offsets: int64[n + 1], bounds of the texts in them.
        pairs: int64[m, 2], indices of texts.
        least: pairs that share less than this share of what they have together are not told of, and soon given up.
        of_smaller: the share is that of the smaller set.

    Returns:
        int64[m, 3]: shared, of the first text, of the second text; 0, 0, 0 where the pair stays below `least`.

    Raises:
        ValueError: offsets or pairs are out of range.
    """
    check_offsets(len(shingles), offsets)
    check_pairs(pairs, len(offsets) - 1)
    counts = np.zeros((len(pairs), 3), np.int64)
    sets: dict[int, set[int]] = {}
    for row, (first, second) in enumerate(pairs.tolist()):
        for text in (first, second):
            if text not in sets:
                sets[text] = set(shingles[offsets[text] : offsets[text + 1]].tolist())
        one, two = sets[first], sets[second]
        shared = len(one & two)
        whole = min(len(one), len(two)) if of_smaller else len(one) + len(two) - shared
        if shared >= least * whole:
            counts[row] = shared, len(one), len(two)
    return counts


def matching_blocks(first: U64, second: U64) -> I64:
    """Runs that two token sequences have in common, one after the other in both: the longest one, of equals the first in
    `first` and then in `second`, and so on before and behind it. Ratcliff and Metzener, "Pattern matching: the Gestalt
    approach", 1988, as `difflib.SequenceMatcher` does it without junk.

    Args:
        first: uint64[n], tokens; at most 4096 of them.
        second: uint64[m], the same.

    Returns:
        int64[b, 3]: where each run starts in the one and in the other, and its tokens.

    Raises:
        ValueError: there are too many tokens.
    """
    if max(len(first), len(second)) > MATCHED_TOKENS:
        raise ValueError(f"too many tokens for one call: at most {MATCHED_TOKENS}")
    blocks = SequenceMatcher(None, first.tolist(), second.tolist(), autojunk=False).get_matching_blocks()
    return np.array(blocks[:-1], np.int64).reshape(-1, 3)


def independent_set(pairs: I64, n: int) -> U8:
    """The lexicographically first maximal independent set: in index order a node is kept iff no kept one is paired with
    it.

    Args:
        pairs: int64[m, 2], in any order, either way round, repeated or not.
        n: number of nodes.

    Returns:
        uint8[n], 1 for the nodes kept.

    Raises:
        ValueError: n is negative, a pair names a node outside 0..n-1, or a node is paired with itself.
    """
    if n < 0:
        raise ValueError("n must be at least 0")
    check_pairs(pairs, n, "nodes")
    earlier, later = pairs.min(axis=1, initial=n), pairs.max(axis=1, initial=-1)
    if (earlier == later).any():
        raise ValueError("a pair must join two different nodes")
    kept = bytearray(b"\x01") * n
    order = np.argsort(later, kind="stable")
    # In order of the later node, whether the earlier one stays is settled when it is asked for.
    for low, high in zip(earlier[order].tolist(), later[order].tolist(), strict=True):
        if kept[low]:
            kept[high] = 0
    return np.frombuffer(kept, np.uint8)
