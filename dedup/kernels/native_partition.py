"""The compiled kernels that find all pairs within an edit distance, as functions on arrays; see `native`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import _native
from dedup.kernels.arrays import array, clamped, made

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U64 = NDArray[np.uint64]


def partition(values: U64, offsets: I64, edits: I64, shard: int, shards: int, marks: U8) -> tuple[U64, I64, U64]:
    """Cut texts into pieces, or look for the pieces of others in them: of two texts, the longer of n tokens, that are
    within edits[n], the longer has a piece whose key is a piece or a probe of the other, either way round if both have
    n tokens.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        edits: int64[...], by the tokens of the longer text; 0 or less where no pairs of that length are wanted.
        shard: only keys that leave this remainder are given.
        shards: when divided by this.
        marks: uint8[2**b], a bit for each piece of all texts, at the upper b + 3 bits of its key: the probes that meet
            one are given; or empty: the pieces are given.

    Returns:
        uint64[r] keys; int64[r] rows, 4 x text + role (0: a piece, which is a probe as well, 1: a probe for texts of
        the same length, 2: for longer ones), in the order of the texts, no key twice for one text; uint64[n] bags,
        whose bits say which tokens stand there an odd number of times.

    Raises:
        ValueError: offsets are out of range, edits allow a text to be rewritten whole, shard is not below shards, or
            marks are not a power of two.
    """
    values, offsets, edits = array(values, np.uint64), array(offsets, np.int64), array(edits, np.int64)
    bags = np.empty(max(len(offsets) - 1, 0), np.uint64)
    keys, rows = _native.partition(values, offsets, edits, max(shard, 0), max(shards, 0), array(marks, np.uint8), bags)
    return made(keys, np.uint64), made(rows, np.int64), bags


def piece_pairs(keys: U64, sides: U16, bags: U64, edits: I64, limit: int, scanned: int) -> tuple[I64, int]:
    """Pair the rows of each key that may be within their edits, of which at least one is a piece.

    Each row is held against the first `scanned` earlier pieces and probes for longer texts of its key; two probes, or
    an earlier probe for the same length, are never paired. Of those whose bags allow it the first `limit` are paired.

    Args:
        keys: uint64[r]; the order of the rows is the order of preference.
        sides: uint16[r], 4 x tokens + role, see `partition`.
        bags: uint64[r], see `partition`.
        edits: int64[...], see `partition`.
        limit: pairs that a row proposes at most.
        scanned: earlier rows that a row is held against at most.

    Returns:
        int64[m, 2] pairs of rows (earlier, later), by the first row of their key, then later, then earlier; and how
        many pairs were left out: beyond the limit, or not held against each other.

    Raises:
        ValueError: a limit is negative, a side names no role or no entry of edits, or there are more than 2**30 - 1 rows.
    """
    keys, sides, bags = array(keys, np.uint64), array(sides, np.uint16), array(bags, np.uint64)
    pairs, skipped = _native.piece_pairs(keys, sides, bags, array(edits, np.int64), clamped(limit), clamped(scanned))
    return made(pairs, np.int64).reshape(-1, 2), skipped
