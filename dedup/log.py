"""The log beside OUT: what was removed and why, complete enough to put everything back."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.errors import FormatError
from dedup.kernels.arrays import COPY, COUNT, QUOTE, Part
from dedup.model import I64, U8

FOLDER = "dedup"
REMOVED = "removed.jsonl.zst"
QUARANTINE = "quarantine.jsonl"
REPORT = "report.json"
MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "dedup.manifest/1"

Line = dict[str, Any]

encoded = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
"""A value as the log has it."""


file_digest = hashlib.sha256
"""What whole files are hashed by: processors help with it, which makes it the quickest of the standard library."""


def text_hash(raw: bytes | memoryview) -> str:
    """32 hex digits of BLAKE2b, the name of a stretch of bytes in the log."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def with_raw(line: Line, raw: bytes) -> Line:
    """Add raw bytes to a line: as text where they are UTF-8, else in base64."""
    try:
        return {**line, "raw": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {**line, "raw_base64": base64.b64encode(raw).decode("ascii")}


def raw_of(line: Line) -> bytes | None:
    """The raw bytes of a line, None if it has none."""
    if "raw" in line:
        return str(line["raw"]).encode("utf-8")
    if "raw_base64" in line:
        return base64.b64decode(line["raw_base64"])
    return None


class LineWriter:
    """JSON lines to a stream; `count` of them are removals, named `r000001` and on.

    Args:
        stream: where they go.
        later: calls the stream's `write`, perhaps later, for the lines of removals.
    """

    def __init__(
        self, stream: BinaryIO, later: Callable[[Callable[[memoryview], object], memoryview], None] | None = None
    ) -> None:
        self._stream = stream
        self._later = later
        self.count = 0

    def plain(self, line: Line) -> None:
        """Write a line as it is."""
        self._stream.write(encoded(line).encode("utf-8") + b"\n")

    def put(self, lines: U8, count: int) -> None:
        """Write the lines of so many removals."""
        if self._later is None:
            self._stream.write(lines.data)
        else:
            self._later(self._stream.write, lines.data)
        self.count += count


class Sheet:
    """Lines as columns: the members of `n` JSON objects, which are written one after the other in the order in which they are said.

    A lead is what stands before a member's value. Where a number is negative, or a range ends before it starts, the member is left out.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._parts: list[tuple[bytes, int, I64, U8 | None]] = []
        self._said: list[bytes] = []
        self._size = 0

    def mark(self, lead: bytes, where: NDArray[np.bool_] | None = None) -> None:
        """The lead alone, in all lines or in some."""
        ends = np.zeros(self._n, np.int64) if where is None else where.astype(np.int64) - 1
        self._add(lead, COPY, np.zeros(self._n, np.int64), ends, None)

    def count(self, lead: bytes, numbers: I64, kind: int = COUNT) -> None:
        """Numbers; with the kind `NAME` as names of lines."""
        self._add(lead, kind, np.zeros(self._n, np.int64), numbers, None)

    def chosen(self, lead: bytes, which: I64, said: Callable[[int], bytes]) -> None:
        """JSON that few numbers, of which each row has one, stand for."""
        numbers, index = np.unique(which, return_inverse=True)
        places = self._say([said(number) if number >= 0 else None for number in numbers.tolist()])[index]
        self._add(lead, COPY, places[:, 0], places[:, 1], None)

    def each(self, lead: bytes, values: Sequence[bytes | None]) -> None:
        """JSON for each line; None leaves the member out."""
        places = self._say(values)
        self._add(lead, COPY, places[:, 0], places[:, 1], None)

    def text(self, lead: bytes, buffer: U8, starts: I64, ends: I64, odd_lead: bytes = b"") -> None:
        """Bytes as strings. With bytes that are not UTF-8 U+FFFD stands for these, or under `odd_lead` all of them in base64."""
        there = ends >= starts
        low, high = np.where(there, starts, 0), np.where(there, ends, 0)
        odd = np.flatnonzero(kernels.valid_utf8(buffer, low, high) == 0)
        if len(odd):
            self._add(lead, QUOTE, starts, np.where(np.isin(np.arange(self._n), odd), starts - 1, ends), buffer)
            values: list[bytes | None] = [None] * self._n
            for row in odd.tolist():
                raw = buffer[starts[row] : ends[row]].tobytes()
                told = base64.b64encode(raw).decode("ascii") if odd_lead else raw.decode("utf-8", "replace")
                values[row] = encoded(told).encode("utf-8")
            self.each(odd_lead or lead, values)
        else:
            self._add(lead, QUOTE, starts, ends, buffer)

    def lines(self) -> U8:
        """The lines."""
        said = np.frombuffer(b"".join(self._said), np.uint8)
        parts = [
            Part(lead, kind, cells, said if buffer is None else buffer) for lead, kind, cells, buffer in self._parts
        ]
        return kernels.compose(parts, self._n)

    def _add(self, lead: bytes, kind: int, starts: I64, ends: I64, buffer: U8 | None) -> None:
        self._parts.append((lead, kind, np.stack([starts, ends], axis=1), buffer))

    def _say(self, values: Sequence[bytes | None]) -> I64:
        """Keep values; where each stands."""
        sizes = np.array([-1 if value is None else len(value) for value in values], np.int64)
        ends = self._size + np.cumsum(np.maximum(sizes, 0))
        self._said.extend(value for value in values if value is not None)
        self._size = int(ends[-1]) if len(ends) else self._size
        starts = ends - np.maximum(sizes, 0)
        return np.stack([starts, starts + sizes], axis=1)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """One JSON document, readable."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_lines(path: Path, stream: BinaryIO) -> Iterator[Line]:
    """The lines of a log.

    Raises:
        FormatError: a line is no JSON object.
    """
    for number, raw in enumerate(stream, 1):
        try:
            line = json.loads(raw)
        except ValueError as error:
            raise FormatError(
                f"line {number:,} of the log is damaged ({error}).", str(path), advice="Restore the log from a copy."
            ) from None
        yield line
