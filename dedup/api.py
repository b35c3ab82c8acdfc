"""dedup in Python: scan, clean and tune on texts, tables and files; compare two texts; sketch."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dedup import kernels, pipeline
from dedup.align import differences
from dedup.backends.local import LocalBackend
from dedup.config import Config
from dedup.errors import UsageError
from dedup.files import CleanResult, clean_files, report_of, scan_files, tune_files
from dedup.ledger.lines import LogLines
from dedup.log import Line
from dedup.memory import Memory, corpus_of, rebuilt
from dedup.model import I64, U32, Fields, Strings, rows_of, take
from dedup.stages.report import Report
from dedup.stages.sketch import lanes
from dedup.stages.verify import allowed_edits
from dedup.tuning.result import Tuning
from dedup.tuning.tune import tune as tune_corpus


class ArrowStream(Protocol):
    """Anything that gives an Arrow stream: a pyarrow, pandas, polars or DuckDB table."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface."""
        ...


Input = str | os.PathLike[str] | Sequence[str] | ArrowStream
"""A path (a str is always one), a list of texts, or a table."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What is left of texts or a table.

    Attributes:
        data: a list of texts, or a `pyarrow.Table`, as the input was.
        kept: int64[m], the rows of the input that are still there.
        removed: a line a removal, as in the log of `dedup clean`.
        report: the numbers.
    """

    data: Any
    kept: I64
    removed: list[Line]
    report: Report


def scan(
    source: Input,
    config: Config | None = None,
    *,
    fields: Fields | None = None,
    threads: int = 1,
    memory: int | None = None,
    top: int = 10,
) -> Report:
    """Find what repeats.

    Args:
        source: a path, a list of texts, or a table with a text column.
        config: what to compare and how.
        fields: names of the text, id, URL, date and source columns; what is not named is looked for.
        threads: batches at work at a time; does not change the result.
        memory: bytes that a run over files keeps within; does not change the result.
        top: clusters to describe.

    Raises:
        UsageError: there is no such file or column.
    """
    config = config or Config()
    if isinstance(source, str | os.PathLike):
        return scan_files([os.fspath(source)], config, fields=fields, threads=threads, memory=memory, top=top)
    return report_of(_decide(corpus_of(source, fields), config, threads), config, top, [])


def clean(
    source: Input, config: Config | None = None, *, out: str | os.PathLike[str] | None = None, fields: Fields | None = None,
    threads: int = 1, memory: int | None = None, top: int = 10,
) -> Cleaned | CleanResult:  # fmt: skip
    """Remove what repeats: files into the folder `out`, texts and tables into new ones.

    Raises:
        UsageError: a path without `out`, or the other way round.
    """
    config = config or Config()
    if isinstance(source, str | os.PathLike):
        if out is None:
            raise UsageError("cleaning files needs a folder to write to: out=….")
        return clean_files(
            [os.fspath(source)], os.fspath(out), config, fields=fields, threads=threads, memory=memory, top=top
        )
    if out is not None:
        raise UsageError("texts and tables are cleaned in memory: leave `out` away, the result has the cleaned data.")
    held = corpus_of(source, fields)
    outcome = _decide(held, config, threads)
    return Cleaned(
        data=rebuilt(held, outcome.left),
        kept=np.flatnonzero(~outcome.left.dropped),
        removed=_removed(outcome, config),
        report=report_of(outcome, config, top, []),
    )


def tune(
    source: Input,
    config: Config | None = None,
    *,
    fields: Fields | None = None,
    threads: int = 1,
    memory: int | None = None,
    top: int = 10,
) -> Tuning:
    """Estimate recall and precision by threshold on the data itself, and propose a setting; see `dedup.tuning.tune`.

    Args:
        source: a path, a list of texts, or a table with a text column.
        config: the matching of its grain is what is tuned; the grain `auto` stands for paragraphs.
        fields: names of columns; what is not named is looked for.
        threads: batches at work at a time; does not change the result.
        memory: bytes that a run over files keeps within; does not change the result.
        top: pairs at the proposed line to describe.

    Raises:
        UsageError: there is no such file or column, or too little text to estimate from.
    """
    if isinstance(source, str | os.PathLike):
        return tune_files([os.fspath(source)], config, fields=fields, threads=threads, memory=memory, top=top)
    backend = LocalBackend(threads)
    try:
        return tune_corpus(corpus_of(source, fields).corpus, config or Config(), backend, top)
    finally:
        backend.close()


