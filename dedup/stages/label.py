"""Cuts -> labels: a label that stood before goes when all that it headed went."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.model import LABEL, LABEL_TOKENS, Batch


def label(segments: Batch, gone: NDArray[np.bool_], heading: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Find labels that have nothing left to head.

    Args:
        segments: the lines of documents as read, in order: `document`, `kind`, `hash`, `tokens`.
        gone: bool[n], which of them are cut.
        heading: bool[n], which of them are headings: short, and no sentence.

    Returns:
        (label, earlier label of equal text that stays), rows of `segments`.
    """
    is_label = (segments["kind"] == LABEL) & (segments["tokens"] <= LABEL_TOKENS) & (segments["tokens"] > 0)
    ends = is_label | heading
    found: list[tuple[int, int]] = []
    first: dict[tuple[int, int], int] = {}
    documents, hashes = segments["document"].tolist(), segments["hash"].tolist()
    for row in np.flatnonzero(is_label & ~gone).tolist():
        name = (documents[row], hashes[row])
        below, cut = row + 1, 0
        while below < len(gone) and documents[below] == documents[row] and not ends[below] and gone[below]:
            below += 1
            cut += 1
        headed_all = below == len(gone) or documents[below] != documents[row] or ends[below]
        if name in first and cut and headed_all:
            found.append((row, first[name]))
        else:
            first.setdefault(name, row)
    return found
