"""Runs -> cuts: the paragraphs, sentences or clauses every token of which stood before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dedup.model import I64, U64

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """A document in tokens.

    Attributes:
        document: its number.
        values: uint64[t], token values.
        paragraphs: token ranges that may be cut, with whether each is long enough to be cut for itself.
        units: token ranges of the smaller unit that may be cut (sentences, or clauses), by paragraph.
    """

    document: int
    values: U64
    paragraphs: list[tuple[int, int, bool]]
    units: list[list[Stretch]]


@dataclass(frozen=True, slots=True)
class Run:
    """An equal earlier stretch: tokens [start, start + length) of the later document are those from `earlier_start` of the earlier."""

    start: int
    length: int
    earlier: int
    earlier_start: int

    @property
    def end(self) -> int:
        """The token after the last."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the tokens [start, end) of a cut: the tokens from `earlier_start` of an earlier document."""

    start: int
    end: int
    earlier: int
    earlier_start: int


@dataclass(frozen=True, slots=True)
class Covered:
    """A stretch of tokens that goes, and its evidence, in order of tokens; `contained` if it is the shorter, earlier one."""

    document: int
    start: int
    end: int
    evidence: tuple[Evidence, ...]
    contained: bool = False


@dataclass(slots=True)
class Coverer:
    """Decides document after document, in canonical order, so that no cut rests on what is itself cut.

    Attributes:
        weight: the least weight of a repeat.
        unit_scope, paragraph_scope: `document` or `corpus`: where the evidence of a sentence or clause, and of a paragraph, may stand.
        exact: cut whatever is repeated, to the token.
        gone: for each document what of its tokens is cut so far.
        needed: for each document what of its tokens speaks for a cut.
    """

    weight: int
    unit_scope: str = "document"
    paragraph_scope: str = "corpus"
    exact: bool = False
    gone: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    needed: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    def cover(self, page: Page, runs: list[Run], sizes: dict[int, int]) -> Iterator[Covered]:
        """The cuts of one document.

        Args:
            page: the document.
            runs: its runs, sorted by start.
            sizes: number of tokens of each document that a run names.
        """
        for document in {page.document, *(run.earlier for run in runs)}:
            size = len(page.values) if document == page.document else sizes[document]
            self.gone.setdefault(document, np.zeros(size, bool))
            self.needed.setdefault(document, np.zeros(size, bool))
        weights = np.concatenate([[0], np.cumsum(1 + (page.values & np.uint64(1)).astype(np.int64))])
        yield from self._contained(page, runs, weights)
        repeated = np.zeros(len(page.values), bool)
        for run in runs:
            repeated[run.start : run.end] = True
        for (start, end, is_long), units in zip(page.paragraphs, page.units, strict=True):
            if is_long and repeated[start:end].all():
                found = self._take(page, start, end, runs, self.paragraph_scope, weights)
                if found is not None:
                    yield found
                    continue
            for first, last in units:
                if repeated[first:last].all() and (
                    found := self._take(page, first, last, runs, self.unit_scope, weights)
                ):
                    yield found
        if self.exact:
            yield from self._exactly(page, runs, repeated, weights)

    def _contained(self, page: Page, runs: list[Run], weights: I64) -> Iterator[Covered]:
        """Paragraphs that stand again inside a longer one of the document, such as a head-line lifted from the body."""
        for start, end, is_long in page.paragraphs:
            if not is_long or weights[end] - weights[start] < self.weight:
                continue
            for run in runs:
                if (
                    run.earlier == page.document
                    and run.earlier_start <= start
                    and end <= run.earlier_start + run.length
                ):
                    first = run.start + start - run.earlier_start
                    last = first + end - start
                    longer = any(
                        a <= first and last <= b and b - a > end - start and not (a < end and start < b)
                        for a, b, _ in page.paragraphs
                    )
                    if (
                        longer
                        and not self.gone[page.document][first:last].any()
                        and not self.needed[page.document][start:end].any()
                    ):
                        self.gone[page.document][start:end] = True
                        self.needed[page.document][first:last] = True
                        yield Covered(
                            page.document, start, end, (Evidence(start, end, page.document, first),), contained=True
                        )
                        break

    def _take(self, page: Page, start: int, end: int, runs: list[Run], scope: str, weights: I64) -> Covered | None:
        """Cut a stretch if all of it is spoken for by what stays."""
        mine = self.gone[page.document]
        if end <= start or mine[start:end].any() or self.needed[page.document][start:end].any():
            return None
        evidence: list[Evidence] = []
        place = start
        while place < end:
            best: Evidence | None = None
            for run in runs:
                if run.start > place:
                    break
                if run.end > place and (scope == "corpus" or run.earlier == page.document):
                    found = self._standing(page, run, place, start, end, weights)
                    if found is not None and (best is None or found.end > best.end):
                        best = found
            if best is None:
                return None
            evidence.append(best)
            place = best.end
        for part in evidence:
            self.needed[part.earlier][part.earlier_start : part.earlier_start + part.end - part.start] = True
        mine[start:end] = True
        return Covered(page.document, start, end, tuple(evidence))

    def _standing(self, page: Page, run: Run, place: int, start: int, end: int, weights: I64) -> Evidence | None:
        """How far a run speaks for the tokens from `place`, by tokens that stay and that the cut itself does not take."""
        gone = self.gone[run.earlier][run.earlier_start : run.earlier_start + run.length]
        if run.earlier == page.document:
            gone = gone.copy()
            low, high = max(start - run.earlier_start, 0), end - run.earlier_start
            gone[low : max(high, low)] = True
        at = place - run.start
        if gone[at]:
            return None
        after = np.flatnonzero(gone[at:])
        before = np.flatnonzero(gone[:at])
        last = at + int(after[0]) if len(after) else run.length
        first = int(before[-1]) + 1 if len(before) else 0
        if weights[run.start + last] - weights[run.start + first] < self.weight:
            return None
        stop = min(run.start + last, end)
        return Evidence(place, stop, run.earlier, run.earlier_start + at)

    def _exactly(self, page: Page, runs: list[Run], repeated: NDArray[np.bool_], weights: I64) -> Iterator[Covered]:
        """Whatever is repeated, run by run, inside the paragraphs that may be cut."""
        for (start, end, _), _units in zip(page.paragraphs, page.units, strict=True):
            edges = np.flatnonzero(
                np.diff(np.concatenate([[False], repeated[start:end] & ~self.gone[page.document][start:end], [False]]))
            )
            for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
                found = self._take(page, start + low, start + high, runs, self.paragraph_scope, weights)
                if found is not None:
                    yield found
