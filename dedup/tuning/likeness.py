"""How alike the two texts of a pair are, and how their differences lie: scattered or in runs, moved in length or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64, U64
from dedup.stages.verify import allowed_edits

F64 = NDArray[np.float64]

FLOORS = {"edit": 0.5, "jaccard": 0.2, "containment": 0.3}
"""The least similarity that is looked at: 15 % of the tokens edited leaves the shingles of three a Jaccard of .44."""
RUNS = (1.6, 3.0)
"""Where the classes of the mean length of a changed run part, in tokens."""
SHIFT = 0.8
"""From this share of the difference on, it is a difference of length: tokens that went or came, none replaced."""
KINDS = 2 * (len(RUNS) + 1)
"""How many ways differences may lie."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts as tokens and as shingles.

    Attributes:
        values: uint64[t], tokens; offsets: int64[n + 1], bounds of the texts in them.
        shingles: uint64[s]; bounds: int64[n + 1], bounds of the texts in them.
        k: tokens in a shingle.
    """

    values: U64
    offsets: I64
    shingles: U64
    bounds: I64
    k: int

    @classmethod
    def of(cls, values: U64, offsets: I64, k: int, seed: int) -> Texts:
        """Shingle the tokens of texts."""
        return cls(values, offsets, *kernels.shingle(values, offsets, k, seed), k)

    @property
    def tokens(self) -> I64:
        """int64[n], how many tokens each text has."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Measured pairs.

    Attributes:
        similarity: float64[m], by the measure that was asked for; 0 below its floor.
        jaccard: float64[m], of the sets of shingles, by which bands find them.
        kind: int64[m], how the differences lie, below `KINDS`.
        longer: int64[m], tokens of the longer text.
    """

    similarity: F64
    jaccard: F64
    kind: I64
    longer: I64

    def take(self, rows: I64) -> Likeness:
        """Some of the pairs."""
        return Likeness(self.similarity[rows], self.jaccard[rows], self.kind[rows], self.longer[rows])

    @classmethod
    def joined(cls, parts: Sequence[Likeness]) -> Likeness:
        """The pairs of all parts, in order."""
        return cls(
            np.concatenate([part.similarity for part in parts]),
            np.concatenate([part.jaccard for part in parts]),
            np.concatenate([part.kind for part in parts]),
            np.concatenate([part.longer for part in parts]),
        )


def likeness(texts: Texts, pairs: I64, measure: str) -> Likeness:
    """Measure pairs on the text.

    The mean length of the changed runs comes from two counts that it takes no alignment to know: of d edits in r runs that lie
    apart each run changes k - 1 shingles more than it has tokens, so that a text loses d + r (k - 1) of its shingles (the q-gram
    lemma: Ukkonen, "Approximate string-matching with q-grams and maximal matches", 1992). Of texts that are more than half
    edited, half counts.

    Args:
        texts: n texts.
        pairs: int64[m, 2], indices of texts.
        measure: `edit`, `jaccard` or `containment`.
    """
    shared, first, second = kernels.overlaps(texts.shingles, texts.bounds, pairs).T
    one, two = texts.tokens[pairs[:, 0]], texts.tokens[pairs[:, 1]]
    longer = np.maximum(one, two)
    jaccard = shared / np.maximum(first + second - shared, 1)
    limits = allowed_edits(longer, FLOORS["edit"])
    edits = kernels.edit_distances(texts.values, texts.offsets, pairs, limits)
    similarity = {
        "edit": np.where(edits > limits, 0.0, 1.0 - edits / np.maximum(longer, 1)),
        "jaccard": jaccard,
        "containment": shared / np.maximum(np.minimum(first, second), 1),
    }[measure]
    similarity = np.where(similarity >= FLOORS[measure] - 1e-12, similarity, 0.0)
    lost = (first + second) / 2 - shared
    runs = np.maximum((lost - edits) / max(texts.k - 1, 1), 1.0)
    length = np.digitize(edits / runs, RUNS) if texts.k > 1 else np.zeros(len(edits), np.int64)
    moved = np.abs(one - two) >= SHIFT * edits
    return Likeness(similarity, jaccard, (2 * length + moved).astype(np.int64), longer)
