"""Columns of Arrow as columns of bytes, from buffer to buffer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.model import FIELD_BREAK, I64, Strings

BYTES = pa.large_binary()


def kind_of(kind: pa.DataType) -> str:
    """Say what the values of a type are, those of a dictionary too: `string`, `binary`, `number`, or the type's own name."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if value in (pa.string(), pa.large_string(), pa.string_view()):
        return "string"
    if value in (pa.binary(), BYTES, pa.binary_view()):
        return "binary"
    numeric = pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_decimal(value)
    return "number" if numeric else str(kind)


def as_bytes(column: pa.Array) -> pa.Array:
    """Bring a column to large_binary without nulls: numbers and dates as text, what is no plain value as empty."""
    kind = column.type
    if kind_of(kind) not in ("string", "binary"):
        scalar = not (pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind))
        try:
            column = column.cast(pa.large_string()) if scalar else pa.nulls(len(column), pa.large_string())
        except pa.ArrowException:
            column = pa.nulls(len(column), pa.large_string())
    return column.cast(BYTES).fill_null(b"")


def whole_as_bytes(column: pa.ChunkedArray) -> pa.Array:
    """Do as `as_bytes`, for all chunks of a column as one."""
    chunks = [as_bytes(chunk) for chunk in column.chunks]
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays([*chunks, pa.array([], BYTES)])


def offsets_of(column: pa.Array) -> I64:
    """Bounds of the values of a column of large_binary, the first of them 0: int64[n + 1]."""
    if not len(column):
        return np.zeros(1, np.int64)
    offsets: I64 = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
    from_zero: I64 = offsets - offsets[0]
    return from_zero


def strings_of(column: pa.Array) -> Strings:
    """The values of a column of large_binary without nulls, where they stand."""
    offsets = offsets_of(column)
    if not offsets[-1]:
        return Strings(np.zeros(0, np.uint8), offsets)
    first = int(np.frombuffer(column.buffers()[1], np.int64)[column.offset])
    return Strings(np.frombuffer(column.buffers()[2], np.uint8)[first : first + int(offsets[-1])], offsets)


def joined(columns: list[pa.Array]) -> pa.Array:
    """The text fields of documents, each a column of large_binary without nulls, with `FIELD_BREAK` between them."""
    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, pa.scalar(FIELD_BREAK, BYTES))


def replaced(column: pa.ChunkedArray, places: I64, values: list[bytes]) -> pa.ChunkedArray:
    """A column of text with other values at these places, which ascend. The type stays."""
    mask = np.zeros(len(column), bool)
    mask[places] = True
    text = pa.chunked_array([column.cast(pa.large_string()).combine_chunks()])
    # Bytes that are not UTF-8 stay what they are, as they do in files.
    like_text = pc.CastOptions(pa.large_string(), allow_invalid_utf8=True)
    new = pc.replace_with_mask(text, pa.array(mask), pc.cast(pa.array(values, BYTES), options=like_text))
    return new.cast(column.type)


def taken(table: pa.Table, rows: I64) -> pa.Table:
    """The given rows of a table, with its schema. pyarrow takes none of a column of views, which are laid out for that."""
    plain = table
    for i, field in enumerate(table.schema):
        laid_out = {pa.string_view(): pa.large_string(), pa.binary_view(): BYTES}.get(field.type)
        if laid_out is not None:
            plain = plain.set_column(i, field.name, table[i].cast(laid_out))
    return plain.take(pa.array(rows)).cast(table.schema)
