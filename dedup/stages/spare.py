"""Pairs of alike documents -> those of which the later one says more: it has a paragraph that the earlier one lacks, and stays for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.ledger.left import letters
from dedup.model import I64, MIX, U8, U64, Batch, distinct, take

REACH = 64
"""A paragraph is compared with those at most so far from where it should stand in the other document, by the equal ones before it."""
FIRST = 4
"""Paragraphs of a pair that are compared before all others: where one of them is not there, no others need be."""


def spare(batch: Batch, *, arena: U8, paragraphs: Batch, allowed: Callable[[I64], I64], least: int) -> Batch:
    """Find the pairs whose later document has a paragraph of its own.

    Args:
        batch: pairs of documents: `row`, `first`, `second` int64.
        arena: uint8[...], the text.
        paragraphs: of all documents, sorted by document and start: `document`, `start`, `end`, `hash`, `tokens`.
        allowed: the token edits at which two paragraphs match, the longer one of so many tokens.
        least: a paragraph with fewer letters and digits is not asked for.

    Returns:
        `row` of the pairs of which the second document has a paragraph that no paragraph of the first is equal to, or matches.
    """
    asked = _asked(batch, paragraphs)
    asked = take(asked, ~asked["equal"] & (paragraphs["tokens"][asked["paragraph"]] > 0))
    asked = take(asked, _is_long(asked["paragraph"], paragraphs, arena, least))
    lost = np.zeros(len(batch["row"]), bool)
    pair = asked["pair"]
    turn = np.arange(len(pair)) - np.searchsorted(pair, pair)
    for mine in (turn < FIRST, turn >= FIRST):
        rows = take(asked, mine & ~lost[pair])
        lost[rows["pair"][~_matched(rows, paragraphs, arena, allowed)]] = True
    return {"row": batch["row"][lost]}


def _asked(batch: Batch, paragraphs: Batch) -> Batch:
    """The paragraphs of the second documents: `pair`, `paragraph`, `low` and `size` (of the first document's paragraphs), `equal`
    (one of them is), `place` (where among them it should stand)."""
    owner = paragraphs["document"]
    low, high = np.searchsorted(owner, batch["second"]), np.searchsorted(owner, batch["second"], "right")
    pair, paragraph = _ranges(low, high)
    firsts = distinct(batch["first"])
    _, theirs = _ranges(np.searchsorted(owner, firsts), np.searchsorted(owner, firsts, "right"))
    keys = _keys(paragraphs["hash"][theirs], owner[theirs])
    order = np.argsort(keys, kind="stable")
    wanted = _keys(paragraphs["hash"][paragraph], batch["first"][pair])
    at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    equal = keys[order][at] == wanted
    base = np.searchsorted(owner, batch["first"])
    size = np.searchsorted(owner, batch["first"], "right") - base
    anchor = np.maximum.accumulate(np.where(equal, np.arange(len(pair)), -1))
    own = np.searchsorted(pair, pair)
    place = np.arange(len(pair)) - own
    after = anchor >= own
    there = theirs[order][at] - base[pair]
    place[after] = there[anchor[after]] + np.flatnonzero(after) - anchor[after]
    return {
        "pair": pair, "paragraph": paragraph, "low": base[pair], "size": size[pair], "equal": equal, "place": place,
    }  # fmt: skip


def _keys(hashes: U64, documents: I64) -> U64:
    """Hashes that are equal only within a document."""
    with np.errstate(over="ignore"):
        salted: U64 = hashes ^ documents.astype(np.uint64) * MIX
    return salted


def _ranges(low: I64, high: I64) -> tuple[I64, I64]:
    """(which range, number) of all numbers in ranges."""
    count = high - low
    which = np.repeat(np.arange(len(low)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + low[which]


def _is_long(rows: I64, paragraphs: Batch, arena: U8, least: int) -> NDArray[np.bool_]:
    tokens = paragraphs["tokens"][rows]
    long: NDArray[np.bool_] = tokens >= least
    short = distinct(rows[~long])
    count = np.zeros(len(tokens), np.int64)
    if len(short):
        found = letters(arena, paragraphs["start"][short], paragraphs["end"][short])
        count[~long] = found[np.searchsorted(short, rows[~long])]
    return long | (count >= least)


def _matched(rows: Batch, paragraphs: Batch, arena: U8, allowed: Callable[[I64], I64]) -> NDArray[np.bool_]:
    """Which paragraphs one of the other document matches."""
    n = len(rows["pair"])
    place = np.clip(rows["place"], 0, rows["size"] - 1)
    low, high = np.maximum(place - REACH, 0), np.minimum(place + REACH + 1, rows["size"])
    which, other = _ranges(rows["low"] + low, rows["low"] + high)
    mine = rows["paragraph"][which]
    tokens = paragraphs["tokens"]
    limits = allowed(np.maximum(tokens[mine], tokens[other]))
    fits = (np.abs(tokens[mine] - tokens[other]) <= limits) & (tokens[other] > 0)
    which, mine, other, limits = which[fits], mine[fits], other[fits], limits[fits]
    named = distinct(np.concatenate([mine, other]))
    values, offsets = kernels.tokens(arena, paragraphs["start"][named], paragraphs["end"][named])
    pairs = np.stack([np.searchsorted(named, mine), np.searchsorted(named, other)], axis=1)
    near = kernels.edit_distances(values, offsets, pairs, limits) <= limits
    return np.bincount(which[near], minlength=n) > 0
