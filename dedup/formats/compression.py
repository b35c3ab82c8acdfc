"""Reading and writing of plain, gzip and zstd streams, such that a stream that ends early is never taken for whole.

gzip is the standard library's; zstd is pyarrow's, which reports a cut stream and reads all frames of a file, where
other readers stop in silence at the end of the first frame or of the data.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from dedup.errors import FormatError, InputChangedError, UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

BUFFER_BYTES = 1 << 20
READ_BUFFER_BYTES = 1 << 17
"""What is read ahead; larger requests go past this buffer, straight to where they are wanted."""
GZIP_LEVEL = 6


class InputStream(io.BufferedReader):
    """A decompressed source that knows how much of its file has been read."""

    def __init__(self, raw: io.RawIOBase, file: BinaryIO) -> None:
        super().__init__(raw, READ_BUFFER_BYTES)
        self._file = file

    def consumed(self) -> int:
        """Bytes of the file read so far: compressed ones where it is compressed, read-ahead included."""
        return self._file.tell()

    def close(self) -> None:
        """Close the stream and the file below it."""
        try:
            super().close()
        finally:
            self._file.close()


class _Unpacked(io.RawIOBase):
    """The decompressed bytes, with the errors of all codecs brought to one form."""

    def __init__(self, read: Callable[[int], bytes], path: str, kind: str) -> None:
        self._read = read
        self._path = path
        self._kind = kind
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._read(len(view))
        except EOFError:
            raise self._error(f"the {self._kind} stream ends early") from None
        except (gzip.BadGzipFile, zlib.error, OSError) as error:
            if error.args and isinstance(error.args[0], int):  # an errno: the disk failed, not the stream
                raise
            early = "runcated" in str(error)
            reason = " ".join(str(error).split()).rstrip(".")
            what = "ends early" if early else f"is damaged, or followed by bytes that are not part of it ({reason})"
            raise self._error(f"the {self._kind} stream {what}") from None
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _error(self, what: str) -> FormatError:
        advice = "Fetch or pack the file again; nothing of it can be trusted to be whole."
        return FormatError(what + ".", self._path, self._position, advice)


def open_file(path: str) -> io.FileIO:
    """Open an input for unbuffered reading.

    Raises:
        InputChangedError: the file is no longer there.
        UsageError: the file cannot be read.
    """
    try:
        return io.FileIO(path, "rb")
    except FileNotFoundError:
        raise InputChangedError(
            f"{path}: the input was there when the run began and is gone now. Run again on inputs that do not change."
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: the input cannot be read: {error.strerror}. Check its permissions.") from None


def open_decompressed(path: str, compression: str) -> InputStream:
    """Open a file for reading its decompressed bytes.

    All members of a gzip file and all frames of a zstd file are read, zero padding after a gzip member is passed over.

    Args:
        path: the file.
        compression: `none`, `gzip` or `zstd`.

    Raises:
        FormatError: (also while reading) the stream is cut off, damaged, or followed by something else.
        InputChangedError: the file is no longer there.
        UsageError: the file cannot be read.
    """
    file = open_file(path)
    if compression == "none":
        return InputStream(file, cast(BinaryIO, file))
    try:
        if os.fstat(file.fileno()).st_size == 0:
            advice = "Fetch or pack the file again."
            raise FormatError(f"the file is empty, which is not a {compression} stream.", path, 0, advice)
        if compression == "gzip":
            read: Callable[[int], bytes] = gzip.GzipFile(fileobj=cast(BinaryIO, file), mode="rb").read
        else:
            import pyarrow as pa

            read = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd").read
    except BaseException:
        file.close()
        raise
    return InputStream(_Unpacked(read, path, compression), cast(BinaryIO, file))


class _Codec(Protocol):
    """What compresses: gzip's file, pyarrow's stream."""

    def write(self, data: memoryview, /) -> object: ...

    def close(self) -> None: ...


class _Packer(io.RawIOBase):
    """Writes through a codec into a file; closes the file only if it opened it."""

    def __init__(self, packed: _Codec, file: BinaryIO | None) -> None:
        self._packed = packed
        self._file_to_close = file

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data).cast("B")
        self._packed.write(view)
        return len(view)

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._packed.close()
        finally:
            super().close()
            if self._file_to_close is not None:
                self._file_to_close.close()


class _Open(io.RawIOBase):
    """A file handle that outlives the codec on top of it, for codecs that close what they write to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        self._file.write(data)
        return len(memoryview(data).cast("B"))

    def flush(self) -> None:
        if not self.closed:
            self._file.flush()


def open_compressed(target: BinaryIO | str, compression: str) -> BinaryIO:
    """Open a stream that compresses what is written to it; the bytes depend on nothing but the data and the codec.

    gzip: level 6, no name, no time. zstd: one frame, because readers are about that stop after the first one; pyarrow
    offers its own level (1) for that and no other.

    Args:
        target: where to write. A path is created anew and closed with the stream; a file object stays open.
        compression: `none`, `gzip` or `zstd`.
    """
    file = cast(BinaryIO, Path(target).open("wb")) if isinstance(target, str) else target  # noqa: SIM115
    owned = file if isinstance(target, str) else None
    if compression == "none":
        return cast(BinaryIO, io.BufferedWriter(_Packer(_Open(file), owned), BUFFER_BYTES))
    packed: _Codec
    if compression == "gzip":
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=file, mtime=0)
    else:
        import pyarrow as pa

        packed = pa.CompressedOutputStream(pa.PythonFile(_Open(file), "w"), "zstd")
    return cast(BinaryIO, io.BufferedWriter(_Packer(packed, owned), BUFFER_BYTES))
