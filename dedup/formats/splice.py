"""Cutting byte ranges out of a stream and putting them back: all that cleaning and restoring a text format needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import BinaryIO, Self

from dedup.errors import InputChangedError
from dedup.formats.compression import open_decompressed

COPY_BYTES = 1 << 20


def cut(source_stream: BinaryIO, ranges: Iterable[tuple[int, int]], out: BinaryIO) -> Iterator[bytes]:
    """Copy all but the ranges, and yield the bytes of each range in order; the copy is whole once the iterator ends.

    Memory is that of one range.

    Args:
        source_stream: the decompressed input, at its start.
        ranges: start and end of each range in the input; sorted, disjoint.
        out: receives the rest.

    Raises:
        InputChangedError: the input ends before a range does.
        ValueError: a range starts before the one before it ends, or ends before it starts.
    """
    position = 0
    for start, end in ranges:
        if not position <= start <= end:
            raise ValueError(f"the range {start}-{end} does not follow byte {position}; give sorted, disjoint ranges")
        _copy(source_stream, out, start - position)
        raw = _exactly(source_stream, end - start)
        position = end
        yield raw
    _copy_rest(source_stream, out)


def paste(stream: BinaryIO, pieces: Iterable[tuple[int, bytes]], out: BinaryIO) -> None:
    """Undo `cut`: copy the stream and put each piece back at its offset in the original.

    Args:
        stream: what `cut` wrote, at its start.
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


class RangeReader:
    """Raw records of a source at ascending offsets, read in one pass; a context manager.

    Args:
        path: the source.
        compression: `none`, `gzip` or `zstd`.
    """

    def __init__(self, path: str, compression: str = "none") -> None:
        self._stream = open_decompressed(path, compression)
        self._position = 0
        self._last = (0, b"")

    def read(self, offset: int, length: int) -> bytes:
        """Give the bytes [offset, offset + length) of the decompressed source; the same record may be asked for again.

        Raises:
            InputChangedError: the source ends before that.
            ValueError: the offset lies before the end of the last record read.
        """
        last_offset, last = self._last
        if offset == last_offset and length == len(last):
            return last
        if offset < self._position:
            raise ValueError(f"byte {offset} was passed already: records are read at ascending offsets")
        _skip(self._stream, offset - self._position)
        raw = _exactly(self._stream, length)
        self._position = offset + length
        self._last = (offset, raw)
        return raw

    def close(self) -> None:
        """Close the source."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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


def _skip(stream: BinaryIO, length: int) -> None:
    if length and stream.seekable():
        stream.seek(length, 1)
        return
    while length > 0:
        piece = stream.read(min(length, COPY_BYTES))
        if not piece:
            raise _ended(stream, length)
        length -= len(piece)


def _ended(stream: BinaryIO, missing: int) -> InputChangedError:
    name = getattr(stream, "name", None)
    where = name if isinstance(name, str) else "the stream"
    return InputChangedError(
        f"{where}: it ends {missing:,} bytes before a place that was read in it earlier. It was changed or cut off "
        "meanwhile; run again on inputs that do not change."
    )
