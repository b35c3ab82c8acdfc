"""Planted copies of the data's own texts, measured: how alike they come out, and which bands find them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.candidates import PARTITION_THRESHOLD, PARTITION_TOKENS
from dedup.config import Config
from dedup.model import I64, U8, U64, Batch, rows_of
from dedup.stages.sketch import lanes
from dedup.tuning.likeness import Likeness, Texts, likeness
from dedup.tuning.natural import texts_of
from dedup.tuning.planted import FAR, SHOWN, SPANS, edited, shortened

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

KINDS = len(SPANS) + 1 + len(FAR)
"""Kinds of copies that a mixture is of: those of each span of rates, those that lack a stretch, those of far spans."""
SHOWN_KINDS = (("dropped", len(SPANS)), *((f"{rate:g}", KINDS + i) for i, rate in enumerate(SHOWN)))
"""The kinds that are shown by themselves, and their places among all."""
ORIGINALS = 3_000
"""Texts that are edited, each once for each kind of copy."""
MOST_TOKENS = 1_500_000
"""Of long texts so many are taken that their copies of one kind have no more tokens than this."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of n texts, of `KINDS` kinds and then of each rate of `SHOWN`; row i of each is a copy of the same text.

    Attributes:
        originals: the n texts; copies: their copies, one for each kind.
        likeness: for each kind the n pairs measured.
        lengths: int64[n], tokens of the originals.
    """

    originals: Texts
    copies: tuple[Texts, ...]
    likeness: tuple[Likeness, ...]
    lengths: I64


def plant(
    segments: Batch, arena: U8, config: Config, measure: str, draw: np.random.Generator, *, keep_numbers: bool
) -> Copies:
    """Plant copies of texts drawn at random and measure them."""
    order = draw.permutation(rows_of(segments))[:ORIGINALS]
    few = max(int(np.searchsorted(np.cumsum(segments["tokens"][order]), MOST_TOKENS, "right")), 50)
    rows = np.sort(order[:few])
    originals = texts_of(rows, segments, arena, config.k, config.seed)
    is_text = (originals.values & np.uint64(2)) == 0
    pool = originals.values[is_text] if keep_numbers and is_text.any() else originals.values

    def at(low: float, high: float) -> tuple[U64, I64]:
        rates = draw.uniform(low, high, len(rows))
        return edited(originals.values, originals.offsets, rates, pool, draw, keep_numbers=keep_numbers)

    near = [at(*span) for span in SPANS]
    dropped = shortened(originals.values, originals.offsets, draw)
    made = [*near, dropped, *(at(*span) for span in FAR), *(at(rate, rate) for rate in SHOWN)]
    copies = tuple(Texts.of(*each, config.k, config.seed) for each in made)
    n = len(rows)
    pairs = np.stack([np.arange(n), np.arange(n, 2 * n)], axis=1)
    alike = tuple(likeness(_joined(originals, each), pairs, measure) for each in copies)
    return Copies(originals, copies, alike, originals.tokens)


def _joined(one: Texts, other: Texts) -> Texts:
    return Texts(
        np.concatenate([one.values, other.values]),
        np.concatenate([one.offsets, one.offsets[-1] + other.offsets[1:]]),
        np.concatenate([one.shingles, other.shingles]),
        np.concatenate([one.bounds, one.bounds[-1] + other.bounds[1:]]),
        one.k,
    )


def met(copies: Copies, bands: int, rows: int, seed: int) -> tuple[Flags, ...]:
    """For each kind, which copies share a bucket with their text: as the run itself would sketch them."""
    a, b = lanes(bands * rows, seed)

    def keys(texts: Texts) -> NDArray[np.uint32]:
        return kernels.band_keys(kernels.sketch(texts.shingles, texts.bounds, a, b), bands, rows)

    mine = keys(copies.originals)
    return tuple(np.any(mine == keys(each), axis=0) for each in copies.copies)


def found_at(
    threshold: float, alike: Likeness, in_bucket: Flags, measure: str, short_tokens: int
) -> tuple[Flags, Flags]:
    """Which copies reach a threshold, and which of them are candidates at all: of short texts by `edit` none is missed."""
    reaches = alike.similarity >= threshold - 1e-9
    sure = measure == "edit" and threshold >= PARTITION_THRESHOLD
    is_short = alike.longer <= min(PARTITION_TOKENS, short_tokens)
    return reaches, reaches & (in_bucket | (is_short & sure))
