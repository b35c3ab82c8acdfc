"""The way of repeats: fingerprints, equal places, runs, and what of them is cut; through a backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np

from dedup import kernels
from dedup.backends.base import Backend
from dedup.config import Config
from dedup.ledger.left import Left
from dedup.ledger.removals import CONTAINED as IS_CONTAINED
from dedup.ledger.removals import REPEATED
from dedup.matching import document_batches
from dedup.model import CONTAINED, I64, SPLICED, Batch, concat, rows_of, take
from dedup.stages.band import BucketPairs
from dedup.stages.cover import Covered, Coverer, Evidence, Page, Run
from dedup.stages.extend import extend
from dedup.stages.segment import LABEL, PLAIN, segment
from dedup.stages.winnow import winnow

BATCH_BYTES = 4 << 20
SENTENCE, CLAUSE = 1, 2  # where `kernels.pieces` cuts
CLAUSE_MARKS = tuple(mark.encode() for mark in ",，、;；:：")
MOSTLY = 0.8
"""A document of which this share of tokens stands in another one is shown as contained in it."""


@dataclass(slots=True)
class Stretches:
    """Stretches of what is left, in the arena.

    Attributes:
        cuts: rows `document`, `start`, `end`, `reason`, `grain`, `tokens`.
        kept: for each cut `document`, `start`, `end` of what speaks for it first.
        more: `removal` (row of the cut), `document`, `start`, `end`: further evidence.
        shown: `document`, `start`, `end`, `kept_document`, `kept_start`, `kept_end`, `why`, `similarity`.
        skipped: pairs of places that the posting limit left out.
    """

    cuts: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    kept: list[tuple[int, int, int]] = field(default_factory=list)
    more: list[tuple[int, int, int, int]] = field(default_factory=list)
    shown: list[tuple[int, int, int, int, int, int, int, float]] = field(default_factory=list)
    skipped: int = 0


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

    def find(self, left: Left, changed: I64) -> Stretches:
        """The cuts that repeats call for, and the repeats that are only shown.

        Args:
            left: what is left of the documents.
            changed: documents to read anew.
        """
        self._refresh(left, changed)
        found = Stretches()
        runs = self._runs(left, found)
        if rows_of(runs):
            self._cover(left, runs, found)
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

    def _cover(self, left: Left, runs: Batch, found: Stretches) -> None:
        """Decide document after document what goes."""
        config = self._config
        coverer = Coverer(
            config.repeat_weight,
            unit_scope="corpus" if config.scope == "corpus" else "document",
            paragraph_scope="document" if config.scope == "document" else "corpus",
            exact=config.cut == "exact",
        )
        for documents, part in _chunks(runs, left):
            desk = _Desk(left, documents, config)
            edges = np.searchsorted(part["later"], np.unique(part["later"]))
            for low, high in zip(edges, [*edges[1:], rows_of(part)], strict=True):
                mine = take(part, np.arange(low, high))
                document = int(mine["later"][0])
                listed = [
                    Run(*row)
                    for row in zip(
                        *(mine[n].tolist() for n in ("start", "length", "earlier", "earlier_start")), strict=True
                    )
                ]
                taken: list[Covered] = []
                if config.cut != "none":
                    taken = list(coverer.cover(desk.page(document), listed, desk.sizes))
                for covered in desk.by_sentence(document, taken):
                    desk.write(covered, found)
                desk.show(document, listed, coverer, found)


class _Desk:
    """Documents in tokens, and their paragraphs and smaller units in bytes.

    Args:
        left: what is left of the documents.
        documents: int64[n], sorted, those of the runs at hand.
        config: decides the smaller unit.
    """

    def __init__(self, left: Left, documents: I64, config: Config) -> None:
        self._left = left
        self._config = config
        self._rows = {int(document): row for row, document in enumerate(documents)}
        found = kernels.tokenize(left.arena, left.starts[documents], left.ends[documents])
        self._values, self._offsets, self._starts, self._ends = found
        self.sizes = {
            document: int(self._offsets[row + 1] - self._offsets[row]) for document, row in self._rows.items()
        }
        batch = {
            "document": documents,
            "start": left.starts[documents],
            "end": left.ends[documents],
            "markdown": left.corpus.markdown[documents],
        }
        self._segments = segment(batch, arena=left.arena, grain="paragraph")
        self._bytes: dict[tuple[int, int, int], tuple[int, int, int]] = {}
        self._sentences: dict[int, list[tuple[int, int]]] = {}

    def _span(self, document: int) -> slice:
        row = self._rows[document]
        return slice(int(self._offsets[row]), int(self._offsets[row + 1]))

    def page(self, document: int) -> Page:
        """A document as the coverer wants it."""
        mine = slice(*np.searchsorted(self._segments["document"], [document, document + 1]).tolist())
        cuttable = self._segments["kind"][mine] == PLAIN
        label = self._segments["kind"][mine] == LABEL
        starts, ends = self._segments["start"][mine][cuttable | label], self._segments["end"][mine][cuttable | label]
        is_label = label[cuttable | label]
        token_starts = self._starts[self._span(document)]
        ranges = np.stack([np.searchsorted(token_starts, starts), np.searchsorted(token_starts, ends)], axis=1).tolist()
        paragraphs, units = [], []
        pieces = self._pieces(starts, ends)
        if self._config.cut == "clause":
            self._note_sentences(document, starts, ends, token_starts)
        for i, (low, high) in enumerate(ranges):
            is_long = high - low >= self._config.min_tokens and not (is_label[i] and high - low <= 30)
            paragraphs.append((low, high, is_long))
            self._bytes[document, low, high] = (int(starts[i]), int(ends[i]), 1)
            units.append(self._units(document, token_starts, pieces[i]) if high > low and is_long else [])
        return Page(document, self._values[self._span(document)], paragraphs, units)

    def _note_sentences(self, document: int, starts: I64, ends: I64, token_starts: I64) -> None:
        _, low, high = kernels.pieces(self._left.arena, starts, ends, SENTENCE)
        ranges = np.stack([np.searchsorted(token_starts, low), np.searchsorted(token_starts, high)], axis=1)
        self._sentences[document] = [(first, last) for first, last in ranges.tolist() if last > first]

    def by_sentence(self, document: int, taken: list[Covered]) -> list[Covered]:
        """Clauses that go side by side as one cut each, so that no comma is left at a sentence's end."""
        if self._config.cut != "clause":
            return taken
        clauses = sorted(
            (c for c in taken if self._bytes.get((document, c.start, c.end), (0, 0, 4))[2] == 3), key=lambda c: c.start
        )
        merged: list[Covered] = [c for c in taken if c not in clauses]
        borders = {first for first, _ in self._sentences[document]}
        group: list[Covered] = []
        for clause in [*clauses, None]:
            if group and (clause is None or clause.start != group[-1].end or clause.start in borders):
                merged.append(self._joined(document, group))
                group = []
            if clause is not None:
                group.append(clause)
        return merged

    def _joined(self, document: int, group: list[Covered]) -> Covered:
        start, end = group[0].start, group[-1].end
        first, last = next((a, b) for a, b in self._sentences[document] if a <= start < b)
        low, high = self._bytes[document, start, group[0].end][0], self._bytes[document, group[-1].start, end][1]
        if end == last and start > first:  # the sentence keeps its own last mark, and loses the comma before the cut
            low, high = self._before_mark(low), self.place(document, end - 1, end)[1]
        self._bytes[document, start, end] = (low, high, 3)
        evidence: list[Evidence] = []
        for part in (part for clause in group for part in clause.evidence):
            last_part = evidence[-1] if evidence else None
            if last_part and (part.start, part.earlier, part.earlier_start) == (
                last_part.end, last_part.earlier, last_part.earlier_start + last_part.end - last_part.start
            ):  # fmt: skip
                evidence[-1] = Evidence(last_part.start, part.end, part.earlier, last_part.earlier_start)
            else:
                evidence.append(part)
        return Covered(document, start, end, tuple(evidence))

    def _before_mark(self, place: int) -> int:
        """Where the comma, and white space, begins that ends the clause before a place."""
        text = self._left.arena[max(place - 16, 0) : place].tobytes()
        bare = text.rstrip()
        mark = next((mark for mark in CLAUSE_MARKS if bare.endswith(mark)), b"")
        return place - (len(text) - len(bare)) - len(mark)

    def _pieces(self, starts: I64, ends: I64) -> list[list[tuple[int, int]]]:
        """The smaller units of each paragraph, in bytes."""
        found: list[list[tuple[int, int]]] = [[] for _ in starts]
        if self._config.cut in ("sentence", "clause", "exact"):
            mode = CLAUSE if self._config.cut == "clause" else SENTENCE
            for owner, low, high in zip(
                *(column.tolist() for column in kernels.pieces(self._left.arena, starts, ends, mode)), strict=True
            ):
                found[owner].append((low, high))
        return found

    def _units(self, document: int, token_starts: I64, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
        ranges = []
        grain = 3 if self._config.cut == "clause" else 2
        for low, high in pieces:
            first, last = (int(v) for v in np.searchsorted(token_starts, [low, high]))
            if last > first:
                self._bytes.setdefault((document, first, last), (low, high, grain))
                ranges.append((first, last))
        return ranges

    def place(self, document: int, start: int, end: int) -> tuple[int, int]:
        """The byte range of tokens."""
        base = self._span(document).start
        return int(self._starts[base + start]), int(self._ends[base + end - 1])

    def write(self, covered: Covered, found: Stretches) -> None:
        """Note a cut and its evidence."""
        document = covered.document
        exact = (*self.place(document, covered.start, covered.end), 4)
        start, end, grain = self._bytes.get((document, covered.start, covered.end), exact)
        reason = IS_CONTAINED if covered.contained else REPEATED
        kept = [
            (part.earlier, *self.place(part.earlier, part.earlier_start, part.earlier_start + part.end - part.start))
            for part in covered.evidence
        ]
        found.more.extend((len(found.cuts), *place) for place in kept[1:])
        found.kept.append(kept[0])
        found.cuts.append((document, start, end, reason, grain, covered.end - covered.start))

    def show(self, document: int, runs: list[Run], coverer: Coverer, found: Stretches) -> None:
        """Note runs that stay, and documents that stand in another for the most part."""
        gone = coverer.gone.get(document)
        reach = -1
        for run in runs:
            if run.end <= reach or (gone is not None and gone[run.start : run.end].all()):
                continue
            reach = run.end
            here = self.place(document, run.start, run.end)
            there = self.place(run.earlier, run.earlier_start, run.earlier_start + run.length)
            found.shown.append((document, *here, run.earlier, *there, SPLICED, 1.0))
        for earlier in {run.earlier for run in runs} - {document}:
            mine = [run for run in runs if run.earlier == earlier]
            for inner, outer, ranges in (
                (document, earlier, [(run.start, run.end) for run in mine]),
                (earlier, document, [(run.earlier_start, run.earlier_start + run.length) for run in mine]),
            ):
                share = _union(ranges) / max(self.sizes[inner], 1)
                if share >= MOSTLY:
                    whole = [(d, int(self._left.starts[d]), int(self._left.ends[d])) for d in (inner, outer)]
                    found.shown.append((*whole[0], *whole[1], CONTAINED, share))
                    break


def _union(ranges: list[tuple[int, int]]) -> int:
    total = reach = 0
    for start, end in sorted(ranges):
        total += max(end - max(start, reach), 0)
        reach = max(reach, end)
    return total


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
        yield np.unique(np.concatenate([part["later"], part["earlier"]])), part
