"""Cleaning and restoring Parquet: a file is written anew with equal schema, metadata, row groups and values.

Only the text that the edits name, and the rows, are gone; `rewrite` hands them over and `restore` puts them back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.errors import InputChangedError, IntegrityError
from dedup.formats.arrow import BYTES
from dedup.formats.base import Range, Span
from dedup.formats.parquet import check_text_columns, native, opened
from dedup.model import I64


@dataclass(frozen=True, slots=True)
class Drop:
    """The row goes."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Stretches of the row's text go: sorted disjoint spans, the field an index into the text columns."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that went: an Arrow IPC stream of it, as `rewrite` gave it."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Pieces:
    """What was cut out of a row: text field, offset in its text before any cut, bytes; sorted."""

    pieces: tuple[tuple[int, int, bytes], ...]


def rewrite(
    path: str, out_path: str, text_columns: Sequence[str], edits: Mapping[int, Drop | Cuts]
) -> Iterator[tuple[int, bytes]]:
    """Write a Parquet file without what the edits take out, and yield that; the file is whole once the iterator ends.

    Schema, metadata, row groups (those left without a row excepted), codecs and untouched values are equal. Memory is
    that of one row group.

    Args:
        path: the input.
        out_path: where to write.
        text_columns: the columns that the fields of spans are indexes of.
        edits: row number -> what to do with it.

    Yields:
        Row number and raw bytes, in order of rows: of a drop an uncompressed Arrow IPC stream of the row, of cuts the
        bytes of each span in order.

    Raises:
        FormatError: the input is damaged.
        InputChangedError: an edit names a row or a stretch that is not there.
        IntegrityError: what was written has another schema than the input.
    """
    rows = np.array(sorted(edits), np.int64)
    with opened(path) as file:
        check_text_columns(path, file.schema_arrow, text_columns)
        if len(rows) and not 0 <= rows[0] <= rows[-1] < file.metadata.num_rows:
            raise _changed(path, f"row {rows[-1]:,}")
        first = 0
        with _writer(out_path, file, text_columns) as writer:
            for index in range(file.metadata.num_row_groups):
                table = file.read_row_group(index, use_threads=False)
                group = _Group(path, text_columns, table, first, _between(rows, first, first + len(table)))
                yield from _taken_out(group, edits)
                left = _edited(group, edits)
                if len(left) or not len(table):
                    writer.write_table(left, row_group_size=max(len(left), 1))
                first += len(table)
        _check_schema(out_path, file.schema_arrow)


def _between(rows: I64, first: int, end: int) -> list[int]:
    found: list[int] = rows[np.searchsorted(rows, first) : np.searchsorted(rows, end)].tolist()
    return found


def _changed(path: str, place: str) -> InputChangedError:
    return InputChangedError(
        f"{path}: {place} was there when the file was read and is gone now. Run again on inputs that do not change."
    )


def _check_schema(path: str, schema: pa.Schema) -> None:
    with opened(path) as file:
        if not file.schema_arrow.equals(schema, check_metadata=True):
            raise IntegrityError(
                f"{path}: the columns that were written read back as others than the input's, so nothing is published. "
                "Please report the schema of the input as a bug; meanwhile, convert it to JSON Lines."
            )


@dataclass(frozen=True, slots=True)
class _Group:
    """One row group on its way: its rows, the number of the first of them, and the numbers of those with edits."""

    path: str
    names: Sequence[str]
    table: pa.Table
    first: int
    rows: Sequence[int]

    def value(self, field: int, row: int) -> bytes:
        """Give the text of a field of a row, by its number in the file."""
        column = self.table.column(self.names[field])
        value = column.slice(row - self.first, 1).cast(BYTES)[0].as_py()
        return value if isinstance(value, bytes) else b""


def _taken_out(group: _Group, edits: Mapping[int, Drop | Cuts]) -> Iterator[tuple[int, bytes]]:
    plain = _plain(group.table)
    for row in group.rows:
        edit = edits[row]
        if isinstance(edit, Drop):
            yield row, _ipc(plain.slice(row - group.first, 1))
            continue
        values = {field: group.value(field, row) for field, _, _ in edit.spans}
        for field, start, end in edit.spans:
            if end > len(values[field]):
                raise _changed(group.path, f"byte {end:,} of {group.names[field]!r} in row {row:,}")
            yield row, values[field][start:end]


