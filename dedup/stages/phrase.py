"""Paragraphs -> set phrases: clauses that many documents share and that are too short to be repeats."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.model import CLAUSE, U8, Batch, Phrase, distinct, take

LEAST_TOKENS = 6
LEAST_DOCUMENTS, FEW_DOCUMENTS = 3, 20
"""Of fewer documents than the second, two that share a clause are worth a word."""
MOST_PHRASES = 50


def phrase(batch: Batch, *, arena: U8, weight: int) -> Batch:
    """The clauses of paragraphs that could be set phrases.

    Args:
        batch: paragraphs: `document`, `start`, `end` in the arena.
        arena: uint8[...], the text.
        weight: heavier clauses are repeats, not phrases.

    Returns:
        `hash` uint64, `document`, `start`, `end` int64.
    """
    owner, starts, ends = kernels.pieces(arena, batch["start"], batch["end"], CLAUSE)
    none = np.zeros(0, np.uint32)
    hashes, _, tokens, _ = kernels.scan(arena, starts, ends, 1, 0, none, none)
    fits = (tokens >= LEAST_TOKENS) & (tokens < weight)
    return {"hash": hashes[fits], "document": batch["document"][owner[fits]], "start": starts[fits], "end": ends[fits]}


def most_spread(clauses: Batch, *, arena: U8, n: int) -> list[Phrase]:
    """The phrases that stand in the most documents, in three at least (of few documents, in two); ties by first place.

    Args:
        clauses: what `phrase` gave.
        arena: uint8[...], the text.
        n: how many documents there are.
    """
    if not clauses or not len(clauses["hash"]):
        return []
    step, within = np.diff(clauses["document"]), np.diff(clauses["start"])
    if ((step < 0) | ((step == 0) & (within < 0))).any():
        clauses = take(clauses, np.lexsort((clauses["start"], clauses["document"])))
    group, names = kernels.number(clauses["hash"])
    counts = np.bincount(group, minlength=len(names))
    first = np.empty(len(names), np.int64)
    first[group[::-1]] = np.arange(len(group))[::-1]
    again = counts[group] > 1  # most clauses stand once
    pairs = distinct(group[again] << np.int64(32) | clauses["document"][again])
    documents = np.maximum(np.bincount(pairs >> np.int64(32), minlength=len(first)), 1)
    least = LEAST_DOCUMENTS if n >= FEW_DOCUMENTS else 2
    some = np.flatnonzero(documents >= least)
    order = some[np.lexsort((first[some], -documents[some]))[:MOST_PHRASES]]
    result = []
    for row in order.tolist():
        start, end = int(clauses["start"][first[row]]), int(clauses["end"][first[row]])
        text = arena[start:end].tobytes().decode("utf-8", "replace").rstrip(" ,，、;；:：。.")
        result.append(Phrase(text, int(documents[row]), int(counts[row])))
    return result
