"""What every reader shares: its interface, and the laying out of records into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from dedup.model import FIELD_BREAK, I64, U8, BadRecord, Documents, Fields, Source, Strings

MAX_RECORD_BYTES = 256 << 20
"""A longer record is passed through as a bad one, so that no single record decides how much memory a run takes."""

META = ("id", "url", "host", "date", "source")
"""The fields beside the text, in the order in which a batch carries them."""

RECORD_COST = 64
"""Bytes that a record weighs in a batch beside its text, so that a batch of empty texts is bounded too."""

Span = tuple[int, int, int]
"""Index of a text field, start and end in the UTF-8 of that field as `Documents` has it."""

Range = tuple[int, int]
"""Start and end of bytes in a raw record."""


class SourceReader(Protocol):
    """One opened source. Making it resolves the fields; nothing is held open between calls.

    Attributes:
        source: what is read.
        fields: the names of its fields, checked; `text` is never empty.
    """

    source: Source
    fields: Fields

    def read(self) -> Iterator[Documents]:
        """Yield the documents from the start, in batches of about the given bytes of text; a record is never split.

        A last batch may hold no documents, but the bad records and the `consumed` bytes that were still to be told.

        Raises:
            FormatError: the source is cut off or damaged beyond the single record.
            InputChangedError: the source is no longer there.
        """
        ...

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:
        """Shorten the spans that cannot be cut exactly as they are; all others come back as they were.

        A border inside an escape moves inwards. Two cuts would change the meaning of what stays beside them and leave
        a character more: one that would join two lone halves of a surrogate pair (JSONL), and one that would move a
        quote to the start of an unquoted field (CSV). A span may become empty; none becomes longer.

        Args:
            raw: the raw record, as its position in `Documents` gives it.
            spans: sorted by field and start, disjoint.
        """
        ...

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:
        """Give the byte range, relative to the record, of each settled span, in the same order.

        The record without those ranges decodes to the text without the settled spans. Text formats only.

        Args:
            raw: the raw record, as its position in `Documents` gives it.
            spans: sorted by field and start, disjoint.

        Raises:
            ValueError: a span lies outside its field, the spans are not sorted and disjoint, or the format has no byte
                ranges (Parquet).
        """
        ...


def field_bounds(lengths: I64) -> I64:
    """Lay the text fields of each document out with `FIELD_BREAK` between them.

    Args:
        lengths: int64[n, f], bytes of each field.

    Returns:
        int64[n, f, 2], see `Documents.bounds`.
    """
    if lengths.shape[1] == 1:
        return np.stack([np.zeros_like(lengths), lengths], axis=2)
    bounds = np.empty((*lengths.shape, 2), np.int64)
    bounds[:, :, 1] = np.cumsum(lengths, axis=1) + np.arange(lengths.shape[1]) * len(FIELD_BREAK)
    bounds[:, :, 0] = bounds[:, :, 1] - lengths
    return bounds


def text_fields(
    decode: Callable[[U8, I64, I64, U8], tuple[U8, I64]], text: U8, starts: I64, ends: I64, odd: U8
) -> tuple[I64, Strings]:
    """Decode the text fields of documents, and lay them out.

    Args:
        decode: `kernels.unescape` or `kernels.unquote`.
        text: uint8[...].
        starts, ends: int64[n, f], the bytes of each field in it.
        odd: uint8[n, f], 1 where there is something to decode.

    Returns:
        int64[n, f], the lengths of the fields, and the n documents.
    """
    n, n_fields = starts.shape
    if n_fields == 1:
        column = Strings(*decode(text, starts[:, 0], ends[:, 0], odd[:, 0]))
        return np.diff(column.offsets).reshape(n, 1), column
    # Between the fields stands what is put behind the text for that.
    wide = 2 * n_fields - 1
    pieces = np.full((2, n, wide), len(text), np.int64)
    pieces[1] += len(FIELD_BREAK)
    pieces[0, :, ::2], pieces[1, :, ::2] = starts, ends
    wide_odd = np.zeros((n, wide), np.uint8)
    wide_odd[:, ::2] = odd
    text = np.concatenate([text, np.frombuffer(FIELD_BREAK, np.uint8)])
    values, offsets = decode(text, pieces[0].ravel(), pieces[1].ravel(), wide_odd.ravel())
    return np.diff(offsets).reshape(n, wide)[:, ::2], Strings(values, offsets[::wide])


class Batcher:
    """Gather records until they weigh about `batch_bytes`, then hand them over as one `Documents`."""

    def __init__(self, source: Source, fields: Fields, batch_bytes: int) -> None:
        self._source = source
        self._n_fields = len(fields.text)
        self._meta_names = tuple(name for name in META if getattr(fields, name) is not None)
        self._batch_bytes = batch_bytes
        self._next_record = 0
        self._told = 0
        self._clear()

    def _clear(self) -> None:
        self._records: list[int] = []
        self._positions: list[tuple[int, int]] = []
        self._texts: list[bytes] = []
        self._lengths: list[int] = []
        self._meta: list[list[bytes]] = [[] for _ in self._meta_names]
        self._bad: list[BadRecord] = []
        self._weight = 0

    @property
    def full(self) -> bool:
        """Whether the batch weighs enough to be handed over."""
        return self._weight >= self._batch_bytes

    def add(self, offset: int, length: int, texts: Sequence[bytes], meta: Sequence[bytes] = ()) -> None:
        """Take the next record: its raw bytes' place, its text fields, its other fields in the order of `META`."""
        self._records.append(self._next_record)
        self._next_record += 1
        self._positions.append((offset, length))
        self._texts.extend(texts)
        weight = RECORD_COST
        for text in texts:
            self._lengths.append(len(text))
            weight += len(text)
        for column, value in zip(self._meta, meta, strict=True):
            column.append(value)
            weight += len(value)
        self._weight += weight

    def spoil(self, offset: int, length: int, reason: str) -> None:
        """Take the next record as one that could not be read."""
        self._bad.append(BadRecord(self._source.index, self._next_record, offset, length, reason))
        self._next_record += 1
        self._weight += RECORD_COST + len(reason)

    def take(self, consumed: int) -> Documents:
        """Hand over what was gathered.

        Args:
            consumed: bytes of the source file read so far, since its start.
        """
        n = len(self._records)
        bounds = field_bounds(np.array(self._lengths, np.int64).reshape(n, self._n_fields))
        documents = Documents(
            source=self._source.index,
            records=np.array(self._records, np.int64),
            positions=np.array(self._positions, np.int64).reshape(n, 2),
            text=self._joined(n),
            bounds=bounds,
            meta={name: Strings.of(column) for name, column in zip(self._meta_names, self._meta, strict=True)},
            bad=tuple(self._bad),
            markdown=self._source.format == "markdown",
            consumed=consumed - self._told,
        )
        self._told = consumed
        self._clear()
        return documents

    def last(self, consumed: int) -> Iterator[Documents]:
        """Hand over the rest, if there is anything to tell."""
        if self._records or self._bad or consumed > self._told:
            yield self.take(consumed)

    def _joined(self, n: int) -> Strings:
        step = self._n_fields
        if step == 1:
            return Strings.of(self._texts)
        return Strings.of([FIELD_BREAK.join(self._texts[i * step : (i + 1) * step]) for i in range(n)])


def check_spans(spans: Sequence[Span], lengths: Sequence[int]) -> None:
    """Raise ValueError unless the spans are sorted, disjoint and inside their fields of these lengths."""
    field, end = 0, 0
    for span in spans:
        if not (0 <= span[0] < len(lengths) and 0 <= span[1] <= span[2] <= lengths[span[0]]):
            raise ValueError(f"the span {span} lies outside its field; the fields are {list(lengths)} bytes long")
        if span[0] < field or (span[0] == field and span[1] < end):
            raise ValueError(f"the span {span} does not follow the one before it; give sorted, disjoint spans")
        field, end = span[0], span[2]
