"""The way from sketched segments to candidate pairs: bands for all, and for short texts every pair there is; through a backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.backends.base import Backend
from dedup.config import Config
from dedup.model import I64, U8, Batch, concat, rows_of
from dedup.stages.band import BucketPairs, band
from dedup.stages.partition import PiecePairs, marks_of, partition
from dedup.stages.sketch import key_name
from dedup.stages.verify import allowed_edits

PARTITION_TOKENS = 64
"""Texts up to this long are partitioned: the probes of a text grow with the square of its edits, for each longer length."""
PARTITION_THRESHOLD = 0.7
"""Below this the pieces are so short that nearly all texts share one."""
BATCH_TEXTS = 1 << 15
"""Texts in a batch that is partitioned at a time."""
PIECES = 1 << 21
"""Pieces that are joined at a time."""
SCANNED = 128
"""Rows of a piece that a row is held against, for each one that it may be paired with."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Finds the pairs to be measured among segments.

    Attributes:
        config: what counts as a match.
        grain: `document`, `paragraph` or `sentence`.
        backend: where the work runs.
        own: for each search whether it stays within documents.
    """

    config: Config
    grain: str
    backend: Backend
    own: tuple[bool, ...]

    def find(self, segments: Batch, sketched: Batch, alone: I64, arena: U8) -> tuple[Batch, int]:
        """Distinct candidate pairs, and how many the limits left out.

        Args:
            segments: in order of preference, with `document`, `start`, `end`, `tokens`, and `row`, their row in `sketched`.
            sketched: the band keys.
            alone: int64[...], ranks of the segments to pair.
            arena: uint8[...], the text.
        """
        found = [*self._from_bands(segments, sketched, alone), *self._from_pieces(segments, alone, arena)]
        return band(concat(found)) if found else (no_candidates(), 0)

    def _from_bands(self, segments: Batch, sketched: Batch, alone: I64) -> Iterator[Batch]:
        documents = segments["document"][alone]
        for number in range(self.config.matching(self.grain).bands):
            keys = sketched[key_name(number)][segments["row"][alone]]
            for own in self.own:
                rows = {"key": salted(keys, documents) if own else keys, "rank": alone}
                function = BucketPairs("key", self.config.bucket_limit)
                yield from self.backend.sorted_runs([rows], "key", "rank", function)

    def _from_pieces(self, segments: Batch, alone: I64, arena: U8) -> Iterator[Batch]:
        """Of two short texts that may match by `edit` none is missed."""
        matching, limit = self.config.paragraph, self.config.bucket_limit
        if matching.measure != "edit" or matching.threshold < PARTITION_THRESHOLD:
            return
        short = alone[segments["tokens"][alone] <= min(self.config.short_tokens, PARTITION_TOKENS)]
        edits = allowed_edits(np.arange(PARTITION_TOKENS + 1), matching.threshold)
        for allowed, shards in _packs(np.bincount(segments["tokens"][short], minlength=len(edits)), edits):
            texts = short[_in_reach(allowed)[segments["tokens"][short]]]
            function = PiecePairs(tuple(allowed.tolist()), limit, SCANNED * limit)
            for shard in range(shards):
                work = partial(partition, arena=arena, edits=allowed, shard=shard, shards=shards)
                pieces = concat(self._mapped(partial(work, marks=np.zeros(0, np.uint8)), segments, texts))
                probes = concat(self._mapped(partial(work, marks=marks_of(pieces["key"])), segments, texts))
                for own in self.own:
                    rows = [_within(part, segments["document"]) if own else part for part in (pieces, probes)]
                    yield from self.backend.sorted_runs(rows, "key", "rank", function)

    def _mapped(self, work: Any, segments: Batch, texts: I64) -> Iterable[Batch]:
        batches = (texts[low : low + BATCH_TEXTS] for low in range(0, len(texts), BATCH_TEXTS))
        return self.backend.map_batches(
            work, ({"rank": rows, "start": segments["start"][rows], "end": segments["end"][rows]} for rows in batches)
        )


def _packs(texts: I64, edits: I64) -> Iterator[tuple[I64, int]]:
    """The lengths of the longer text that are joined at a time: their edits, 0 for all others, and in how many shards.

    Args:
        texts: int64[...], how many texts there are of each number of tokens.
        edits: int64[...], the edits allowed for each.
    """
    up_to = np.cumsum(texts)
    others = up_to - np.append(0, up_to)[np.arange(len(edits)) - np.minimum(edits, np.arange(len(edits)))]
    pieces = np.where((edits > 0) & (texts > 0) & (others > 1), texts * (edits + 1), 0)
    group = np.cumsum(pieces) // PIECES
    for number in np.unique(group[pieces > 0]).tolist():
        mine = (group == number) & (pieces > 0)
        yield np.where(mine, edits, 0), 1 + int(pieces[mine].sum()) // (2 * PIECES)


def _in_reach(edits: I64) -> NDArray[np.bool_]:
    """Which lengths have a length at most so many edits above, itself included, of which pairs are wanted."""
    longer = np.flatnonzero(edits > 0)
    sizes = np.arange(len(edits))
    reach = (longer >= sizes[:, None]) & (longer - sizes[:, None] <= edits[longer])
    wanted: NDArray[np.bool_] = np.logical_or.reduce(reach, axis=1)
    return wanted


def _within(rows: Batch, documents: I64) -> Batch:
    return {**rows, "key": salted(rows["key"], documents[rows["rank"]])} if rows_of(rows) else rows


def salted(keys: NDArray[Any], documents: I64) -> NDArray[Any]:
    """Keys that are equal only within a document."""
    salt = documents.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    result: NDArray[Any] = keys ^ (salt >> np.uint64(32)).astype(np.uint32) if keys.dtype == np.uint32 else keys ^ salt
    return result


def no_candidates() -> Batch:
    """No pairs."""
    return {"first": np.zeros(0, np.int64), "second": np.zeros(0, np.int64)}
