"""What is checked at the door, in the same words as the compiled core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]


def check_ranges(size: int, starts: I64, ends: I64) -> None:
    """Byte ranges of texts in a buffer of `size` bytes."""
    if len(starts) != len(ends):
        raise ValueError("starts and ends must have the same length")
    if len(starts) and (starts.min() < 0 or ends.max() > size or (starts > ends).any()):
        raise ValueError("every text range must satisfy 0 <= start <= end <= len(text)")


def check_offsets(size: int, offsets: I64) -> None:
    """Offsets of texts in an array of `size` values."""
    if len(offsets) == 0:
        raise ValueError("offsets must not be empty")
    if offsets[0] < 0 or offsets[-1] > size or (offsets[1:] < offsets[:-1]).any():
        raise ValueError("offsets must not decrease and must stay within the values")


def check_k(k: int) -> None:
    """Tokens in a shingle."""
    if not 1 <= k <= 63:
        raise ValueError("k must be between 1 and 63")


def check_pairs(pairs: I64, n: int, what: str = "texts") -> None:
    """Pairs of indices below n."""
    if len(pairs) and (pairs.min() < 0 or pairs.max() >= n):
        raise ValueError(f"pairs must name {what} within 0..n-1")
