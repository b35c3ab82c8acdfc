"""What every reader shares: its interface, and the laying out of text fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from dedup.model import FIELD_BREAK, I64, U8, Documents, Fields, Source, Strings

MAX_RECORD_BYTES = 256 << 20
"""A longer record is passed through as a bad one, so that no single record decides how much memory a run takes."""

META = ("id", "url", "host", "date", "source")
"""The fields beside the text, in the order in which a batch carries them."""

RECORD_COST = 64
"""Bytes that a record weighs in a batch beside its text, so that a batch of empty texts is bounded too."""

Span = tuple[int, int, int]
"""Index of a text field, start and end in the UTF-8 of that field as `Documents` has it."""

Ahead = Callable[[Iterable[Callable[[], Documents]]], Iterator[Documents]]
"""Calls functions and yields what they give, in their order."""

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

    def read(self, ahead: Ahead | None = None) -> Iterator[Documents]:
        """Yield the documents from the start, in batches of about the given bytes of text; a record is never split.

        A last batch may hold no documents, but the bad records and the `consumed` bytes that were still to be told.

        Args:
            ahead: makes the batches, and may begin some before the one before is made; does not change what comes.

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

    def ranges(self, block: U8, records: I64, owner: I64, spans: I64) -> tuple[I64, I64]:
        """Settle and locate the spans of many records at once. Text formats only.

        Args:
            block: uint8[...], whole raw records.
            records: int64[d, 2], the byte range of each in the block.
            owner: int64[m], which of the records a span is of, ascending.
            spans: int64[m, 3], text field, start and end of each, those of a record as `settle` takes them.

        Returns:
            int64[m, 2] twice: start and end of each settled span in its field, and its byte range in the block.

        Raises:
            ValueError: as `settle` and `locate`.
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


def check_spans(spans: Sequence[Span], lengths: Sequence[int]) -> None:
    """Raise ValueError unless the spans are sorted, disjoint and inside their fields of these lengths."""
    field, end = 0, 0
    for span in spans:
        if not (0 <= span[0] < len(lengths) and 0 <= span[1] <= span[2] <= lengths[span[0]]):
            raise ValueError(f"the span {span} lies outside its field; the fields are {list(lengths)} bytes long")
        if span[0] < field or (span[0] == field and span[1] < end):
            raise ValueError(f"the span {span} does not follow the one before it; give sorted, disjoint spans")
        field, end = span[0], span[2]
