"""The way of templates: what is constant in short segments, host by host; through a backend."""

from __future__ import annotations

import numpy as np

from dedup.backends.base import Backend
from dedup.model import U8, Batch, concat, take
from dedup.stages.skeleton import Skeletons

BATCH_ROWS = 1 << 15
"""Segments that are learnt from at a time, or those of one host where they are more."""


def learn(rows: Batch, *, arena: U8, backend: Backend) -> Batch:
    """What is constant in segments that may be templates; see `stages.skeleton`.

    Args:
        rows: segments, in the order of `row`.
        arena: uint8[...], the text.
        backend: where the work runs.
    """
    order = np.argsort(rows["host"], kind="stable")
    host = rows["host"][order]
    borders = np.flatnonzero(np.diff(host, prepend=-1))  # hosts are numbered from 0
    batch = borders // BATCH_ROWS
    edges = borders[np.flatnonzero(np.diff(batch, prepend=-1))][1:]
    parts = [np.sort(part) for part in np.split(order, edges)] if len(order) else []
    # all are begun before the first is waited for
    runs = [backend.sorted_runs([take(rows, part)], "host", "row", Skeletons(arena)) for part in parts]
    return concat(batch for run in runs for batch in run)
