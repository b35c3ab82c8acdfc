"""The compiled kernel that tells what is constant in segments, as a function on arrays; see `native`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import _native
from dedup.kernels.arrays import array

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]


def skeletons(values: U64, offsets: I64, host: I64, page: I64, least: F64, share: float) -> tuple[U64, I64, U8]:
    """Tell what is constant in short segments of the pages of hosts, and what varies.

    For each segment the commonest pair is that of two tokens in a row which stands on the most pages of the host, the first such. If
    those are fewer than `least`, nothing is learnt. Else the segments of the host with the same commonest pair are held together: a
    token that stands in them on as many pages as `least`, and on this share of all theirs, is constant, but a numeral never is.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the segments in them, from 0 to t.
        host: int64[n], the host of each segment.
        page: int64[n], the page of each segment.
        least: float64[n].
        share: of the pages of segments with the same commonest pair.

    Returns:
        uint64[n] hash of what is constant, with one mark for each stretch that varies; even, and 0 where nothing is learnt;
        int64[n, 3] weights (a word weighs 2, any other token 1), 0 where nothing is learnt: of all, of what is constant, of the longest
        stretch that varies; uint8[t], 1 for tokens that vary.

    Raises:
        ValueError: offsets are out of range, or host, page or least have fewer than n values.
    """
    values, offsets = array(values, np.uint64), array(offsets, np.int64)
    n = max(len(offsets) - 1, 0)
    hashes, sums, varies = np.empty(n, np.uint64), np.empty((n, 3), np.int64), np.empty(len(values), np.uint8)
    host, page, least = array(host, np.int64), array(page, np.int64), array(least, np.float64)
    _native.skeletons(values, offsets, host, page, least, share, hashes, sums, varies)
    return hashes, sums, varies
