"""What is left of each document while a run drops and cuts: the text that the next pass sees, and where it was read."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.ledger.cut import Span, cut, left_at, remove, to_read
from dedup.model import I64, U8, Corpus


class Left:
    """The documents of a corpus less what has been removed so far.

    The text of an edited document is laid down again at the end of the arena, so that a stretch of the arena names one text for good.

    Attributes:
        arena: uint8[...], all texts.
        starts, ends: int64[n], what is left of each document, in the arena.
        dropped: bool[n].
        spans: document -> the spans of the text as read that are gone, sorted, with the white space that went.
        hosts: what hosts are told from -> int64[n], the documents' hosts as `removals.hosts_of` numbers them, once they were asked for.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.arena: U8 = corpus.arena
        self._room: U8 = corpus.arena
        self.starts: I64 = corpus.starts.copy()
        self.ends: I64 = corpus.ends.copy()
        self.dropped: NDArray[np.bool_] = np.zeros(len(corpus), bool)
        self.spans: dict[int, list[Span]] = {}
        self.hosts: dict[str, I64] = {}
        self._flat: tuple[I64, I64] | None = None

    def set_cuts(self, cuts: dict[int, list[Span]]) -> None:
        """Give documents their cuts anew: `cuts` names for each changed document all pieces that are to be gone, sorted."""
        texts: list[bytes] = []
        size = len(self.arena)
        self._flat = None
        for document, pieces in sorted(cuts.items()):
            if pieces:
                text = self.corpus.text(document)
                bounds = [(int(low), int(high)) for low, high in self.corpus.bounds[document] if high > low]
                self.spans[document] = cut(text, pieces, bounds)
                texts.append(remove(text, self.spans[document]))
                self.starts[document], self.ends[document] = size, size + len(texts[-1])
                size += len(texts[-1])
            else:
                self.spans.pop(document, None)
                self.starts[document], self.ends[document] = self.corpus.starts[document], self.corpus.ends[document]
        if any(texts):
            self._lay(np.frombuffer(b"".join(texts), np.uint8))

    def _lay(self, text: U8) -> None:
        """Put text behind all others."""
        size, end = len(self.arena), len(self.arena) + len(text)
        if end > len(self._room):
            room = np.empty(end + end // 8, np.uint8)
            room[:size] = self.arena
            self._room = room
        self._room[size:end] = text
        self.arena = self._room[:end]

    def is_gone(self, document: int, start: int, end: int) -> bool:
        """Whether a stretch of a document's text as read has been cut, all of it."""
        spans = self.spans.get(document, [])
        row = bisect_right(spans, (start, 1 << 62)) - 1
        place = start
        while place < end and 0 <= row < len(spans) and spans[row][0] <= place < spans[row][1]:
            place = spans[row][1]
            row += 1
        return place >= end

    def text(self, document: int) -> bytes:
        """What is left of a document."""
        return self.arena[self.starts[document] : self.ends[document]].tobytes()

    def hulls(self, documents: I64, starts: I64, ends: I64) -> tuple[I64, I64]:
        """Where stretches of the arena, none of them empty, were read: their first byte, and the byte after their last."""
        base = self.starts[documents]
        low, high = starts - base, ends - base
        if not self.spans:
            return low, high
        if self._flat is None:
            gone = sorted(self.spans.items())
            owner = np.repeat([document for document, _ in gone], [len(spans) for _, spans in gone]).astype(np.int64)
            places = np.array([place for _, spans in gone for place in left_at(spans)], np.int64)
            sizes = np.array([end - start for _, spans in gone for start, end in spans], np.int64)
            self._flat = owner << 32 | places, np.concatenate([[0], np.cumsum(sizes)])
        keys, before = self._flat
        first = before[np.searchsorted(keys, documents << 32)]
        low = low + before[np.searchsorted(keys, documents << 32 | low, "right")] - first
        high = high + before[np.searchsorted(keys, documents << 32 | high)] - first
        return low, high

    def as_read(self, documents: I64, starts: I64, ends: I64) -> list[list[Span]] | None:
        """Where stretches of the arena were read, as pieces of each document's text; None: none of the documents has cuts."""
        if not self.spans or not np.isin(documents, np.fromiter(self.spans, np.int64)).any():
            return None
        spans = {int(document): self.spans.get(int(document), []) for document in np.unique(documents)}
        places = {document: left_at(gone) for document, gone in spans.items()}
        rows = zip(
            documents.tolist(),
            (starts - self.starts[documents]).tolist(),
            (ends - self.starts[documents]).tolist(),
            strict=True,
        )
        return [to_read(start, end, spans[document], places[document]) for document, start, end in rows]


def letters(arena: U8, starts: I64, ends: I64) -> I64:
    """The letters and digits of stretches: code points of their tokens, int64[n]."""
    _, offsets, low, high = kernels.tokenize(arena, starts, ends)
    bounds = np.concatenate([[0], np.cumsum(high - low)])
    places = np.repeat(low - bounds[:-1], high - low) + np.arange(bounds[-1])
    first = np.concatenate([[0], np.cumsum((arena[places] & 0xC0) != 0x80)])
    found: I64 = np.diff(first[bounds[offsets]])
    return found
