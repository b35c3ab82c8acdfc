"""What is constant in segments of a site's pages, and what varies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.portable.checks import I64, check_offsets
from dedup.kernels.portable.pairs import number
from dedup.kernels.portable.text import U8, U64

Bools = NDArray[np.bool_]
F64 = NDArray[np.float64]

_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_SLOT = np.uint64(0x5107)
_EVEN = ~np.uint64(1)
_RARE = 3


def skeletons(values: U64, offsets: I64, host: I64, page: I64, least: F64, share: float) -> tuple[U64, I64, U8]:
    """Tell what is constant in short segments of the pages of hosts, and what varies.

    For each segment the commonest pair is that of two tokens in a row which stands on the most pages of the host, the first such. If
    those are fewer than `least`, or than 3, nothing is learnt. Else the segments of the host with the same commonest pair are held
    together: a token that stands in them on as many pages as `least`, and on this share of all theirs, is constant, but a numeral
    (bit 1) never is.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the segments in them, from 0 to t.
        host: int64[n], the host of each segment.
        page: int64[n], the page of each segment.
        least: float64[n].
        share: of the pages of segments with the same commonest pair.

    Returns:
        uint64[n] hash of what is constant, with one mark for each stretch that varies; even, and 0 where nothing is learnt;
        int64[n, 3] weights (a word, bit 0, weighs 2, any other token 1), 0 where nothing is learnt: of all, of what is constant, of
        the longest stretch that varies; uint8[t], 1 for tokens that vary, 0 where nothing is learnt.

    Raises:
        ValueError: offsets are out of range, or host, page or least have fewer than n values.
    """
    check_offsets(len(values), offsets)
    n = len(offsets) - 1
    if offsets[0] != 0 or offsets[-1] != len(values):
        raise ValueError("offsets must not decrease and must stay within the values")
    if min(len(host), len(page), len(least)) < n:
        raise ValueError("a buffer is too small or not aligned to its items")
    hashes, sums, varies = np.zeros(n, np.uint64), np.zeros((n, 3), np.int64), np.zeros(len(values), np.uint8)
    owner = np.repeat(np.arange(n), np.diff(offsets))
    place = np.arange(len(values)) - offsets[owner]
    count, pair = _pairs(values, place, host[owner], page[owner])
    best = np.zeros(n, np.int64)
    np.maximum.at(best, owner, count)
    able = best >= np.maximum(least[:n], _RARE)
    lead = np.full(n, len(values))
    leads = np.flatnonzero((count == best[owner]) & able[owner])
    np.minimum.at(lead, owner[leads], leads)
    alike = np.zeros(n, np.int64)
    members, alike[able] = _spread(_salted(pair[lead[able]], host[:n][able]), page[:n][able])
    mine = np.flatnonzero(able[owner])
    counts, group = _spread(_salted(values[mine], alike[owner[mine]]), page[owner[mine]])
    need = np.maximum(least[:n], share * members[alike] if len(members) else 0.0)
    constant = np.zeros(len(values), bool)
    constant[mine] = (counts[group] >= need[owner[mine]]) & ((values[mine] & np.uint64(2)) == 0)
    varies[mine] = ~constant[mine]
    _write(values, owner, mine, constant, hashes, sums)
    return hashes, sums, varies


def _pairs(values: U64, place: I64, host: I64, page: I64) -> tuple[I64, U64]:
    """For each token on how many pages of the host it follows the token before it, 0 for the first; and a name for the two."""
    before = np.concatenate([np.zeros(min(len(values), 1), np.uint64), values[:-1]])
    with np.errstate(over="ignore"):
        pair = ((before * _MIX) ^ values) * _MIX_1
    follows = np.flatnonzero(place > 0)
    count = np.zeros(len(values), np.int64)
    pages, group = _spread(_salted(pair[follows], host[follows]), page[follows])
    count[follows] = pages[group]
    return count, pair


def _salted(keys: U64, by: I64) -> U64:
    with np.errstate(over="ignore"):
        salted: U64 = keys ^ (by.astype(np.uint64) + np.uint64(1)) * _MIX
    return salted


def _spread(keys: U64, page: I64) -> tuple[I64, I64]:
    """(pages of each key, the number of each row's key)."""
    group, distinct = number(keys)
    order = np.lexsort((page, group))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (group[order][1:] != group[order][:-1]) | (page[order][1:] != page[order][:-1])
    return np.bincount(group[order][fresh], minlength=len(distinct)).astype(np.int64), group


def _write(values: U64, owner: I64, mine: I64, constant: Bools, hashes: U64, sums: I64) -> None:
    """Hash what is constant in the tokens `mine`, and weigh it."""
    if not len(mine):
        return
    tokens, owner, constant = values[mine], owner[mine], constant[mine]
    first = np.ones(len(mine), bool)
    first[1:] = owner[1:] != owner[:-1]
    opens = ~constant & (first | np.concatenate([[True], constant[:-1]]))  # the first token of a slot
    place = np.cumsum(constant | opens)
    place -= place[np.flatnonzero(first)][np.cumsum(first) - 1]
    with np.errstate(over="ignore"):
        term = np.where(constant, tokens, _SLOT) * ((2 * place + 1).astype(np.uint64) * _MIX)
        np.add.at(hashes, owner, np.where(constant | opens, term, np.uint64(0)))
    learnt = owner[first]
    hashes[learnt] = (hashes[learnt] ^ hashes[learnt] >> np.uint64(31)) & _EVEN
    weight = 1 + (tokens & np.uint64(1)).astype(np.int64)
    slot = np.cumsum(opens)
    sizes = np.bincount(slot[~constant], weight[~constant], int(slot[-1]) + 1).astype(np.int64)
    np.add.at(sums[:, 0], owner, weight)
    np.add.at(sums[:, 1], owner[constant], weight[constant])
    np.maximum.at(sums[:, 2], owner[opens], sizes[slot[opens]])
