"""A stream in stretches of whole rows, which quoted line ends do not end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dedup.formats.blocks import NOTHING
from dedup.formats.compression import InputStream
from dedup.kernels.arrays import OVERLONG, Rows
from dedup.model import U8

_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a stream.

    Attributes:
        offset: where the stretch stands in the stream.
        block: uint8[...], its bytes; valid until the next stretch is asked for. Those of a line that is not held are not here.
        rows: what was found in it.
    """

    offset: int
    block: U8
    rows: Rows


def stretches(
    stream: InputStream, offset: int, size: int, limit: int, find: Callable[[U8, bool], Rows]
) -> Iterator[Stretch]:
    """Yield the rest of a stream.

    Args:
        stream: where to read.
        offset: how much of it was read before.
        size: about how many bytes a stretch has; it has more where one row is longer.
        limit: bytes of the longest row; no more is held for one.
        find: `kernels.delimited` of a block with this limit; is told whether anything follows.
    """
    buffer, have = bytearray(size), 0  # of a row whose end was not read yet
    while True:
        have += stream.readinto(memoryview(buffer)[have:])
        at_end = have < len(buffer)
        at, window = 0, size
        while at < have:
            end = min(at + window, have)
            block = np.frombuffer(buffer, np.uint8, end - at, at)
            rows = find(block, at_end and end == have)
            if rows.stop:
                yield Stretch(offset + at, block, rows)
                at, window = at + rows.stop, size
            elif end < have:
                window *= 2
            else:
                break
        if at_end:
            return
        offset, have = offset + at, have - at
        if have > limit:
            length = have + _rest_of_line(stream, bytes(buffer[-1:]))
            yield Stretch(offset, NOTHING, _overlong(length, find(NOTHING, True)))
            offset, have = offset + length, 0
        room = size if have < size else min(2 * have, limit + 1)
        kept = buffer[at : at + have]
        if room != len(buffer):
            buffer = bytearray(room)
        buffer[:have] = kept


def _overlong(length: int, nothing: Rows) -> Rows:
    """One row that is too long."""
    n = nothing.kinds.shape[1]
    return Rows(
        places=np.array([[0, length]], np.int64),
        counts=np.zeros(1, np.int64),
        faults=np.array([OVERLONG], np.int64),
        kinds=np.zeros((1, n), np.uint8),
        ranges=np.zeros((1, n, 2), np.int64),
        stop=length,
    )


def _rest_of_line(stream: InputStream, last: bytes) -> int:
    """Read to the end of the line of which this is the last byte read, and give the number of bytes."""
    length = 0
    while not _LINE_END.match(last) and (piece := stream.peek()):
        end = _LINE_END.search(piece)
        piece = stream.read(end.end() if end else len(piece))
        last = piece[-1:]
        length += len(piece)
    if last == b"\r" and stream.peek(1)[:1] == b"\n":
        length += len(stream.read(1))
    return length
