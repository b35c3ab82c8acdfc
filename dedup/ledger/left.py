"""What is left of each document while a run drops and cuts: the text that the next pass sees, and where it was read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import I64, PLACE, U8, Batch, Corpus, concat, rows_of, take

Span = tuple[int, int]


class Left:
    """The documents of a corpus less what has been removed so far.

    The text of an edited document is laid down again at the end of the arena, so that a stretch of the arena names one text for good.

    Attributes:
        arena: uint8[...], all texts.
        starts, ends: int64[n], what is left of each document, in the arena.
        dropped, edited: bool[n]; whether a document went as a whole, and whether something was cut of it.
        gone: `document`, `start`, `end` int64: the spans of texts as read that are gone, with the white space that went, one for each
            piece that was cut; sorted by document and start.
        bounds: int64[n + 1], a document's rows of these.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.arena: U8 = corpus.arena
        self._room: U8 = corpus.arena  # the corpus's own room is taken when it is needed: another run may be first
        self.starts: I64 = corpus.starts.copy()
        self.ends: I64 = corpus.ends.copy()
        self.dropped: NDArray[np.bool_] = np.zeros(len(corpus), bool)
        self.edited: NDArray[np.bool_] = np.zeros(len(corpus), bool)
        self.gone: Batch = {name: np.zeros(0, np.int64) for name in PLACE}
        self._index()

    def set_cuts(self, documents: I64, pieces: Batch) -> None:
        """Give documents their cuts anew.

        Args:
            documents: int64[d], sorted.
            pieces: `document`, `start`, `end` of all stretches of these that are to be gone, sorted by document and start.
        """
        changed = np.zeros(len(self.starts), bool)
        changed[documents] = True
        self.starts[documents], self.ends[documents] = self.corpus.starts[documents], self.corpus.ends[documents]
        self.edited[documents] = False
        self.edited[pieces["document"]] = True
        spans = self._widened(pieces)
        self._lay(np.flatnonzero(changed & self.edited), spans)
        gone = concat([take(self.gone, ~changed[self.gone["document"]]), spans])
        self.gone = take(gone, np.argsort(gone["document"], kind="stable"))
        self._index()

    def _widened(self, pieces: Batch) -> Batch:
        """The spans of pieces, with the white space that goes with them."""
        mine = np.flatnonzero(np.bincount(pieces["document"], minlength=1))
        base = self.corpus.starts
        fields = (base[mine][:, None, None] + self.corpus.bounds[mine]).reshape(-1, 2)
        low, high = fields[fields[:, 1] > fields[:, 0]].T
        document = pieces["document"]
        own = base[document]
        start, end = kernels.widen(self.arena, low, high, own + pieces["start"], own + pieces["end"])
        return {"document": document, "start": start - own, "end": end - own}

    def _lay(self, documents: I64, spans: Batch) -> None:
        """Put what is left of documents, less their spans, behind all other text."""
        base = self.corpus.starts
        low, high = (base[spans["document"]] + spans[name] for name in ("start", "end"))
        owner = np.concatenate([documents, spans["document"]])
        starts = np.concatenate([base[documents], high])
        order = np.lexsort((starts, owner))
        # each stretch that stays begins where its document or a span before it did, and ends where the next span begins
        lead = np.searchsorted(owner[order], documents)
        ends = np.empty(len(order), np.int64)
        follows = np.ones(len(order), bool)
        follows[lead] = False
        ends[np.flatnonzero(follows) - 1] = low
        ends[np.append(lead[1:], len(order))[: len(documents)] - 1] = self.corpus.ends[documents]
        starts = starts[order]
        sizes = np.concatenate([[0], np.cumsum(ends - starts)])
        at, size = len(self.arena), int(sizes[-1])
        bounds = np.append(lead, len(order))
        self.starts[documents], self.ends[documents] = at + sizes[bounds[:-1]], at + sizes[bounds[1:]]
        if at + size > len(self._room) and self.corpus.room and self.arena is self.corpus.arena:
            self._room = self.corpus.room.pop()
        if at + size > len(self._room):
            room = np.empty(at + size + (at + size) // 8, np.uint8)
            room[:at] = self.arena
            self._room = room
        if size:
            kernels.gather(self.arena, starts, ends, self._room[at : at + size])
        self.arena = self._room[: at + size]

    def _index(self) -> None:
        """Find the spans of each document, and where they were in the text without them."""
        document, start, end = (self.gone[name] for name in PLACE)
        self.bounds = np.searchsorted(document, np.arange(len(self.starts) + 1))
        self._before = np.concatenate([[0], np.cumsum(end - start)])
        places = start - (self._before[:-1] - self._before[self.bounds[document]])
        self._keys = document << np.int64(32) | places

    def spans(self, document: int) -> list[Span]:
        """The spans of a document's text as read that are gone, sorted."""
        mine = slice(self.bounds.item(document), self.bounds.item(document + 1))
        return list(zip(self.gone["start"][mine].tolist(), self.gone["end"][mine].tolist(), strict=True))

    def is_gone(self, documents: I64, starts: I64, ends: I64) -> NDArray[np.bool_]:
        """Whether stretches of documents' texts as read, none of them empty, have been cut, all of each."""
        if not rows_of(self.gone):
            return np.zeros(len(documents), bool)
        document, start, end = (self.gone[name] for name in PLACE)
        fresh = np.ones(len(document), bool)
        fresh[1:] = (document[1:] != document[:-1]) | (start[1:] != end[:-1])
        last = np.append(np.flatnonzero(fresh)[1:], len(document)) - 1
        keys = (document << np.int64(32) | start)[fresh]
        row = np.searchsorted(keys, documents << np.int64(32) | starts, "right") - 1
        inside = (row >= 0) & (document[last][row] == documents)
        gone: NDArray[np.bool_] = inside & (end[last][row] >= ends)
        return gone

    def text(self, document: int) -> bytes:
        """What is left of a document."""
        return self.arena[self.starts[document] : self.ends[document]].tobytes()

    def hulls(self, documents: I64, starts: I64, ends: I64) -> tuple[I64, I64]:
        """Where stretches of the arena, none of them empty, were read: their first byte, and the byte after their last."""
        low, high = starts - self.starts[documents], ends - self.starts[documents]
        if not len(self._keys):
            return low, high
        first, after, last = self._inside(documents, low, high)
        before = self._before[first]
        return low + self._before[after] - before, high + self._before[last] - before

    def _inside(self, documents: I64, low: I64, high: I64) -> tuple[I64, I64, I64]:
        """Rows of `gone`: a document's first span; the first one behind the start of a stretch of what is left; behind its end."""
        keys = self._keys
        after = np.searchsorted(keys, documents << np.int64(32) | low, "right")
        return self.bounds[documents], after, np.searchsorted(keys, documents << np.int64(32) | high)

    def as_read(self, documents: I64, starts: I64, ends: I64) -> Batch:
        """Where stretches of the arena, none of them empty, were read: the pieces `row`, `start`, `end` of which each is made."""
        low, high = self.hulls(documents, starts, ends)
        rows = np.arange(len(documents))
        if not self.edited[documents].any():
            return {"row": rows, "start": low, "end": high}
        base = self.starts[documents]
        _, first, last = self._inside(documents, starts - base, ends - base)
        count = np.maximum(last - first, 0)
        row = np.repeat(rows, count)
        span = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]
        row = np.concatenate([rows, row])
        order = np.argsort(row, kind="stable")
        start = np.concatenate([low, self.gone["end"][span]])[order]
        # a piece ends where the next span begins, the last one where the stretch does
        row = row[order]
        end = np.empty(len(row), np.int64)
        is_last = np.append(row[1:] != row[:-1], True)[: len(row)]
        end[is_last], end[~is_last] = high, self.gone["start"][span]
        full = end > start
        return {"row": row[full], "start": start[full], "end": end[full]}


def letters(arena: U8, starts: I64, ends: I64) -> I64:
    """The letters and digits of stretches: code points of their tokens, int64[n]."""
    _, offsets, low, high = kernels.tokenize(arena, starts, ends)
    bounds = np.concatenate([[0], np.cumsum(high - low)])
    places = np.repeat(low - bounds[:-1], high - low) + np.arange(bounds[-1])
    first = np.concatenate([[0], np.cumsum((arena[places] & 0xC0) != 0x80)])
    found: I64 = np.diff(first[bounds[offsets]])
    return found
