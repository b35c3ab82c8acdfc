"""The way of repeats: fingerprints, equal places, runs, and what of them is cut; through a backend."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from dedup.backends.base import Backend
from dedup.config import Config
from dedup.desk import Desk, Stretches
from dedup.ledger.left import Left
from dedup.matching import document_batches
from dedup.model import I64, Batch, concat, distinct, rows_of, take
from dedup.stages.band import BucketPairs
from dedup.stages.cover import Coverer, Run
from dedup.stages.extend import extend
from dedup.stages.winnow import winnow

BATCH_BYTES = 4 << 20


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

    def find(self, left: Left, changed: I64, segments: Batch) -> Stretches:
        """The cuts that repeats call for, and the repeats that are only shown.

        Args:
            left: what is left of the documents.
            changed: documents to read anew.
            segments: the paragraphs of what is left.
        """
        self._refresh(left, changed)
        found = Stretches()
        runs = self._runs(left, found)
        if rows_of(runs):
            told = {name: segments[name] for name in ("document", "start", "end", "kind")}
            self._cover(left, runs, take(told, np.argsort(told["start"], kind="stable")), found)
        return found

    def _refresh(self, left: Left, changed: I64) -> None:
        gone = left.dropped.copy()
        gone[changed] = True
        old = take(self._prints, ~gone[self._prints["document"]]) if self._prints else {}
        alive = changed[~left.dropped[changed]]
        work = partial(winnow, arena=left.arena, weight=self._config.repeat_weight)
        new = concat(self._backend.map_batches(work, document_batches(left, alive)))
        rows = concat([part for part in (old, new) if rows_of(part)])
        self._prints = take(rows, np.lexsort((rows["position"], rows["document"]))) if rows_of(rows) else {}

    def _runs(self, left: Left, found: Stretches) -> Batch:
        """Maximal equal runs, sorted by later document and start."""
        prints = self._prints
        if not rows_of(prints):
            return {}
        rows = {"hash": prints["hash"], "rank": np.arange(rows_of(prints), dtype=np.int64)}
        pairs = concat(
            self._backend.sorted_runs([rows], "hash", "rank", BucketPairs("hash", self._config.posting_limit))
        )
        counts = pairs["first"] < 0
        found.skipped = int(pairs["second"][counts].sum())
        first, second = pairs["first"][~counts], pairs["second"][~counts]
        order = np.lexsort((first, second))
        first, second = first[order], second[order]
        batch = {
            "later": prints["document"][second], "later_position": prints["position"][second],
            "earlier": prints["document"][first], "earlier_position": prints["position"][first],
        }  # fmt: skip
        if self._config.scope == "document":
            batch = take(batch, batch["later"] == batch["earlier"])
        work = partial(extend, arena=left.arena, starts=left.starts, ends=left.ends, weight=self._config.repeat_weight)
        runs = concat(self._backend.map_batches(work, _by_later(batch, left)))
        if not rows_of(runs):
            return {}
        names = ("earlier_start", "earlier", "length", "start", "later")
        table = np.stack([runs[name] if name != "length" else -runs[name] for name in names])
        order = np.lexsort(table)
        # places of one run may have been extended in two batches
        table = table[:, order]
        fresh = np.concatenate([[True], (table[:, 1:] != table[:, :-1]).any(axis=0)])
        return take(runs, order[fresh])

    def _cover(self, left: Left, runs: Batch, segments: Batch, found: Stretches) -> None:
        """Decide document after document what goes."""
        config = self._config
        coverer = Coverer(
            config.repeat_weight,
            unit_scope="corpus" if config.scope == "corpus" else "document",
            paragraph_scope="document" if config.scope == "document" else "corpus",
            exact=config.cut == "exact",
        )
        for documents, part in _chunks(runs, left):
            desk = Desk(left, documents, segments, config)
            edges = np.searchsorted(part["later"], distinct(part["later"]))
            for low, high in zip(edges, [*edges[1:], rows_of(part)], strict=True):
                mine = take(part, np.arange(low, high))
                document = int(mine["later"][0])
                listed = [
                    Run(*row)
                    for row in zip(
                        *(mine[n].tolist() for n in ("start", "length", "earlier", "earlier_start")), strict=True
                    )
                ]
                desk.write(document, list(coverer.cover(desk.page(document), listed, desk.sizes)), found)
                desk.show(document, listed, coverer, found)


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
