"""Pairs of equal fingerprints -> runs: the longest equal stretches around them, compared token by token."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.model import I64, U8, Batch


def extend(batch: Batch, *, arena: U8, starts: I64, ends: I64, weight: int) -> Batch:
    """Extend pairs to both sides as far as the tokens are equal.

    Args:
        batch: `later`, `later_position`, `earlier`, `earlier_position` int64: two documents and tokens in them, of equal fingerprint.
        arena: uint8[...], the text.
        starts, ends: int64[documents], what is left of each document.
        weight: runs that weigh less are left out.

    Returns:
        Runs: `later`, `start` (token), `length` (tokens), `earlier`, `earlier_start`; int64, sorted by later document and start.
    """
    documents, inverse = np.unique(np.concatenate([batch["later"], batch["earlier"]]), return_inverse=True)
    later, earlier = np.split(inverse.astype(np.int64), 2)
    values, offsets = kernels.tokens(arena, starts[documents], ends[documents])
    difference = batch["later_position"] - batch["earlier_position"]
    order = np.lexsort((batch["later_position"], difference, earlier, later))
    pairs = np.stack([later, batch["later_position"], earlier, batch["earlier_position"]], axis=1)[order]
    runs = kernels.extend(values, offsets, np.ascontiguousarray(pairs), weight)
    runs = runs[np.lexsort((runs[:, 4], runs[:, 3], -runs[:, 2], runs[:, 1], runs[:, 0]))]
    return {
        "later": documents[runs[:, 0]],
        "start": runs[:, 1].copy(),
        "length": runs[:, 2].copy(),
        "earlier": documents[runs[:, 3]],
        "earlier_start": runs[:, 4].copy(),
    }
