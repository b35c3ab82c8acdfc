"""The log beside OUT: what was removed and why, complete enough to put everything back."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dedup.errors import FormatError

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


def text_hash(raw: bytes) -> str:
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
    """JSON lines to a stream, numbered `r000001` and on where they are removals."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def write(self, line: Line) -> str:
        """Write a line under the next id; returns the id."""
        self.count += 1
        name = f"r{self.count:06d}"
        self.plain({"id": name, **line})
        return name

    def plain(self, line: Line) -> None:
        """Write a line as it is."""
        self._stream.write(encoded(line).encode("utf-8") + b"\n")

    def members(self, members: bytes) -> None:
        """Write a line of which the members are JSON already, under the next id."""
        self.count += 1
        self._stream.write(b'{"id":"r%06d",%b}\n' % (self.count, members))


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
