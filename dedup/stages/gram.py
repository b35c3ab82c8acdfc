"""Texts -> those that have as many tokens in a row as a piece, of others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64, U8, U64, Batch

MARKS_A_GRAM = 256
"""Places for each gram that is looked for: of other grams, one in so many meets one of them by chance."""


def gram(batch: Batch, *, arena: U8, size: int) -> Batch:
    """Hashes of `size` tokens in a row.

    Args:
        batch: `start` and `end` int64 of texts in the arena.
        arena: uint8[...], the text.

    Returns:
        `gram` uint64; of a shorter text one of all its tokens.
    """
    return {"gram": _grams(batch, arena, size)[0]}


def meet(batch: Batch, *, arena: U8, size: int, marks: NDArray[np.bool_]) -> Batch:
    """The `rank` of texts that have a gram that is marked.

    Args:
        batch: `rank`, `start` and `end` int64 of texts in the arena.
        arena: uint8[...], the text.
        marks: what `marks_of` made of the grams that are looked for.
    """
    grams, bounds = _grams(batch, arena, size)
    hits = np.concatenate([[0], np.cumsum(marks[grams >> _shift(marks)])])
    return {"rank": batch["rank"][hits[bounds[1:]] > hits[bounds[:-1]]]}


def marks_of(grams: U64) -> NDArray[np.bool_]:
    """A mark for each gram, by its upper bits; bool[2**b]."""
    marks = np.zeros(1 << min(max(MARKS_A_GRAM * len(grams), 1 << 16).bit_length(), 24), bool)
    marks[grams >> _shift(marks)] = True
    return marks


def _shift(marks: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(65 - len(marks).bit_length())


def _grams(batch: Batch, arena: U8, size: int) -> tuple[U64, I64]:
    values, offsets = kernels.tokens(arena, batch["start"], batch["end"])
    return kernels.shingle(values, offsets, size, 0)
