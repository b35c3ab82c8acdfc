"""Texts -> all their matches as pairs, for those who decide by themselves what goes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.backends.local import LocalBackend
from dedup.config import Config
from dedup.errors import UsageError
from dedup.formats.discover import discover
from dedup.ledger.left import Left
from dedup.matching import GrainMatcher, Matches
from dedup.memory import corpus_of
from dedup.model import I64, MEASURES, NEAR_MISS, WHYS, Batch, Corpus, Fields, concat, rows_of, take
from dedup.stages.read import read

BATCH_BYTES = 8 << 20
LEAST_BUCKET = 64
"""A run comes in later passes to what its bucket limit leaves out, when duplicates are gone; here there are none, so it is higher."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of matching texts, sorted by the later one, then the earlier one.

    Attributes:
        grain: what was compared.
        first, second: int64[n], the documents, counted over the whole input from 0 in canonical order; records that cannot be
            read are not counted.
        first_span, second_span: int64[n, 2], start and end in bytes of the document's text in UTF-8.
        similarity: float64[n], as measured on the folded text.
        measure: str[n], the measure of it.
        why: str[n], why both stay although they match, such as `numbers differ`; empty where one of them goes.
        texts: how many texts were compared; candidates: pairs that were measured.
        skipped: pairs that were not, because their bucket was full: a text is measured against 64 others of a bucket, or against
            `Config.bucket_limit` where that is more.
    """

    grain: str
    first: I64
    second: I64
    first_span: I64
    second_span: I64
    similarity: NDArray[np.float64]
    measure: NDArray[np.str_]
    why: NDArray[np.str_]
    texts: int
    candidates: int
    skipped: int

    def __len__(self) -> int:
        return len(self.first)


def matches(source: Any, config: Config | None = None, *, fields: Fields | None = None, threads: int = 1) -> Pairs:
    """All matches among texts, each measured; nothing is removed and no cluster is made.

    A text that is equal to an earlier one once folded is paired with the first such one, and with nothing else: what
    matches that one matches it too.

    Args:
        source: a path, a list of texts, or a table with a text column.
        config: what to compare and how; with the grain `auto` documents are compared.
        fields: names of the text, id, URL, date and source columns; what is not named is looked for.
        threads: batches at work at a time; does not change the result.

    Raises:
        UsageError: there is no such file or column, or the path is standard input.
    """
    config = config or Config()
    grain = "document" if config.grain == "auto" else config.grain
    corpus = _corpus(source, fields or Fields())
    left = Left(corpus)
    backend = LocalBackend(threads)
    try:
        generous = replace(config, grain=grain, bucket_limit=max(config.bucket_limit, LEAST_BUCKET))
        matcher = GrainMatcher(generous, grain, backend)
        matcher.refresh(left, np.arange(len(corpus), dtype=np.int64))
        found = matcher.matches(left, np.zeros(len(corpus), np.int64))
    finally:
        backend.close()
    return _paired(found, corpus, grain)


def _corpus(source: Any, fields: Fields) -> Corpus:
    if not isinstance(source, str | os.PathLike):
        return corpus_of(source, fields).corpus
    if os.fspath(source) == "-":
        raise UsageError("matches reads no standard input. Give a path, a list of texts or a table.")
    return read(discover([os.fspath(source)]).sources, fields, BATCH_BYTES)


def _paired(found: Matches, corpus: Corpus, grain: str) -> Pairs:
    again = np.flatnonzero(found.exact != np.arange(len(found.exact)))
    equal: Batch = {
        "first": found.exact[again],
        "second": again,
        "similarity": np.ones(len(again)),
        "measure": np.zeros(len(again), np.uint8),
        "why": np.full(len(again), NEAR_MISS, np.uint8),
    }
    rows = concat([take({name: found.pairs[name] for name in equal}, found.pairs["match"]), equal])
    rows = take(rows, np.lexsort((rows["first"], rows["second"])))
    sides = {name: _places(found, corpus, rows[name]) for name in ("first", "second")}
    whys = np.array(["", *WHYS[1:]])  # NEAR_MISS is said of a match that acts
    return Pairs(
        grain=grain, first=sides["first"][0], second=sides["second"][0], first_span=sides["first"][1],
        second_span=sides["second"][1], similarity=rows["similarity"], measure=np.array(MEASURES)[rows["measure"]],
        why=whys[rows["why"]], texts=rows_of(found.segments), candidates=found.candidates, skipped=found.skipped,
    )  # fmt: skip


def _places(found: Matches, corpus: Corpus, ranks: I64) -> tuple[I64, I64]:
    """The documents of segments, and their spans in them."""
    if not rows_of(found.segments):
        return np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
    documents = found.segments["document"][ranks]
    spans = np.stack([found.segments[name][ranks] - corpus.starts[documents] for name in ("start", "end")], axis=1)
    return documents, spans
