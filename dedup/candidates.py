"""The way from sketched segments to candidate pairs: bands for all, and for short texts every pair that matches; through a backend."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dedup.among import Side, Texts
from dedup.backends.base import Backend, RunFunction
from dedup.config import Config, Matching
from dedup.model import I64, MIX, U8, Batch, concat, rows_of, take
from dedup.stages.agree import Agree, least_agreeing
from dedup.stages.band import BucketPairs, band, shared
from dedup.stages.gram import gram, meet
from dedup.stages.gram import marks_of as gram_marks
from dedup.stages.partition import PiecePairs, marks_of, partition
from dedup.stages.prefix import COUNTERS, Overlap, PrefixPairs, frequency, gram_of, prefix
from dedup.stages.sketch import LANES
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

Bools = NDArray[np.bool_]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Finds the pairs to be measured among texts.

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
        self, texts: Texts, arena: U8, sides: Sequence[Side], changed: Bools | None = None
    ) -> list[tuple[Batch, int]]:
        """Distinct candidate pairs of each side, as ranks, with the `count` of searches that propose each; and how many limits left out.

        Args:
            texts: what is paired.
            arena: uint8[...], the text.
            sides: each for itself.
            changed: bool[texts], in which the sides differ; then only buckets are looked at in which one of these is.
        """
        found: list[list[Batch]] = [[no_candidates()] for _ in sides]
        searches = (
            [self._exactly(texts, arena, sides)]
            if self.config.exact
            else [self._from_bands(texts, sides, changed), self._from_pieces(texts, arena, sides, changed)]
        )
        for search in searches:
            for side, batch in search:
                found[side].append(batch)
        return [band(concat(batches)) for batches in found]

    def short(self, tokens: I64, whole: Bools) -> Bools:
        """Which texts are matched by their pieces: short ones, if not only such as were compared as `whole` documents are near."""
        edits = self._edits
        is_short = tokens < len(edits)
        wanted = np.bincount(tokens[is_short & ~whole], minlength=len(edits)) > 0
        is_short[is_short] = _near(wanted, edits)[tokens[is_short]]
        return is_short

    @property
    def _edits(self) -> I64:
        """The edits allowed, by tokens, of texts that are matched by their pieces."""
        matching = self.config.paragraph
        if matching.measure != "edit" or matching.threshold < PARTITION_THRESHOLD:
            return np.zeros(0, np.int64)
        return allowed_edits(np.arange(self._partitioned + 1), matching.threshold)

    def _from_bands(self, texts: Texts, sides: Sequence[Side], changed: Bools | None) -> Iterator[tuple[int, Batch]]:
        yield from _side_by_side(self._band_runs(texts, sides, changed))

    def _band_runs(
        self, texts: Texts, sides: Sequence[Side], changed: Bools | None
    ) -> Iterator[Iterator[tuple[int, Batch]]]:
        documents = texts.of("document") if any(self.own) else np.zeros(0, np.int64)
        functions = self._of_buckets(texts, sides)
        mine = np.arange(len(texts))
        for number in range(self.config.matching(self.grain).bands):
            keys = texts.keys(number)
            if changed is not None:
                mine = np.flatnonzero(shared(keys, changed))
                keys = keys[mine]
            for own in self.own:
                chosen = salted(keys, documents[mine]) if own else keys
                for place, side in enumerate(sides):
                    rows = side.part({"key": chosen, "rank": mine})
                    yield zip(repeat(place), self.backend.sorted_runs([rows], "key", "rank", functions[place]))

    def _of_buckets(self, texts: Texts, sides: Sequence[Side]) -> list[RunFunction]:
        """What is proposed of a bucket's members, for each side: not what is known by its lanes to stay below the line."""
        propose = BucketPairs("key", self.config.bucket_limit)
        matching = self.config.matching(self.grain)
        least = least_agreeing(matching.lanes, matching.threshold - NEAR_MISS) if matching.measure == "jaccard" else 0
        if not least or LANES not in texts.sketched:
            return [propose] * len(sides)
        lanes, row = texts.lanes()
        long = texts.of("tokens") > self.config.short_tokens
        return [Agree(propose, lanes, side.by_rank(row), side.by_rank(long), least) for side in sides]

    def _from_pieces(
        self, texts: Texts, arena: U8, sides: Sequence[Side], changed: Bools | None
    ) -> Iterator[tuple[int, Batch]]:
        """Of two short texts that match by `edit` none is missed."""
        edits = self._edits
        short = np.logical_or.reduce([side.short for side in sides])
        if changed is not None:
            changed = short & (changed | np.logical_xor.reduce([side.short for side in sides]))
            if not changed.any():
                return
            short = changed | self._like(texts, arena, short & ~changed, changed, edits)
        yield from self._pieces(texts, np.flatnonzero(short), arena, edits, self.config.bucket_limit, sides, changed)

    def _like(self, texts: Texts, arena: U8, others: Bools, changed: Bools, edits: I64) -> Bools:
        """Which other texts may share a piece with one that changed: all that do, and some that have as many tokens of it in a row."""
        tokens = texts.of("tokens")
        near = _near(np.bincount(tokens[changed], minlength=len(edits)) > 0, edits)
        others = others.copy()
        others[others] = _near(near, edits)[tokens[others]]  # two texts may meet in the piece of a third
        size = _least_piece(edits, int(tokens[changed].min()))
        wanted = concat(self._mapped(partial(gram, arena=arena, size=size), texts, np.flatnonzero(changed)))["gram"]
        work = partial(meet, arena=arena, size=size, marks=gram_marks(wanted))
        like = np.zeros(len(others), bool)
        for batch in self._mapped(work, texts, np.flatnonzero(others)):
            like[batch["rank"]] = True
        return like

    def _pieces(
        self, texts: Texts, short: I64, arena: U8, edits: I64, limit: int, sides: Sequence[Side], changed: Bools | None
    ) -> Iterator[tuple[int, Batch]]:
        tokens = texts.of("tokens", short)
        for allowed, shards in _packs(np.bincount(tokens, minlength=len(edits)), edits):
            mine = short[_near(allowed > 0, allowed)[tokens]]
            function = PiecePairs(tuple(allowed.tolist()), limit, SCANNED * limit)
            for shard in range(shards):
                work = partial(partition, arena=arena, edits=allowed, shard=shard, shards=shards)
                pieces = concat(self._mapped(partial(work, marks=np.zeros(0, np.uint8)), texts, mine))
                probes = concat(self._mapped(partial(work, marks=marks_of(pieces["key"])), texts, mine))
                rows = _changed([part for part in (pieces, probes) if rows_of(part)], changed)
                for own in self._searches:
                    parts = [_within(part, texts) for part in rows] if own else rows
                    for place, side in enumerate(sides):
                        ranked = [side.part(part) for part in parts]
                        for batch in self.backend.sorted_runs(ranked, "key", "rank", function):
                            yield place, batch

    @property
    def _partitioned(self) -> int:
        """Texts up to this long are matched by their pieces."""
        by_edit = self.config.paragraph.measure == "edit"
        return min(self.config.short_tokens, PARTITION_TOKENS) if by_edit else 0

    @property
    def _searches(self) -> tuple[bool, ...]:
        """Without limits what is found all over is found within documents as well."""
        return self.own[:1] if self.config.exact else self.own

    def _exactly(self, texts: Texts, arena: U8, sides: Sequence[Side]) -> Iterator[tuple[int, Batch]]:
        """Of two texts that match, or nearly, none is missed, whatever their length and the measure."""
        config, pieces = self.config, self._partitioned
        edits = allowed_edits(np.arange(pieces + 1), _lowered(config.paragraph.threshold))
        tokens = texts.of("tokens")
        yield from self._pieces(texts, np.flatnonzero(tokens < len(edits)), arena, edits, NO_LIMIT, sides, None)
        most = int(tokens.max(initial=0))
        for matching, low, high in (
            (config.paragraph, pieces, min(config.short_tokens, most)),
            (config.matching(self.grain), config.short_tokens, most),
        ):
            if low < high:
                yield from self._from_prefixes(texts, np.flatnonzero(tokens <= high), arena, matching, low, sides)

    def _from_prefixes(
        self, texts: Texts, rows: I64, arena: U8, matching: Matching, longer: int, sides: Sequence[Side]
    ) -> Iterator[tuple[int, Batch]]:
        tokens, threshold = texts.of("tokens", rows), _lowered(matching.threshold)
        edits = allowed_edits(np.arange(tokens.max(initial=0) + 1), threshold)
        if matching.measure == "edit":
            overlap = Overlap("edit", threshold, longer, gram_of(edits, longer), tuple(edits.tolist()))
        else:
            overlap = Overlap(matching.measure, threshold, longer, self.config.k)
        settings: dict[str, Any] = {"arena": arena, "seed": self.config.seed, "overlap": overlap}
        frequencies = np.zeros(1 << COUNTERS, np.int64)
        for counted in self._mapped(partial(frequency, **settings), texts, rows):
            np.add.at(frequencies, counted["counter"], counted["count"])
        settings["shards"] = shards = 1 + int(tokens.sum()) // ELEMENTS
        for shard in range(shards):
            work = partial(prefix, **settings, frequencies=frequencies, shard=shard)
            found = list(self._mapped(work, texts, rows))
            for own in self._searches:
                parts = [_within(part, texts) for part in found] if own else found
                for place, side in enumerate(sides):
                    ranked = [side.part(part) for part in parts if rows_of(part)]
                    for batch in self.backend.sorted_runs(ranked, "key", "rank", PrefixPairs(overlap)):
                        yield place, batch

    def _mapped(self, work: Any, texts: Texts, rows: I64) -> Iterable[Batch]:
        return self.backend.map_batches(
            work,
            (
                {"rank": mine, "start": texts.of("start", mine), "end": texts.of("end", mine)}
                for mine in self._batches(texts, rows)
            ),
        )

    def _batches(self, texts: Texts, rows: I64) -> list[I64]:
        edges = np.cumsum(texts.of("tokens", rows) + 32) // BATCH_TOKENS
        return np.split(rows, np.flatnonzero(np.diff(edges)) + 1) if len(rows) else []


