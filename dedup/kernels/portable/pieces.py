"""Texts cut into sentences and clauses: one pattern for each way to cut, over the bytes of many texts at once."""

from __future__ import annotations

import re

import numpy as np

from dedup.kernels.portable.checks import I64, check_ranges
from dedup.kernels.portable.text import U8, gather, white

_STOP = rb"(?:[!?]|\xe3\x80\x82|\xef\xbc[\x81\x9f])"
_CLOSERS = rb"(?:[\"')\]]|\xe2\x80[\x99\x9d]|\xe3\x80[\x8b\x8d\x8f\x91]|\xef\xbc\x89)*+"
_PARTED = rb"(?=[\t-\r ]|\xe3\x80\x80|\xc2\xa0)"
_LONG = rb"(?:\.|" + _STOP + rb")" + _CLOSERS + _PARTED + rb"|\|\|++"
_SENTENCE = _STOP + rb"++" + _CLOSERS + rb"|\." + _CLOSERS + _PARTED
_CLAUSE = _SENTENCE + rb"|\xef\xbc[\x8c\x9a\x9b]|\xe3\x80\x81|;|[,:](?:(?<![0-9].)|(?![0-9]))"
_MODES = [re.compile(pattern, re.DOTALL) for pattern in (_LONG, _SENTENCE, _CLAUSE)]


def pieces(text: U8, starts: I64, ends: I64, mode: int) -> tuple[I64, I64, I64]:
    """Cut texts after the marks that end a sentence or a clause.

    A mark takes the closing quotes and brackets right behind it with it: " ' ) ] and U+2019 201D 300D 300F 300B 3011
    FF09. White space is that of `lines`, and line ends; only U+FEFF does not count as following a mark.

    Args:
        text: uint8[...], UTF-8.
        starts: int64[n], first byte of each text.
        ends: int64[n], the byte after each text's last.
        mode: 0 (long) cuts after [.!?。！？] that white space follows, and after each run of two or more |;
            1 (sentence) after each run of [!?。！？], and after a full stop that white space follows;
            2 (clause) also after each of [,，、;；:：], but not after a comma or colon between two ASCII digits.

    Returns:
        int64[m] three times: the text of each piece, and its byte range in `text`, without white space around it and
        never empty.

    Raises:
        ValueError: a range does not lie within the text, or mode is none of these.
    """
    check_ranges(len(text), starts, ends)
    if not 0 <= mode < len(_MODES):
        raise ValueError("mode must be 0, 1 or 2")
    owners, firsts, lasts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    base = 0
    for data, shifts, bounds in gather(text, starts, ends):
        cuts = [found.end() for found in _MODES[mode].finditer(data.tobytes())]
        begins = np.zeros(len(data), np.bool_)
        begins[bounds[:-1]] = True
        begins[cuts] = True  # the separator behind the last text keeps a cut at its end within the array
        blank = white(data) | (data == 0x0A) | (data == 0x0D)
        blank[bounds[1:] - 1] = True
        ink = np.flatnonzero(~blank)
        piece = np.cumsum(begins)[ink]
        first = np.flatnonzero(np.diff(piece, prepend=-1))
        last = np.flatnonzero(np.diff(piece, append=-1))
        owner = np.searchsorted(bounds, ink[first], side="right") - 1
        owners.append(owner + base)
        firsts.append(ink[first] + shifts[owner])
        lasts.append(ink[last] + 1 + shifts[owner])
        base += len(shifts)
    return np.concatenate(owners), np.concatenate(firsts), np.concatenate(lasts)
