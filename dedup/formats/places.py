"""Where a stretch of a decoded string stands in the raw one, and which stretches can be cut out of it exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from dedup.formats.base import Range, Span, check_spans
from dedup.model import I64


class Places:
    """The escapes of one raw string: where each stands in the raw bytes and in the decoded ones.

    Args:
        raw: the string as it stands in the record, without the quotes around it.
        found: start and end of each escape in the raw bytes, and the bytes that it decodes to; in order.

    Attributes:
        length: bytes of the decoded string.
    """

    def __init__(self, raw: bytes, found: tuple[I64, I64, I64] | None = None) -> None:
        self.raw = raw
        self.raw_starts: list[int] = []
        self.raw_ends: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.length = len(raw)
        if found is not None and len(found[0]):
            raw_starts, raw_ends, sizes = found
            shifts = np.cumsum(raw_ends - raw_starts - sizes)
            ends = raw_ends - shifts
            self.raw_starts, self.raw_ends = raw_starts.tolist(), raw_ends.tolist()
            self.starts, self.ends = (ends - sizes).tolist(), ends.tolist()
            self.length -= int(shifts[-1])

    def clashes(self, start: int, end: int) -> bool:  # noqa: ARG002
        """Whether what stands before and after this stretch would mean something else without it."""
        return False

    def escape_at(self, position: int) -> int | None:
        """Give the index of the escape that a byte of the decoded string comes from."""
        i = bisect_right(self.starts, position) - 1
        return i if i >= 0 and position < self.ends[i] else None

    def inward(self, start: int, end: int) -> Range:
        """Move borders that lie inside an escape into the stretch."""
        i, j = self.escape_at(start), self.escape_at(end)
        if i is not None and self.starts[i] < start:
            start = self.ends[i]
        if j is not None:
            end = self.starts[j]
        return start, max(start, end)

    def raw_at(self, position: int) -> int:
        """Give the place in the raw bytes of a place in the decoded ones that is not inside an escape."""
        i = bisect_right(self.starts, position) - 1
        if i < 0:
            return position
        if position < self.ends[i]:
            return self.raw_starts[i]
        return self.raw_ends[i] + position - self.ends[i]

    def last_character(self, start: int, end: int) -> int:
        """Give the start of the last character of a stretch that is not empty."""
        i = self.escape_at(end - 1)
        if i is not None:
            return self.starts[i]
        at = last = self.raw_at(end - 1)
        floor = max(last - 3, self.raw_at(start))
        while at > floor and 0x80 <= self.raw[at] < 0xC0:
            at -= 1
        return end - 1 - (last - at)


def settle_spans(fields: Sequence[Places], spans: Sequence[Span]) -> list[Span]:
    """Shorten the spans that cannot be cut out of these fields as they are. See `SourceReader.settle`.

    Raises:
        ValueError: the spans are not sorted and disjoint, or one lies outside its field.
    """
    check_spans(spans, [places.length for places in fields])
    settled = [(field, *fields[field].inward(start, end)) for field, start, end in spans]
    run = 0  # the first of the spans that touch each other up to this one
    for i, (field, start, end) in enumerate(settled):
        if run < i and settled[i - 1][::2] != (field, start):
            run = i
        if i + 1 == len(settled) or settled[i + 1][:2] != (field, end):
            _keep_apart(settled, run, i, fields[field])
            run = i + 1
    return settled


def _keep_apart(settled: list[Span], run: int, last: int, places: Places) -> None:
    """Shorten a run of touching spans from its end, character by character, until it can be cut."""
    first = settled[run][1]
    for i in range(last, run - 1, -1):
        field, start, end = settled[i]
        while first < end and places.clashes(first, end):
            if start == end:
                break
            end = places.last_character(start, end)
            settled[i] = (field, start, end)
        if start < end:
            return


def locate_spans(fields: Sequence[Places], spans: Sequence[Span]) -> list[Range]:
    """Give the byte range of each settled span, relative to the raw string of its field. See `SourceReader.locate`."""
    settled = settle_spans(fields, spans)
    return [(fields[field].raw_at(start), fields[field].raw_at(end)) for field, start, end in settled]
