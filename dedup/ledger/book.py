"""The book of a run: what has been removed, what is left, and which documents the rules must read anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.config import Config
from dedup.ledger.left import Left
from dedup.ledger.removals import BOILERPLATE, CUT, DROP, LEFT, NEAR, Removals, no_stretches
from dedup.ledger.settle import settle
from dedup.model import I64, PLACE, Batch, Corpus, distinct, rows_of, take


class Book:
    """Takes removals in and keeps what is left.

    Args:
        corpus: the documents.
        config: decides when too little of a record is left.
        rules: the names of those who read what is left.
        says_something: of which documents what is left has a paragraph that must not be lost with the record.

    Attributes:
        left, removals: what is left, and what was removed.
        turn: the pass that is under way, from 1.
        changed: for each rule the documents that changed since it last read.
        taken_back: removals that were taken back, counted.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: Config,
        rules: Iterable[str],
        says_something: Callable[[Left, I64], NDArray[np.bool_]],
    ) -> None:
        self._config = config
        self._says_something = says_something
        self.corpus = corpus
        self.left = Left(corpus)
        self.removals = Removals()
        self.turn = 0
        self.changed = {rule: np.arange(len(corpus), dtype=np.int64) for rule in rules}
        self.taken_back = 0

    def to_read(self, rule: str) -> I64:
        """The documents that a rule must read anew; from now on it has read them."""
        changed, self.changed[rule] = self.changed[rule], np.zeros(0, np.int64)
        return changed

    def drop(self, rows: Batch) -> None:
        """Drop records: columns as `Removals` has them, but for `action` and `turn`."""
        n = rows_of(rows)
        self.removals.add({**rows, "action": np.full(n, DROP), "turn": np.full(n, self.turn)}, no_stretches())
        self.left.dropped[rows["document"]] = True

    def cut_what_is_left(self, cuts: Batch, kept: Batch, more: Batch | None = None, unkept: I64 | None = None) -> int:
        """Add cuts of what is left, each with the stretch that speaks for it, or the number of what needs none; returns how many.

        A column `similarity` says how alike the two are; without it they are equal.
        """
        n = rows_of(cuts)
        if n == 0:
            return 0
        rows, pieces = self.as_read(cuts, np.arange(n))
        evidence = self.hulls(kept, np.arange(n), "kept_")
        if unkept is not None:
            evidence["kept_document"] = np.where(unkept >= 0, -1, evidence["kept_document"])
            evidence["kept_start"] = np.where(unkept >= 0, unkept, evidence["kept_start"])
            evidence["kept_end"] = np.where(unkept >= 0, 0, evidence["kept_end"])
        same = {"similarity": cuts.get("similarity", np.ones(n)), "measure": np.zeros(n)}
        told = {name: cuts[name] for name in ("reason", "grain", "tokens")}
        self.cut({**rows, **evidence, **same, **told}, pieces, more, drops_small=unkept is None)
        return n

    def cut(self, rows: Batch, pieces: Batch, more: Batch | None = None, *, drops_small: bool = True) -> None:
        """Cut stretches: columns as `Removals` has them, but for `action` and `turn`.

        Args:
            rows, pieces, more: see `Removals.add`.
            drops_small: whether a record of which too little is left goes as a whole; a page of little but furniture does not.
        """
        n = rows_of(rows)
        self.removals.add({**rows, "action": np.full(n, CUT), "turn": np.full(n, self.turn)}, pieces, more)
        documents = distinct(rows["document"])
        self._recut(documents)
        if drops_small:
            self._drop_small(documents)

    def hulls(self, segments: Batch, rows: I64, prefix: str = "") -> Batch:
        """Where segments were read, from their first byte to their last."""
        document, start, end = (segments[name][rows] for name in PLACE)
        start, end = self.left.hulls(document, start, end)
        return {f"{prefix}document": document, f"{prefix}start": start, f"{prefix}end": end}

    def as_read(self, segments: Batch, rows: I64) -> tuple[Batch, Batch]:
        """Where segments were read: their hulls, and the pieces they are made of."""
        left = self.left
        hulls = self.hulls(segments, rows)
        pieces = left.as_read(*(segments[name][rows] for name in PLACE))
        row = pieces.pop("row")
        return hulls, {"removal": row, "document": hulls["document"][row], **pieces}

    def _recut(self, documents: I64) -> None:
        """Lay documents down anew after their cuts changed."""
        cuts = self.removals.cuts()
        mine = np.zeros(len(self.corpus), bool)
        mine[documents] = True
        place = {name: cuts[name] for name in PLACE}
        self.left.set_cuts(documents, take(place, mine[cuts["document"]]))
        for rule, changed in self.changed.items():
            self.changed[rule] = distinct(np.concatenate([changed, documents]))

    def _drop_small(self, documents: I64) -> None:
        """Drop records of which too little is left, unless something stands for others there."""
        config, left, corpus, removals = self._config, self.left, self.corpus, self.removals
        rows = removals.rows
        site = removals.alive & (rows["reason"] >= BOILERPLATE)
        whole = _tokens(left, corpus.starts[documents], corpus.ends[documents])
        all_tokens = whole.copy()
        whole -= np.bincount(rows["document"][site], rows["tokens"][site], len(corpus)).astype(np.int64)[documents]
        rest = _tokens(left, left.starts[documents], left.ends[documents])
        small = (rest < config.min_left_share * whole) & (rest < config.min_left_tokens)
        needed = np.zeros(len(corpus) + 1, bool)  # the last place is that of boilerplate, which has no evidence
        needed[removals.rows["kept_document"][removals.alive]] = True
        more = removals.evidence
        needed[more["document"][removals.alive[more["removal"]]]] = True
        small &= ~needed[documents]
        small[small] = ~self._says_something(left, documents[small])
        chosen = documents[small]
        if not len(chosen):
            return
        share = 1 - rest[small] / all_tokens[small]
        cuts = np.flatnonzero(
            removals.alive & (removals.rows["action"] == CUT) & (removals.rows["reason"] < BOILERPLATE)
        )
        order = cuts[np.lexsort((-removals.rows["tokens"][cuts], removals.rows["document"][cuts]))]
        lead = order[np.searchsorted(removals.rows["document"][order], chosen)]
        rows = take(removals.rows, lead)
        size = (corpus.ends - corpus.starts)[chosen]
        rows |= {"document": chosen, "start": np.zeros(len(chosen), np.int64), "end": size, "similarity": share}
        rows |= {
            "reason": np.full(len(chosen), LEFT),
            "tokens": whole[np.isin(documents, chosen)],
        }
        self.drop(rows)

    def said(self, document: int, step: int) -> bytes:
        """What was left of a document before a step, near-duplicates that were cut of it since by what speaks for them."""
        removals, rows = self.removals, self.removals.rows
        mine = take(
            removals.pieces, (removals.pieces["document"] == document) & removals.alive[removals.pieces["removal"]]
        )
        near = rows["reason"][mine["removal"]] == NEAR
        mine = take(mine, near | (rows["step"][mine["removal"]] < step))
        told: set[int] = set()
        parts, place = [], 0
        for piece in np.argsort(mine["start"], kind="stable").tolist():
            removal = int(mine["removal"][piece])
            parts.append(self.corpus.text(document, place, int(mine["start"][piece])))
            place = int(mine["end"][piece])
            if rows["step"][removal] >= step and removal not in told:
                told.add(removal)
                kept = (int(rows[f"kept_{name}"][removal]) for name in PLACE)
                parts.append(b"\n" + self.corpus.text(*kept) + b"\n")
        return b"".join([*parts, self.corpus.text(document, place)])

    def settle(self, lost: I64 | None = None) -> None:
        """Take back what is no longer proven, and removals by which something would be `lost`."""
        dropped, taken_back = settle(self.removals, len(self.corpus), lost)
        if len(taken_back):
            self.taken_back += len(taken_back)
            self.left.dropped = dropped
            self._recut(taken_back)


def _tokens(left: Left, starts: I64, ends: I64) -> I64:
    none = np.zeros(0, np.uint32)
    found: I64 = kernels.scan(left.arena, starts, ends, 1, 0, none, none)[2]
    return found
