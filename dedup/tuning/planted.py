"""Copies that are planted: texts of the data itself, edited at a known rate with tokens of the data itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.model import I64, U64

SHOWN = (0.01, 0.05, 0.1)
"""Shares of the tokens that are edited, for the curves that are shown."""
SPANS = ((0.0, 0.015), (0.015, 0.025), (0.025, 0.04), (0.04, 0.06), (0.06, 0.085), (0.085, 0.115), (0.115, 0.15))
"""Between which shares each copy has its own, for the mixture; no rate lies in none of them."""
FAR = ((0.15, 0.2), (0.2, 0.3))
"""The same for two copies of one text, which differ by the edits of both."""
STRETCH = (0.05, 0.35)
"""A dropped stretch is between these shares of a text: a sentence or two of a paragraph."""
NUMERAL = np.uint64(2)
"""The bit of a token that says it is a numeral."""


def edited(
    values: U64,
    offsets: I64,
    rate: float | NDArray[np.float64],
    pool: U64,
    draw: np.random.Generator,
    *,
    keep_numbers: bool,
) -> tuple[U64, I64]:
    """Edit each text in max(1, rate x its tokens) places, rounded, drawn without repetition.

    A place is replaced, deleted, or gets a token behind it, in equal parts; what comes is drawn from `pool`.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them; none is empty.
        rate: share of the tokens, of all texts or of each.
        pool: uint64[...], tokens as often as they occur.
        draw: draws the places, the edits and the tokens.
        keep_numbers: leave numerals alone: a text that says another number is another text.

    Returns:
        uint64[...] tokens of the copies, int64[n + 1] their bounds. A text of numerals alone has no place to edit.
    """
    lengths = np.diff(offsets)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    lot = draw.random(len(values))
    is_fixed = (values & NUMERAL) != 0 if keep_numbers else np.zeros(len(values), bool)
    order = np.lexsort((lot + is_fixed, owner))
    place = np.arange(len(values)) - np.repeat(offsets[:-1], lengths)
    wanted = np.maximum(1, np.round(rate * lengths)).astype(np.int64)
    # what is left of a text of one token, had it been deleted, would be no text
    chosen = order[(place < wanted[owner]) & ~is_fixed[order]]
    kind = draw.integers(0, 3, len(chosen))
    kind[(kind == 1) & (lengths[owner[chosen]] < 2)] = 0
    copies = np.ones(len(values), np.int64)
    copies[chosen] += np.array([0, -1, 1])[kind]
    result = np.repeat(values, copies)
    last = np.cumsum(copies) - 1
    new = chosen[kind != 1]
    result[last[new]] = _unlike(values[new], pool, draw)
    return result, np.concatenate([[0], np.cumsum(np.bincount(owner, copies, len(lengths)).astype(np.int64))])


def _unlike(old: U64, pool: U64, draw: np.random.Generator) -> U64:
    """Tokens of the pool, other than those that they stand for where eight draws find one."""
    new = pool[draw.integers(0, len(pool), len(old))]
    for _ in range(8):
        same = new == old
        new[same] = pool[draw.integers(0, len(pool), int(same.sum()))]
    return new


def shortened(values: U64, offsets: I64, draw: np.random.Generator) -> tuple[U64, I64]:
    """Drop a stretch of each text, as if a sentence had gone: a share of it drawn between the bounds of `STRETCH`.

    Returns:
        uint64[...] tokens of the copies, int64[n + 1] their bounds.
    """
    lengths = np.diff(offsets)
    size = np.minimum(np.maximum(1, draw.uniform(*STRETCH, len(lengths)) * lengths).astype(np.int64), lengths - 1)
    start = draw.integers(0, lengths - size + 1)
    place = np.arange(len(values)) - np.repeat(offsets[:-1], lengths)
    low, high = np.repeat(start, lengths), np.repeat(start + size, lengths)
    kept: NDArray[np.bool_] = (place < low) | (place >= high)
    return values[kept], np.concatenate([[0], np.cumsum(lengths - size)])
