"""Candidate pairs -> matches: every pair is measured on its text before anything is said of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.config import Config, Matching
from dedup.model import I64, MEASURES, U8, Batch, distinct, take

NEAR_MISS = 0.05
"""Pairs this far below the threshold are kept as near misses, to be shown; they are no matches."""


def verify(batch: Batch, *, arena: U8, config: Config, grain: str) -> Batch:
    """Measure candidate pairs.

    Args:
        batch: pairs of segments `first` and `second` int64, with `first_start`, `first_end`, `second_start`,
            `second_end` int64 in the arena, and `first_tokens`, `second_tokens` int64.
        arena: uint8[...], the text.
        config: thresholds and measures.
        grain: decides the matching; two texts of at most `config.short_tokens` tokens are matched as paragraphs are.

    Returns:
        The rows at most `NEAR_MISS` below the threshold, with `similarity` float64, `measure` uint8 (place in `MEASURES`) and `match`
        bool. `edit`: 1 - token edit distance / longer length (Levenshtein; Myers' bit-parallel method, 1999).
        `jaccard`, `containment`: of the sets of k-shingles; containment is of the smaller set.
    """
    longer = np.maximum(batch["first_tokens"], batch["second_tokens"])
    short = longer <= config.short_tokens
    similarity = np.zeros(len(longer))
    measure = np.zeros(len(longer), np.uint8)
    match = np.zeros(len(longer), bool)
    for mine, matching in ((short, config.paragraph), (~short, config.matching(grain))):
        if mine.any():
            starts, ends, pairs = _texts(take(batch, mine))
            if matching.measure == "edit":
                found = _edit(*kernels.tokens(arena, starts, ends), pairs, longer[mine], matching.threshold)
            else:
                shingles, bounds = kernels.text_shingles(arena, starts, ends, config.k, config.seed)
                found = _sets(shingles, bounds, pairs, matching)
            similarity[mine], match[mine] = found
            measure[mine] = MEASURES.index(matching.measure)
            match[mine] |= found[0] >= 1.0
            similarity[mine] = np.where(found[0] >= matching.threshold - NEAR_MISS, found[0], 0.0)
    kept = similarity > 0
    return {**take(batch, kept), "similarity": similarity[kept], "measure": measure[kept], "match": match[kept]}


def _texts(batch: Batch) -> tuple[I64, I64, I64]:
    """The texts of pairs, each once: where they start and end, and which two of them make each pair."""
    both = np.concatenate([batch["first"], batch["second"]])
    ranks = distinct(both)
    texts = np.searchsorted(ranks, both)
    starts, ends = np.empty((2, len(ranks)), np.int64)
    for edges, edge in ((starts, "start"), (ends, "end")):
        edges[texts] = np.concatenate([batch[f"first_{edge}"], batch[f"second_{edge}"]])
    return starts, ends, np.ascontiguousarray(texts.reshape(2, -1).T.astype(np.int64))


def _edit(
    values: NDArray[np.uint64], offsets: I64, pairs: I64, longer: I64, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    limits = allowed_edits(longer, threshold - NEAR_MISS)
    distances = kernels.edit_distances(values, offsets, pairs, limits)
    similarity = np.where(distances > limits, 0.0, 1.0 - distances / longer)
    return similarity, distances <= allowed_edits(longer, threshold)


def allowed_edits(longer: I64, threshold: float) -> I64:
    """The largest token edit distance at which two texts, the longer of `longer` tokens, reach an edit similarity."""
    # the tiny share keeps a threshold such as .85 of 20 tokens at 3 edits, where floating point says 2.9999999
    allowed: I64 = np.maximum(np.floor((1.0 - threshold) * longer + 1e-9), 0).astype(np.int64)
    return allowed


def _sets(
    shingles: NDArray[np.uint64], bounds: I64, pairs: I64, matching: Matching
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    of_smaller = matching.measure == "containment"
    # a little below the line, where rounding differs: what is near it is counted, and decided here
    least = max(matching.threshold - NEAR_MISS - 1e-9, 0.0)
    shared, first, second = kernels.overlaps(shingles, bounds, pairs, least, of_smaller).T
    whole = np.minimum(first, second) if of_smaller else first + second - shared
    similarity = shared / np.maximum(whole, 1)
    return similarity, similarity >= matching.threshold - 1e-12
