"""What observed pairs are a mixture of: copies, whose similarities planting shows, and texts that are alike but no copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

ROUNDS = 300
SMOOTHING = 0.005
"""Mass of each density that is spread evenly, so that no pair is impossible."""
PRIOR = 20.0
"""Pairs that the shares of a prior fit count for."""
MOST_FAR = 0.1
"""Copies of the far kinds are at most this share of the others: else they would take up what is like a background."""
STEEPEST = 60.0
"""A background that falls faster, by e to this power from similarity 0 to 1, is none."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A fit.

    Attributes:
        shares: float64[J + 1], of the pairs: those of each kind of copy, and of the background last.
        slope: how fast the background falls with the similarity.
        copy: float64[S, C], of the pairs of a bin and a kind the share that is copies.
        by_component: float64[J, S, C], the same for each kind of copy.
    """

    shares: F64
    slope: float
    copy: F64
    by_component: F64


def fit(counts: F64, components: F64, base: F64, places: F64, n_far: int = 0, prior: Mixture | None = None) -> Mixture:
    """Fit the shares of copies and of the background to observed pairs, by expectation and maximisation.

    The copies' densities are known and the background's is not: it is taken to fall exponentially with the similarity, from the
    floor that is looked at up to 1 (the tail of a distribution with light tails: Pickands, "Statistical inference using extreme
    order statistics", 1975), with differences of any kind, independent of it. Dempster, Laird, Rubin, "Maximum likelihood from
    incomplete data via the EM algorithm", 1977.

    Args:
        counts: float64[S, C], observed pairs by bin of similarity and by kind of difference.
        components: float64[J, S, C], densities of J kinds of copies; the mass of each is its share above the floor.
        base: float64[S], how much of the similarities that pairs of such lengths can have lies in each bin.
        places: float64[S], the similarity of each bin, ascending.
        n_far: the last so many of the kinds are far ones.
        prior: a fit to more pairs, to lean on where there are few.
    """
    flat = np.full(counts.shape, 1.0 / counts.size)
    mass = components.sum(axis=(1, 2), keepdims=True)
    known = (1 - SMOOTHING) * components / np.maximum(mass, 1e-12) + SMOOTHING * flat
    n_known = len(known)
    base = np.maximum(base, 1e-9) / np.maximum(base, 1e-9).sum()
    shares = np.full(n_known + 1, 0.5 / n_known) if prior is None else prior.shares.copy()
    shares[-1] = 0.5 if prior is None else shares[-1]
    slope, kinds = (10.0 if prior is None else prior.slope), counts.sum(axis=0) + 1.0
    extra = np.zeros(n_known + 1) if prior is None else PRIOR * prior.shares
    for _ in range(ROUNDS):
        parts = _parts(known, shares, base, places, slope, kinds)
        told = parts / np.maximum(parts.sum(axis=0), 1e-300) * counts
        found = _held_back(told.sum(axis=(1, 2)) + extra + 1e-9, n_far)
        shares = found / found.sum()
        kinds = told[-1].sum(axis=0) + 0.5
        slope = _slope(told[-1].sum(axis=1), base, places)
    parts = _parts(known, shares, base, places, slope, kinds)
    parts /= np.maximum(parts.sum(axis=0), 1e-300)
    return Mixture(shares, slope, parts[:-1].sum(axis=0), parts[:-1])


def _held_back(found: F64, n_far: int) -> F64:
    """The same counts, but of the far kinds only what the others allow; the rest is background."""
    far = slice(len(found) - 1 - n_far, len(found) - 1)
    total, allowed = found[far].sum(), MOST_FAR * found[: far.start].sum()
    if total > allowed:
        found[-1] += total - allowed
        found[far] *= allowed / total
    return found


def _parts(known: F64, shares: F64, base: F64, places: F64, slope: float, kinds: F64) -> F64:
    fall = base * np.exp(-slope * (places - places[0]))
    ground = fall[:, None] / fall.sum() * (kinds / kinds.sum())
    joined: F64 = np.concatenate([known, ground[None]]) * shares[:, None, None]
    return joined


def _slope(counts: F64, base: F64, places: F64) -> float:
    """The slope of an exponential fall, 0 or more, whose mean is that of the counts: the likeliest one, by bisection."""
    total = counts.sum()
    if total <= 0:
        return 10.0
    mean = float(counts @ places / total)
    low, high = 0.0, STEEPEST
    for _ in range(40):
        middle = (low + high) / 2
        fall = base * np.exp(-middle * (places - places[0]))
        if float(fall @ places / fall.sum()) > mean:
            low = middle
        else:
            high = middle
    return (low + high) / 2
