"""The way of repeats: fingerprints, equal places, runs, and what of them is cut; through a backend."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.backends.base import Backend
from dedup.config import Config
from dedup.desk import Desk, Stretches
from dedup.ledger.left import Left
from dedup.matching import BATCH_BYTES, document_batches
from dedup.model import I64, MIX, U64, Batch, concat, distinct, packed, rows_of, stands_in, take
from dedup.stages.band import BucketPairs, shared
from dedup.stages.cover import Coverer, Run
from dedup.stages.extend import extend
from dedup.stages.winnow import winnow
from dedup.staying import staying


class RepeatFinder:
    """Finds repeats in what is left, pass after pass; fingerprints of unchanged documents are kept.

    Args:
        config: the least weight, and what is cut.
        backend: where the work runs.
    """

    def __init__(self, config: Config, backend: Backend) -> None:
        self._config = config
        self._backend = backend
        self._prints: Batch = {}
        self._found: Batch = {}
        self._complete = False
        self._meetings: tuple[I64, U64] = np.zeros(0, np.int64), np.zeros(0, np.uint64)

    def find(self, left: Left, changed: I64, segments: Batch, *, shows: bool) -> Stretches:
        """The cuts that repeats call for.

        Args:
            left: what is left of the documents.
            changed: documents to read anew.
            segments: the paragraphs of what is left.
            shows: whether to tell what stays as well.
        """
        found = Stretches()
        other = self._refresh(left, changed)
        self._found = self._runs(left, other, found)
        gone = self._cover(left, segments, self._to_cover(other), found)
        if shows:
            found.shown = [staying(desk, part, gone) for desk, part in self._desks(left, segments, self._found)]
        return found

    def staying(self, left: Left, segments: Batch) -> Stretches:
        """What of the repeats that were found last stays, where nothing was cut for them."""
        return Stretches(shown=[staying(desk, part, {}) for desk, part in self._desks(left, segments, self._found)])

    def _to_cover(self, changed: NDArray[np.bool_]) -> Batch:
        """The runs of documents of which, or of whose earlier texts, something is not as it was: of others all has gone that may."""
        runs = self._found
        if not rows_of(runs):
            return {}
        stale = np.zeros(len(changed), bool)
        stale[runs["later"][changed[runs["later"]] | changed[runs["earlier"]]]] = True
        return take(runs, stale[runs["later"]])

    def _refresh(self, left: Left, changed: I64) -> NDArray[np.bool_]:
        """Choose fingerprints of changed documents anew; returns which documents are not as they were."""
        gone = left.dropped.copy()
        gone[changed] = True
        old = take(self._prints, ~gone[self._prints["document"]]) if self._prints else {}
        alive = changed[~left.dropped[changed]]
        work = partial(winnow, arena=left.arena, weight=self._config.repeat_weight)
        new = concat(self._backend.map_batches(work, document_batches(left, alive)))
        rows = concat([part for part in (old, new) if rows_of(part)])
        self._prints = take(rows, np.argsort(packed(rows["document"], rows["position"]), kind="stable")) if rows else {}
        return gone

    def _runs(self, left: Left, changed: NDArray[np.bool_], found: Stretches) -> Batch:
        """Maximal equal runs, sorted by later document and start."""
        prints = self._prints
        if not rows_of(prints):
            return {}
        known: Batch = {}
        rank = np.arange(rows_of(prints), dtype=np.int64)
        if self._complete and self._found:  # then the runs between two documents that stayed as they were are known
            known = take(self._found, ~changed[self._found["later"]] & ~changed[self._found["earlier"]])
            rank = np.flatnonzero(shared(prints["hash"], changed[prints["document"]]))
            self._meetings = np.zeros(0, np.int64), np.zeros(0, np.uint64)
        if not len(rank):
            return known
        rows = {"hash": prints["hash"][rank], "rank": rank}
        pairs = concat(
            self._backend.sorted_runs([rows], "hash", "rank", BucketPairs("hash", self._config.posting_limit))
        )
        counts = pairs["first"] < 0
        found.skipped = int(pairs["second"][counts].sum())
        self._complete = found.skipped == 0
        first, second = pairs["first"][~counts], pairs["second"][~counts]
        ordered = np.sort(packed(second, first))  # there are fewer than 2**31 fingerprints
        first, second = ordered & np.int64(0xFFFFFFFF), ordered >> np.int64(32)
        batch = {
            f"{side}{name}": prints[column][rows].astype(np.int64)
            for side, rows in (("later", second), ("earlier", first))
            for name, column in (("", "document"), ("_position", "position"))
        }
        if self._config.scope == "document":
            batch = take(batch, batch["later"] == batch["earlier"])
        if known:
            batch = take(batch, changed[batch["later"]] | changed[batch["earlier"]])
        else:
            known, batch = self._extended(batch, changed)
        work = partial(extend, arena=left.arena, starts=left.starts, ends=left.ends, weight=self._config.repeat_weight)
        runs = concat(
            part for part in (known, *self._backend.map_batches(work, _by_later(batch, left))) if rows_of(part)
        )
        return _in_order(runs) if rows_of(runs) else {}

    def _extended(self, batch: Batch, changed: NDArray[np.bool_]) -> tuple[Batch, Batch]:
        """The runs of documents that stayed as they were and meet where they met in the last pass; and all other pairs of places."""
        names = packed(batch["later"], batch["earlier"])
        order = np.argsort(names, kind="stable")
        names = names[order]
        lead = np.flatnonzero(np.diff(names, prepend=-1))
        sums = np.zeros(0, np.uint64)
        if len(lead):
            places = (batch[name][order].astype(np.uint64) for name in ("later_position", "earlier_position"))
            mixed = (next(places) * MIX ^ next(places)) * MIX
            sums = np.add.reduceat(mixed ^ mixed >> np.uint64(31), lead)
        (before, sums_before), self._meetings = self._meetings, (names[lead], sums)
        if not self._found or not len(before) or not len(lead):
            return {}, batch
        row = np.minimum(np.searchsorted(before, names[lead]), len(before) - 1)
        same = (before[row] == names[lead]) & (sums_before[row] == sums)
        same &= ~changed[names[lead] >> np.int64(32)] & ~changed[names[lead] & np.int64(0xFFFFFFFF)]
        rest = order[~np.repeat(same, np.diff(np.append(lead, len(names))))]
        stays = stands_in(packed(self._found["later"], self._found["earlier"]), names[lead][same])
        return take(self._found, stays), take(batch, np.sort(rest))

    def _desks(self, left: Left, segments: Batch, runs: Batch) -> Iterator[tuple[Desk, Batch]]:
        """Runs, some megabytes of text at a time, with the documents that they name."""
        if not rows_of(runs):
            return
        told = {name: segments[name] for name in ("document", "start", "end", "kind")}
        told = take(told, np.argsort(told["start"], kind="stable"))
        for documents, part in _chunks(runs, left):
            yield Desk(left, documents, told, self._config), part

    def _cover(self, left: Left, segments: Batch, runs: Batch, found: Stretches) -> dict[int, NDArray[np.bool_]]:
        """Decide document after document what goes; returns which of their tokens."""
        config = self._config
        coverer = Coverer(
            config.repeat_weight,
            unit_scope="corpus" if config.scope == "corpus" else "document",
            paragraph_scope="document" if config.scope == "document" else "corpus",
            exact=config.cut == "exact",
        )
        for desk, part in self._desks(left, segments, runs):
            cuts = take(part, desk.with_cuts(part))
            edges = [*np.searchsorted(cuts["later"], distinct(cuts["later"])).tolist(), rows_of(cuts)]
            columns = [cuts[name].tolist() for name in ("start", "length", "earlier", "earlier_start")]
            for low, high in pairwise(edges):
                document = int(cuts["later"][low])
                mine = [Run(*row) for row in zip(*(column[low:high] for column in columns), strict=True)]
                desk.write(document, list(coverer.cover(desk.page(document), mine, desk.sizes)), found)
        return coverer.gone


def _in_order(runs: Batch) -> Batch:
    """Runs by later document and start, the longest first; places of one run may have been extended in two batches."""
    names = ("earlier_start", "earlier", "length", "start", "later")
    table = np.stack([runs[name] if name != "length" else -runs[name] for name in names])
    order = np.lexsort(table)
    table = table[:, order]
    fresh = np.concatenate([[True], (table[:, 1:] != table[:, :-1]).any(axis=0)])
    return take(runs, order[fresh])


def _by_later(pairs: Batch, left: Left) -> Iterator[Batch]:
    """Pairs in batches that end where a later document does."""
    for _, part in _chunks(pairs, left):
        yield part


def _chunks(rows: Batch, left: Left) -> Iterator[tuple[I64, Batch]]:
    """Rows sorted by `later` in chunks of whole documents, with all documents that they name, some `BATCH_BYTES` of text."""
    n = rows_of(rows)
    if not n:
        return
    edges = np.flatnonzero(np.diff(rows["later"])) + 1
    starts = np.concatenate([[0], edges])
    # an earlier document is counted with the first row that names it
    _, lead = np.unique(rows["earlier"], return_index=True)
    cost = np.zeros(n, np.int64)
    cost[lead] = (left.ends - left.starts)[rows["earlier"][lead]]
    cost[starts] += (left.ends - left.starts)[rows["later"][starts]]
    chunk = (np.cumsum(cost)[np.concatenate([edges, [n]]) - 1]) // BATCH_BYTES
    borders = [0, *(edges[np.flatnonzero(np.diff(chunk))]).tolist(), n]
    for low, high in pairwise(borders):
        part = take(rows, np.arange(low, high))
        yield distinct(np.concatenate([part["later"], part["earlier"]])), part
