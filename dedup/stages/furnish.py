"""Segments of a host's pages -> boilerplate: what stands on so many of them that it is the site's, not the story's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64, MIX, U64, Batch, Furniture, distinct, rows_of

LEAST_SPREAD = 3
LEAST_SHARE = 0.05
"""Boilerplate stands on so many pages of its host, and on this share of them."""
SHORT_TOKENS = 60
"""Longer boilerplate keeps its first copy, unless it stands on a third of the pages; only shorter segments are templates."""
LONG_SEGMENT = 12
SAME_SHARE = 0.8
"""Documents are copies of one page, and count once, if this share of their tokens stands in segments that are the same."""
WHOLE_SHARE = 0.75
"""Long segments are none if they, and others that stand on two pages, each counted once, are this share of most of their pages, short
boilerplate not counted: they are an article that was posted again with another title and signature, or a bulletin in which only the
numbers change. Web pages of the tests: recall .463; .457 with a half."""
EDGE_SEGMENTS = 8
DENSE_SEGMENTS = 10
DENSE_SHARE = 0.3
PLACED_SHARE = 0.6
"""Boilerplate stands, in this share of its places, at the head or foot of the page, with fewer than EDGE_SEGMENTS other segments between it
and the edge, boilerplate not counted; or among other boilerplate, which has DENSE_SHARE of the tokens of DENSE_SEGMENTS segments on either
side. A heading or a phrase of the body does neither. Web pages: precision .970 at recall .463; .960 at .478 wherever it stands."""
SURE_SPREAD = 10
"""What stands on so many pages and on PLACED_SHARE of them may stand anywhere."""
LONG_SURE_SHARE = 0.5
"""What is long and stands on this share of the pages may stand anywhere: a heading of the body is short. Web pages: recall
.463; .461 without."""
MENU_SEGMENTS = 5
MENU_SHARE = 0.8
MENU_MEAN = 12
MENU_TOKENS = 20
"""Short segments stand in a menu, if of at least MENU_SEGMENTS beside them, no more than that many on either side, this share stands on
other pages too, and they have this mean of tokens at most. There two pages are enough, as the pages of a section share its menu.
Web pages: recall .463 at precision .9705; .415 at .9744 without."""
MENU_MOST = 0.5
"""But not where such segments are this share of what is left of the page: a poem that was posted again looks like that."""
SURE_SHARE = 0.3
"""All copies go of what stands on this share of the pages, however long."""

_EVEN = ~np.uint64(1)

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Places:
    """Segments on their documents.

    Attributes:
        document, tokens: int64[n], ascending; and its tokens.
        low, high: int64[n], bounds of its document.
        place: int64[n], their row.
    """

    document: I64
    tokens: I64
    low: I64
    high: I64
    place: I64

    @classmethod
    def of(cls, document: I64, tokens: I64) -> _Places:
        """The places of segments that are sorted by document."""
        bounds = np.concatenate([[0], np.cumsum(np.bincount(document))])
        low, high, place = bounds[document], bounds[document + 1], np.arange(len(document))
        return cls(document, tokens, low, high, place)

    def beside(self, sizes: I64, reach: int) -> I64:
        """The sum of what stands within `reach` segments of each, itself not counted."""
        total = np.concatenate([[0], np.cumsum(sizes)])
        near, far = np.maximum(self.place - reach, self.low), np.minimum(self.place + reach + 1, self.high)
        result: I64 = total[far] - total[near] - sizes
        return result


def furnish(segments: Batch, host: I64, *, learn: Callable[[Batch], Batch]) -> Furniture:
    """Find boilerplate among the segments of pages whose hosts are known.

    A segment, or a template, is boilerplate of a host if it stands on at least 3 of its pages and 5 % of them, or on 10 and 1 %; mostly
    at their edges or among other boilerplate; and is not most of what they say. In menus 2 pages are enough.
    Slots are learnt: segments with the same commonest pair of tokens are held together, and what most of them share is constant;
    numerals never are.

    Args:
        segments: all paragraphs, sorted by document and start: `document`, `start`, `end`, `hash`, `tokens`; each has a token.
        host: int64[documents], a number for each host, -1 unknown.
        learn: tells what is constant in short segments, see `stages.skeleton`.
    """
    rows = np.flatnonzero(host[segments["document"]] >= 0)
    document, tokens = segments["document"][rows], segments["tokens"][rows]
    mine = host[document]
    page = _pages(document, segments["hash"][rows], tokens, mine, len(host))
    pages = _distinct_per(mine, page)
    keys = segments["hash"][rows] & _EVEN
    counts, group = _spread(mine, keys, page)
    spread, share = counts[group], counts[group] / pages[mine]
    chosen = _passes(spread, pages[mine])
    places = _Places.of(document, tokens)
    alone = np.bincount(document)[document] == 1  # a page of one segment is its own text
    rest = np.flatnonzero(~chosen & ~alone & (tokens <= SHORT_TOKENS) & _near(places, chosen))
    rest, skeletons, varies = _templates(segments, rows, rest, mine, page, pages, learn)
    keys[rest] = skeletons | np.uint64(1)
    doubtful = chosen & ((spread < SURE_SPREAD) | (share < PLACED_SHARE))
    doubtful &= (tokens < LONG_SEGMENT) | (share < LONG_SURE_SHARE)
    doubtful[rest] = True
    chosen[rest] = True
    group = _named(mine, keys)
    chosen &= ~doubtful | _placed(places, chosen, group)
    again = spread >= 2
    articles = chosen & _articles(places, chosen, group, again)
    chosen &= ~articles
    in_menus = _in_menus(places, again & (share >= LEAST_SHARE), ~chosen) & ~articles
    slots = np.zeros(len(rows), np.uint64)
    slots[rest] = np.where(chosen[rest], varies, np.uint64(0))
    found = np.flatnonzero(chosen | in_menus)
    spread, group = _spread(mine[found], keys[found], page[found])
    # some of a template's segments may be too long
    found = found[_passes(spread[group], pages[mine[found]], np.where(in_menus[found], 2, LEAST_SPREAD))]
    spread, group = _spread(mine[found], keys[found], page[found])
    first = np.zeros(len(spread), np.int64)
    first[group[::-1]] = found[::-1]
    return Furniture(
        rows=rows[found], group=group, spread=spread, share=spread / np.maximum(pages[mine[first]], 1),
        template=slots[first] != 0, tokens=tokens[first], slots=slots[found],
    )  # fmt: skip


def _templates(
    segments: Batch, rows: I64, rest: I64, host: I64, page: I64, pages: I64, learn: Callable[[Batch], Batch]
) -> tuple[I64, U64, U64]:
    """Which of the `rest` are of a template that passes; the hash of what is constant in each, and its tokens that vary, a bit each."""
    least = np.maximum(LEAST_SPREAD, np.minimum(LEAST_SHARE * pages, np.maximum(10, 0.01 * pages)))[host[rest]]
    places = {name: segments[name][rows[rest]] for name in ("start", "end")}
    found = learn({**places, "row": rest, "host": host[rest], "page": page[rest], "least": least})
    if not rows_of(found):
        return rest[:0], np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    row = found["row"]
    counts, group = _spread(host[row], found["hash"], page[row])
    mine = found["usable"] & _passes(counts[group], pages[host[row]])
    return row[mine], found["hash"][mine], found["varies"][mine]


def _pages(document: I64, hashes: U64, tokens: I64, host: I64, n: int) -> I64:
    """For each segment the page it stands on: documents that say the same are one page, named by the first of them.

    Compared are documents with the same long segments, and then those whose rarest long segment that is not theirs alone is the same.
    """
    page = np.arange(n, dtype=np.int64)
    long = tokens >= LONG_SEGMENT
    with np.errstate(over="ignore"):
        _, lead = np.unique(hashes[long] * MIX ^ document[long].astype(np.uint64), return_index=True)
        name = np.zeros(n, np.uint64)
        np.add.at(name, document[long][lead], hashes[long][lead] * MIX)
    page = _joined(page, name, document, hashes, tokens)
    few = _distinct_per(host, document)[host]
    spread, group = _spread(host, hashes, document)
    rare = np.flatnonzero(long & (spread[group] > 1))
    rare = rare[np.lexsort((hashes[rare], -tokens[rare], spread[group][rare], document[rare]))]
    mine, lead = np.unique(document[rare], return_index=True)
    name = np.zeros(n, np.uint64)
    name[mine] = hashes[rare[lead]]
    name[page != np.arange(n)] = 0
    own = np.where(
        2 * spread[group] <= few, tokens, 0
    )  # what stands on more of the host's documents says nothing of a page
    return _joined(np.arange(n, dtype=np.int64), name, document, hashes, own)[page][document]


def _joined(page: I64, name: U64, document: I64, hashes: U64, tokens: I64) -> I64:
    """Give documents of one name (0: none) the page of the first of them, where most of both is the same."""
    known = np.flatnonzero(name != 0)
    _, first, inverse = np.unique(name[known], return_index=True, return_inverse=True)
    lead = page.copy()
    lead[known] = known[first][inverse]
    moves = lead != page
    is_lead = np.zeros(len(page), bool)
    is_lead[lead[moves]] = True
    rows, held = np.flatnonzero(moves[document]), is_lead[document]
    with np.errstate(over="ignore"):
        there = distinct(hashes[held] ^ document[held].astype(np.uint64) * MIX)
        wanted = hashes[rows] ^ lead[document[rows]].astype(np.uint64) * MIX
    place = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    stands = rows[there[place] == wanted] if len(there) else rows
    whole = np.bincount(document, tokens, len(page))
    same = np.bincount(document[stands], tokens[stands], len(page))
    joins = (whole > 0) & (same >= SAME_SHARE * np.maximum(whole, whole[lead]))
    return np.where(joins, lead, page)


def _distinct_per(groups: I64, values: I64) -> I64:
    """How many distinct values each group has, int64[groups]; both are below 2**31."""
    pairs = distinct(groups << np.int64(32) | values)
    return np.bincount(pairs >> np.int64(32), minlength=int(groups.max(initial=-1)) + 1).astype(np.int64)


def _spread(host: I64, keys: U64, page: I64) -> tuple[I64, I64]:
    """(pages of each (host, key), the (host, key) of each row)."""
    group = _named(host, keys)
    return _distinct_per(group, page), group


def _named(host: I64, keys: U64) -> I64:
    """A number for each (host, key)."""
    with np.errstate(over="ignore"):
        named = keys ^ (host.astype(np.uint64) + np.uint64(1)) * MIX
    return kernels.number(named)[0]


def _passes(spread: I64, pages: I64, least: int | I64 = LEAST_SPREAD) -> Bools:
    result: Bools = (spread >= least) & (spread >= LEAST_SHARE * pages) | (spread >= 10) & (spread >= 0.01 * pages)
    return result


def _near(places: _Places, chosen: Bools) -> Bools:
    """Where templates are looked for: within twice EDGE_SEGMENTS of the head or the foot, and among what is chosen."""
    before, after = _others(places, chosen)
    result: Bools = (before < 2 * EDGE_SEGMENTS) | (after < 2 * EDGE_SEGMENTS) | _dense(places, chosen)
    return result


def _placed(places: _Places, chosen: Bools, group: I64) -> Bools:
    """Which segments are of a group that mostly stands where boilerplate does."""
    before, after = _others(places, chosen)
    well = (before < EDGE_SEGMENTS) | (after < EDGE_SEGMENTS) | _dense(places, chosen)
    result: Bools = (np.bincount(group, well & chosen) >= PLACED_SHARE * np.bincount(group, chosen))[group]
    return result


def _articles(places: _Places, chosen: Bools, group: I64, again: Bools) -> Bools:
    """Which segments are long and of a group that mostly stands on pages that have little else."""
    document, tokens = places.document, places.tokens
    long = tokens >= LONG_SEGMENT
    which = np.flatnonzero(long & (chosen | again))
    pairs = document[which] << np.int64(32) | group[which]
    once = which[np.unique(pairs, return_index=True)[1]]  # an article does not say its lines again and again
    gone = np.bincount(document[once], tokens[once], int(document.max(initial=-1)) + 1)
    rest = np.bincount(document, np.where(chosen | (long & again), 0, tokens))
    little = (gone > 0) & (gone >= WHOLE_SHARE * (gone + rest))
    result: Bools = long & (2 * np.bincount(group, little[document] & chosen) >= np.bincount(group, chosen))[group]
    return result


def _in_menus(places: _Places, again: Bools, rest: Bools) -> Bools:
    """Which of the short segments that stand on another page too stand in a menu, unless those are most of what is left of their page.

    Args:
        places: of the segments.
        again: bool[n], which stand on another page too.
        rest: bool[n], which are no boilerplate so far.
    """
    tokens, count = places.tokens, places.beside(np.ones_like(places.place), MENU_SEGMENTS)
    found = rest & again & (tokens <= MENU_TOKENS) & (count >= MENU_SEGMENTS)
    found &= places.beside(again.astype(np.int64), MENU_SEGMENTS) >= MENU_SHARE * count
    found &= places.beside(np.minimum(tokens, SHORT_TOKENS), MENU_SEGMENTS) <= MENU_MEAN * count
    gone, whole = (np.bincount(places.document, np.where(part, tokens, 0)) for part in (found, rest))
    result: Bools = found & (gone < MENU_MOST * whole)[places.document]
    return result


def _dense(places: _Places, chosen: Bools) -> Bools:
    """Which segments stand among chosen ones."""
    tokens = places.tokens
    among, all_of = (places.beside(sizes, DENSE_SEGMENTS) for sizes in (np.where(chosen, tokens, 0), tokens))
    result: Bools = among >= DENSE_SHARE * np.maximum(all_of, 1)
    return result


def _others(places: _Places, chosen: Bools) -> tuple[I64, I64]:
    """How many segments that are not chosen stand before and after each one in its document."""
    others = np.concatenate([[0], np.cumsum(~chosen)])
    return others[:-1] - others[places.low], others[places.high] - others[1:]
