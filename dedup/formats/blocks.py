"""A stream in blocks of whole lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dedup.formats.compression import InputStream
from dedup.model import U8

NOTHING = np.zeros(0, np.uint8)
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a stream, or a stretch of it that cannot be read.

    Attributes:
        offset: where the block stands in the stream.
        length: its bytes.
        lines: uint8[length]; valid until the next block is asked for. Empty where there is a fault.
        fault: why the block is not to be read.
    """

    offset: int
    length: int
    lines: U8
    fault: str | None = None


def blocks(stream: InputStream, offset: int, size: int, limit: int) -> Iterator[Block]:
    """Yield the rest of a stream.

    A line in a block may be longer than `limit` by itself; what is promised is that no more is held for one.

    Args:
        stream: where to read; lines end in a line feed, the last one perhaps without.
        offset: how much of it was read before.
        size: about how many bytes a block has; it has more where one line is longer.
        limit: bytes of the longest line that is held, its end included.
    """
    buffer, have = bytearray(size), 0  # of a line whose end was not read yet
    while True:
        have += stream.readinto(memoryview(buffer)[have:])
        at, at_end = 0, have < len(buffer)
        for cut in _cuts(buffer, have, size, at_end):
            yield Block(offset + at, cut - at, np.frombuffer(buffer, np.uint8, cut - at, at))
            at = cut
        if at_end:
            return
        offset, have = offset + at, have - at
        if have > limit:
            length = have + _rest_of_line(stream)
            yield Block(offset, length, NOTHING, f"longer than {limit >> 20} MiB")
            offset, have = offset + length, 0
        room = size if have < size else min(2 * have, limit + 1)
        kept = buffer[at : at + have]
        if room != len(buffer):
            buffer = bytearray(room)
        buffer[:have] = kept


def _cuts(buffer: bytearray, end: int, size: int, at_end: bool) -> Iterator[int]:
    """Where the bytes up to `end` are cut into blocks; behind the last cut stands no whole line, at the end nothing."""
    at = 0
    while at < end:
        if at_end and end - at <= size:
            yield end
            return
        cut = buffer.rfind(b"\n", at, min(at + size, end)) + 1 or buffer.find(b"\n", at, end) + 1
        if not cut and not at_end:
            return
        at = cut or end
        yield at


def _rest_of_line(stream: InputStream) -> int:
    """Read to the end of the line and give the number of bytes."""
    length = 0
    while piece := stream.readline(_PIECE_BYTES):
        length += len(piece)
        if piece.endswith(b"\n"):
            break
    return length
