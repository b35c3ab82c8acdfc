"""Arrays on their way to the C module and back, and what numbers in them mean."""

from __future__ import annotations

from collections.abc import Sequence
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

COPY, QUOTE, COUNT, NAME = range(4)
"""What `compose` makes of a range, see `Part`."""

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


@dataclass(frozen=True, slots=True)
class Part:
    """A column of the lines that `compose` writes.

    Attributes:
        lead: what is written before it.
        kind: `COPY` writes the bytes of a range, `QUOTE` the same as a JSON string, of UTF-8, with the shortest escapes and those alone
            that JSON demands; `COUNT` the length of the range as a decimal number; `NAME` that length behind an r, in at least 6 digits
            and in quotes.
        cells: int64[rows, 2], a range for each row; where it ends before it starts nothing is written, not even the lead.
        buffer: uint8[...], what the ranges are of.
    """

    lead: bytes
    kind: int
    cells: NDArray[np.int64]
    buffer: NDArray[np.uint8]


def check_parts(parts: Sequence[Part], rows: int) -> None:
    """Raise ValueError unless all parts have so many rows."""
    if any(part.cells.shape != (rows, 2) for part in parts):
        raise ValueError("every part needs a range for each row")


def packed(parts: Sequence[Part]) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.uint8], ...]]:
    """Parts as the C module takes them: the leads; of each lead its start and end, the kind, which buffer; all cells; the buffers."""
    buffers = {id(part.buffer): part.buffer for part in parts}
    number = {name: i for i, name in enumerate(buffers)}
    about = np.zeros((len(parts), 4), np.int64)
    about[:, 1] = np.cumsum([len(part.lead) for part in parts], dtype=np.int64)
    about[1:, 0] = about[:-1, 1]
    about[:, 2:] = np.array([(part.kind, number[id(part.buffer)]) for part in parts], np.int64).reshape(-1, 2)
    cells = array(np.stack([part.cells for part in parts]), np.int64) if parts else np.zeros(0, np.int64)
    return b"".join(part.lead for part in parts), about, cells, tuple(map(np.ascontiguousarray, buffers.values()))


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
