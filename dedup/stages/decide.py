"""Matches -> removals: what goes, and for whom it goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.ledger.removals import EXACT, NEAR
from dedup.model import I64, Batch


def decide(
    exact: I64, representative: I64, row: I64, similarity: NDArray[np.float64], measure: NDArray[np.uint8]
) -> Batch:
    """Who goes, and for whom.

    Args:
        exact: int64[n], the first segment of equal folded text.
        representative, row: int64[n], see `cluster`; set for first segments alone.
        similarity, measure: of the matches that `row` counts.

    Returns:
        `rank` and `kept` int64 (segments by rank), `similarity` float64, `measure` and `reason` uint8. A segment equal to a duplicate
        goes for the same kept one, at the same similarity.
    """
    lead = representative[exact]
    copy = exact != np.arange(len(exact))
    goes = np.flatnonzero(copy | (representative >= 0))
    near = lead[goes] >= 0
    kept = np.where(near, lead[goes], exact[goes])
    match = np.maximum(row[exact[goes]], 0)
    has_rows = len(similarity) > 0
    return {
        "rank": goes,
        "kept": kept,
        "similarity": np.where(near, similarity[match] if has_rows else 1.0, 1.0),
        "measure": np.where(near, measure[match] if has_rows else 0, 0).astype(np.uint8),
        "reason": np.where(near, NEAR, EXACT).astype(np.uint8),
    }