def _edited(group: _Group, edits: Mapping[int, Drop | Cuts]) -> pa.Table:
    changes: dict[int, dict[int, bytes]] = {}
    keep = np.ones(len(group.table), np.bool_)
    for row in group.rows:
        edit = edits[row]
        if isinstance(edit, Drop):
            keep[row - group.first] = False
            continue
        for field in sorted({field for field, _, _ in edit.spans}):
            gone = [(start, end) for index, start, end in edit.spans if index == field]
            changes.setdefault(field, {})[row - group.first] = _without(group.value(field, row), gone)
    table = _replaced(group.table, group.names, changes)
    return table if keep.all() else _kept(table, keep)


def _kept(table: pa.Table, keep: NDArray[np.bool_]) -> pa.Table:
    try:
        return table.filter(pa.array(keep))
    except pa.ArrowNotImplementedError:  # strings as views, plain or nested, can be sliced only
        borders = np.flatnonzero(np.diff(keep, prepend=False, append=False)).tolist()
        runs = [table.slice(start, end - start) for start, end in zip(borders[::2], borders[1::2], strict=True)]
        return pa.concat_tables([table.slice(0, 0), *runs])


def _without(value: bytes, gone: Sequence[Range]) -> bytes:
    starts = [0, *(end for _, end in gone)]
    ends = [*(start for start, _ in gone), len(value)]
    return b"".join(value[start:end] for start, end in zip(starts, ends, strict=True))


def _replaced(table: pa.Table, names: Sequence[str], changes: Mapping[int, Mapping[int, bytes]]) -> pa.Table:
    """Put other values into rows of the text columns."""
    for field, values in changes.items():
        column = table.column(names[field])
        chunks, first = [], 0
        for chunk in column.chunks:
            rows = sorted(row - first for row in values if first <= row < first + len(chunk))
            if rows:
                mask = np.zeros(len(chunk), np.bool_)
                mask[rows] = True
                new = pa.array([values[first + row] for row in rows], BYTES)
                chunk_bytes = pc.replace_with_mask(chunk.cast(BYTES), pa.array(mask), new)
                chunks.append(_cast(chunk_bytes, column.type))
            else:
                chunks.append(chunk)
            first += len(chunk)
        index = table.schema.get_field_index(names[field])
        table = table.set_column(index, table.schema.field(index), pa.chunked_array(chunks, column.type))
    return table


