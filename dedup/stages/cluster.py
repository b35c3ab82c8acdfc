"""Matches -> clusters: who stays, and for whom each other one goes. No chains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64


def cluster(first: I64, second: I64, similarity: NDArray[np.float64], n: int) -> tuple[I64, I64]:
    """Keep a segment iff no kept segment before it matches it: the lexicographically first maximal independent set.

    Each duplicate names the most similar kept one before it (ties: the earlier), so that what is dropped is never further from
    its representative than the threshold.

    Args:
        first, second: int64[m], matches; ranks in order of preference, first < second.
        similarity: float64[m].
        n: how many segments there are.

    Returns:
        (representative int64[n], row int64[n]): for a duplicate the rank of its kept segment and the row of their match;
        -1 for kept segments.
    """
    representative, row = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    if len(first):
        kept = kernels.independent_set(np.ascontiguousarray(np.stack([first, second], axis=1)), n).astype(bool)
        usable = np.flatnonzero(kept[first] & ~kept[second])
        best = usable[np.lexsort((first[usable], -similarity[usable], second[usable]))]
        leads = np.concatenate([[True], second[best][1:] != second[best][:-1]]) if len(best) else np.zeros(0, bool)
        best = best[leads]
        representative[second[best]], row[second[best]] = first[best], best
    return representative, row
