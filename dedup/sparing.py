"""What would be lost with a record: the paragraphs for which a document, or what little is left of it, stays."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.backends.base import Backend
from dedup.config import Config
from dedup.ledger.book import Book
from dedup.ledger.left import Left, letters
from dedup.ledger.removals import CUT, DROP, NEAR
from dedup.model import I64, U8, Batch, Strings, concat, take
from dedup.stages.segment import segment
from dedup.stages.spare import spare
from dedup.stages.verify import allowed_edits

BATCH_PARAGRAPHS = 1 << 13
"""Paragraphs in a batch of documents that are asked for what they say more."""


def says_more(
    first: I64, second: I64, *, paragraphs: Batch, arena: U8, config: Config, backend: Backend
) -> NDArray[np.bool_]:
    """Whether the second of two documents has a paragraph that the first has not, bool[pairs].

    Args:
        first, second: int64[pairs], documents.
        paragraphs: see `spare`.
        arena: uint8[...], the text.
        config: when two paragraphs match, and from which weight on a paragraph counts.
        backend: where the work runs.
    """
    more = np.zeros(len(first), bool)
    both = {"row": np.arange(len(first)), "first": first, "second": second}
    owner = paragraphs["document"]
    size = np.searchsorted(owner, second, "right") - np.searchsorted(owner, second)
    group = np.cumsum(size) // BATCH_PARAGRAPHS
    parts = np.split(both["row"], np.flatnonzero(np.diff(group)) + 1) if len(first) else []
    allowed = partial(allowed_edits, threshold=config.paragraph.threshold)
    work = partial(spare, arena=arena, paragraphs=paragraphs, allowed=allowed, least=config.repeat_weight)
    found = concat(backend.map_batches(work, (take(both, rows) for rows in parts)))
    if found:
        more[found["row"]] = True
    return more


def says_something(left: Left, documents: I64, *, least: int) -> NDArray[np.bool_]:
    """Of which documents what is left has a paragraph of at least so many letters and digits."""
    segments = _paragraphs(left.arena, documents, left.starts[documents], left.ends[documents], left.corpus.markdown)
    long = letters(left.arena, segments["start"], segments["end"]) >= least
    found: NDArray[np.bool_] = np.isin(documents, segments["document"][long])
    return found


def lost_since(book: Book, *, config: Config, backend: Backend) -> I64:
    """Documents' removals by which a paragraph is lost, for the one it matched in the kept document has been cut in this pass for a
    near-duplicate, which it does not match."""
    removals, rows = book.removals, book.removals.rows
    near = removals.alive & (rows["action"] == CUT) & (rows["reason"] == NEAR)
    last = np.full(len(book.corpus), -1, np.int64)
    fresh = near & (rows["turn"] == book.turn)
    np.maximum.at(last, rows["document"][fresh], rows["step"][fresh])
    drops = np.flatnonzero(removals.alive & (rows["action"] == DROP) & (rows["reason"] == NEAR))
    drops = drops[last[rows["kept_document"][drops]] > rows["step"][drops]]
    if not len(drops):
        return drops
    n = len(drops)
    kept, gone = rows["kept_document"][drops], rows["document"][drops]
    texts = [book.said(int(document), int(rows["step"][drop])) for document, drop in zip(kept, drops, strict=True)]
    laid = Strings.of([*texts, *(book.left.text(int(document)) for document in gone)])
    markdown = book.corpus.markdown[np.concatenate([kept, gone])]
    table = _paragraphs(laid.values, np.arange(2 * n), laid.offsets[:-1], laid.offsets[1:], markdown)
    none = np.zeros(0, np.uint32)
    table["hash"], _, table["tokens"], _ = kernels.scan(laid.values, table["start"], table["end"], 1, 0, none, none)
    numbers = np.arange(n)
    more = says_more(numbers, numbers + n, paragraphs=table, arena=laid.values, config=config, backend=backend)
    return drops[more]


def _paragraphs(arena: U8, documents: I64, starts: I64, ends: I64, markdown: NDArray[np.bool_]) -> Batch:
    batch = {"document": documents, "start": starts, "end": ends, "markdown": markdown[documents]}
    return segment(batch, arena=arena, grain="paragraph")
