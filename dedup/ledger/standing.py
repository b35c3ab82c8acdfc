"""What speaks for removals, and what of it is in OUT."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dedup.ledger.left import Left
from dedup.ledger.removals import DROP, LEFT, Removals
from dedup.log import text_hash
from dedup.model import I64, rows_of

Place = tuple[int, int, int]
"""A document, and start and end of a stretch of its text as read."""

PLAIN, NOTHING, INVOLVED = range(3)
"""What speaks for a removal: one stretch, which stands; nothing; or there is more to say of it, see `Standing.told`."""

MOST_HELD = 1 << 16
"""Stretches of which the hash is held: many removals go for one of them."""


class Standing:
    """Knows for each removal what speaks for it.

    Args:
        removals: what was removed.
        left: what is left.

    Attributes:
        cut: int64[...], the removal of each row of `left.gone`.
    """

    def __init__(self, removals: Removals, left: Left) -> None:
        self._removals = removals
        self._left = left
        self._hashes: dict[Place, bytes] = {}
        self.cut: I64 = removals.cuts()["removal"]
        gone, more = left.gone, removals.evidence
        if rows_of(gone) != len(self.cut):
            raise ValueError("what is left does not tell of the removals that stand")
        document = gone["document"] << np.int64(32)
        self._low, self._high = document | gone["start"], document | gone["end"]
        self._has_more = np.zeros(len(removals), bool)
        self._has_more[more["removal"]] = True
        self._order = np.argsort(more["removal"], kind="stable")
        self._sorted = more["removal"][self._order]

    def kinds(self, removals: I64) -> I64:
        """How much there is to say of what speaks for removals: `PLAIN`, `NOTHING` or `INVOLVED`, int64[n]."""
        rows = self._removals.rows
        document, start, end = (rows[f"kept_{name}"][removals] for name in ("document", "start", "end"))
        is_drop = rows["action"][removals] == DROP
        involved = self._has_more[removals] | (is_drop & (rows["reason"][removals] == LEFT))
        has = document >= 0
        moved = ~self._left.dropped[document] & self._is_cut(document, start, end)
        involved |= has & ~is_drop & (moved | (start >= end))
        return np.where(involved, INVOLVED, np.where(has, PLAIN, NOTHING))

    def hashes(self, document: I64, start: I64, end: I64) -> list[bytes]:
        """The hash of what of stretches is in OUT, as JSON."""
        found: list[bytes] = []
        is_cut = self._is_cut(document, start, end).tolist()
        for *place, cut in zip(document.tolist(), start.tolist(), end.tolist(), is_cut, strict=True):
            found.append(self._hash((place[0], place[1], place[2]), cut))
        return found

    def text_hash(self, place: Place) -> str:
        """The hash of what of a stretch is in OUT."""
        return self._hash(place, True)[1:-1].decode("ascii")

    def told(self, removal: int) -> tuple[list[Place], list[Place]]:
        """What speaks for a removal in OUT, and what did when it was made."""
        rows, standing = self._removals.rows, self._standing_for(removal)
        is_left = rows["action"].item(removal) == DROP and rows["reason"].item(removal) == LEFT
        return standing, standing if is_left else self._compared(removal)

    def _is_cut(self, document: I64, start: I64, end: I64) -> NDArray[np.bool_]:
        """Whether something was cut of stretches."""
        document = document << np.int64(32)
        found: NDArray[np.bool_] = np.searchsorted(self._high, document | start, "right") < np.searchsorted(
            self._low, document | end
        )
        return found

    def _hash(self, place: Place, is_cut: bool) -> bytes:
        known = self._hashes.get(place)
        if known is None:
            if len(self._hashes) >= MOST_HELD:
                self._hashes.clear()
            text = b"".join(self._pieces(*place)) if is_cut else self._text(*place)
            self._hashes[place] = known = b'"%b"' % text_hash(text).encode("ascii")
        return known

    def _text(self, document: int, start: int, end: int) -> memoryview:
        corpus = self._left.corpus
        base = corpus.starts.item(document)
        return corpus.arena[base + start : base + end].data

    def _pieces(self, document: int, start: int, end: int) -> Iterator[memoryview]:
        """What of a stretch is in OUT."""
        place = start
        for low, high in self._left.spans(document):
            if high > start and low < end:
                yield self._text(document, place, max(low, place))
                place = min(max(high, place), end)
        yield self._text(document, place, end)

    def _compared(self, removal: int) -> list[Place]:
        """What spoke for a removal when it was made; nothing does for boilerplate of which no copy stays."""
        rows = self._removals.rows
        document = rows["kept_document"].item(removal)
        if document < 0:
            return []
        found = [(document, rows["kept_start"].item(removal), rows["kept_end"].item(removal))]
        if self._has_more[removal]:
            more = self._removals.evidence
            for row in self._order[slice(*np.searchsorted(self._sorted, [removal, removal + 1]).tolist())].tolist():
                found.append((more["document"].item(row), more["start"].item(row), more["end"].item(row)))
        return found

    def _standing_for(self, removal: int) -> list[Place]:
        """What speaks for a removal and is in OUT: where it was cut itself, later and for equal text, what speaks for that."""
        rows = self._removals.rows
        compared = self._compared(removal)
        if rows["action"].item(removal) == DROP:
            return self._standing_for(self._lead(removal)) if rows["reason"].item(removal) == LEFT else compared
        found: list[Place] = []
        for document, start, end in compared:
            place = start
            for (low, high), cut in zip(self._left.spans(document), self._cuts(document), strict=True):
                if (
                    high <= place
                    or low >= end
                    or rows["step"][cut] <= rows["step"][removal]
                    or self._left.dropped[document]
                ):
                    continue
                if low > place:
                    found.append((document, place, low))
                found.extend(self._standing_for(cut))
                place = high
            if place < end:
                found.append((document, place, end))
        return list(dict.fromkeys(found))

    def _lead(self, removal: int) -> int:
        """The cut for whose evidence a record went of which too little was left."""
        rows = self._removals.rows
        mine = ("kept_document", "kept_start", "kept_end")
        cuts = self._cuts(rows["document"].item(removal))
        return next(cut for cut in cuts if all(rows[name][cut] == rows[name][removal] for name in mine))

    def _cuts(self, document: int) -> list[int]:
        bounds = self._left.bounds
        found: list[int] = self.cut[bounds.item(document) : bounds.item(document + 1)].tolist()
        return found
