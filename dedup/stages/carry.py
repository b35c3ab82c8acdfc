"""Segments of changed documents -> which of them stood there before, byte for byte: what is known of those is carried over."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.model import I64, MIX, U8, U64, Batch, rows_of

_SAMPLE = 8


def carry(segments: Batch, before: Batch, *, arena: U8) -> tuple[I64, I64]:
    """Find segments that did not change.

    Args:
        segments, before: of the same documents now and before: `document`, `start`, `end` in the arena.
        arena: uint8[...], the text, as it is now and as it was.

    Returns:
        (int64[m] rows of the segments, int64[m] rows of those before, each named once); the text of the two is the same.
    """
    none = np.zeros(0, np.int64)
    if not rows_of(segments) or not rows_of(before):
        return none, none
    new, old = _keys(segments, arena), _keys(before, arena)
    order = np.argsort(old, kind="stable")
    place = np.minimum(np.searchsorted(old[order], new), len(old) - 1)
    alike = np.flatnonzero(old[order][place] == new)
    there = order[place[alike]]
    same = kernels.equal_bytes(
        arena, segments["start"][alike], segments["end"][alike], before["start"][there], before["end"][there]
    ).astype(bool) & (segments["document"][alike] == before["document"][there])
    _, first = np.unique(there[same], return_index=True)
    return alike[same][first], there[same][first]


def _keys(segments: Batch, arena: U8) -> U64:
    """A number for each segment, made of its document, its length and some bytes of it."""
    start, end = segments["start"], segments["end"]
    key = (segments["document"].astype(np.uint64) * MIX) ^ (end - start).astype(np.uint64)
    if len(arena) < _SAMPLE:
        return key
    words = np.ndarray((len(arena) - _SAMPLE + 1,), np.uint64, arena, strides=(1,))  # the bytes from each place on
    for place in (start, (start + end) // 2, end - _SAMPLE):
        key = (key ^ words[np.clip(place, 0, len(words) - 1)]) * MIX
        key ^= key >> np.uint64(29)
    return key
