"""The compiled kernels on pairs of texts and on buckets, as functions on arrays; see `native`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import _native
from dedup.kernels.arrays import array, clamped, made

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]


def bucket_pairs(keys: NDArray[np.unsignedinteger], limit: int) -> tuple[I64, int]:
    """Pair each item with the first `limit` earlier ones of the same key.

    Args:
        keys: uint32[n] or uint64[n]; the order of the items is the order of preference.
        limit: how many pairs an item proposes at most.

    Returns:
        int64[m, 2] pairs (earlier, later), those of a later item one after the other and sorted by earlier; and how many
        pairs of equal keys were left out.

    Raises:
        ValueError: limit is negative, or there are more than 2**30 - 1 keys.
    """
    keys = array(keys, np.uint32 if keys.dtype.itemsize <= 4 else np.uint64)
    pairs, skipped = _native.bucket_pairs(keys, keys.itemsize, clamped(limit))
    return made(pairs, np.int64).reshape(-1, 2), skipped


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
    lanes, pairs = array(lanes, np.uint8), array(pairs, np.int64)
    counts = np.empty(len(pairs), np.int64)
    _native.agreements(lanes, lanes.shape[0], lanes.shape[1], pairs, counts)
    return counts


def number(keys: U64) -> tuple[I64, U64]:
    """Number the distinct keys from 0, in the order in which they come.

    Args:
        keys: uint64[n].

    Returns:
        int64[n] the number of each key, and uint64[m] the distinct keys by number.

    Raises:
        ValueError: there are more than 2**30 - 1 keys.
    """
    keys = array(keys, np.uint64)
    numbers = np.empty(len(keys), np.int64)
    (distinct,) = _native.number(keys, numbers)
    return numbers, made(distinct, np.uint64)


def edit_distances(values: U64, offsets: I64, pairs: I64, limits: I64) -> I64:
    """Levenshtein distance over tokens.

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
    values, offsets = array(values, np.uint64), array(offsets, np.int64)
    pairs, limits = array(pairs, np.int64), array(limits, np.int64)
    distances = np.empty(len(pairs), np.int64)
    _native.edit_distances(values, offsets, pairs, limits, distances)
    return distances


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
    shingles, offsets = array(shingles, np.uint64), array(offsets, np.int64)
    pairs = array(pairs, np.int64)
    counts = np.empty((len(pairs), 3), np.int64)
    _native.overlaps(shingles, offsets, pairs, least, of_smaller, counts)
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
    (blocks,) = _native.matching_blocks(array(first, np.uint64), array(second, np.uint64))
    return made(blocks, np.int64).reshape(-1, 3)


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
    kept = np.empty(max(n, 0), np.uint8)
    _native.independent_set(array(pairs, np.int64), clamped(n), kept)
    return kept
