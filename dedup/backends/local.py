"""Work on this machine, in threads: the kernels give up the interpreter lock, so that batches run side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from dedup import spill
from dedup.backends.base import RowFunction, RunFunction
from dedup.model import Batch, concat, take


class LocalBackend:
    """Threads over batches; results in the order of the batches, whatever the number of threads.

    Args:
        threads: batches at work at a time, 1 or more.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "dedup", spill.here) if threads > 1 else None

    def map_batches(self, function: RowFunction, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Apply `function` to each batch, in order; at most two batches a thread are under way."""
        if self._pool is None:
            yield from map(function, batches)
            return
        waiting: deque[Future[Batch]] = deque()
        for batch in batches:
            waiting.append(self._pool.submit(function, batch))
            if len(waiting) > 2 * self._threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def sorted_runs(
        self,
        batches: Iterable[Batch],
        key: str,  # noqa: ARG002 - the kernel knows its key
        then: str,
        function: RunFunction,
    ) -> Iterator[Batch]:
        """All rows are here already, so the grouping kernel serves them without sorting by key; begun before it is asked for."""
        rows = concat(batches)
        if not rows:
            return iter(())
        if self._pool is None:
            return map(_grouped, [rows], [then], [function])
        begun = self._pool.submit(_grouped, rows, then, function)
        return (run.result() for run in (begun,))

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)  # after an error nobody asks for the rest


def _grouped(rows: Batch, then: str, function: RunFunction) -> Batch:
    order = rows[then]
    if len(order) > 1 and not bool(np.all(order[1:] >= order[:-1])):
        rows = take(rows, np.argsort(order, kind="stable"))
    return function.table(rows)
