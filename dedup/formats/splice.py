"""Cutting byte ranges out of a stream and putting them back: all that cleaning and restoring a text format needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from dedup.errors import InputChangedError

COPY_BYTES = 1 << 20


class Splicer:
    """Copies a stream to another, stretch by stretch, in one pass.

    Args:
        stream: the decompressed input, at its start.
        out: receives what is kept.
    """

    def __init__(self, stream: BinaryIO, out: BinaryIO) -> None:
        self._stream = stream
        self._out = out
        self._position = 0

    def take(self, offset: int, length: int) -> bytes:
        """Copy all before the range, and give the bytes of the range, which are not copied.

        Raises:
            InputChangedError: the input ends before the range does.
            ValueError: the range starts before the one before it ends.
        """
        if not self._position <= offset <= offset + length:
            raise ValueError(
                f"the range {offset}-{offset + length} does not follow byte {self._position}; give sorted, disjoint ranges"
            )
        _copy(self._stream, self._out, offset - self._position)
        self._position = offset + length
        return _exactly(self._stream, length)

    def keep(self, raw: bytes | memoryview) -> None:
        """Write bytes of the last range taken after all."""
        self._out.write(raw)

    def finish(self) -> None:
        """Copy the rest."""
        _copy_rest(self._stream, self._out)


def paste(stream: BinaryIO, pieces: Iterable[tuple[int, bytes]], out: BinaryIO) -> None:
    """Undo a `Splicer`: copy the stream and put each piece back at its offset in the original.

    Args:
        stream: what was kept, at its start.
        pieces: offset in the original and bytes of each range; sorted.
        out: receives the original.

    Raises:
        InputChangedError: the stream ends before the place of a piece.
        ValueError: a piece starts before the one before it ends.
    """
    position = 0
    for offset, raw in pieces:
        if offset < position:
            raise ValueError(f"the piece at byte {offset} overlaps the one before it, which ends at {position}")
        _copy(stream, out, offset - position)
        out.write(raw)
        position = offset + len(raw)
    _copy_rest(stream, out)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    raw = stream.read(length)
    if len(raw) != length:
        raise _ended(stream, length - len(raw))
    return raw


def _copy(stream: BinaryIO, out: BinaryIO, length: int) -> None:
    while length > 0:
        piece = stream.read(min(length, COPY_BYTES))
        if not piece:
            raise _ended(stream, length)
        out.write(piece)
        length -= len(piece)


def _copy_rest(stream: BinaryIO, out: BinaryIO) -> None:
    while piece := stream.read(COPY_BYTES):
        out.write(piece)


def _ended(stream: BinaryIO, missing: int) -> InputChangedError:
    name = getattr(stream, "name", None)
    where = name if isinstance(name, str) else "the stream"
    return InputChangedError(
        f"{where}: it ends {missing:,} bytes before a place that was read in it earlier. It was changed or cut off "
        "meanwhile; run again on inputs that do not change."
    )
