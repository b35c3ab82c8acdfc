"""Buckets -> candidate pairs: who shares a bucket with whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import Batch

_PLACES_A_KEY, _MOST_PLACES = 64, 22


@dataclass(frozen=True, slots=True)
class BucketPairs:
    """Pairs each member of a bucket with the bucket's first `limit` members.

    A choice that depends on no state and no split of the work. What the limit leaves out is counted, and the next pass,
    in which duplicates are gone, comes to it.

    Attributes:
        key: the column that names the bucket.
        limit: members that each other one is paired with.

    Rows in: `key`, and `rank` int64, the order of preference. Rows out: `first` and `second` int64, ranks, first < second;
    and one row (-1, count) where pairs were left out.
    """

    key: str
    limit: int

    def table(self, batch: Batch) -> Batch:
        """All buckets at once, by the grouping kernel."""
        pairs, skipped = kernels.bucket_pairs(batch[self.key], self.limit)
        rank = batch["rank"]
        return _rows(rank[pairs[:, 0]], rank[pairs[:, 1]], skipped)

    def stream(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Bucket after bucket, holding no more than the first `limit` members of one."""
        current: object = None
        members: list[int] = []
        size = skipped = 0
        for batch in batches:
            first: list[int] = []
            second: list[int] = []
            for key, rank in zip(batch[self.key].tolist(), batch["rank"].tolist(), strict=True):
                if key != current:
                    current, members, size = key, [], 0
                first.extend(members)
                second.extend([rank] * len(members))
                skipped += size - len(members)
                size += 1
                if len(members) < self.limit:
                    members.append(rank)
            yield _rows(np.array(first, np.int64), np.array(second, np.int64), 0)
        yield _rows(np.zeros(0, np.int64), np.zeros(0, np.int64), skipped)


def _rows(first: np.ndarray, second: np.ndarray, skipped: int) -> Batch:
    if skipped:
        first = np.append(first, np.int64(-1))
        second = np.append(second, np.int64(skipped))
    return {"first": first, "second": second}


def band(batch: Batch) -> tuple[Batch, int]:
    """Distinct candidate pairs of all bands, sorted by (second, first), each with the `count` int32 of bands that propose it; and how
    many pairs the limit left out.

    Args:
        batch: the rows that `BucketPairs` gave, over all bands; ranks below 2**32.
    """
    first, second = batch["first"], batch["second"]
    counts = first < 0
    skipped = int(second[counts].sum())
    packed = np.sort(second[~counts].astype(np.uint64) << np.uint64(32) | first[~counts].astype(np.uint64))
    lead = np.flatnonzero(np.concatenate([np.ones(min(len(packed), 1), bool), packed[1:] != packed[:-1]]))
    count = np.diff(np.append(lead, len(packed))).astype(np.int32)
    packed = packed[lead]
    low = np.uint64(0xFFFFFFFF)
    found = {"first": (packed & low).astype(np.int64), "second": (packed >> np.uint64(32)).astype(np.int64)}
    return {**found, "count": count}, skipped


def shared(keys: NDArray[np.unsignedinteger], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows may share a key with one of the chosen rows: all that do, and by chance a few more."""
    wanted = keys[chosen]
    places = 1 << min(max(_PLACES_A_KEY * len(wanted), 1 << 12).bit_length(), _MOST_PLACES)
    low = keys.dtype.type(places - 1)
    marks = np.zeros(places, bool)
    marks[wanted & low] = True
    found: NDArray[np.bool_] = marks[keys & low]
    return found
