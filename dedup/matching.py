"""The way of one grain from segments to matches: segment, sketch, exact duplicates, bands, verify; through a backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.backends.base import Backend, RowFunction
from dedup.candidates import Candidates, no_candidates, salted
from dedup.config import Config
from dedup.ledger.left import Left
from dedup.model import (
    APART,
    I64,
    LABEL,
    LABEL_TOKENS,
    NEAR_MISS,
    NUMBERS,
    PLAIN,
    SAYS_MORE,
    U8,
    Batch,
    Chain,
    concat,
    rows_of,
    take,
)
from dedup.renewal import Renewal
from dedup.sparing import says_more
from dedup.stages.band import BucketPairs, band
from dedup.stages.carry import carry
from dedup.stages.segment import segment
from dedup.stages.sketch import KEY, LANES, sketch
from dedup.stages.verify import verify

BATCH_BYTES = 4 << 20
"""Text in a batch that is segmented and sketched at a time."""
BATCH_PAIRS = 1 << 15
"""Pairs in a batch that is verified at a time."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What one pass over one grain found.

    Attributes:
        segments: the compared segments in order of preference; row number = rank.
        exact: int64[n], for each segment the first one of equal folded text, itself if it is that one.
        pairs: verified pairs of first ones: `first`, `second` (ranks, first < second), `similarity`, `measure`, `match`,
            `why` (why both stay if they match: a numeral, the scope, a paragraph of the second's own; else `NEAR_MISS`, which for
            a match means that it acts).
        skipped: candidate pairs that the bucket limit left out.
        candidates: candidate pairs that were measured.
    """

    segments: Batch
    exact: I64
    pairs: Batch
    skipped: int
    candidates: int


class GrainMatcher:
    """Finds the matches of one grain, pass after pass; only what changed is read and measured again.

    Args:
        config: what counts as a match.
        grain: `document`, `paragraph` or `sentence`.
        backend: where the work runs.
        batch_bytes: text in a batch; does not change the result.
    """

    def __init__(self, config: Config, grain: str, backend: Backend, batch_bytes: int = BATCH_BYTES) -> None:
        self._config = config
        self._grain = grain
        self._matching = config.matching(grain)
        self._backend = backend
        self._batch_bytes = batch_bytes
        self._rows: Batch = {}
        self._next_uid = 0
        own = (False, True) if self._split_scope else (self._own_document,)
        self._renewal = Renewal(Candidates(config, grain, backend, own))
        self._measured: Batch = {}

    @property
    def rows(self) -> Batch:
        """All segments of this grain as they were last sketched, sorted by document and start."""
        return self._rows

    def load(self, rows: Batch) -> None:
        """Take the first pass's segments from a saved run instead of sketching them."""
        self._rows = {**rows, "uid": np.arange(rows_of(rows), dtype=np.int64)}
        self._next_uid = rows_of(rows)

    def refresh(self, left: Left, changed: I64) -> None:
        """Segment and sketch documents anew, after the first pass those that were changed."""
        gone = left.dropped.copy()
        gone[changed] = True
        documents = changed[~left.dropped[changed]]
        if not self._rows:
            work = Chain((self._segment(left), self._sketch(left)))
            self._rows = self._numbered(concat(self._map(left, documents, work)))
            return
        stays = ~gone[self._rows["document"]]
        if stays.all() and not len(documents):
            return
        before = take(self._rows, ~stays)
        new = self._carried(left, documents, before)
        self._renewal.left(before)
        self._rows = _merged(self._rows, np.flatnonzero(stays), new)

    def _carried(self, left: Left, documents: I64, before: Batch) -> Batch:
        """The segments of documents, of which only those are sketched that did not stand there before."""
        segments = concat(self._map(left, documents, self._segment(left)))
        if not segments:
            return segments
        now, then = carry(segments, before, arena=left.arena)
        fresh = np.ones(rows_of(segments), bool)
        fresh[now] = False
        rest = take(segments, fresh)
        batches = (take(rest, part) for part in _pieces(rest["end"] - rest["start"], self._batch_bytes))
        new = self._numbered(concat(self._backend.map_batches(self._sketch(left), batches)))
        known = {**take(before, then), **take(segments, now)}
        return _ordered(concat([part for part in (known, new) if part]))

    def _numbered(self, rows: Batch) -> Batch:
        if rows:
            rows = _ordered(rows)
            rows["uid"] = np.arange(self._next_uid, self._next_uid + rows_of(rows), dtype=np.int64)
            self._next_uid += rows_of(rows)
        return rows

    def _map(self, left: Left, documents: I64, work: RowFunction) -> Iterator[Batch]:
        return self._backend.map_batches(work, document_batches(left, documents, self._batch_bytes))

    def _over_pairs(self, work: RowFunction, first: I64, second: I64, segments: Batch) -> Batch:
        return concat(self._backend.map_batches(work, _pair_batches(first, second, segments, self._batch_bytes)))

    def _segment(self, left: Left) -> RowFunction:
        return partial(segment, arena=left.arena, grain=self._grain)

    def _sketch(self, left: Left) -> RowFunction:
        config, matching = self._config, self._matching
        return partial(
            sketch, arena=left.arena, k=config.k, seed=config.seed, bands=matching.bands, rows=matching.rows,
            keeps_lanes=self._grain == "document",
        )  # fmt: skip

    def matches(self, left: Left, preference: I64, paragraphs: Batch | None = None) -> Matches:
        """Find what matches among the segments that may be compared.

        Args:
            left: what is left of the documents.
            preference: int64[documents], smaller is preferred; ties by position.
            paragraphs: where a document goes only for one that has all its paragraphs: those of what is left, by document and start.
        """
        segments = self._in_order(self.comparable(left), preference)
        n = rows_of(segments)
        if n == 0:
            return Matches({}, np.zeros(0, np.int64), _no_pairs(), 0, 0)
        exact = self._exact(segments, left.arena)
        candidates, known, skipped = self._candidates(segments, exact, left.arena)
        pairs = self._measure(candidates, known, segments, left.arena, paragraphs)
        return Matches(segments, exact, self._judged(pairs, segments, left), skipped, rows_of(candidates))

    @property
    def _split_scope(self) -> bool:
        """Whether sentences are cut within their document and reported across."""
        return self._grain == "sentence" and self._config.scope == "auto"

    @property
    def _own_document(self) -> bool:
        """Whether equal texts of two documents are kept apart."""
        return self._grain != "document" and (self._config.scope == "document" or self._split_scope)

    def comparable(self, left: Left) -> Batch:
        """The segments that are compared, without what of signatures is kept; `row` is the place of each in `rows`."""
        rows = self._rows
        if not rows:
            return {}
        rows = {name: column for name, column in rows.items() if not name.startswith((KEY, LANES))}
        rows["row"] = np.arange(rows_of(rows), dtype=np.int64)
        mask = (rows["tokens"] > 0) & ~left.dropped[rows["document"]]
        if self._grain != "document":
            mask &= ((rows["kind"] == PLAIN) | ((rows["kind"] == LABEL) & (rows["tokens"] > LABEL_TOKENS))) & (
                rows["tokens"] >= self._config.min_tokens
            )
        return take(rows, mask)

    def _in_order(self, rows: Batch, preference: I64) -> Batch:
        if not rows_of(rows):
            return rows
        if self._config.keep == "longest":
            return take(rows, np.argsort(-rows["tokens"], kind="stable"))
        order = preference[rows["document"]]
        return rows if bool(np.all(order[1:] >= order[:-1])) else take(rows, np.argsort(order, kind="stable"))

    def _exact(self, segments: Batch, arena: U8) -> I64:
        """The first segment of equal folded text for each, proven on the text."""
        keys = segments["hash"]
        if self._own_document:
            keys = salted(keys, segments["document"])
        n = len(keys)
        exact = np.arange(n, dtype=np.int64)
        rows = {"hash": keys, "rank": exact.copy()}
        pairs = concat(self._backend.sorted_runs([rows], "hash", "rank", BucketPairs("hash", 1)))
        found = pairs["first"] >= 0
        first, second = pairs["first"][found], pairs["second"][found]
        proven = self._over_pairs(partial(_equal, arena=arena), first, second, segments)
        if proven:
            exact[proven["second"]] = proven["first"]
        return exact

    def _candidates(self, segments: Batch, exact: I64, arena: U8) -> tuple[Batch, I64, int]:
        """Pairs to be measured, for each its row among those that were measured last, and how many the limits left out."""
        alone = np.flatnonzero((exact == np.arange(len(exact))) & (segments["tokens"] >= self._config.k))
        whole = self._compared(segments)[alone]
        pairs, known, skipped = self._renewal.find(segments, self._rows, alone, whole, arena)
        if self._split_scope:
            pairs, skipped = self._with_equal_elsewhere(segments, exact, pairs, skipped)
            known = self._renewal.note(segments["uid"], pairs)
        return pairs, known, skipped

    def _compared(self, segments: Batch) -> NDArray[np.bool_]:
        """Which segments are all of their documents, and have been compared as documents."""
        if self._config.grain != "auto" or self._grain == "document":
            return np.zeros(rows_of(segments), bool)
        rows = self._rows["document"][self._rows["tokens"] > 0]
        whole: NDArray[np.bool_] = (np.bincount(rows) == 1)[segments["document"]]
        return whole

    def _with_equal_elsewhere(self, segments: Batch, exact: I64, pairs: Batch, skipped: int) -> tuple[Batch, int]:
        """Add pairs of equal text in two documents, which the scope keeps apart but the report shows."""
        alone = np.flatnonzero(exact == np.arange(len(exact)))
        rows = {"hash": segments["hash"][alone], "rank": alone}
        more = self._backend.sorted_runs([rows], "hash", "rank", BucketPairs("hash", 1))
        found, left_out = band(concat([pairs, *more]))
        return found, skipped + left_out

    def _measure(self, candidates: Batch, known: I64, segments: Batch, arena: U8, paragraphs: Batch | None) -> Batch:
        """Measure the pairs that are not `known` from the last pass."""
        fresh = np.flatnonzero(known < 0)
        fresh = fresh[_by_cluster(candidates["first"][fresh], candidates["second"][fresh], rows_of(segments))]
        work = partial(verify, arena=arena, config=self._config, grain=self._grain)
        measured = self._over_pairs(work, candidates["first"][fresh], candidates["second"][fresh], segments)
        columns: Batch = {
            "similarity": np.zeros(len(known)),
            "measure": np.zeros(len(known), np.uint8),
            "match": np.zeros(len(known), bool),
            "more": np.zeros(len(known), bool),
        }
        if measured:
            measured["more"] = self._says_more(measured, segments, arena, paragraphs)
        for name, column in columns.items():
            if measured:
                column[fresh[measured["row"]]] = measured[name]
            if self._measured:
                column[known >= 0] = self._measured[name][known[known >= 0]]
        self._measured = columns
        return take({**candidates, **columns}, columns["similarity"] > 0)

    def _says_more(self, pairs: Batch, segments: Batch, arena: U8, paragraphs: Batch | None) -> NDArray[np.bool_]:
        """Whether the second of two documents that match has a paragraph that the first has not."""
        more = np.zeros(rows_of(pairs), bool)
        if paragraphs is None:
            return more
        first, second = (segments["document"][pairs[side]] for side in ("first", "second"))
        number = np.bincount(paragraphs["document"], minlength=int(segments["document"].max(initial=0)) + 1)
        short = np.maximum(pairs["first_tokens"], pairs["second_tokens"]) <= self._config.short_tokens
        # two short records of one paragraph each have been measured as such
        asked = np.flatnonzero(pairs["match"] & ~(short & (number[first] == 1) & (number[second] == 1)))
        more[asked] = says_more(
            first[asked], second[asked], paragraphs=paragraphs, arena=arena, config=self._config, backend=self._backend
        )
        return more

    def _judged(self, pairs: Batch, segments: Batch, left: Left) -> Batch:
        """Mark the pairs that match but say different things, or that the scope keeps apart."""
        first, second = pairs["first"], pairs["second"]
        differ = segments["numbers"][first] != segments["numbers"][second]
        if self._config.numbers == "ignore":
            differ[:] = False
        elif self._grain == "document" and differ.any():
            rows = np.flatnonzero(differ)
            involved = np.unique(
                np.concatenate([segments["document"][first[rows]], segments["document"][second[rows]]])
            )
            single = np.zeros(len(left.starts), bool)
            single[involved] = _paragraphs(left, involved) == 1
            differ[rows] = single[segments["document"][first[rows]]] & single[segments["document"][second[rows]]]
        apart = segments["document"][first] != segments["document"][second]
        if not self._split_scope:
            apart[:] = False
        why = np.where(differ, NUMBERS, np.where(apart, APART, np.where(pairs["more"], SAYS_MORE, NEAR_MISS)))
        return {**pairs, "why": why.astype(np.uint8)}