def _side_by_side(runs: Iterable[Iterator[Found]]) -> Iterator[Found]:
    """What runs give, in order; a few are begun before the first one is waited for, in a backend that has hands free."""
    begun: deque[Iterator[Found]] = deque()
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


def _near(lengths: Bools, edits: I64) -> Bools:
    """Which lengths are so near to a given one that two such texts may match."""
    sizes = np.arange(len(edits))
    apart = np.abs(sizes[:, None] - sizes)
    near: Bools = ((apart <= edits[np.maximum(sizes[:, None], sizes)]) & lengths).any(axis=1)
    return near


def _least_piece(edits: I64, shortest: int) -> int:
    """The tokens of the shortest piece of texts that are no shorter."""
    sizes = np.arange(len(edits))
    mine = (sizes >= shortest) & (edits > 0)
    return max(int((sizes[mine] // (edits[mine] + 1)).min(initial=len(edits))), 1)


def _changed(rows: list[Batch], changed: Bools | None) -> list[Batch]:
    """The rows whose key is one of a text that changed, and by chance a few more."""
    if changed is None or not rows:
        return rows
    marks = shared(
        np.concatenate([part["key"] for part in rows]), np.concatenate([changed[part["rank"]] for part in rows])
    )
    edges = np.cumsum([rows_of(part) for part in rows])[:-1]
    return [take(part, mine) for part, mine in zip(rows, np.split(marks, edges), strict=True)]


def _within(rows: Batch, texts: Texts) -> Batch:
    return {**rows, "key": salted(rows["key"], texts.of("document", rows["rank"]))} if rows_of(rows) else rows


def salted(keys: NDArray[Any], documents: I64) -> NDArray[Any]:
    """Keys that are equal only within a document."""
    salt = documents.astype(np.uint64) * MIX
    result: NDArray[Any] = keys ^ (salt >> np.uint64(32)).astype(np.uint32) if keys.dtype == np.uint32 else keys ^ salt
    return result


def no_candidates() -> Batch:
    """No pairs."""
    return {"first": np.zeros(0, np.int64), "second": np.zeros(0, np.int64)}
