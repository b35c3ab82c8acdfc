"""Segments -> signatures: fold, tokens, shingles, min-hashes and band keys in one pass over the bytes."""

from __future__ import annotations

import functools

import numpy as np

from dedup import kernels
from dedup.model import U8, U32, Batch

KEY = "key_"
"""Band keys are the columns key_00, key_01, …: one column a band, so that each band is grouped for itself."""

LANES = "lanes"
"""What is kept of each lane of a signature, one byte a lane: a column of which an item is all of a signature's."""
LANE_BITS = 8


@functools.lru_cache(maxsize=8)
def lanes(n: int, seed: int) -> tuple[U32, U32]:
    """The multipliers (odd) and offsets of n lanes, uint32[n] each.

    Drawn as datasketch 2 draws those of its scheme `affine32`, so that a signature's lanes are interchangeable with
    `datasketch.MinHash(num_perm=n, seed=seed)`.
    """
    draw = np.random.RandomState(seed)
    a = draw.randint(0, 1 << 31, n, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = draw.randint(0, 1 << 32, n, dtype=np.uint32)
    return a, b


def sketch(batch: Batch, *, arena: U8, k: int, seed: int, bands: int, rows: int, keeps_lanes: bool = False) -> Batch:
    """Add to segments what candidates are found by.

    Args:
        batch: segments with `start` and `end` in the arena.
        arena: uint8[...], the text.
        k: tokens in a shingle.
        seed: draws the lanes and salts the shingles.
        bands, rows: the signature has bands x rows lanes.
        keeps_lanes: whether something of each lane is kept, by which pairs are told apart without their text.

    Returns:
        The batch with `hash` uint64 (equal for equal token sequences), `numbers` uint64 (the same for numerals alone),
        `tokens` int64, and a band key uint32 a band; if asked for, `lanes`, of each lane the lowest `LANE_BITS`. Min-hash: Broder, On
        the resemblance and containment of documents, 1997.
    """
    a, b = lanes(bands * rows, seed)
    hashes, numbers, tokens, signatures = kernels.scan(arena, batch["start"], batch["end"], k, seed, a, b)
    keys = kernels.band_keys(signatures, bands, rows)
    found = {"hash": hashes, "numbers": numbers, "tokens": tokens}
    if keeps_lanes:
        found[LANES] = signatures.astype(np.uint8).view(f"V{bands * rows}").ravel()
    return {**batch, **found, **{key_name(band): keys[band] for band in range(bands)}}


def key_name(band: int) -> str:
    """The column of a band's keys."""
    return f"{KEY}{band:02d}"
