"""The desk on which repeats are decided: documents in tokens, their paragraphs and smaller units, and back to bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.config import Config
from dedup.ledger.left import Left
from dedup.ledger.removals import CONTAINED as IS_CONTAINED
from dedup.ledger.removals import REPEATED
from dedup.model import CLAUSE, FIXED, GRAINS, I64, LABEL, LABEL_TOKENS, SENTENCE, Batch, rows_of, take
from dedup.stages.cover import Covered, Evidence, Page, inside

CLAUSE_MARKS = tuple(mark.encode() for mark in ",，、;；:：")


@dataclass(slots=True)
class Stretches:
    """Stretches of what is left, in the arena.

    Attributes:
        cuts: rows `document`, `start`, `end`, `reason`, `grain`, `tokens`.
        kept: for each cut `document`, `start`, `end` of what speaks for it first.
        more: `removal` (row of the cut), `document`, `start`, `end`: further evidence.
        shown: tables of `document`, `start`, `end`, `kept_document`, `kept_start`, `kept_end`, `why`, `similarity`: what stays.
        skipped: pairs of places that the posting limit left out.
    """

    cuts: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    kept: list[tuple[int, int, int]] = field(default_factory=list)
    more: list[tuple[int, int, int, int]] = field(default_factory=list)
    shown: list[Batch] = field(default_factory=list)
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
        self._documents, self._rows = np.sort(ordered), np.argsort(ordered)
        found = kernels.tokenize(left.arena, left.starts[ordered], left.ends[ordered])
        self._values, self._offsets, self._starts, self._ends = found
        self.sizes = dict(zip(self._row, np.diff(self._offsets).tolist(), strict=True))
        mine = take(segments, _within(segments["start"], left.starts[ordered], left.ends[ordered]))
        self._paragraphs = take(mine, mine["kind"] != FIXED)
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

    def bases(self, documents: I64) -> I64:
        """Where the tokens of documents begin."""
        bases: I64 = self._offsets[self._rows[np.searchsorted(self._documents, documents)]]
        return bases

    def sizes_of(self, documents: I64) -> I64:
        """How many tokens documents have."""
        rows = self._rows[np.searchsorted(self._documents, documents)]
        sizes: I64 = self._offsets[rows + 1] - self._offsets[rows]
        return sizes

    def ranges(self, documents: I64) -> tuple[I64, I64]:
        """Where what is left of documents lies in the arena."""
        return self._left.starts[documents], self._left.ends[documents]

    def places(self, starts: I64, ends: I64) -> tuple[I64, I64]:
        """Byte ranges of token ranges that are not empty."""
        return self._starts[starts], self._ends[ends - 1]

    def is_fixed(self, tokens: I64) -> NDArray[np.bool_]:
        """Whether tokens stand in code or a table, which always stay."""
        row = np.searchsorted(self._ranges[:, 0], tokens, "right")
        ends = np.concatenate([[-1], self._ranges[:, 1]])
        fixed: NDArray[np.bool_] = ends[row] <= tokens
        return fixed

    def with_cuts(self, runs: Batch) -> NDArray[np.bool_]:
        """The runs of documents in which something may go: runs and documents as the coverer takes them, all at once.

        Looking costs little here, and a document in which every repeat is part of a longer sentence needs no more.
        """
        config, n = self._config, len(self._values)
        if config.cut == "exact" or not len(self._ranges):
            return np.ones(rows_of(runs), bool)
        own = runs["later"] == runs["earlier"]
        starts = self.bases(runs["later"]) + runs["start"]
        lifted = self.bases(runs["earlier"]) + runs["earlier_start"]
        paragraphs = self._is_long & inside(_union(n, starts, runs["length"]), self._ranges)
        paragraphs |= self._is_long & inside(_union(n, lifted[own], runs["length"][own]), self._ranges)
        speaking = own | (config.scope == "corpus")
        units = inside(_union(n, starts[speaking], runs["length"][speaking]), self._units)
        paragraphs[self._unit_owner[units]] = True
        found: NDArray[np.bool_] = np.isin(runs["later"], self._paragraphs["document"][paragraphs])
        return found

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


def _within(values: I64, starts: I64, ends: I64) -> I64:
    """Rows of sorted values that lie in ranges, which are sorted and disjoint."""
    low, high = np.searchsorted(values, starts), np.searchsorted(values, ends)
    sizes = high - low
    rows: I64 = np.arange(int(sizes.sum())) + np.repeat(low - (np.cumsum(sizes) - sizes), sizes)
    return rows


def _union(n: int, starts: I64, lengths: I64) -> NDArray[np.bool_]:
    """Which of n tokens lie in one of the runs."""
    edges = np.bincount(starts, minlength=n + 1) - np.bincount(starts + lengths, minlength=n + 1)
    covered: NDArray[np.bool_] = np.cumsum(edges)[:n] > 0
    return covered