def _ordered(rows: Batch) -> Batch:
    """Segments by document and start."""
    document, start = rows["document"], rows["start"]
    after = (document[1:] > document[:-1]) | ((document[1:] == document[:-1]) & (start[1:] > start[:-1]))
    return dict(rows) if after.all() else take(rows, np.lexsort((start, document)))


def _merged(rows: Batch, stays: I64, new: Batch) -> Batch:
    """Some rows and new ones, of other documents, by document; column by column, which takes less memory."""
    if not new:
        return take(rows, stays)
    place = np.concatenate([stays, np.arange(rows_of(rows), rows_of(rows) + rows_of(new))])
    document = np.concatenate([rows["document"], new["document"]])
    place = place[np.argsort(document[place], kind="stable")]
    return {name: np.concatenate([column, new[name]])[place] for name, column in rows.items()}


def _paragraphs(left: Left, documents: I64) -> I64:
    """How many lines with a token each document has: a record of one paragraph is compared as that paragraph."""
    owner, _, _ = kernels.lines(left.arena, left.starts[documents], left.ends[documents])
    return np.bincount(owner, minlength=len(documents)).astype(np.int64)


def document_batches(left: Left, documents: I64, batch_bytes: int = BATCH_BYTES) -> Iterator[Batch]:
    """What is left of documents, as batches of about `batch_bytes` of text."""
    for part in _pieces((left.ends - left.starts)[documents], batch_bytes):
        rows = documents[part]
        yield {
            "document": rows,
            "start": left.starts[rows],
            "end": left.ends[rows],
            "markdown": left.corpus.markdown[rows],
        }


