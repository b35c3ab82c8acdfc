"""Parquet: one row is one record; read as bytes, so that text that is not UTF-8 stays what it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.errors import FormatError, UsageError
from dedup.formats.arrow import as_bytes, joined, kind_of, offsets_of, strings_of
from dedup.formats.base import META, RECORD_COST, Ahead, Range, Span, field_bounds
from dedup.formats.compression import open_file
from dedup.formats.fields import Column, resolve
from dedup.formats.ranges import by_record
from dedup.model import I64, U8, Documents, Fields, Source

SAMPLE_RECORDS = 100


def native(path: str) -> str | bytes:
    """Give a path as pyarrow takes it, whatever bytes it is made of."""
    return os.fsencode(path) if os.name == "posix" else path


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Bring pyarrow's errors about a file to ours."""
    try:
        yield
    except pa.ArrowNotImplementedError as error:
        advice = "Write the file again without that, for example with another codec."
        raise FormatError(f"it uses what this version of pyarrow cannot do ({error}).", path, None, advice) from None
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = " ".join(str(error).split()).rstrip(".")
        advice = "It is damaged or was cut off; fetch it again."
        raise FormatError(f"this is not a whole Parquet file ({reason}).", path, None, advice) from None


@contextmanager
def opened(path: str) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file for reading as a `pyarrow.parquet.ParquetFile`.

    Raises:
        FormatError: (also from within) the file is damaged or no Parquet file.
        InputChangedError: the file is no longer there.
        UsageError: the file cannot be read.
    """
    open_file(path).close()
    with _reading(path), pa.OSFile(native(path)) as handle:
        yield pq.ParquetFile(handle, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True)


class ParquetReader:
    """Reader of `.parquet`. A null text is an empty one; text columns are strings or binary, also as dictionaries."""

    def __init__(self, source: Source, fields: Fields, batch_bytes: int) -> None:
        self.source = source
        self._batch_bytes = batch_bytes
        with opened(source.path) as file:
            schema = file.schema_arrow
            names = {column.name: kind_of(column.type) for column in schema}
            self.fields = resolve(source.path, fields, names, lambda: _describe(file))
            check_text_columns(source.path, schema, self.fields.text)

    def read(self, ahead: Ahead | None = None) -> Iterator[Documents]:  # noqa: ARG002 - as all readers
        """Yield the documents. See `SourceReader.read`."""
        meta = {role: name for role in META if (name := getattr(self.fields, role)) is not None}
        columns = list(dict.fromkeys((*self.fields.text, *meta.values())))
        size = os.stat(self.source.path).st_size  # noqa: PTH116 - a name may hold bytes that pathlib would lose
        told = row = 0
        with opened(self.source.path) as file:
            n_rows = file.metadata.num_rows
            for group in range(file.metadata.num_row_groups):
                batches = file.iter_batches(self._n_rows(file, group), [group], columns, use_threads=False)
                for batch in batches:
                    row += len(batch)
                    consumed = size * row // n_rows
                    yield self._documents(batch, row - len(batch), meta, consumed - told)
                    told = consumed
        if told < size:
            yield self._documents(pa.RecordBatch.from_pylist([], file.schema_arrow), row, meta, size - told)

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:  # noqa: ARG002
        """See `SourceReader.settle`: every span of a value can be cut."""
        return list(spans)

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:  # noqa: ARG002
        """See `SourceReader.locate`: a row has no byte ranges, so this always raises ValueError."""
        raise ValueError("a Parquet row has no byte ranges; give the spans to rewrite()")

    def ranges(self, block: U8, records: I64, owner: I64, spans: I64) -> tuple[I64, I64]:
        """See `SourceReader.ranges`."""
        return by_record(self, block, records, owner, spans)

    def _n_rows(self, file: pq.ParquetFile, group: int) -> int:
        about = file.metadata.row_group(group)
        # The size of all columns is known without reading, that of the text is not: at worst the batches are smaller.
        row_bytes = about.total_byte_size // max(about.num_rows, 1) + RECORD_COST
        return int(min(max(self._batch_bytes // row_bytes, 1), 1 << 16))

    def _documents(self, batch: pa.RecordBatch, first: int, meta: Mapping[str, str], consumed: int) -> Documents:
        texts = [as_bytes(batch.column(name)) for name in self.fields.text]
        lengths = np.stack([np.diff(offsets_of(text)) for text in texts], axis=1)
        records = np.arange(first, first + len(batch), dtype=np.int64)
        return Documents(
            source=self.source.index,
            records=records,
            positions=np.stack([records, lengths.sum(axis=1)], axis=1),
            text=strings_of(joined(texts)),
            bounds=field_bounds(lengths),
            meta={role: strings_of(as_bytes(batch.column(name))) for role, name in meta.items()},
            consumed=consumed,
        )


def check_text_columns(path: str, schema: pa.Schema, names: Sequence[str]) -> None:
    """Raise UsageError unless each name stands for one column of strings or bytes."""
    for name in names:
        if schema.get_field_index(name) < 0:
            raise UsageError(f"{path}: there is not exactly one column {name!r}. Rename its columns, or name another.")
        kind = schema.field(name).type
        if kind_of(kind) not in ("string", "binary"):
            raise UsageError(
                f"{path}: the column {name!r} has the type {kind}, which is not text. Name a column of strings with "
                "--text-field, or turn this one into strings first."
            )


def _describe(file: pq.ParquetFile) -> list[Column]:
    columns = {column.name: Column(column.name, kind_of(column.type)) for column in file.schema_arrow}
    named = [column.name for column in columns.values() if column.kind == "string"]
    for batch in file.iter_batches(SAMPLE_RECORDS, columns=named):
        for name in named:
            columns[name].n_values = len(batch)
            columns[name].n_bytes = int(offsets_of(as_bytes(batch.column(name)))[-1])
        break
    return list(columns.values())


def row_group_sizes(path: str) -> list[int]:
    """Give the number of rows of each row group, which `restore` needs."""
    with opened(path) as file:
        return [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]


def text_digest(path: str, fields: Fields) -> tuple[int, str]:
    """Bytes of all text fields of a Parquet file, and their hash: what an account of it counts."""
    size, digest = 0, hashlib.blake2b(digest_size=16)
    for batch in ParquetReader(Source(0, path, path, "parquet"), fields, 8 << 20).read():
        lengths = batch.bounds[:, :, 1] - batch.bounds[:, :, 0]
        size += int(lengths.sum())
        digest.update(lengths.tobytes())
        digest.update(batch.text.values.tobytes())
    return size, digest.hexdigest()
