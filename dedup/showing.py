"""What matches and stays, as it was read: pairs to be shown, of which nothing goes."""

from __future__ import annotations

import numpy as np

from dedup.desk import Stretches
from dedup.ledger.book import Book
from dedup.ledger.left import Left
from dedup.matching import Matches
from dedup.model import GRAINS, I64, NEAR_MISS, NUMBERS, PLACE, SPLICED, Batch, concat, rows_of, take


def shown_matches(book: Book, grain: str, found: Matches) -> Batch:
    """Pairs that match, or nearly, and that this pass does not act on."""
    pairs = take(found.pairs, ~found.pairs["match"] | (found.pairs["why"] != NEAR_MISS))
    if not rows_of(pairs):
        pairs = take(found.pairs, np.zeros(0, np.int64))
    segments = found.segments if found.segments else {name: np.zeros(0, np.int64) for name in PLACE}
    one = book.hulls(segments, pairs["second"])
    other = book.hulls(segments, pairs["first"], "kept_")
    flags = {name: pairs[name] for name in ("similarity", "measure", "match", "why")}
    return {"grain": np.full(rows_of(pairs), GRAINS.index(grain), np.uint8), **one, **other, **flags}


def shown_repeats(book: Book, found: Stretches) -> Batch:
    """Repeats inside longer sentences, and documents that stand in another one: both stay."""
    table = concat([part for part in found.shown if rows_of(part)] or found.shown[:1])
    if not table:
        return {}
    n = rows_of(table)
    one = book.hulls({name: table[name] for name in PLACE}, np.arange(n))
    other = book.hulls({name: table[f"kept_{name}"] for name in PLACE}, np.arange(n), "kept_")
    is_run = table["why"] == SPLICED
    told = {"similarity": table["similarity"], "match": np.ones(n, bool), "why": table["why"]}
    grain = np.where(is_run, GRAINS.index("passage"), GRAINS.index("document")).astype(np.uint8)
    return {"grain": grain, **one, **other, "measure": np.where(is_run, 0, 2).astype(np.uint8), **told}


def untouched(left: Left, shown: Batch, starts: I64) -> Batch:
    """What was shown of documents that were not changed or dropped since they began at `starts`."""
    if not shown:
        return shown
    stays = (left.starts == starts) & ~left.dropped
    return take(shown, stays[shown["document"]] & stays[shown["kept_document"]])


def said_once(shown: list[Batch]) -> list[Batch]:
    """Leave out what a finer grain says of two records of one paragraph, which the grain of documents has said."""
    names = ("document", "kept_document")
    shown = [part for part in shown if part]
    said = set()
    for part in shown:
        mine = (part["why"] == NUMBERS) & part["match"] & (part["grain"] == GRAINS.index("document"))
        said |= set(zip(*(part[name][mine].tolist() for name in names), strict=True))
    result = []
    for part in shown:
        again = [pair in said for pair in zip(*(part[name].tolist() for name in names), strict=True)]
        result.append(take(part, (part["grain"] == GRAINS.index("document")) | ~np.array(again, bool)))
    return result
