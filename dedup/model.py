"""What flows between the stages: plain values, arrays in the lead, no behaviour beyond look-up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Batch = dict[str, NDArray[Any]]
"""Columns of equal length under their names: what a backend moves. Each converts to an Arrow column without a copy; one of items of n bytes
(numpy's `Vn`) to a fixed size binary one."""

PLACE = ("document", "start", "end")
"""The columns of a stretch."""

PLAIN, LABEL, FIXED = range(3)
"""Kinds of segment: one to compare; a line that ends in a colon; code or a table, which is never cut."""
LABEL_TOKENS = 30
"""A longer line is no label, whatever it ends in."""

LONG, SENTENCE, CLAUSE = range(3)
"""Where `kernels.pieces` cuts: a line that is too long, at the ends of sentences, of clauses."""

GRAINS = ("document", "paragraph", "sentence", "clause", "passage")
"""What is compared or cut; a column of grains holds places in this tuple. A passage is any other stretch."""

WHYS = ("near miss", "numbers differ", "another document", "spliced", "contained", "says more")
"""Why two equal or similar stretches are shown and both stay; a column of reasons holds places in this tuple."""
NEAR_MISS, NUMBERS, APART, SPLICED, CONTAINED, SAYS_MORE = range(6)

MEASURES = ("edit", "jaccard", "containment")
"""The measures of similarity; a column of measures holds places in this tuple."""

Scalar = TypeVar("Scalar", bound=np.generic)

MIX = np.uint64(0x9E3779B97F4A7C15)
"""What numbers are multiplied by before they salt a hash, so that near ones lie far apart (Fibonacci hashing)."""

FIELD_BREAK = b"\n\n"
"""What stands between two text fields of one document, so that no segment crosses from one into the other."""


@dataclass(frozen=True, slots=True)
class Strings:
    """A column of byte strings: `values` uint8[...], string i is values[offsets[i]:offsets[i + 1]], offsets int64[n + 1]."""

    values: U8
    offsets: I64

    @classmethod
    def of(cls, items: list[bytes]) -> Strings:
        """Lay the items out one after the other."""
        offsets = np.zeros(len(items) + 1, np.int64)
        np.cumsum([len(item) for item in items], out=offsets[1:])
        return cls(np.frombuffer(b"".join(items), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> bytes:
        return self.values[self.offsets.item(i) : self.offsets.item(i + 1)].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        return (self[i] for i in range(len(self)))


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of the fields of a record; `text` is never empty once resolved, the others may be unknown."""

    text: tuple[str, ...] = ()
    id: str | None = None
    url: str | None = None
    host: str | None = None
    date: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One input file.

    Attributes:
        index: its place in canonical order.
        path: where to read it.
        name: its path below OUT and in reports, with `/`.
        format: `text`, `markdown`, `jsonl`, `csv`, `tsv` or `parquet`.
        compression: `none`, `gzip` or `zstd`.
    """

    index: int
    path: str
    name: str
    format: str
    compression: str = "none"


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be read: its number, its bytes [offset, offset + length) in the decompressed source, and why."""

    source: int
    record: int
    offset: int
    length: int
    reason: str


@dataclass(frozen=True, slots=True)
class Documents:
    """A batch of documents of one source, in record order.

    Attributes:
        source: index of the source.
        records: int64[n], record numbers in the source.
        positions: int64[n, 2], offset and length of the raw record in the decompressed source, its line end included
            (Parquet: row number and bytes of the text fields).
        text: n strings, UTF-8 as read; several text fields are joined by `FIELD_BREAK`.
        bounds: int64[n, f, 2], start and end of each text field inside the document's text.
        meta: other fields that were found, under `id`, `url`, `host`, `date`, `source`; an absent value is the empty string.
        bad: records of this stretch that are not documents.
        markdown: whether paragraphs are blocks between blank lines.
        consumed: bytes of the source file read for this batch (compressed size where it is compressed).
        utf8: whether the texts are known to be UTF-8.
    """

    source: int
    records: I64
    positions: I64
    text: Strings
    bounds: I64
    meta: dict[str, Strings] = field(default_factory=dict)
    bad: tuple[BadRecord, ...] = ()
    markdown: bool = False
    consumed: int = 0
    utf8: bool = False

    def __len__(self) -> int:
        return len(self.records)


@dataclass(frozen=True, slots=True)
class Corpus:
    """All documents of a run, in canonical order, over one buffer.

    Attributes:
        sources: the inputs.
        arena: uint8[...], the text of all documents, one after the other.
        starts, ends: int64[n], the byte range of each document in the arena.
        source, record: int64[n], which record of which source a document is.
        positions: int64[n, 2], see `Documents`.
        bounds: int64[n, f, 2], see `Documents`; a source with fewer text fields has empty ranges at the end.
        markdown: bool[n], whether paragraphs are blocks between blank lines.
        meta: name -> n strings.
        bad: records that are not documents.
        fields: for each source its resolved field names.
        utf8: bool[n], whether a text is known to be UTF-8; None: of none it is known.
        room: the buffer that begins with the arena, if there is room behind it; who first lays text there takes it out.
    """

    sources: tuple[Source, ...]
    arena: U8
    starts: I64
    ends: I64
    source: I64
    record: I64
    positions: I64
    bounds: I64
    markdown: NDArray[np.bool_]
    meta: dict[str, Strings]
    bad: tuple[BadRecord, ...]
    fields: tuple[Fields, ...]
    utf8: NDArray[np.bool_] | None = None
    room: list[U8] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, document: int, start: int = 0, end: int | None = None) -> bytes:
        """Bytes [start, end) of a document's text."""
        base = self.starts.item(document)
        stop = self.ends.item(document) if end is None else base + end
        return self.arena[base + start : stop].tobytes()


@dataclass(frozen=True, slots=True)
class Furniture:
    """The segments that are boilerplate.

    Attributes:
        rows: int64[m], rows of the segments, ascending.
        group: int64[m], which boilerplate each is; numbers from 0.
        spread, share: int64[groups], on how many pages of its host, and float64[groups], on which share of them.
        template: bool[groups], whether it has slots.
        tokens: int64[groups], tokens of its first segment.
        slots: uint64[m], for each segment of a template bit i for token i that is in a slot.
    """

    rows: I64
    group: I64
    spread: I64
    share: NDArray[np.float64]
    template: NDArray[np.bool_]
    tokens: I64
    slots: U64


@dataclass(frozen=True, slots=True)
class SiteText:
    """Boilerplate of a host: its text, slots as `□`; on how many of the host's pages it stands; whether copies of it are cut.

    `host` is empty where no host is known: then nothing is cut for it.
    """

    host: str
    text: str
    documents: int
    share: float
    template: bool


@dataclass(frozen=True, slots=True)
class Phrase:
    """A set phrase: a clause below the weight of a repeat, in how many documents it stands, and how often."""

    text: str
    documents: int
    count: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Functions over batches, one after the other, as one picklable function."""

    functions: tuple[Callable[[Batch], Batch], ...]

    def __call__(self, batch: Batch) -> Batch:
        for function in self.functions:
            batch = function(batch)
        return batch


CHUNK_BYTES = 32 << 20
"""Batches are joined by so many bytes, so that what is gathered from many of them is few large arrays and not many small ones."""


def concat(batches: Iterable[Batch]) -> Batch:
    """One batch of the rows of all; of no batches at all an empty dict."""
    chunks: list[Batch] = []
    parts: list[Batch] = []
    size = 0
    for batch in batches:
        parts.append(batch)
        size += sum(column.nbytes for column in batch.values())
        if size > CHUNK_BYTES:
            chunks.append(_joined(parts))
            parts, size = [], 0
    return _joined([*chunks, *parts])


def _joined(parts: list[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def take(batch: Batch, rows: NDArray[np.generic]) -> Batch:
    """The given rows of a batch: their numbers in the wanted order, or a mask."""
    return {name: column[rows] for name, column in batch.items()}


def rows_of(batch: Batch) -> int:
    """How many rows a batch has."""
    return len(next(iter(batch.values()))) if batch else 0


def distinct(values: NDArray[Scalar]) -> NDArray[Scalar]:
    """The distinct values, ascending. Sorting is several times as fast here as the hash table of `numpy.unique`."""
    ordered = np.sort(values)
    fresh = np.ones(len(ordered), bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return ordered[fresh]


def stands_in(values: I64, ordered: I64) -> NDArray[np.bool_]:
    """Which values are among some that are in order; `numpy.isin` takes several times as long here."""
    if not len(ordered):
        return np.zeros(len(values), bool)
    found: NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return found


def packed(high: NDArray[np.signedinteger], low: NDArray[np.signedinteger]) -> I64:
    """One number for two below 2**31, in their order."""
    return high.astype(np.int64) << np.int64(32) | low.astype(np.int64)
