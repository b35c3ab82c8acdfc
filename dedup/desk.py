"""The desk on which repeats are decided: documents in tokens, their paragraphs and smaller units, and back to bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dedup import kernels
from dedup.config import Config
from dedup.ledger.left import Left
from dedup.ledger.removals import CONTAINED as IS_CONTAINED
from dedup.ledger.removals import REPEATED
from dedup.model import CONTAINED, GRAINS, I64, SPLICED, Batch, take
from dedup.stages.cover import Covered, Coverer, Evidence, Page, Run
from dedup.stages.segment import FIXED, LABEL

SENTENCE, CLAUSE = 1, 2  # where `kernels.pieces` cuts
CLAUSE_MARKS = tuple(mark.encode() for mark in ",，、;；:：")
LABEL_TOKENS = 30
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


class Desk:
    """Documents in tokens.

    Args:
        left: what is left of the documents.
        documents: int64[n], those of the runs at hand.
        segments: paragraphs of what is left, sorted by start.
        config: decides the smaller unit.
    """

    def __init__(self, left: Left, documents: I64, segments: Batch, config: Config) -> None:
        self._left = left
        self._config = config
        ordered = documents[np.argsort(left.starts[documents], kind="stable")]
        self._row = {document: row for row, document in enumerate(ordered.tolist())}
        found = kernels.tokenize(left.arena, left.starts[ordered], left.ends[ordered])
        self._values, self._offsets, self._starts, self._ends = found
        self.sizes = dict(zip(self._row, np.diff(self._offsets).tolist(), strict=True))
        mine = np.zeros(len(left.starts), bool)
        mine[documents] = True
        self._paragraphs = take(segments, mine[segments["document"]] & (segments["kind"] != FIXED))
        starts, ends = self._paragraphs["start"], self._paragraphs["end"]
        self._ranges = self._tokens_of(starts, ends)
        tokens = self._ranges[:, 1] - self._ranges[:, 0]
        is_label = (self._paragraphs["kind"] == LABEL) & (tokens <= LABEL_TOKENS)
        self._is_long = (tokens >= config.min_tokens) & ~is_label
        self._note_units(starts, ends)

    def _tokens_of(self, starts: I64, ends: I64) -> I64:
        """Token ranges, int64[n, 2], of byte ranges; both in the order of the arena."""
        return np.stack([np.searchsorted(self._starts, starts), np.searchsorted(self._starts, ends)], axis=1)

    def _note_units(self, starts: I64, ends: I64) -> None:
        """The smaller units of long paragraphs, and where sentences end."""
        cut, rows = self._config.cut, np.flatnonzero(self._is_long)
        none = np.zeros(0, np.int64)
        owner, low, high = none, none, none
        if cut in ("sentence", "clause", "exact"):
            mode = CLAUSE if cut == "clause" else SENTENCE
            owner, low, high = kernels.pieces(self._left.arena, starts[rows], ends[rows], mode)
        ranges = self._tokens_of(low, high)
        full = ranges[:, 1] > ranges[:, 0]
        self._unit_owner, self._units = rows[owner[full]], ranges[full]
        self._unit_bytes = np.stack([low, high], axis=1)[full]
        self._sentences = np.zeros((0, 2), np.int64)
        if cut == "clause":
            _, low, high = kernels.pieces(self._left.arena, starts[rows], ends[rows], SENTENCE)
            self._sentences = self._tokens_of(low, high)

    def _base(self, document: int) -> int:
        return int(self._offsets[self._row[document]])

    def page(self, document: int) -> Page:
        """A document as the coverer wants it."""
        row = self._row[document]
        base, last = self._offsets[row], self._offsets[row + 1]
        mine = slice(
            *np.searchsorted(self._paragraphs["start"], [self._left.starts[document], self._left.ends[document]])
        )
        units = slice(*np.searchsorted(self._unit_owner, [mine.start, mine.stop]))
        return Page(
            document,
            self._values[base:last],
            self._ranges[mine] - base,
            self._is_long[mine],
            self._units[units] - base,
            self._unit_owner[units] - mine.start,
        )

    def place(self, document: int, start: int, end: int) -> tuple[int, int]:
        """The byte range of tokens."""
        base = self._base(document)
        return int(self._starts[base + start]), int(self._ends[base + end - 1])

    def _bytes(self, document: int, start: int, end: int) -> tuple[int, int, str]:
        """The byte range of a paragraph or unit, marks and all, and its grain; of other tokens that of the tokens."""
        low, high = self._base(document) + start, self._base(document) + end
        row = int(np.searchsorted(self._ranges[:, 0], low, "right")) - 1
        if row >= 0 and self._ranges[row].tolist() == [low, high]:
            return int(self._paragraphs["start"][row]), int(self._paragraphs["end"][row]), "paragraph"
        row = int(np.searchsorted(self._units[:, 0], low))
        if row < len(self._units) and self._units[row].tolist() == [low, high]:
            grain = "clause" if self._config.cut == "clause" else "sentence"
            return int(self._unit_bytes[row, 0]), int(self._unit_bytes[row, 1]), grain
        return *self.place(document, start, end), "passage"

    def write(self, document: int, taken: list[Covered], found: Stretches) -> None:
        """Note the cuts of a document and their evidence."""
        clauses = [covered for covered in taken if self._bytes(document, covered.start, covered.end)[2] == "clause"]
        for covered in taken:
            if covered not in clauses:
                self._note(covered, self._bytes(document, covered.start, covered.end), found)
        for group in self._side_by_side(document, sorted(clauses, key=lambda covered: covered.start)):
            self._note(*self._joined(document, group), found)

    def _note(self, covered: Covered, place: tuple[int, int, str], found: Stretches) -> None:
        reason = IS_CONTAINED if covered.contained else REPEATED
        kept = [
            (part.earlier, *self.place(part.earlier, part.earlier_start, part.earlier_start + part.end - part.start))
            for part in covered.evidence
        ]
        found.more.extend((len(found.cuts), *where) for where in kept[1:])
        found.kept.append(kept[0])
        start, end, grain = place
        found.cuts.append((covered.document, start, end, reason, GRAINS.index(grain), covered.end - covered.start))

    def _side_by_side(self, document: int, clauses: list[Covered]) -> list[list[Covered]]:
        """Clauses of one sentence with nothing between them, together."""
        borders = set((self._sentences[:, 0] - self._base(document)).tolist())
        groups: list[list[Covered]] = []
        for clause in clauses:
            if groups and clause.start == groups[-1][-1].end and clause.start not in borders:
                groups[-1].append(clause)
            else:
                groups.append([clause])
        return groups

    def _joined(self, document: int, group: list[Covered]) -> tuple[Covered, tuple[int, int, str]]:
        """Clauses as one cut, so that no comma is left at the end of their sentence."""
        start, end, base = group[0].start, group[-1].end, self._base(document)
        first, last = self._sentences[np.searchsorted(self._sentences[:, 0], base + start, "right") - 1] - base
        low, high = self._bytes(document, start, group[0].end)[0], self._bytes(document, group[-1].start, end)[1]
        if end == last and start > first:  # the sentence keeps its own last mark, and loses the comma before the cut
            low, high = self._before_mark(low), self.place(document, end - 1, end)[1]
        evidence: list[Evidence] = []
        for part in (part for clause in group for part in clause.evidence):
            before = evidence[-1] if evidence else part
            if (
                evidence
                and part.earlier == before.earlier
                and part.earlier_start == before.earlier_start + part.start - before.start
            ):
                evidence[-1] = Evidence(before.start, part.end, part.earlier, before.earlier_start)
            else:
                evidence.append(part)
        return Covered(document, start, end, tuple(evidence)), (low, high, "clause")

    def _before_mark(self, place: int) -> int:
        """Where the comma, and white space, begins that ends the clause before a place."""
        text = self._left.arena[max(place - 16, 0) : place].tobytes()
        bare = text.rstrip()
        mark = next((mark for mark in CLAUSE_MARKS if bare.endswith(mark)), b"")
        return place - (len(text) - len(bare)) - len(mark)

    def show(self, document: int, runs: list[Run], coverer: Coverer, found: Stretches) -> None:
        """Note runs that stay, and documents that stand in another for the most part."""
        gone = coverer.gone.get(document)
        reach = -1
        for run in runs:
            if (
                run.end <= reach
                or (gone is not None and gone[run.start : run.end].all())
                or self._is_fixed(document, run)
            ):
                continue
            reach = run.end
            here = self.place(document, run.start, run.end)
            there = self.place(run.earlier, run.earlier_start, run.earlier_start + run.length)
            found.shown.append((document, *here, run.earlier, *there, SPLICED, 1.0))
        for earlier in sorted({run.earlier for run in runs} - {document}):
            self._show_contained(document, earlier, [run for run in runs if run.earlier == earlier], found)

    def _is_fixed(self, document: int, run: Run) -> bool:
        """Whether a run begins in code or a table, which always stay."""
        start = self._base(document) + run.start
        row = int(np.searchsorted(self._ranges[:, 0], start, "right")) - 1
        return row < 0 or bool(self._ranges[row, 1] <= start)

    def _show_contained(self, document: int, earlier: int, runs: list[Run], found: Stretches) -> None:
        for inner, outer, ranges in (
            (document, earlier, [(run.start, run.end) for run in runs]),
            (earlier, document, [(run.earlier_start, run.earlier_start + run.length) for run in runs]),
        ):
            share = _union(ranges) / max(self.sizes[inner], 1)
            if share >= MOSTLY:
                whole = [(d, int(self._left.starts[d]), int(self._left.ends[d])) for d in (inner, outer)]
                found.shown.append((*whole[0], *whole[1], CONTAINED, share))
                return


def _union(ranges: list[tuple[int, int]]) -> int:
    total = reach = 0
    for start, end in sorted(ranges):
        total += max(end - max(start, reach), 0)
        reach = max(reach, end)
    return total
