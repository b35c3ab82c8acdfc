"""Arrays on their way to the C module and back, and what numbers in them mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dedup.kernels import _native

T = TypeVar("T", bound=np.generic)

_LARGE = 1 << 62

ABSENT, STRING, ESCAPED, NUMBER, NULL, OTHER = range(6)
"""Kinds of JSON values, as `records` tells them."""

BARE, QUOTED, DOUBLED = range(1, 4)
"""Kinds of values in rows, as `delimited` tells them, beside `ABSENT`: without quotes, in quotes, and with doubled quotes inside."""

UNCLOSED, OVERLONG = -1, -2
"""Faults of rows, as `delimited` tells them: a quote is never closed, and longer than the limit."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that `delimited` has found.

    Attributes:
        places: int64[n, 2], byte range of each row, its line end included; of a row with a fault that of its first line.
        counts: int64[n], how many values it has; 0 where it has a fault.
        faults: int64[n], 0 for none, `UNCLOSED`, `OVERLONG`, or from 1 on the byte of the row that follows a closing quote
            without being a separator.
        kinds: uint8[n, k], `ABSENT`, `BARE`, `QUOTED` or `DOUBLED` for each wanted column.
        ranges: int64[n, k, 2], the bytes of its value, without the quotes around it (0, 0 where it is absent).
        stop: where the first row starts of which more must be seen; the length of the block if there is none.
    """

    places: NDArray[np.int64]
    counts: NDArray[np.int64]
    faults: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    ranges: NDArray[np.int64]
    stop: int


def array(values: NDArray[Any], dtype: type[T]) -> NDArray[T]:
    """Contiguous, aligned and in native byte order: what the C module can read."""
    found = np.ascontiguousarray(values, dtype)
    return found if found.flags.aligned else found.copy()


def made(memory: _native.Array, dtype: type[T]) -> NDArray[T]:
    """What the C module has made, as an array that keeps it alive."""
    return np.frombuffer(memoryview(memory), dtype)


def clamped(number: int) -> int:
    """The C module takes 64 bits; a number beyond them is out of any range in any case."""
    return max(min(int(number), _LARGE), -1)
