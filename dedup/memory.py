"""Texts and tables in memory as a corpus, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dedup.errors import UsageError
from dedup.formats.fields import resolve
from dedup.ledger.left import Left
from dedup.model import FIELD_BREAK, Corpus, Documents, Fields, Source, Strings
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
    return Memory(_gathered("texts", [texts], Fields(text=("text",)), {}))


def _gathered(name: str, columns: list[Strings], fields: Fields, meta: dict[str, Strings]) -> Corpus:
    n = len(columns[0])
    if len(columns) == 1:
        text = columns[0]
        bounds = np.stack([np.zeros(n, np.int64), np.diff(text.offsets)], axis=1)[:, None, :]
    else:
        lengths = np.stack([np.diff(column.offsets) for column in columns], axis=1)
        text = Strings.of([FIELD_BREAK.join(column[i] for column in columns) for i in range(n)])
        ends = np.cumsum(lengths, axis=1) + np.arange(len(columns)) * len(FIELD_BREAK)
        bounds = np.stack([ends - lengths, ends], axis=2)
    records = np.arange(n, dtype=np.int64)
    positions = np.stack([records, np.diff(text.offsets)], axis=1)
    batch = Documents(0, records, positions, text, bounds.astype(np.int64), meta)
    return gather([batch], (Source(0, name, name, "memory"),), (fields,))


def _table(source: Any, given: Fields) -> Memory:
    import pyarrow as pa

    table = pa.table(source)
    names = {field.name: "string" if _is_text(field.type) else str(field.type) for field in table.schema}
    from dedup.formats.fields import Column

    fields = resolve("the table", given, names, lambda: [Column(name, kind) for name, kind in names.items()])
    meta = {
        role: _strings(table[name])
        for role in ("id", "url", "host", "date", "source")
        if (name := getattr(fields, role)) is not None
    }
    return Memory(_gathered("table", [_strings(table[name]) for name in fields.text], fields, meta), table)


def _is_text(kind: Any) -> bool:
    import pyarrow.types as pt

    if pt.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _strings(column: Any) -> Strings:
    """A column as bytes, whatever its type; null is the empty string."""
    return Strings.of(
        [b"" if value is None else str(value).encode("utf-8", "surrogatepass") for value in column.to_pylist()]
    )


def rebuilt(memory: Memory, left: Left) -> Any:
    """What is left, in the form that came in."""
    corpus = memory.corpus
    kept = np.flatnonzero(~left.dropped)
    if memory.table is None:
        return [left.text(int(i)).decode("utf-8", "surrogatepass") for i in kept]
    import pyarrow as pa

    table = memory.table.take(pa.array(kept))
    edited = {place: document for place, document in enumerate(kept.tolist()) if left.edited[document]}
    for number, name in enumerate(corpus.fields[0].text):
        values = table[name].to_pylist()
        for place, document in edited.items():
            values[place] = _field_left(corpus, left, document, number).decode("utf-8", "surrogatepass")
        if edited:
            field = table.schema.field(name)
            table = table.set_column(
                table.schema.get_field_index(name), field, pa.array(values, pa.large_string()).cast(field.type)
            )
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
