"""Candidate pairs pass after pass: after the first one only buckets are paired in which something changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.among import Side, Texts
from dedup.candidates import Candidates
from dedup.model import I64, U8, Batch, concat, packed, rows_of, take

MOST_CHANGED = 1 / 8
"""Of more texts that changed all are paired anew: each bucket that changed is paired as it was and as it is."""

Bools = NDArray[np.bool_]


class Renewal:
    """The candidate pairs of a pass, told from those of the pass before.

    What a bucket proposes depends on its members alone. So of the buckets with a member that came or went, what they proposed before is
    taken off the `count` of each pair, and what they propose now is added: the rest, and its limits, are as they were.

    Args:
        search: finds candidates.
    """

    def __init__(self, search: Candidates) -> None:
        self._search = search
        self._order = np.zeros(0, np.int64)
        self._short = np.zeros(0, bool)
        self._pairs: Batch = {name: np.zeros(0, np.int32) for name in ("first", "second", "count")}
        self._skipped = 0
        self._left: list[Batch] = []

    def left(self, rows: Batch) -> None:
        """Take note of sketched segments that are no longer there."""
        if len(self._order) and rows_of(rows):
            known = np.zeros(int(max(self._order.max(), rows["uid"].max())) + 1, bool)
            known[self._order] = True
            self._left.append(take(rows, known[rows["uid"]]))

    def find(self, segments: Batch, sketched: Batch, alone: I64, whole: Bools, arena: U8) -> tuple[Batch, I64, int]:
        """Find the pairs to be measured.

        Args:
            segments: in order of preference, see `among.Texts`; `row`, their row in `sketched`; `uid`, which one that stays as
                it is keeps.
            sketched: all segments with their band keys.
            alone: int64[...], ranks of the segments to pair.
            whole: bool[...], which of those are whole documents that have been compared as such.
            arena: uint8[...], the text.

        Returns:
            The distinct pairs `first` and `second` (ranks) in order, for each its row among those of the last call or -1, and how many
            pairs the limits left out.
        """
        uid = segments["uid"][alone]
        place = self._places(uid)
        short = self._search.short(segments["tokens"][alone], whole)
        stayed = place >= 0
        changes = np.count_nonzero(~stayed) + len(self._order) - np.count_nonzero(stayed)
        in_order = bool(np.all(np.diff(place[stayed]) > 0))
        renews = not self._search.config.exact and len(self._search.own) == 1
        if renews and in_order and len(self._order) and changes <= MOST_CHANGED * len(alone):
            pairs, known, skipped = self._renewed(segments, sketched, alone, short, place, arena)
        else:
            texts = Texts(segments, alone, segments["row"][alone], sketched, {})
            ((pairs, skipped),) = self._search.find(texts, arena, [Side.of_all(short)])
            known = self._known(pairs, place)
        if self._search.own == (True,):  # two documents may still meet by a salted key's chance
            document = segments["document"][alone]
            same = document[pairs["first"]] == document[pairs["second"]]
            pairs, known = take(pairs, same), known[same]
        if len(self._search.own) == 1:  # else who asks adds pairs of its own, and then has note taken
            self._note(uid, short, pairs, skipped)
        return {name: alone[pairs[name]] for name in ("first", "second")}, known, skipped

    def note(self, uid: I64, pairs: Batch) -> I64:
        """Take note of pairs that were found elsewhere, as places in `uid`; their rows among those of the last call, or -1."""
        known = self._known(pairs, self._places(uid))
        self._note(uid, np.zeros(0, bool), pairs, 0)
        return known

    def _note(self, uid: I64, short: Bools, pairs: Batch, skipped: int) -> None:
        self._order, self._short, self._skipped, self._left = uid, short, skipped, []
        self._pairs = {name: column.astype(np.int32) for name, column in pairs.items()}

    def _places(self, uid: I64) -> I64:
        """Where segments stood in the order of the last call, or -1."""
        places = np.full(int(max(uid.max(initial=-1), self._order.max(initial=-1))) + 1, -1, np.int64)
        places[self._order] = np.arange(len(self._order))
        return places[uid]

    def _known(self, pairs: Batch, place: I64) -> I64:
        """The rows of pairs among those of the last call, or -1."""
        known = np.full(rows_of(pairs), -1, np.int64)
        if rows_of(self._pairs):
            before = packed(self._pairs["second"], self._pairs["first"])
            first, second = place[pairs["first"]], place[pairs["second"]]
            both = np.flatnonzero((first >= 0) & (second >= 0))
            wanted = packed(second[both], first[both])
            row = np.minimum(np.searchsorted(before, wanted), len(before) - 1)
            same = before[row] == wanted
            known[both[same]] = row[same]
        return known

    def _renewed(
        self, segments: Batch, sketched: Batch, alone: I64, short: Bools, place: I64, arena: U8
    ) -> tuple[Batch, I64, int]:
        n, stayed = len(alone), place >= 0
        now = np.full(len(self._order), -1, np.int64)  # the place of each that stood there before
        now[place[stayed]] = np.flatnonzero(stayed)
        went = np.flatnonzero(now < 0)
        if stayed.all() and not len(went) and (short == self._short[place]).all():
            return dict(self._pairs), np.arange(rows_of(self._pairs)), self._skipped
        gone = self._gone(sketched, self._order[went]) if len(went) else {}
        texts = Texts(segments, alone, segments["row"][alone], sketched, gone)
        rank = np.concatenate([place, went])
        was, stands = rank >= 0, np.arange(len(rank)) < n
        was_short = np.zeros(len(rank), bool)
        was_short[was] = self._short[rank[was]]
        sides = [
            Side(was, rank, was_short),
            Side(stands, np.arange(len(rank)), np.append(short, np.zeros(len(went), bool))),
        ]
        (old, less), (new, more) = self._search.find(texts, arena, sides, ~(was & stands))
        old = {**old, "first": now[old["first"]], "second": now[old["second"]], "count": -old["count"]}
        pairs, known = self._changed(now, concat([take(old, (old["first"] >= 0) & (old["second"] >= 0)), new]))
        return pairs, known, self._skipped + more - less

    def _gone(self, sketched: Batch, uid: I64) -> Batch:
        """The rows of segments, in the order of `uid`."""
        rows = concat([sketched, *self._left])
        row = np.full(int(max(rows["uid"].max(), uid.max())) + 1, -1, np.int64)
        row[rows["uid"]] = np.arange(rows_of(rows))
        return take(rows, row[uid])

    def _changed(self, now: I64, changes: Batch) -> tuple[Batch, I64]:
        """The pairs of the last call by their places now, and changes to their counts; and the rows that those had."""
        first, second = now[self._pairs["first"]], now[self._pairs["second"]]
        known = np.flatnonzero((first >= 0) & (second >= 0))
        names, count = packed(second[known], first[known]), self._pairs["count"][known].astype(np.int64)
        changed, group = np.unique(packed(changes["second"], changes["first"]), return_inverse=True)
        by = np.bincount(group, changes["count"], len(changed)).astype(np.int64)
        at = np.searchsorted(names, changed)
        there = np.zeros(len(changed), bool)
        there[at < len(names)] = names[at[at < len(names)]] == changed[at < len(names)]
        count[at[there]] += by[there]
        fresh = ~there & (by > 0)
        names, count = np.insert(names, at[fresh], changed[fresh]), np.insert(count, at[fresh], by[fresh])
        known = np.insert(known, at[fresh], -1)
        stands = count > 0
        names = names[stands]
        pairs = {"first": names & np.int64(0xFFFFFFFF), "second": names >> np.int64(32), "count": count[stands]}
        return pairs, known[stands]
