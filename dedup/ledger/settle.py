"""Taking back every removal whose evidence is no longer there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.ledger.removals import CUT, LEFT, NEAR, TEMPLATE, Removals
from dedup.model import I64, Batch, take


def settle(removals: Removals, n: int, lost: I64 | None = None) -> tuple[NDArray[np.bool_], I64]:
    """Take back every removal whose evidence is no longer there, until all that stand are proven.

    A removal's evidence is there when its kept document is not dropped (or is the one that it was itself cut from) and,
    unless a whole document speaks for it, no later cut reaches into the kept stretch but one whose own evidence holds the
    same text: none of near-duplicates, of templates, or of boilerplate of which no copy stays. What rested on a cut that is
    taken back is taken back too. Taking back only adds text, so rounds end.

    Args:
        removals: changed in place.
        n: number of documents.
        lost: removals that are to be taken back anyhow.

    Returns:
        (dropped bool[n], documents whose cuts or fate were taken back).
    """
    taken_back: list[I64] = []
    while True:
        dropped = np.zeros(n, bool)
        dropped[removals.rows["document"][removals.drops()]] = True
        proven = _proven(removals, dropped)
        if lost is not None:
            proven[lost] = False
        dead = np.flatnonzero(removals.alive & ~proven)
        if not len(dead):
            break
        dead = np.union1d(dead, _resting_on(removals, dead, n))
        removals.alive[dead] = False
        taken_back.append(removals.rows["document"][dead].astype(np.int64))
    return dropped, np.unique(np.concatenate(taken_back)) if taken_back else np.zeros(0, np.int64)


def _proven(removals: Removals, dropped: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows, more = removals.rows, removals.evidence
    # what said the same inside a document that went afterwards as a whole is part of that drop, which has its own evidence
    inside = (rows["action"] == CUT) & (rows["document"] == rows["kept_document"]) & (rows["reason"] != NEAR)
    proven: NDArray[np.bool_] = ~dropped[rows["kept_document"]] | inside | (rows["kept_document"] < 0)
    elsewhere = more["document"] != rows["document"][more["removal"]]
    proven[more["removal"][dropped[more["document"]] & elsewhere]] = False
    stretch = (rows["action"] == CUT) | (rows["reason"] == LEFT)
    cuts = removals.cuts()
    unequal = np.isin(rows["reason"], (NEAR, TEMPLATE)) | (rows["kept_document"] < 0)
    cuts = take(cuts, unequal[cuts["removal"]])
    step = rows["step"][cuts["removal"]]
    for mine_step in np.unique(rows["step"][removals.alive]):
        # an earlier cut inside the kept stretch was gone already when the two were compared
        mine = np.flatnonzero(stretch & (rows["step"] == mine_step) & removals.alive)
        later = take(cuts, step > mine_step)
        if len(mine) and len(later["document"]):
            proven[mine] &= ~_reached(
                later, rows["kept_document"][mine], rows["kept_start"][mine], rows["kept_end"][mine]
            )
            also = take(more, rows["step"][more["removal"]] == mine_step)
            proven[also["removal"][_reached(later, also["document"], also["start"], also["end"])]] = False
    return proven


def _resting_on(removals: Removals, dead: I64, n: int) -> I64:
    """Removals that were found on a text which a dead cut had changed."""
    rows = removals.rows
    cuts = dead[rows["action"][dead] == CUT]
    never = 1 << 15
    step = np.full(n, never, np.int64)
    np.minimum.at(step, rows["document"][cuts], rows["step"][cuts])
    on = step[rows["document"]]
    more = removals.evidence
    rests = np.zeros(len(removals), bool)
    rests[more["removal"][rows["step"][more["removal"]] > step[more["document"]]]] = True
    later = (
        rests
        | (rows["step"] > on)
        | ((rows["step"] > step[rows["kept_document"]]) & (rows["kept_document"] >= 0))
        | ((rows["reason"] == LEFT) & (on < never))
    )
    return np.flatnonzero(removals.alive & later)


def _reached(cuts: Batch, documents: I64, starts: I64, ends: I64) -> NDArray[np.bool_]:
    """Which stretches a cut reaches into."""
    keys = np.stack([cuts["document"], cuts["start"]], axis=1)
    order = _search(keys, np.stack([documents, ends], axis=1))  # cuts that begin before the stretch ends
    before = order - 1
    hit = before >= 0
    row = np.maximum(before, 0)
    result: NDArray[np.bool_] = hit & (cuts["document"][row] == documents) & (cuts["end"][row] > starts)
    return result


def _search(keys: I64, wanted: I64) -> I64:
    """Place of each wanted (document, offset) among sorted keys, left side."""
    both = np.concatenate([wanted, keys])
    side = np.concatenate([np.zeros(len(wanted), np.int64), np.ones(len(keys), np.int64)])
    order = np.lexsort((side, both[:, 1], both[:, 0]))
    rank = np.cumsum(side[order])
    place = np.empty(len(both), np.int64)
    place[order] = rank
    found: I64 = place[: len(wanted)]
    return found
