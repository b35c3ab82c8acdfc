"""A backend that keeps the promises of `dedup.backends.base` and no others: what relies on more comes out different here."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.backends.base import RowFunction, RunFunction
from dedup.model import Batch, concat, rows_of, take

T = TypeVar("T")


def through_arrow(batch: Batch) -> Batch:
    """The batch after a journey as an Arrow IPC stream, as an engine sends it; its columns are read-only."""
    if not batch:
        return batch
    sink = pa.BufferOutputStream()
    types = [pa.binary(column.itemsize) if column.dtype.kind == "V" else None for column in batch.values()]
    sent = pa.record_batch([pa.array(*each) for each in zip(batch.values(), types, strict=True)], list(batch))
    with pa.ipc.new_stream(sink, sent.schema) as writer:
        writer.write_batch(sent)
    with pa.ipc.open_stream(sink.getvalue()) as reader:
        columns = reader.read_next_batch().columns
    return {name: _array(column) for name, column in zip(batch, columns, strict=True)}


def _array(column: pa.Array) -> NDArray[Any]:
    if pa.types.is_fixed_size_binary(column.type):
        return np.array(column.to_pylist(), f"V{column.type.byte_width}")
    return column.to_numpy(zero_copy_only=False)


def through_pickle(value: T) -> T:
    """The value as another process would have it."""
    copy: T = pickle.loads(pickle.dumps(value))
    return copy


class ShufflingBackend:
    """Shuffles rows and batches, splits at random, and sends batches through Arrow and functions through pickle.

    Args:
        seed: draws the order and the splits.
    """

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)

    def map_batches(self, function: RowFunction, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Apply a copy of the function to the rows, regrouped; the results come in any order."""
        rows = concat([batch for batch in map(through_arrow, batches) if rows_of(batch)])
        if not rows:
            return
        for part in self._torn(self._shuffled(rows)):
            result = through_arrow(through_pickle(function)(through_arrow(part)))
            yield from self._torn(self._shuffled(result)) if rows_of(result) else [result]

    def sorted_runs(self, batches: Iterable[Batch], key: str, then: str, function: RunFunction) -> Iterator[Batch]:
        """Partition the rows by a hash of the key, sort each partition and stream it through a copy of the function."""
        rows = concat([batch for batch in map(through_arrow, batches) if rows_of(batch)])
        if not rows:
            return
        n = int(self._draw.integers(1, 8))
        home = (rows[key].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)) % np.uint64(n)
        results: list[Batch] = []
        for number in self._draw.permutation(n):
            mine = take(rows, home == np.uint64(number))
            mine = take(mine, np.lexsort((mine[then], mine[key])))
            results.extend(map(through_arrow, through_pickle(function).stream(self._torn(mine))))
        for i in self._draw.permutation(len(results)):
            yield self._shuffled(results[i])

    def close(self) -> None:
        """Nothing to give back."""

    def _shuffled(self, rows: Batch) -> Batch:
        return take(rows, self._draw.permutation(rows_of(rows)))

    def _torn(self, rows: Batch) -> Iterator[Batch]:
        """The rows in batches of random size, some of them empty."""
        n = rows_of(rows)
        edges: NDArray[np.int64] = np.sort(self._draw.integers(0, n + 1, int(self._draw.integers(0, 5))))
        for low, high in zip([0, *edges.tolist()], [*edges.tolist(), n], strict=True):
            yield through_arrow(take(rows, np.arange(low, high)))
