"""Texts and tables in memory as a corpus, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dedup.errors import UsageError
from dedup.formats.base import META, field_bounds
from dedup.formats.fields import Column, resolve
from dedup.ledger.left import Left
from dedup.model import I64, Corpus, Documents, Fields, Source, Strings
from dedup.stages.read import gather


@dataclass(frozen=True, slots=True)
class Memory:
    """A corpus that came from memory; `table` is the pyarrow.Table that it was, None for a list of texts."""

    corpus: Corpus
    table: Any = None


def corpus_of(source: Any, fields: Fields | None = None) -> Memory:
    """Lay texts or a table out as a corpus.

    Args:
        source: a sequence of str, or anything with `__arrow_c_stream__`.
        fields: names of columns; for a table only.

    Raises:
        UsageError: the source is neither, or a column is not there.
    """
    if hasattr(source, "__arrow_c_stream__"):
        return _table(source, fields or Fields())
    if not isinstance(source, Sequence) or not all(isinstance(text, str) for text in source):
        raise UsageError(
            f"a source is a path, a list of str, or a table that gives an Arrow stream, not {type(source).__name__}. "
            "Turn other values into a list of str first."
        )
    texts = Strings.of([text.encode("utf-8", "surrogatepass") for text in source])
    return Memory(_gathered("texts", texts, np.diff(texts.offsets)[:, None], Fields(text=("text",)), {}))


def _gathered(name: str, text: Strings, lengths: I64, fields: Fields, meta: dict[str, Strings]) -> Corpus:
    """Documents as one corpus; `lengths` int64[n, f], of their text fields."""
    records = np.arange(len(text), dtype=np.int64)
    positions = np.stack([records, np.diff(text.offsets)], axis=1)
    batch = Documents(0, records, positions, text, field_bounds(lengths), meta)
    return gather([batch], (Source(0, name, name, "memory"),), (fields,))


def _table(source: Any, given: Fields) -> Memory:
    import pyarrow as pa

    from dedup.formats import arrow

    table = pa.table(source)
    names = {field.name: arrow.kind_of(field.type) for field in table.schema}
    fields = resolve("the table", given, names, lambda: [Column(name, kind) for name, kind in names.items()])
    meta = {
        role: arrow.strings_of(arrow.whole_as_bytes(table[name]))
        for role in META
        if (name := getattr(fields, role)) is not None
    }
    texts = [arrow.whole_as_bytes(table[name]) for name in fields.text]
    lengths = np.stack([np.diff(arrow.offsets_of(text)) for text in texts], axis=1)
    return Memory(_gathered("table", arrow.strings_of(arrow.joined(texts)), lengths, fields, meta), table)


def rebuilt(memory: Memory, left: Left) -> Any:
    """What is left, in the form that came in."""
    corpus = memory.corpus
    kept = np.flatnonzero(~left.dropped)
    if memory.table is None:
        return [left.text(int(i)).decode("utf-8", "surrogatepass") for i in kept]
    from dedup.formats import arrow

    table = arrow.taken(memory.table, kept)
    edited = np.flatnonzero(left.edited[kept])
    for number, name in enumerate(corpus.fields[0].text if len(edited) else ()):
        values = [_field_left(corpus, left, document, number) for document in kept[edited].tolist()]
        column = arrow.replaced(table[name], edited, values)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return table


def _field_left(corpus: Corpus, left: Left, document: int, number: int) -> bytes:
    """What is left of one text field of a document."""
    low, high = (int(v) for v in corpus.bounds[document, number])
    kept, place = [], low
    for start, end in left.spans(document):
        if start < high and end > low:
            kept.append(corpus.text(document, place, max(start, place)))
            place = min(max(end, place), high)
    return b"".join([*kept, corpus.text(document, place, high)])