def _pieces(sizes: I64, batch_bytes: int, most: int = 1 << 62) -> list[I64]:
    """Rows of such sizes in batches of about `batch_bytes`, and of no more rows than `most`."""
    rows = np.arange(len(sizes))
    ends = np.flatnonzero(np.diff((np.cumsum(sizes) - sizes) // batch_bytes) | np.diff(rows // most))
    return np.split(rows, ends + 1) if len(sizes) else []


def _pair_batches(first: I64, second: I64, segments: Batch, batch_bytes: int) -> Iterator[Batch]:
    """Pairs in batches of at most `BATCH_PAIRS`, and of about `batch_bytes` of text that is in no batch before."""
    ends = np.stack([first, second], axis=1).ravel()
    seen = np.empty(rows_of(segments), np.int64)
    seen[ends[::-1]] = np.arange(len(ends))[::-1]
    is_fresh = seen[ends] == np.arange(len(ends))
    sizes = np.where(is_fresh, segments["end"][ends] - segments["start"][ends], 0).reshape(-1, 2).sum(axis=1)
    for part in _pieces(sizes, batch_bytes, BATCH_PAIRS):
        one, two = first[part], second[part]
        batch: Batch = {"row": part, "first": one, "second": two}
        for name in ("start", "end", "tokens"):
            batch[f"first_{name}"], batch[f"second_{name}"] = segments[name][one], segments[name][two]
        yield batch


def _by_cluster(first: I64, second: I64, n: int) -> I64:
    """The rows of pairs, so ordered that those of texts that hang together come one after the other: each text is then read once."""
    lead = np.arange(n, dtype=np.uint32)
    np.minimum.at(lead, second, first.astype(np.uint32))
    while not np.array_equal(further := lead[lead], lead):
        lead = further
    return np.argsort(lead[second].astype(np.uint64) << np.uint64(32) | first.astype(np.uint64), kind="stable")


def _equal(batch: Batch, *, arena: U8) -> Batch:
    """The pairs whose token sequences are equal."""
    ranges = (batch[f"{side}_{edge}"] for side in ("first", "second") for edge in ("start", "end"))
    raw = kernels.equal_bytes(arena, *ranges).astype(bool)
    rest = take(batch, ~raw)
    if rows_of(rest):
        starts = np.concatenate([rest["first_start"], rest["second_start"]])
        ends = np.concatenate([rest["first_end"], rest["second_end"]])
        values, offsets = kernels.tokens(arena, starts, ends)
        m = rows_of(rest)
        pairs = np.stack([np.arange(m), np.arange(m, 2 * m)], axis=1)
        rest = take(rest, kernels.edit_distances(values, offsets, pairs, np.zeros(m, np.int64)) == 0)
    same = concat([take(batch, raw), rest])
    return {"first": same["first"], "second": same["second"]}


def _no_pairs() -> Batch:
    small = {name: np.zeros(0, np.uint8) for name in ("measure", "why")}
    return {**no_candidates(), "similarity": np.zeros(0), "match": np.zeros(0, bool), **small}
