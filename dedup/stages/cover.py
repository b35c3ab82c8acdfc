"""Runs -> cuts: the paragraphs, sentences or clauses every token of which stood before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
        paragraphs: int64[p, 2], token ranges that may be cut; is_long: bool[p], whether each is long enough to be cut for itself.
        units: int64[u, 2], token ranges of the smaller units (sentences, or clauses) of long paragraphs; owner: int64[u], of which.
    """

    document: int
    values: U64
    paragraphs: I64
    is_long: NDArray[np.bool_]
    units: I64
    owner: I64


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
        repeated = _mask(len(page.values), ((run.start, run.end) for run in runs))
        whole = page.is_long & inside(repeated, page.paragraphs)
        parts = np.flatnonzero(inside(repeated, page.units))
        for paragraph in np.union1d(np.flatnonzero(whole), page.owner[parts]).tolist():
            if whole[paragraph]:
                start, end = page.paragraphs[paragraph].tolist()
                if found := self._take(page, start, end, runs, self.paragraph_scope, weights):
                    yield found
                    continue
            for start, end in page.units[parts[page.owner[parts] == paragraph]].tolist():
                if found := self._take(page, start, end, runs, self.unit_scope, weights):
                    yield found
        if self.exact:
            yield from self._exactly(page, runs, repeated, weights)

    def _contained(self, page: Page, runs: list[Run], weights: I64) -> Iterator[Covered]:
        """Paragraphs that stand again inside a longer one of the document, such as a head-line lifted from the body."""
        own = [run for run in runs if run.earlier == page.document]
        if not own:
            return
        lifted = _mask(len(page.values), ((run.earlier_start, run.earlier_start + run.length) for run in own))
        heavy = weights[page.paragraphs[:, 1]] - weights[page.paragraphs[:, 0]] >= self.weight
        for start, end in page.paragraphs[page.is_long & heavy & inside(lifted, page.paragraphs)].tolist():
            for run in own:
                if not run.earlier_start <= start < end <= run.earlier_start + run.length:
                    continue
                first = run.start + start - run.earlier_start
                if self._stands_longer(page, start, end, first):
                    self.gone[page.document][start:end] = True
                    self.needed[page.document][first : first + end - start] = True
                    evidence = (Evidence(start, end, page.document, first),)
                    yield Covered(page.document, start, end, evidence, contained=True)
                    break

    def _stands_longer(self, page: Page, start: int, end: int, first: int) -> bool:
        """Whether the copy of a paragraph that begins at `first` is part of a longer paragraph, and may stay."""
        last = first + end - start
        low, high = page.paragraphs.T
        around = (low <= first) & (last <= high) & (high - low > end - start) & ((high <= start) | (end <= low))
        free = not self.gone[page.document][first:last].any() and not self.needed[page.document][start:end].any()
        return free and bool(around.any())

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
        free = repeated & ~self.gone[page.document]
        for start, end in page.paragraphs.tolist():
            edges = np.flatnonzero(np.diff(np.concatenate([[False], free[start:end], [False]])))
            for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
                found = self._take(page, start + low, start + high, runs, self.paragraph_scope, weights)
                if found is not None:
                    yield found


def _mask(n: int, ranges: Iterable[Stretch]) -> NDArray[np.bool_]:
    mask = np.zeros(n, bool)
    for start, end in ranges:
        mask[start:end] = True
    return mask


def inside(mask: NDArray[np.bool_], ranges: I64) -> NDArray[np.bool_]:
    """Which ranges, int64[n, 2], empty ones excepted, the mask holds all of; bool[n]."""
    sums = np.concatenate([[0], np.cumsum(mask)])
    low, high = ranges.T
    result: NDArray[np.bool_] = (high > low) & (sums[high] - sums[low] == high - low)
    return result
