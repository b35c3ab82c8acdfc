"""Repeats that stay -> what is shown of them: runs inside longer sentences, and documents that stand in another one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dedup.desk import Desk
from dedup.model import CONTAINED, I64, PLACE, SPLICED, Batch, concat, rows_of, take

MOSTLY = 0.8
"""A document of which this share of tokens stands in another one is shown as contained in it."""


def staying(desk: Desk, runs: Batch, gone: Mapping[int, NDArray[np.bool_]]) -> Batch:
    """What is shown of repeats.

    Args:
        desk: the documents in tokens.
        runs: `later`, `start`, `length`, `earlier`, `earlier_start` int64, sorted by later document, start, longest first.
        gone: for documents with cuts, which of their tokens go.

    Returns:
        `document`, `start`, `end`, `kept_document`, `kept_start`, `kept_end` (in the arena), `why` and `similarity`: of a run 1, of a
        document that stands in another one the share of its tokens that does.
    """
    return concat([_spliced(desk, runs, gone), _contained(desk, runs)])


def _spliced(desk: Desk, runs: Batch, gone: Mapping[int, NDArray[np.bool_]]) -> Batch:
    """Runs that stay, each unless those shown before it reach as far."""
    starts = desk.bases(runs["later"]) + runs["start"]
    stays = ~desk.is_fixed(starts) & ~_cut(runs, gone)
    runs, starts = take(runs, stays), starts[stays]
    ends = runs["start"] + runs["length"]
    rank = np.cumsum(np.concatenate([[0], runs["later"][1:] != runs["later"][:-1]])) if len(starts) else starts
    ends += rank * (int(ends.max(initial=0)) + 1)  # so that no document reaches into the next one
    reach = np.concatenate([[-1], np.maximum.accumulate(ends)[:-1]]) if len(ends) else ends
    fresh = ends > reach
    runs, starts = take(runs, fresh), starts[fresh]
    earlier = desk.bases(runs["earlier"]) + runs["earlier_start"]
    n = len(starts)
    return _table(
        (runs["later"], *desk.places(starts, starts + runs["length"])),
        (runs["earlier"], *desk.places(earlier, earlier + runs["length"])),
        SPLICED, np.ones(n),
    )  # fmt: skip


def _cut(runs: Batch, gone: Mapping[int, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Which runs have gone, all of them."""
    result = np.zeros(rows_of(runs), bool)
    for row in np.flatnonzero(np.isin(runs["later"], np.fromiter(gone, np.int64))).tolist() if gone else ():
        start = int(runs["start"][row])
        result[row] = gone[int(runs["later"][row])][start : start + int(runs["length"][row])].all()
    return result


def _contained(desk: Desk, runs: Batch) -> Batch:
    """Pairs of documents of which one stands in the other for the most part; if both do, the later one in the earlier."""
    pairs = take(runs, runs["later"] != runs["earlier"])
    order = np.lexsort((pairs["start"], pairs["earlier"], pairs["later"]))
    pairs = take(pairs, order)
    n = rows_of(pairs)
    if not n:
        return _table((pairs["later"],) * 3, (pairs["later"],) * 3, CONTAINED, np.zeros(0))
    fresh = (pairs["later"][1:] != pairs["later"][:-1]) | (pairs["earlier"][1:] != pairs["earlier"][:-1])
    group = np.concatenate([[0], np.cumsum(fresh)])
    first = np.flatnonzero(np.concatenate([[True], fresh]))
    later, earlier = pairs["later"][first], pairs["earlier"][first]
    one = _covered(group, pairs["start"], pairs["length"]) / np.maximum(desk.sizes_of(later), 1)
    back = np.lexsort((pairs["earlier_start"], group))
    covered = _covered(group, pairs["earlier_start"][back], pairs["length"][back])
    other = covered / np.maximum(desk.sizes_of(earlier), 1)
    mostly = (one >= MOSTLY) | (other >= MOSTLY)
    inner = np.where(one >= MOSTLY, later, earlier)[mostly]
    outer = np.where(one >= MOSTLY, earlier, later)[mostly]
    share = np.where(one >= MOSTLY, one, other)[mostly]
    return _table((inner, *desk.ranges(inner)), (outer, *desk.ranges(outer)), CONTAINED, share)


def _covered(group: I64, starts: I64, lengths: I64) -> I64:
    """How many tokens the ranges of each group cover; sorted by group and start."""
    width = int((starts + lengths).max()) + 1
    low, high = starts + group * width, starts + lengths + group * width
    reach = np.concatenate([[0], np.maximum.accumulate(high)[:-1]])
    return np.bincount(group, np.maximum(high - np.maximum(low, reach), 0)).astype(np.int64)


def _table(one: tuple[I64, I64, I64], other: tuple[I64, I64, I64], why: int, share: NDArray[np.float64]) -> Batch:
    kept = {f"kept_{name}": column for name, column in zip(PLACE, other, strict=True)}
    told: Batch = {"why": np.full(len(share), why, np.uint8), "similarity": share}
    return {**dict(zip(PLACE, one, strict=True)), **kept, **told}
