"""Documents -> fingerprints: places whose hash is chosen so that equal stretches share one."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.model import U8, Batch

GRAM_SHARE = 3, 4
"""A fingerprint hashes so much of the least repeat: twice as many of them are chosen as at a half, and of the pairs that they make, a
number that grows with the square of the text, one in twenty is left."""


def winnow(batch: Batch, *, arena: U8, weight: int) -> Batch:
    """Choose fingerprints (Schleimer, Wilkerson, Aiken: Winnowing, SIGMOD 2003; here by weight instead of length).

    Args:
        batch: documents: `document`, `start` and `end` in the arena.
        arena: uint8[...], the text.
        weight: the least weight of a repeat; two stretches of it that are equal share a fingerprint.

    Returns:
        `hash` uint64, `document` and `position` int32 (of the first token, counted within the document), in order.
    """
    values, offsets = kernels.tokens(arena, batch["start"], batch["end"])
    gram = weight * GRAM_SHARE[0] // GRAM_SHARE[1]
    hashes, places = kernels.winnow(values, offsets, gram, weight - gram - 1)
    owner = np.searchsorted(offsets, places, "right") - 1
    return {
        "hash": hashes,
        "document": batch["document"][owner].astype(np.int32),
        "position": (places - offsets[owner]).astype(np.int32),
    }
