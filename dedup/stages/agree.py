"""Candidate pairs -> those that may reach the line: pairs whose signatures agree in too few lanes are given up without their text.

Of each lane one byte is kept (b-bit minwise hashing: Li and König, b-bit minwise hashing, 2010). Of two texts of Jaccard similarity J each
lane agrees with chance J, and the byte of one that does not agrees by chance in one lane of 256; so J can be bounded from below
by counting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.backends.base import RunFunction
from dedup.model import I64, U8, Batch, take

MISSED = 1e-9
"""The chance at which a pair that is just at the line may be given up; of a pair above it the chance is less."""

ASKED = 1 << 15
"""Pairs that are asked about at a time: what is made of them stays in the caches."""


def least_agreeing(lanes: int, jaccard: float) -> int:
    """The fewest lanes in which a pair of this Jaccard agrees, but with a chance below `MISSED`.

    The number of lanes that agree is binomial, since lanes are drawn independently: the largest c with P(X < c) < `MISSED`, X of `lanes`
    trials at chance `jaccard`. Agreements by chance only add to them: they are left out, on the safe side. Nor does it matter that
    a pair is asked about because it shares a bucket: to be proposed and given up is no likelier than to agree in so few.
    """
    if jaccard <= 0:
        return 0
    yes, no = math.log(jaccard), math.log1p(-jaccard)
    below = 0.0
    for count in range(lanes + 1):
        ways = math.lgamma(lanes + 1) - math.lgamma(count + 1) - math.lgamma(lanes - count + 1)
        below += math.exp(ways + count * yes + (lanes - count) * no)
        if below >= MISSED:
            return count
    return lanes


@dataclass(frozen=True, slots=True, eq=False)
class Agree:
    """What a function proposes, less the pairs that agree in too few lanes. A pair's fate depends on the pair alone.

    Attributes:
        proposes: gives pairs of ranks `first` and `second`; rows with a negative `first` are passed on as they are.
        lanes: uint8[rows, lanes].
        row: int64[ranks], the row of each rank in `lanes`.
        long: bool[ranks], which texts are so long that a pair with one of them is measured by its Jaccard; others are not asked.
        least: the fewest lanes in which a pair agrees that stays.

    Rows in and out: those of `proposes`.
    """

    proposes: RunFunction
    lanes: U8
    row: I64
    long: NDArray[np.bool_]
    least: int

    def table(self, batch: Batch) -> Batch:
        """Those of all runs at once."""
        return self._staying(self.proposes.table(batch))

    def stream(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Those of run after run."""
        return map(self._staying, self.proposes.stream(batches))

    def _staying(self, batch: Batch) -> Batch:
        first, second = batch["first"], batch["second"]
        parts = (slice(low, low + ASKED) for low in range(0, len(first), ASKED))
        return take(
            batch, np.concatenate([np.zeros(0, bool), *(self._stay(first[part], second[part]) for part in parts)])
        )

    def _stay(self, first: I64, second: I64) -> NDArray[np.bool_]:
        asked = np.flatnonzero(first >= 0)
        asked = asked[self.long[first[asked]] | self.long[second[asked]]]
        pairs = np.stack([self.row[first[asked]], self.row[second[asked]]], axis=1)
        stays = np.ones(len(first), bool)
        stays[asked] = kernels.agreements(self.lanes, pairs) >= self.least
        return stays
