"""What was taken out of the inputs -> the log, many lines at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dedup.ledger.lines import LogLines, Taken
from dedup.log import LineWriter
from dedup.model import I64, U8, Batch, concat, rows_of

AT_ONCE_BYTES = 1 << 21
"""Raw bytes, and"""
AT_ONCE_LINES = 1 << 13
"""lines that are told of at a time: so many that the calls for them cost nothing."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What was taken out of some records, all that was taken of each.

    Attributes:
        rows: of `LogLines.rows`, without those of which nothing was taken.
        raw: uint8[...]; ranges: int64[n, 2]; offset: int64[n]; record_hash; column: see `Taken`.
    """

    rows: Batch
    raw: U8
    ranges: I64
    offset: I64
    record_hash: list[bytes | None]
    column: list[bytes | None]


class Teller:
    """Gathers what was taken out, and writes the lines of it in order.

    Args:
        lines: makes them.
        log: where they go.
    """

    def __init__(self, lines: LogLines, log: LineWriter) -> None:
        self._lines = lines
        self._log = log
        self._waiting: list[Pieces] = []
        self._bytes = self._rows = 0

    def add(self, pieces: Pieces) -> None:
        """Tell of these, now or later."""
        if not rows_of(pieces.rows):
            return
        self._waiting.append(pieces)
        self._bytes += len(pieces.raw)
        self._rows += len(pieces.offset)
        if self._bytes >= AT_ONCE_BYTES or self._rows >= AT_ONCE_LINES:
            self.flush()

    def flush(self) -> None:
        """Write all lines that wait."""
        parts, self._waiting, self._bytes, self._rows = self._waiting, [], 0, 0
        if not parts:
            return
        rows = concat(part.rows for part in parts)
        n = rows_of(rows)
        names = np.arange(self._log.count + 1, self._log.count + 1 + n, dtype=np.int64)
        place = np.cumsum([0, *(len(part.raw) for part in parts[:-1])])
        ranges = [part.ranges + at for part, at in zip(parts, place.tolist(), strict=True)]
        taken = Taken(
            raw=np.concatenate([part.raw for part in parts]) if len(parts) > 1 else parts[0].raw,
            ranges=np.concatenate(ranges),
            offset=np.concatenate([part.offset for part in parts]),
            record_hash=[value for part in parts for value in part.record_hash],
            column=[value for part in parts for value in part.column],
            of=_firsts(rows, names),
            within=np.where(rows["inside"], names[_leads(rows)], -1),
        )
        self._log.put(self._lines.told(rows, names, taken), n)

    def finish(self) -> None:
        """Write what waits, and the lines of what stays."""
        self.flush()
        for lines, n in self._lines.kept(self._log.count + 1):
            self._log.put(lines, n)


def _leads(rows: Batch) -> I64:
    """For each row the last one that is not inside a dropped record: for those that are, that of the record."""
    found: I64 = np.maximum.accumulate(np.where(rows["inside"], 0, np.arange(rows_of(rows))))
    return found


def _firsts(rows: Batch, names: I64) -> I64:
    """For each later stretch of a cut the name of the first one, else -1."""
    found = np.full(len(names), -1, np.int64)
    cuts = np.flatnonzero(~rows["inside"])
    _, first, which = np.unique(rows["removal"][cuts], return_index=True, return_inverse=True)
    found[cuts] = names[cuts[first]][which]
    found[found == names] = -1
    return found
