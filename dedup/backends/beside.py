"""What goes on beside the caller in the order in which it is handed over: decoding, hashing and writing, which give up the interpreter
lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain, islice
from typing import TypeVar

from dedup import spill

WORTH_BYTES = 1 << 16
"""Less is done at once: handing it over would cost more."""
MOST_WAITING = 4

Made = TypeVar("Made")
Data = TypeVar("Data", bound="bytes | memoryview")


class Ahead:
    """Calls functions in threads and yields what they give, in their order; at most two a thread are under way.

    Args:
        threads: how many may be at work.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def __call__(self, functions: Iterable[Callable[[], Made]]) -> Iterator[Made]:
        rest = iter(functions)
        first = list(islice(rest, 2))
        if len(first) < 2:  # one is not worth a thread
            yield from (function() for function in first)
            return
        waiting: deque[Future[Made]] = deque()
        with ThreadPoolExecutor(self._threads, "dedup-ahead", spill.here) as pool:
            for function in chain(first, rest):
                waiting.append(pool.submit(function))
                if len(waiting) >= 2 * self._threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


class Beside:
    """One thread that does what it is handed, or none: then all is done at once.

    Args:
        threads: how many may be at work, the caller's among them.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(1, "dedup-beside", spill.here) if threads > 1 else None
        self._waiting: deque[Future[object]] = deque()

    def call(self, function: Callable[[Data], object], data: Data) -> None:
        """Call a function with bytes that nobody changes any more, now or later; an error comes now, later or in `done`."""
        if self._pool is None or (len(data) < WORTH_BYTES and not self._waiting):
            function(data)
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(function, data))

    @contextmanager
    def done(self) -> Iterator[None]:
        """Everything that is handed over in the block is done when it ends; an error ends it."""
        try:
            yield
        except BaseException:
            while self._waiting:  # whatever comes of the rest, the first error is what to tell
                with suppress(Exception):
                    self._waiting.popleft().result()
            raise
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Stop the thread."""
        if self._pool is not None:
            self._pool.shutdown()
