"""Segments of a host's pages -> boilerplate: what stands on so many of them that it is the site's, not the story's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64, U8, U64, Batch

SHORT_TOKENS = 60
"""Longer boilerplate keeps its first copy, unless it stands on a third of the pages; only shorter segments are templates."""
LONG_SEGMENT = 12
"""Pages whose segments of at least this many tokens are the same are copies of one page, and count once."""
CONSTANT_WEIGHT = 4
"""Least weight of what a template's segments have in common."""
SLOT_TOKENS = 12
"""Most tokens in one slot."""
COMMON_SHARE = 0.5
"""A pair of tokens is constant in a segment if it stands on this share of the pages on which the segment's commonest pair stands."""

_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Furniture:
    """The segments of the input that are boilerplate.

    Attributes:
        rows: int64[m], rows of the segments.
        group: int64[m], which boilerplate each is; numbers from 0.
        spread: int64[groups], on how many pages of its host.
        share: float64[groups], spread / pages of the host.
        template: bool[groups], whether it has slots.
        tokens: int64[groups], tokens of its first segment.
        slots: bool[t], offsets int64[m + 1]: for each token of each segment whether it is in a slot.
    """

    rows: I64
    group: I64
    spread: I64
    share: NDArray[np.float64]
    template: NDArray[np.bool_]
    tokens: I64
    slots: NDArray[np.bool_]
    offsets: I64


def furnish(segments: Batch, host: I64, *, arena: U8) -> Furniture:
    """Find boilerplate among the segments of pages whose hosts are known.

    A segment, or a template, is boilerplate of a host if it stands on at least 3 of its pages and 5 % of them, or on 10 and 1 %.
    Slots are learnt: a token is constant where it stands in a pair that is common on the host's pages, and numerals never are.

    Args:
        segments: all paragraphs as read, in order: `document`, `start`, `end`, `hash`, `tokens`; each has a token.
        host: int64[documents], a number for each host, -1 unknown.
        arena: uint8[...], the text.
    """
    rows = np.flatnonzero(host[segments["document"]] >= 0)
    document = segments["document"][rows]
    page = _pages(document, segments["hash"][rows], segments["tokens"][rows], len(host))
    pages = _distinct_per(host[document], page)
    exact = segments["hash"][rows]
    counts, group = _spread(host[document], exact, page)
    n_pages = pages[host[document]]
    found = _passes(counts[group], n_pages)
    keys = exact.copy()
    rest = np.flatnonzero(~found & (segments["tokens"][rows] <= SHORT_TOKENS))
    slots = _Slots(arena, segments, rows)
    skeleton, usable = slots.skeletons(rest, host[document[rest]], page[rest], pages)
    shared, named = _spread(host[document[rest]], skeleton, page[rest])
    is_template = usable & _passes(shared[named], n_pages[rest])
    keys[rest[is_template]] = skeleton[is_template] | np.uint64(1)
    keys[found] &= ~np.uint64(1)
    chosen = np.flatnonzero(found | _mask(len(rows), rest[is_template]))
    return _gathered(chosen, rows, keys, host[document], page, pages, segments, slots, _mask(len(rows), rest[is_template]))


def _mask(n: int, rows: I64) -> NDArray[np.bool_]:
    mask = np.zeros(n, bool)
    mask[rows] = True
    return mask


def _pages(document: I64, hashes: U64, tokens: I64, n: int) -> I64:
    """For each segment the page it stands on: documents with the same long segments are one page, named by the first of them."""
    long = tokens >= LONG_SEGMENT
    distinct = np.unique(np.stack([document[long].astype(np.uint64), hashes[long]], axis=1), axis=0) if long.any() else np.zeros((0, 2), np.uint64)
    name = np.zeros(n, np.uint64)
    with np.errstate(over="ignore"):
        np.add.at(name, distinct[:, 0].astype(np.int64), distinct[:, 1] * _MIX)
    page = np.arange(n, dtype=np.int64)
    known = np.flatnonzero(name != 0)
    _, first, inverse = np.unique(name[known], return_index=True, return_inverse=True)
    page[known] = known[first][inverse]
    return page[document]


