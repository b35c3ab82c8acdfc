"""The compiled kernels that widen cuts and lay out what is left, as functions on arrays; see `native`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import _native
from dedup.kernels.arrays import array

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


def widen(text: U8, field_starts: I64, field_ends: I64, starts: I64, ends: I64) -> tuple[I64, I64]:
    """Widen pieces that are to go so that no empty line, doubled space or glued word is left behind.

    A piece that fills its lines takes the line breaks up to the next text, and at the end of a field the ones before it. A piece inside
    a line takes the blanks after it, at the line's end those before it. Pieces with only white space between them go as one, and each
    still has its own span. White space is that of `lines`, and line ends.

    Args:
        text: uint8[...], UTF-8.
        field_starts: int64[f], first byte of each text field, sorted; white space is never taken across them.
        field_ends: int64[f], the byte after each one's last.
        starts: int64[m], first byte of each piece, sorted; each begins and ends with a visible character.
        ends: int64[m], the byte after each one's last.

    Returns:
        int64[m] twice: the span of each piece, which contains it; sorted and disjoint.

    Raises:
        ValueError: a range does not lie within the text, fields or pieces overlap or are not sorted, or a piece lies in no field.
    """
    starts, ends = array(starts, np.int64), array(ends, np.int64)
    first, last = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    _native.widen(text, array(field_starts, np.int64), array(field_ends, np.int64), starts, ends, first, last)
    return first, last


def gather(text: U8, starts: I64, ends: I64, out: U8) -> None:
    """Lay ranges of a text out one after the other.

    Args:
        text: uint8[...].
        starts: int64[n], first byte of each range.
        ends: int64[n], the byte after each one's last.
        out: uint8[...], contiguous and apart from the text; gets them.

    Raises:
        ValueError: a range does not lie within the text, or there is too little room.
    """
    _native.gather(text, array(starts, np.int64), array(ends, np.int64), out)
