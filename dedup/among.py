"""Among which texts pairs are looked for, and which of them take part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.model import I64, U8, U32, Batch, Scalar, rows_of, take
from dedup.stages.sketch import LANES, key_name

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Texts:
    """The segments among which pairs are looked for, and behind them those that were among them before and are not any more.

    Attributes:
        segments: `document`, `start`, `end`, `tokens`.
        alone: int64[...], which of them are looked at, in order of preference.
        row: int64[...], their rows in `sketched`.
        sketched: the band keys, and what is kept of the lanes.
        gone: the same columns, and those of `sketched`, of those that are no longer there; may be empty.
    """

    segments: Batch
    alone: I64
    row: I64
    sketched: Batch
    gone: Batch

    def __len__(self) -> int:
        return len(self.alone) + rows_of(self.gone)

    def of(self, name: str, rows: I64 | slice = slice(None)) -> NDArray[Any]:
        """A column, or some rows of it."""
        column = self.segments[name]
        if not rows_of(self.gone):
            return column[self.alone[rows]]
        if isinstance(rows, slice):
            return np.concatenate([column[self.alone], self.gone[name]])[rows]
        stands = rows < len(self.alone)
        result = np.empty(len(rows), column.dtype)
        result[stands] = column[self.alone[rows[stands]]]
        result[~stands] = self.gone[name][rows[~stands] - len(self.alone)]
        return result

    def keys(self, band: int) -> U32:
        """The keys of a band."""
        name = key_name(band)
        mine: U32 = self.sketched[name][self.row]
        return np.concatenate([mine, self.gone[name]]) if rows_of(self.gone) else mine

    def lanes(self) -> tuple[U8, I64]:
        """What is kept of signatures, uint8[rows, lanes], and the row of each text among them."""
        column, row = self.sketched[LANES], self.row
        if rows_of(self.gone):
            row = np.concatenate([row, np.arange(len(column), len(column) + rows_of(self.gone))])
            column = np.concatenate([column, self.gone[LANES]])
        return column.view(np.uint8).reshape(len(column), column.itemsize), row


@dataclass(frozen=True, slots=True)
class Side:
    """What is paired with each other.

    Attributes:
        member: bool[texts], who takes part.
        rank: int64[texts], the order of preference of those.
        short: bool[texts], which of them are matched by their pieces.
        is_all: whether all texts take part, in the order in which they are.
    """

    member: Bools
    rank: I64
    short: Bools
    is_all: bool = False

    @classmethod
    def of_all(cls, short: Bools) -> Side:
        """All texts."""
        return cls(np.ones(len(short), bool), np.arange(len(short)), short, is_all=True)

    def part(self, rows: Batch) -> Batch:
        """Of rows that name texts those that take part, with their rank."""
        if self.is_all:
            return rows
        chosen = self.member[rows["rank"]]
        if not chosen.all():
            rows = take(rows, chosen)
        return {**rows, "rank": self.rank[rows["rank"]]}

    def by_rank(self, column: NDArray[Scalar]) -> NDArray[Scalar]:
        """A column of the texts in the order of rank; of ranks that nobody has a zero."""
        if self.is_all:
            return column
        rank = self.rank[self.member]
        found = np.zeros(int(rank.max(initial=-1)) + 1, column.dtype)
        found[rank] = column[self.member]
        return found
