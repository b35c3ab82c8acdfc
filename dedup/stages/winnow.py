"""Documents -> fingerprints: places whose hash is chosen so that equal stretches share one."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.model import U8, Batch

GRAM = 20
"""Weight of the stretch that a fingerprint hashes: half of the least repeat."""


def winnow(batch: Batch, *, arena: U8, weight: int) -> Batch:
    """Choose fingerprints (Schleimer, Wilkerson, Aiken: Winnowing, SIGMOD 2003; here by weight instead of length).

    Args:
        batch: documents: `document`, `start` and `end` in the arena.
        arena: uint8[...], the text.
        weight: the least weight of a repeat; two stretches of it that are equal share a fingerprint.

    Returns:
        `hash` uint64, `document` and `position` int64 (of the first token, counted within the document), in order.
    """
    values, offsets = kernels.tokens(arena, batch["start"], batch["end"])
    hashes, places = kernels.winnow(values, offsets, GRAM, weight - GRAM - 1)
    owner = np.searchsorted(offsets, places, "right") - 1
    return {"hash": hashes, "document": batch["document"][owner], "position": places - offsets[owner]}
