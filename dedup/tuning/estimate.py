"""Which of the data's pairs are copies, by their likeness and their length; and of what edits those copies are the mix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.model import I64
from dedup.tuning.copies import KINDS as COPIES
from dedup.tuning.copies import Copies
from dedup.tuning.likeness import FLOORS, KINDS, Likeness
from dedup.tuning.mixture import Mixture, fit
from dedup.tuning.natural import Natural
from dedup.tuning.planted import FAR

F64 = NDArray[np.float64]

WIDTH = 0.02
"""Width of a bin of similarity."""
LENGTHS = 4
"""Classes of length, with as many of the planted originals in each."""
FEW = 20
"""Fewer copies than this say nothing of the mix of edits."""
LATTICE = 100
"""Shorter texts can have few similarities by edits; those of longer ones lie close."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What of the data is copies.

    Attributes:
        copy: float64[m], for each natural pair how likely it is a copy; 0 for those that are not counted.
        mix: for each kind of copy float64[n], what each planted copy counts for; all together 1.
        copies: pairs of copies in the whole input, those below the floor included.
        too_few: whether the mix is that of all kinds alike, for want of copies.
    """

    copy: F64
    mix: tuple[F64, ...]
    copies: float
    too_few: bool


def estimate(pairs: Natural, counted: NDArray[np.bool_], copies: Copies, measure: str) -> Estimate:
    """Fit the natural pairs by the planted ones, first all lengths together, then each length leaning on that.

    Args:
        pairs: natural pairs.
        counted: bool[m], those that are asked about.
        copies: planted ones.
        measure: what was measured.
    """
    floor = FLOORS[measure]
    bins = round((1 - floor) / WIDTH) + 1
    places: F64 = floor + WIDTH * (np.arange(bins, dtype=np.float64) + 0.5)
    edges = np.quantile(copies.lengths, np.linspace(0, 1, LENGTHS + 1)[1:-1])
    asked = counted & ~pairs.template
    mine, planted = np.digitize(pairs.likeness.longer, edges), np.digitize(copies.lengths, edges)
    everything = np.ones(len(copies.lengths), bool)
    copy = np.zeros(len(asked))
    found = np.zeros((COPIES, LENGTHS))
    prior: Mixture | None = None
    for length in (-1, *range(LENGTHS)):
        rows = np.flatnonzero(asked & ((mine == length) | (length < 0)))
        here = everything if length < 0 else planted == length
        if not len(rows) or not here.any():
            continue
        cells = _cells(pairs.likeness, floor, bins)[rows]
        counts = np.bincount(cells, pairs.weight[rows], bins * KINDS).reshape(bins, KINDS)
        densities = np.stack([_density(each, here, floor, bins) for each in copies.likeness[:COPIES]])
        scale = len(rows) / max(
            counts.sum(), 1e-12
        )  # a prior weighs by the pairs that were seen, not by what they stand for
        result = fit(
            counts * scale, densities, _base(pairs.likeness.longer[rows], floor, bins, measure), places, len(FAR), prior
        )
        if length < 0:
            prior = result
            continue
        copy[rows] = result.copy.ravel()[cells]
        mass = np.maximum(densities.sum(axis=(1, 2)), 0.05)
        found[:, length] = (result.by_component * counts).sum(axis=(1, 2)) / mass
    seen = float(copy.sum())
    alike = np.ones_like(found)
    alike[-len(FAR) :] = 0.0
    return Estimate(copy, _mix(found if seen >= FEW else alike, planted), float(found.sum()), seen < FEW)


def _mix(found: F64, planted: I64) -> tuple[F64, ...]:
    """What each planted copy counts for, so that every kind and length has the share that was found of it."""
    number = np.bincount(planted, minlength=found.shape[1])
    there = np.where(number > 0, found, 0.0)
    share = there / max(there.sum(), 1e-12) / np.maximum(number, 1)
    return tuple(row[planted] for row in share)


def _cells(alike: Likeness, floor: float, bins: int) -> I64:
    """The bin of similarity and the kind of difference of each pair, as one number."""
    place = np.floor((alike.similarity - floor) / WIDTH + 1e-6)
    return np.clip(place, 0, bins - 1).astype(np.int64) * KINDS + alike.kind


def _density(alike: Likeness, here: NDArray[np.bool_], floor: float, bins: int) -> F64:
    """The share of some planted copies in each bin and kind; those below the floor are in none."""
    rows = np.flatnonzero(here & (alike.similarity > 0))
    counts = np.bincount(_cells(alike, floor, bins)[rows], minlength=bins * KINDS).reshape(bins, KINDS)
    return counts / max(int(here.sum()), 1)


def _base(longer: I64, floor: float, bins: int, measure: str) -> F64:
    """How many similarities pairs of these lengths can have in each bin: short texts have few by `edit`."""
    if measure != "edit":
        return np.ones(bins)
    base = np.zeros(bins)
    lengths, number = np.unique(np.minimum(longer, LATTICE), return_counts=True)
    for length, n in zip(lengths.tolist(), number.tolist(), strict=True):
        similarity = 1 - np.arange(1, int((1 - floor) * length + 1e-9) + 1) / length
        place = np.clip(np.floor((similarity - floor) / WIDTH + 1e-6), 0, bins - 1).astype(np.int64)
        base += n / length * np.bincount(place, minlength=bins)
    return base