def _distinct_per(groups: I64, values: I64) -> I64:
    """How many distinct values each group has, int64[groups]."""
    pairs = np.unique(np.stack([groups, values], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=int(groups.max(initial=-1)) + 1).astype(np.int64)


def _spread(host: I64, keys: U64, page: I64) -> tuple[I64, I64]:
    """(pages of each (host, key), the (host, key) of each segment)."""
    _, group = np.unique(np.stack([host.astype(np.uint64), keys], axis=1), axis=0, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    return _distinct_per(group, page), group


def _passes(spread: I64, pages: I64) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = ((spread >= 3) & (spread >= 0.05 * pages)) | ((spread >= 10) & (spread >= 0.01 * pages))
    return result


class _Slots:
    """Tokens of short segments, and which of them vary."""

    def __init__(self, arena: U8, segments: Batch, rows: I64) -> None:
        self._arena = arena
        self._segments = segments
        self._rows = rows
        self.varies: dict[int, NDArray[np.bool_]] = {}

    def skeletons(self, chosen: I64, host: I64, page: I64, pages: I64) -> tuple[U64, NDArray[np.bool_]]:
        """A hash of what is constant in each chosen segment, and whether that is enough to be a template."""
        starts, ends = (self._segments[name][self._rows[chosen]] for name in ("start", "end"))
        values, offsets, _, _ = kernels.tokenize(self._arena, starts, ends)
        n = len(chosen)
        if not len(values):
            return np.zeros(n, np.uint64), np.zeros(n, bool)
        owner = np.repeat(np.arange(n), np.diff(offsets))
        common = self._common(values, offsets, owner, host, page)
        need = np.maximum(_least(pages[host]), COMMON_SHARE * np.maximum.reduceat(common, offsets[:-1]))[owner]
        constant = (np.maximum(common, _after(common, offsets)) >= need) & ((values & np.uint64(2)) == 0)
        return self._hashed(values, offsets, owner, constant, chosen)

    @staticmethod
    def _common(values: U64, offsets: I64, owner: I64, host: I64, page: I64) -> NDArray[np.float64]:
        """For each token on how many pages of the host it follows the token before it."""
        before = np.concatenate([np.zeros(1, np.uint64), values[:-1]])
        before[offsets[:-1]] = np.uint64(0)
        with np.errstate(over="ignore"):
            pair = (before * _MIX) ^ values
        shared, named = _spread(host[owner], pair, page[owner])
        counts = shared[named].astype(np.float64)
        counts[offsets[:-1]] = 0  # the first token follows none
        return counts

    def _hashed(self, values: U64, offsets: I64, owner: I64, constant: NDArray[np.bool_], chosen: I64) -> tuple[U64, NDArray[np.bool_]]:
        n = len(chosen)
        first = np.zeros(len(values), bool)
        first[offsets[:-1]] = True
        opens = ~constant & (first | np.concatenate([[True], constant[:-1]]))  # the first token of a slot
        stays = constant | opens
        token = np.where(constant, values, np.uint64(0x5107))
        place = np.cumsum(stays) - 1
        base = place[offsets[:-1]]
        with np.errstate(over="ignore"):
            term = token * ((2 * (place - base[owner]) + 1).astype(np.uint64) * _MIX)
            total = np.add.reduceat(np.where(stays, term, np.uint64(0)), offsets[:-1])
            total ^= total >> np.uint64(31)
        weight = np.add.reduceat(np.where(constant, 1 + (values & np.uint64(1)).astype(np.int64), 0), offsets[:-1])
        slot = np.cumsum(opens)
        longest = np.zeros(n, np.int64)
        sizes = np.bincount(slot[~constant], minlength=int(slot[-1]) + 1)
        np.maximum.at(longest, owner[opens], sizes[slot[opens]])
        for row in range(n):
            self.varies[int(chosen[row])] = ~constant[offsets[row] : offsets[row + 1]]
        return total & ~np.uint64(1), (weight >= CONSTANT_WEIGHT) & (longest <= SLOT_TOKENS) & (longest > 0)


def _least(pages: I64) -> NDArray[np.float64]:
    return np.maximum(3, np.minimum(0.05 * pages, np.maximum(10, 0.01 * pages)))


def _after(counts: NDArray[np.float64], offsets: I64) -> NDArray[np.float64]:
    """The count of the pair that each token opens."""
    after = np.concatenate([counts[1:], np.zeros(1)])
    after[offsets[1:] - 1] = 0
    return after


def _gathered(  # noqa: PLR0917
    chosen: I64, rows: I64, keys: U64, host: I64, page: I64, pages: I64, segments: Batch, slots: _Slots, is_template: NDArray[np.bool_]
) -> Furniture:
    spread, group = _spread(host[chosen], keys[chosen], page[chosen])
    n = len(spread)
    first = np.zeros(n, np.int64)
    first[group[::-1]] = chosen[::-1]
    mine = rows[chosen]
    offsets = np.concatenate([[0], np.cumsum(segments["tokens"][mine])]).astype(np.int64)
    varies = np.zeros(int(offsets[-1]), bool)
    for place, row in enumerate(chosen.tolist()):
        if is_template[row]:
            varies[offsets[place] : offsets[place + 1]] = slots.varies[row]
    return Furniture(
        rows=mine, group=group, spread=spread, share=spread / np.maximum(pages[host[first]], 1), template=is_template[first],
        tokens=segments["tokens"][rows[first]], slots=varies, offsets=offsets,
    )  # fmt: skip
