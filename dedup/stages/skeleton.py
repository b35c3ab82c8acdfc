"""Short segments of hosts -> what is constant in each, and which of its tokens vary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dedup import kernels
from dedup.model import U8, Batch, concat, rows_of, take

CONSTANT_WEIGHT = 4
CONSTANT_SHARE = 1 / 3
"""Least weight of what a template's segments have in common, and its least share of each of them."""
SLOT_WEIGHT = 8
"""Most weight of one slot: a name or a date is up to eight Han or four words. Web pages: precision .9705; .9695 with 24."""
COMMON_SHARE = 0.5
"""A token is constant in a segment if it stands in this share of the segments that have the same commonest pair of tokens."""


@dataclass(frozen=True, slots=True)
class Skeletons:
    """Learns from all segments of a host what is constant in them.

    Attributes:
        arena: uint8[...], the text.

    Rows in, by `host` and `row`: `start` and `end` in the arena, of at most 64 tokens; `host` and `page`, numbers;
    `least` float64, on how many pages something common stands. Rows out, of those of which something is constant: `row`; `hash`
    uint64 of that, with a mark for each slot, even; `usable` bool, whether it is enough for a template; `varies` uint64, bit i for
    token i that is in a slot. See `kernels.skeletons`.
    """

    arena: U8

    def table(self, batch: Batch) -> Batch:
        """All hosts at once."""
        values, offsets = kernels.tokens(self.arena, batch["start"], batch["end"])
        hashes, weights, varies = kernels.skeletons(
            values, offsets, batch["host"], batch["page"], batch["least"], COMMON_SHARE
        )
        whole, kept, longest = weights.T
        usable = (kept >= CONSTANT_WEIGHT) & (kept >= CONSTANT_SHARE * whole) & (longest <= SLOT_WEIGHT) & (longest > 0)
        mine = np.flatnonzero(kept > 0)
        sizes = np.diff(offsets)[mine]
        first = np.cumsum(sizes) - sizes
        place = np.arange(int(sizes.sum())) - np.repeat(first, sizes)
        bits = varies[np.repeat(offsets[:-1][mine], sizes) + place].astype(np.uint64) << place.astype(np.uint64)
        slots = np.bitwise_or.reduceat(bits, first) if len(mine) else np.zeros(0, np.uint64)
        return {"row": batch["row"][mine], "hash": hashes[mine], "usable": usable[mine], "varies": slots}

    def stream(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Host after host."""
        held: Batch = {}
        for batch in batches:
            rows = concat([part for part in (held, batch) if rows_of(part)])
            if not rows:
                continue
            border = int(np.searchsorted(rows["host"], rows["host"][-1]))
            if border:
                yield self.table(take(rows, np.arange(border)))
            held = take(rows, np.arange(border, rows_of(rows)))
        if held:
            yield self.table(held)