def _decide(memory: Memory, config: Config, threads: int) -> pipeline.Outcome:
    backend = LocalBackend(threads)
    try:
        return pipeline.Run(memory.corpus, config, backend).decide()
    finally:
        backend.close()


def _removed(outcome: pipeline.Outcome, config: Config) -> list[Line]:
    lines = LogLines(outcome.removals, outcome.left, outcome.shown, config.host_from)
    rows = lines.rows(np.flatnonzero(outcome.left.dropped | outcome.left.edited))
    rows = take(rows, ~rows["inside"])
    n = rows_of(rows)
    found = lines.told(rows, np.arange(1, n + 1)).tobytes().splitlines()
    for kept, _ in lines.kept(n + 1):
        found += kept.tobytes().splitlines()
    return [json.loads(line) for line in found]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts side by side.

    Attributes:
        measures: `edit`, `jaccard` and `containment` of the folded texts, 0 to 1.
        tokens: how many each has.
        match: whether they match as paragraphs do; threshold: at this.
        opcodes: (op, a0, a1, b0, b1) with op `equal`, `replace`, `delete` or `insert`, over characters of the two texts; what
            folds alike counts as equal.
        numbers_differ: whether their numerals differ.
    """

    measures: dict[str, float]
    tokens: tuple[int, int]
    match: bool
    threshold: float
    opcodes: list[tuple[str, int, int, int, int]]
    numbers_differ: bool


def compare(a: str, b: str, config: Config | None = None) -> Comparison:
    """Measure two texts against each other, and say where they differ."""
    config = config or Config()
    texts = Strings.of([text.encode("utf-8", "surrogatepass") for text in (a, b)])
    starts, ends = texts.offsets[:-1].copy(), texts.offsets[1:].copy()
    values, offsets = kernels.tokens(texts.values, starts, ends)
    one, two = int(offsets[1]), int(offsets[2] - offsets[1])
    pair = np.array([[0, 1]], np.int64)
    distance = int(kernels.edit_distances(values, offsets, pair, np.array([-1], np.int64))[0])
    shingles, bounds = kernels.shingle(values, offsets, config.k, config.seed)
    shared, first, second = (int(v) for v in kernels.overlaps(shingles, bounds, pair)[0])
    longer = max(one, two)
    measures = {
        "edit": 1 - distance / longer if longer else 0.0,
        "jaccard": shared / max(first + second - shared, 1),
        "containment": shared / max(min(first, second), 1),
    }
    none = np.zeros(0, np.uint32)
    numbers = kernels.scan(texts.values, starts, ends, config.k, config.seed, none, none)[1]
    match = longer > 0 and distance <= int(allowed_edits(np.array([longer]), config.paragraph.threshold)[0])
    return Comparison(
        measures, (one, two), match, config.paragraph.threshold, differences(a, b), bool(numbers[0] != numbers[1])
    )


@dataclass(frozen=True, slots=True)
class Signatures:
    """Min-hash signatures of texts.

    Attributes:
        values: uint32[n, lanes]; a text without tokens has 2**32 - 1 in every lane.
        k: tokens in a shingle; seed: drew the lanes.
    """

    values: U32
    k: int
    seed: int

    def estimate(self, i: int, j: int) -> float:
        """Share of equal lanes: an estimate of the Jaccard of the shingles of texts i and j."""
        return float(np.mean(self.values[i] == self.values[j]))

    def to_datasketch(self) -> list[Any]:
        """`datasketch.MinHash` objects (2.0 or later) with the same values, seed and scheme `affine32`."""
        from datasketch import MinHash

        return [MinHash(hashvalues=row, seed=self.seed, scheme="affine32") for row in self.values]


def sketch(texts: Sequence[str], *, lanes_per_text: int = 128, k: int = 3, seed: int = 1) -> Signatures:
    """Compute signatures.

    Args:
        texts: n texts.
        lanes_per_text: lanes of a signature.
        k: tokens in a shingle, 1 to 63.
        seed: draws the lanes and salts the shingles.

    Raises:
        UsageError: k is out of range.
    """
    if not 1 <= k <= 63:
        raise UsageError(f"k must be from 1 to 63, not {k}.")
    laid = Strings.of([text.encode("utf-8", "surrogatepass") for text in texts])
    a, b = lanes(lanes_per_text, seed)
    found = kernels.scan(laid.values, laid.offsets[:-1].copy(), laid.offsets[1:].copy(), k, seed, a, b)[3]
    return Signatures(found, k, seed)
