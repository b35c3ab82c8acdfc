"""Paragraphs -> loops: clauses that say again at once what they just said."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.model import CLAUSE, U8, Batch

LEAST_TOKENS = 6
"""A loop whose shortest period has fewer tokens is left alone: refrains and stutters are also style."""


def loop(batch: Batch, *, arena: U8) -> Batch:
    """Find loops of whole clauses.

    Args:
        batch: paragraphs: `document`, `start`, `end` in the arena.
        arena: uint8[...], the text.

    Returns:
        Loops: `document`, `start`, `end` (all copies after the first, from the first one's last token to the last one's, so that
        the mark at the end stays), `kept_start`, `kept_end` (the first copy), `tokens` (of what goes).
    """
    owner, starts, ends = kernels.pieces(arena, batch["start"], batch["end"], CLAUSE)
    none = np.zeros(0, np.uint32)
    hashes, _, tokens, _ = kernels.scan(arena, starts, ends, 1, 0, none, none)
    said = tokens > 0
    owner, starts, ends, hashes, tokens = owner[said], starts[said], ends[said], hashes[said], tokens[said]
    groups = np.searchsorted(owner, np.arange(len(batch["start"]) + 1))
    found = kernels.loops(hashes, tokens, groups.astype(np.int64), LEAST_TOKENS)
    group, first, period, copies = found.T
    lead = groups[group] + first
    once, last = lead + period - 1, lead + period * copies - 1
    edges = _last_tokens(arena, np.concatenate([starts[once], starts[last]]), np.concatenate([ends[once], ends[last]]))
    kept_end, end = np.split(edges, 2)
    sums = np.concatenate([[0], np.cumsum(tokens)])
    return {
        "document": batch["document"][group],
        "start": kept_end,
        "end": end,
        "kept_start": starts[lead],
        "kept_end": kept_end,
        "tokens": sums[last + 1] - sums[once + 1],
    }


def _last_tokens(arena: U8, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Where the last token of each stretch ends; each has one."""
    _, offsets, _, token_ends = kernels.tokenize(arena, np.ascontiguousarray(starts), np.ascontiguousarray(ends))
    return token_ends[offsets[1:] - 1]
