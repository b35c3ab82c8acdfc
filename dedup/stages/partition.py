"""Short texts -> candidate pairs, all of them: of e + 1 pieces of a text, e edits leave one as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dedup import kernels
from dedup.model import I64, U8, U64, Batch

PIECE, OWN, LONGER = range(3)
"""The roles of a row: a piece of a text, its probe for texts of its own length, its probe for longer ones."""
MARKS_A_PIECE = 16
"""Bits for each piece: of the probes that meet none, one in so many is let through."""


def partition(batch: Batch, *, arena: U8, edits: I64, shard: int, shards: int, marks: U8) -> Batch:
    """Cut texts into pieces, or find what of other texts' pieces may stand in them.

    Args:
        batch: `rank`, `start` and `end` int64 of texts in the arena.
        arena: uint8[...], the text.
        edits: int64[...], the edits allowed between two texts, by the tokens of the longer one; 0 where pairs of that
            length are not wanted.
        shard, shards: only keys that leave the remainder `shard` when divided by `shards` are given.
        marks: what `marks_of` made of the pieces of all texts, for the probes; empty for the pieces themselves.

    Returns:
        `key` uint64, `rank` int64, `side` uint16 (4 x tokens + role) and `bag` uint64, for `PiecePairs`. Li, Deng, Wang,
        Feng, "Pass-Join: a partition-based method for similarity joins", PVLDB 5(3), 2011.
    """
    values, offsets = kernels.tokens(arena, batch["start"], batch["end"])
    keys, rows, bags = kernels.partition(values, offsets, edits, shard, shards, marks)
    text = rows >> 2
    sides = 4 * (offsets[1:] - offsets[:-1])[text] + (rows & 3)
    return {"key": keys, "rank": batch["rank"][text], "side": sides.astype(np.uint16), "bag": bags[text]}


def marks_of(keys: U64) -> U8:
    """A bit for each key, by its upper bits; uint8[2**b]."""
    bits = max(3, (MARKS_A_PIECE * len(keys) - 1).bit_length())
    marked = np.zeros(1 << bits, bool)
    marked[keys >> np.uint64(64 - bits)] = True
    return np.packbits(marked, bitorder="little")


@dataclass(frozen=True, slots=True)
class PiecePairs:
    """Pairs the rows of a key that may be within their edits, of which at least one is a piece.

    Each row is held against the first `scanned` earlier rows of its key, and of those that it is like enough paired with
    the first `limit`: a choice that depends on no state and no split of the work. What is left out is counted.

    Attributes:
        edits: the edits allowed, by the tokens of the longer text.
        limit: pairs that a row proposes at most.
        scanned: earlier rows that a row is held against at most.

    Rows in: what `partition` gives. Rows out: those of `BucketPairs`.
    """

    edits: tuple[int, ...]
    limit: int
    scanned: int

    def table(self, batch: Batch) -> Batch:
        """All keys at once, by the kernel."""
        edits = np.array(self.edits, np.int64)
        pairs, skipped = kernels.piece_pairs(batch["key"], batch["side"], batch["bag"], edits, self.limit, self.scanned)
        rank = batch["rank"]
        return _rows(rank[pairs[:, 0]], rank[pairs[:, 1]], skipped)

    def stream(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Key after key, holding no more than the first `scanned` rows of one."""
        current: object = None
        held: list[tuple[int, int, int, int]] = []
        before = [0, 0, 0]
        skipped = 0
        for batch in batches:
            pairs: list[tuple[int, int]] = []
            columns = (batch[name].tolist() for name in ("key", "rank", "side", "bag"))
            for key, rank, side, bag in zip(*columns, strict=True):
                if key != current:
                    current, held, before = key, [], [0, 0, 0]
                size, role = divmod(side, 4)
                others = [one for one in held if PIECE in (role, one[2])]
                alike = [one[0] for one in others if self._alike(size, role, bag, one)]
                pairs += [(one, rank) for one in alike[: self.limit]]
                skipped += before[PIECE] + (before[LONGER] if role == PIECE else 0) - len(others)
                skipped += len(alike[self.limit :])
                before[role] += 1
                if role != OWN and len(held) < self.scanned:
                    held.append((rank, size, role, bag))
            first, second = np.array(pairs, np.int64).reshape(-1, 2).T
            yield _rows(first, second, 0)
        yield _rows(np.zeros(0, np.int64), np.zeros(0, np.int64), skipped)

    def _alike(self, size: int, role: int, bag: int, other: tuple[int, int, int, int]) -> bool:
        """Whether the bags allow it: an edit changes two of the bits at most, and one where it changes the length."""
        edits = self.edits[size if role == PIECE else other[1]]
        return (bag ^ other[3]).bit_count() <= 2 * edits - abs(size - other[1])


def _rows(first: I64, second: I64, skipped: int) -> Batch:
    if skipped:
        first, second = np.append(first, np.int64(-1)), np.append(second, np.int64(skipped))
    return {"first": first, "second": second}
