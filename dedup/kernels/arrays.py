"""Arrays on their way to the C module and back, and what numbers in them mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dedup.kernels import _native

T = TypeVar("T", bound=np.generic)

_LARGE = 1 << 62

ABSENT, STRING, ESCAPED, NUMBER, NULL, OTHER = range(6)
"""Kinds of JSON values, as `records` tells them."""


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
