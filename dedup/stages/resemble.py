"""Segments -> those that say nearly what boilerplate of their host says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64, MIX, U8, Batch

LEAST_TOKENS = 8
"""Shorter segments are near by chance."""
SIMILARITY = 0.85
"""Least edit similarity to boilerplate, as for paragraphs. Web pages of the tests: recall .463; .454 without near ones."""
SLOT_BITS = 20
"""Upper bits of a band key that are looked up first: most segments are like no boilerplate."""


def resemble(
    segments: Batch,
    host: I64,
    rows: I64,
    group: I64,
    *,
    arena: U8,
    sketched: Batch,
    keys: Sequence[str],
    allowed: Callable[[I64], I64],
) -> tuple[I64, I64]:
    """Find near-duplicates of boilerplate: notices that a site words a little differently on some pages.

    A segment is held against the first boilerplate of its host that has the same band key, for each band. Work is linear.

    Args:
        segments: all paragraphs: `document`, `start`, `end`, `hash`, `tokens`, and `row`, their row in `sketched`.
        host: int64[documents], a number for each host, -1 unknown.
        rows: int64[m], the segments that are boilerplate.
        group: int64[m], which boilerplate each is.
        arena: uint8[...], the text.
        sketched: the band keys.
        keys: their columns.
        allowed: the token edits at which two segments are near, the longer one of so many tokens.

    Returns:
        (int64[n] rows of other segments, ascending, int64[n] which boilerplate each is like).
    """
    mine = host[segments["document"]]
    able = (segments["tokens"] >= LEAST_TOKENS) & (mine >= 0)
    mark = segments["hash"][rows] ^ mine[rows].astype(np.uint64) * MIX
    _, first = np.unique(mark, return_index=True)
    first = first[able[rows[first]]]
    lead = rows[first]
    able[rows] = False
    others = np.flatnonzero(able)
    theirs, own = mine[others], mine[lead]
    row, row_of_lead = segments["row"][others], segments["row"][lead]
    found = [_same(sketched[name][row], theirs, sketched[name][row_of_lead], own) for name in keys]
    pairs = np.concatenate([np.zeros(0, np.int64), *found])
    pairs = np.unique(pairs)
    row, like = others[pairs >> np.int64(32)], pairs & np.int64(0xFFFFFFFF)
    near = _similar(segments, row, lead[like], arena, allowed)
    row, place = np.unique(row[near], return_index=True)
    return row, group[first[like[near][place]]]


def _same(keys: NDArray[np.uint32], host: I64, lead_keys: NDArray[np.uint32], lead_host: I64) -> I64:
    """Pairs (place << 32 | place of the lead) of one key and one host."""
    there = np.zeros(1 << SLOT_BITS, bool)
    shift = np.uint32(32 - SLOT_BITS)
    there[lead_keys >> shift] = True
    place = np.flatnonzero(there[keys >> shift])  # few have the upper bits of a lead's key
    wanted = host[place] << np.int64(32) | keys[place]
    known, first = np.unique(lead_host << np.int64(32) | lead_keys, return_index=True)
    at = np.minimum(np.searchsorted(known, wanted), max(len(known) - 1, 0))
    same = known[at] == wanted if len(known) else np.zeros(0, bool)
    result: I64 = place[same] << np.int64(32) | first[at[same]]
    return result


def _similar(segments: Batch, one: I64, other: I64, arena: U8, allowed: Callable[[I64], I64]) -> NDArray[np.bool_]:
    """Which pairs of segments are within the edits allowed."""
    limits = allowed(np.maximum(segments["tokens"][one], segments["tokens"][other]))
    rows, place = np.unique(np.concatenate([one, other]), return_inverse=True)
    values, offsets = kernels.tokens(arena, segments["start"][rows], segments["end"][rows])
    pairs = np.ascontiguousarray(place.reshape(2, -1).T.astype(np.int64))
    result: NDArray[np.bool_] = kernels.edit_distances(values, offsets, pairs, limits) <= limits
    return result
