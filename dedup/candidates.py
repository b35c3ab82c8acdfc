"""The way from sketched segments to candidate pairs: bands for all, and for short texts every pair that matches; through a backend."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.backends.base import Backend
from dedup.config import Config, Matching
from dedup.model import I64, U8, Batch, concat, rows_of
from dedup.stages.band import BucketPairs, band, shared
from dedup.stages.partition import PiecePairs, marks_of, partition
from dedup.stages.prefix import COUNTERS, Overlap, PrefixPairs, frequency, gram_of, prefix
from dedup.stages.sketch import key_name
from dedup.stages.verify import NEAR_MISS, allowed_edits

PARTITION_TOKENS = 64
"""Texts up to this long are partitioned: the probes of a text grow with the square of its edits, for each longer length."""
PARTITION_THRESHOLD = 0.7
"""Below this the pieces are so short that nearly all texts share one."""
BATCH_TOKENS = 1 << 20
"""Tokens in a batch that is partitioned at a time."""
PIECES = 1 << 21
"""Pieces that are joined at a time."""
SCANNED = 128
"""Rows of a piece that a row is held against, for each one that it may be paired with."""
ELEMENTS = 1 << 22
"""Tokens in texts whose shingles are joined at a time."""
BEGUN = 4
"""Bands that are grouped ahead."""
NO_LIMIT = 1 << 40
"""What no bucket reaches."""


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

    def find(
        self,
        segments: Batch,
        sketched: Batch,
        alone: I64,
        arena: U8,
        fresh: NDArray[np.bool_],
        whole: NDArray[np.bool_],
    ) -> tuple[Batch, int]:
        """Distinct candidate pairs, and how many the limits left out.

        Args:
            segments: in order of preference, with `document`, `start`, `end`, `tokens`, and `row`, their row in `sketched`.
            sketched: the band keys.
            alone: int64[...], ranks of the segments to pair.
            arena: uint8[...], the text.
            fresh: bool[...], which of `alone` are new: pairs of two others need not be given.
            whole: bool[...], which are whole documents that have been compared as such: nor need pairs of two short ones.
        """
        if self.config.exact:
            found = list(self._exactly(segments, alone, arena))
        else:
            found = list(self._from_bands(segments, sketched, alone, fresh))
            found.extend(self._from_pieces(segments, alone, arena, fresh & ~whole))
        return band(concat(found)) if found else (no_candidates(), 0)

    def _from_bands(self, segments: Batch, sketched: Batch, alone: I64, fresh: NDArray[np.bool_]) -> Iterator[Batch]:
        if not fresh.any():
            return
        yield from _side_by_side(self._band_runs(segments, sketched, alone, fresh))

    def _band_runs(
        self, segments: Batch, sketched: Batch, alone: I64, fresh: NDArray[np.bool_]
    ) -> Iterator[Iterator[Batch]]:
        documents = segments["document"][alone]
        for number in range(self.config.matching(self.grain).bands):
            keys = sketched[key_name(number)][segments["row"][alone]]
            mine = slice(None) if fresh.all() else shared(keys, fresh)
            for own in self.own:
                rows = {"key": salted(keys, documents)[mine] if own else keys[mine], "rank": alone[mine]}
                function = BucketPairs("key", self.config.bucket_limit)
                yield self.backend.sorted_runs([rows], "key", "rank", function)

    def _from_pieces(self, segments: Batch, alone: I64, arena: U8, fresh: NDArray[np.bool_]) -> Iterator[Batch]:
        """Of two short texts that match by `edit` none is missed."""
        matching = self.config.paragraph
        if matching.measure != "edit" or matching.threshold < PARTITION_THRESHOLD:
            return
        edits = allowed_edits(np.arange(self._partitioned + 1), matching.threshold)
        tokens = segments["tokens"][alone]
        is_short = tokens < len(edits)
        wanted = np.bincount(tokens[is_short & fresh], minlength=len(edits)) > 0
        is_short[is_short] = _near(wanted, edits)[tokens[is_short]]
        yield from self._pieces(segments, alone[is_short], arena, edits, self.config.bucket_limit)

    @property
    def _partitioned(self) -> int:
        """Texts up to this long are matched by their pieces."""
        by_edit = self.config.paragraph.measure == "edit"
        return min(self.config.short_tokens, PARTITION_TOKENS) if by_edit else 0

    def _pieces(self, segments: Batch, alone: I64, arena: U8, edits: I64, limit: int) -> Iterator[Batch]:
        short = alone[segments["tokens"][alone] < len(edits)]
        for allowed, shards in _packs(np.bincount(segments["tokens"][short], minlength=len(edits)), edits):
            texts = short[_in_reach(allowed)[segments["tokens"][short]]]
            function = PiecePairs(tuple(allowed.tolist()), limit, SCANNED * limit)
            for shard in range(shards):
                work = partial(partition, arena=arena, edits=allowed, shard=shard, shards=shards)
                pieces = concat(self._mapped(partial(work, marks=np.zeros(0, np.uint8)), segments, texts))
                probes = concat(self._mapped(partial(work, marks=marks_of(pieces["key"])), segments, texts))
                for own in self._searches:
                    rows = [_within(part, segments["document"]) if own else part for part in (pieces, probes)]
                    yield from self.backend.sorted_runs(rows, "key", "rank", function)

    @property
    def _searches(self) -> tuple[bool, ...]:
        """Without limits what is found all over is found within documents as well."""
        return self.own[:1] if self.config.exact else self.own

    def _exactly(self, segments: Batch, alone: I64, arena: U8) -> Iterator[Batch]:
        """Of two texts that match, or nearly, none is missed, whatever their length and the measure."""
        config, pieces = self.config, self._partitioned
        edits = allowed_edits(np.arange(pieces + 1), _lowered(config.paragraph.threshold))
        yield from self._pieces(segments, alone, arena, edits, NO_LIMIT)
        tokens = segments["tokens"][alone]
        most = int(tokens.max(initial=0))
        for matching, low, high in (
            (config.paragraph, pieces, min(config.short_tokens, most)),
            (config.matching(self.grain), config.short_tokens, most),
        ):
            if low < high:
                yield from self._from_prefixes(segments, alone[tokens <= high], arena, matching, low)

    def _from_prefixes(
        self, segments: Batch, texts: I64, arena: U8, matching: Matching, longer: int
    ) -> Iterator[Batch]:
        tokens, threshold = segments["tokens"][texts], _lowered(matching.threshold)
        edits = allowed_edits(np.arange(tokens.max(initial=0) + 1), threshold)
        if matching.measure == "edit":
            overlap = Overlap("edit", threshold, longer, gram_of(edits, longer), tuple(edits.tolist()))
        else:
            overlap = Overlap(matching.measure, threshold, longer, self.config.k)
        settings: dict[str, Any] = {"arena": arena, "seed": self.config.seed, "overlap": overlap}
        frequencies = np.zeros(1 << COUNTERS, np.int64)
        for counted in self._mapped(partial(frequency, **settings), segments, texts):
            np.add.at(frequencies, counted["counter"], counted["count"])
        settings["shards"] = shards = 1 + int(tokens.sum()) // ELEMENTS
        for shard in range(shards):
            work = partial(prefix, **settings, frequencies=frequencies, shard=shard)
            rows = list(self._mapped(work, segments, texts))
            for own in self._searches:
                mine = [_within(part, segments["document"]) if own else part for part in rows]
                yield from self.backend.sorted_runs(mine, "key", "rank", PrefixPairs(overlap))

    def _mapped(self, work: Any, segments: Batch, texts: I64) -> Iterable[Batch]:
        edges = np.cumsum(segments["tokens"][texts] + 32) // BATCH_TOKENS
        batches = np.split(texts, np.flatnonzero(np.diff(edges)) + 1) if len(texts) else []
        return self.backend.map_batches(
            work, ({"rank": rows, "start": segments["start"][rows], "end": segments["end"][rows]} for rows in batches)
        )


def _side_by_side(runs: Iterable[Iterator[Batch]]) -> Iterator[Batch]:
    """What runs give, in order; a few are begun before the first one is waited for, in a backend that has hands free."""
    begun: deque[Iterator[Batch]] = deque()
    for run in runs:
        begun.append(run)
        if len(begun) > BEGUN:
            yield from begun.popleft()
    for run in begun:
        yield from run


def _lowered(threshold: float) -> float:
    """The similarity from which pairs are measured: near misses are shown."""
    return max(threshold - NEAR_MISS, threshold / 2)


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


def _near(lengths: NDArray[np.bool_], edits: I64) -> NDArray[np.bool_]:
    """Which lengths are so near to a given one that two such texts may match."""
    sizes = np.arange(len(edits))
    apart = np.abs(sizes[:, None] - sizes)
    near: NDArray[np.bool_] = ((apart <= edits[np.maximum(sizes[:, None], sizes)]) & lengths).any(axis=1)
    return near


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