def _cast(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Bring text to another type of text without asking whether it is UTF-8."""
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_cast(chunk, kind) for chunk in column.chunks], kind)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_dictionary(kind):
        encoded = _cast(column, kind.value_type).dictionary_encode()
        indices = encoded.indices.cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, encoded.dictionary, ordered=kind.ordered)
    return pc.cast(column, options=pc.CastOptions(kind, allow_invalid_utf8=True))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if kind == pa.string_view():
        return pa.large_string()
    return BYTES if kind == pa.binary_view() else kind


def _plain(table: pa.Table) -> pa.Table:
    """Bring dictionaries and views to plain values: as a row of its own each would carry the values of all rows."""
    fields = [pa.field(column.name, _plain_type(column.type), column.nullable) for column in table.schema]
    columns = [
        column if column.type == wanted.type else _cast(column, wanted.type)
        for column, wanted in zip(table.columns, fields, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _ipc(row: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, row.schema) as writer:
        writer.write_table(row)
    return bytes(sink.getvalue())


@contextmanager
def _writer(path: str, file: pq.ParquetFile, text_columns: Sequence[str]) -> Iterator[pq.ParquetWriter]:
    options = _options(file, text_columns)
    with pa.OSFile(native(path), "wb") as sink, pq.ParquetWriter(sink, file.schema_arrow, **options) as writer:
        yield writer


def _options(file: pq.ParquetFile, text_columns: Sequence[str]) -> dict[str, Any]:
    """Tell the writer what is known of how the input was written."""
    about = file.metadata
    options: dict[str, Any] = {"version": "2.6", "use_dictionary": True}
    options["store_schema"] = b"ARROW:schema" in (about.metadata or {})
    if not about.num_row_groups:
        return options
    group = about.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    options["compression"] = {
        column.path_in_schema: "NONE" if column.compression == "UNCOMPRESSED" else column.compression
        for column in columns
    }
    encoded = [column.path_in_schema for column in columns if any("DICTIONARY" in code for code in column.encodings)]
    options["use_dictionary"] = encoded or False
    options["use_deprecated_int96_timestamps"] = any(column.physical_type == "INT96" for column in columns)
    text = {i for i, column in enumerate(columns) if column.path_in_schema in text_columns}
    if group.sorting_columns and not text & {column.column_index for column in group.sorting_columns}:
        options["sorting_columns"] = group.sorting_columns
    return options


def restore(
    out_path: str,
    back_path: str,
    text_columns: Sequence[str],
    edits: Mapping[int, Dropped | Pieces],
    row_groups: Sequence[int],
) -> None:
    """Undo `rewrite`: write a file with the values, schema, metadata and row groups that its input had.

    Args:
        out_path: what `rewrite` wrote.
        back_path: where to write.
        text_columns: as they were given to `rewrite`.
        edits: row number in the input -> what was taken out.
        row_groups: `row_group_sizes` of the input.

    Raises:
        FormatError: the file is damaged.
        IntegrityError: the file does not have the rows that the log says it has.
    """
    dropped = np.array(sorted(row for row, edit in edits.items() if isinstance(edit, Dropped)), np.int64)
    cut = np.array(sorted(row for row, edit in edits.items() if isinstance(edit, Pieces)), np.int64)
    first = out_index = 0
    with opened(out_path) as file:
        with _writer(back_path, file, text_columns) as writer:
            for size in row_groups:
                gone = _between(dropped, first, first + size)
                table = file.schema_arrow.empty_table()
                if len(gone) < size or size == 0:
                    table = _group_of(file, out_path, out_index, size - len(gone))
                    out_index += 1
                table = _interleaved(table, first, [(row, edits[row]) for row in gone])
                group = _Group(out_path, text_columns, table, first, _between(cut, first, first + size))
                writer.write_table(_pasted(group, edits), row_group_size=max(size, 1))
                first += size
        if out_index != file.metadata.num_row_groups or any(row >= first for row in edits):
            raise _mismatch(out_path)
        _check_schema(back_path, file.schema_arrow)


def _mismatch(path: str) -> IntegrityError:
    return IntegrityError(
        f"{path}: its rows are not those that the log of removals was written for. Restore from the folder as `clean` "
        "left it."
    )


def _group_of(file: pq.ParquetFile, path: str, group: int, size: int) -> pa.Table:
    if group >= file.metadata.num_row_groups or file.metadata.row_group(group).num_rows != size:
        raise _mismatch(path)
    return file.read_row_group(group, use_threads=False)


def _interleaved(table: pa.Table, first: int, dropped: Sequence[tuple[int, Dropped | Pieces]]) -> pa.Table:
    """Put the dropped rows back at their places in the whole group."""
    if not dropped:
        return table
    parts, taken = [], 0
    for i, (row, edit) in enumerate(dropped):
        kept = row - first - i  # kept rows before this one
        if kept > taken:
            parts.append(table.slice(taken, kept - taken))
            taken = kept
        parts.append(_row_back(edit.raw if isinstance(edit, Dropped) else b"", table.schema))
    parts.append(table.slice(taken))
    return pa.concat_tables(parts)


def _row_back(raw: bytes, schema: pa.Schema) -> pa.Table:
    with pa.ipc.open_stream(pa.BufferReader(raw)) as reader:
        row = reader.read_all()
    columns = [
        column if column.type == wanted.type else _cast(column, wanted.type)
        for column, wanted in zip(row.columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _pasted(group: _Group, edits: Mapping[int, Dropped | Pieces]) -> pa.Table:
    changes: dict[int, dict[int, bytes]] = {}
    for row in group.rows:
        edit = edits[row]
        pieces = edit.pieces if isinstance(edit, Pieces) else ()
        for field in sorted({field for field, _, _ in pieces}):
            value = group.value(field, row)
            for index, offset, raw in pieces:
                if index == field:
                    value = value[:offset] + raw + value[offset:]
            changes.setdefault(field, {})[row - group.first] = value
    return _replaced(group.table, group.names, changes)
