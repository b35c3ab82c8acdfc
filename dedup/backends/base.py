"""The two verbs through which the pipeline hands out work, so that it can run on one machine or on an engine.

Both take and give batches: columns of equal length under names (`dedup.model.Batch`), each convertible to Arrow. Functions given
to a backend are picklable and depend on nothing but their arguments; rows say themselves what they belong to, because
a backend may regroup and reorder them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

from dedup.model import Batch

RowFunction = Callable[[Batch], Batch]
"""Works on each row (or on each document's rows, where a batch carries whole documents) for itself."""


@runtime_checkable
class RunFunction(Protocol):
    """What `sorted_runs` streams to: sees rows sorted by (key, then); a run of equal keys may cross batches."""

    def stream(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Work on a sorted stream in constant memory."""

    def table(self, batch: Batch) -> Batch:
        """The same rows as `stream` over `batch` sorted by (key, then), by a faster kernel; rows are in order of `then`."""


class Backend(Protocol):
    """Runs functions over batches."""

    def map_batches(self, function: RowFunction, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Apply `function` to all rows; rows may come back regrouped and in any order."""

    def sorted_runs(self, batches: Iterable[Batch], key: str, then: str, function: RunFunction) -> Iterator[Batch]:
        """Bring rows of equal `key` together, sorted by (key, then), and stream them through `function`."""

    def close(self) -> None:
        """Give back threads and files."""
