"""OUT + log -> the inputs as they were."""

from __future__ import annotations

import heapq
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from dedup.errors import FormatError, UsageError
from dedup.formats.compression import open_compressed, open_decompressed
from dedup.formats.splice import paste
from dedup.log import FOLDER, MANIFEST, MANIFEST_SCHEMA, QUARANTINE, REMOVED, Line, file_digest, raw_of, read_lines
from dedup.model import Fields


@dataclass(slots=True)
class Restored:
    """What was put back: sources, records and bytes; `problems` names the sources that are not as they were."""

    sources: int = 0
    records: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest of an OUT.

    Raises:
        UsageError: there is none, or it is of another schema.
    """
    path = out / FOLDER / MANIFEST
    if not path.is_file():
        raise UsageError(
            f"{out}: there is no {FOLDER}/{MANIFEST} in it, so it was not written by `dedup clean`. Name the OUT of a clean run."
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FormatError(f"the manifest is damaged ({error}).", str(path), advice="Restore it from a copy.") from None
    if manifest.get("schema") != MANIFEST_SCHEMA:
        raise UsageError(f"{path}: its schema is {manifest.get('schema')!r}; this version reads {MANIFEST_SCHEMA!r}.")
    return manifest


def restore(out: Path, target: Path) -> Restored:
    """Write every input of a clean run below `target`, byte for byte (Parquet: equal values, schema and row groups).

    Each source is compared with the hash that the manifest has of its input.

    Raises:
        FormatError: the log is damaged.
        UsageError: `out` is not the OUT of a clean run, or lacks a file.
    """
    manifest = read_manifest(out)
    done = Restored()
    removed = _Log(_lines(out / FOLDER / REMOVED, "zstd"))
    quarantined = _Log(_lines(out / FOLDER / QUARANTINE, "none"))
    for entry in manifest["sources"]:
        name = entry["name"]
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry["output_hash"] is not None and not (out / name).is_file():
            raise UsageError(
                f"{out / name}: it is missing, but the manifest lists it. Put it back, or restore from a copy of OUT."
            )
        if entry["format"] == "parquet" and entry["whole"]:
            digest = _restore_rows(out / name, path, entry, list(removed.of(name)))
        else:
            pieces = heapq.merge(_pieces(removed.of(name)), _pieces(quarantined.of(name)), key=lambda piece: piece[0])
            digest = _restore_bytes(out / name, path, entry, pieces)
        if digest != entry["input_hash"]:
            done.problems.append(f"{name}: it differs from the input; OUT or the log was changed since")
        done.sources += 1
        done.records += entry["records_in"]
        done.bytes += entry["bytes_in"]
    return done


def _lines(path: Path, compression: str) -> Iterator[Line]:
    if path.is_file() and path.stat().st_size:
        with open_decompressed(str(path), compression) as stream:
            yield from read_lines(path, cast(BinaryIO, stream))


class _Log:
    """The lines of a log that carry raw bytes, which stand in the order of the manifest's sources."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = (line for line in lines if "raw" in line or "raw_base64" in line)
        self._next = next(self._lines, None)

    def of(self, name: str) -> Iterator[Line]:
        """The lines of the next source; none if the log has none of it."""
        while self._next is not None and self._next["source"] == name:
            yield self._next
            self._next = next(self._lines, None)


def _pieces(lines: Iterator[Line]) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of what is to be put back; a line without raw bytes took none."""
    for line in lines:
        raw = raw_of(line)
        if raw is not None:
            yield int(line["offset"]), raw


class _Hashing:
    """Hashes what is written on its way to a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = file_digest()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._stream.write(data)


def _restore_bytes(source: Path, path: Path, entry: dict[str, Any], pieces: Iterator[tuple[int, bytes]]) -> str:
    compression = entry["compression"] if entry["whole"] else "none"
    with open_compressed(str(path), compression) as raw_out:
        out = _Hashing(raw_out)
        if source.is_file():
            with open_decompressed(str(source), compression) as stream:
                paste(cast(BinaryIO, stream), pieces, cast(BinaryIO, out))
        else:
            paste(io.BytesIO(), pieces, cast(BinaryIO, out))
    return out.digest.hexdigest()


def _restore_rows(source: Path, path: Path, entry: dict[str, Any], lines: list[Line]) -> str:
    from dedup.formats.parquet import text_digest
    from dedup.formats.rewrite import Dropped, Pieces
    from dedup.formats.rewrite import restore as restore_rows

    fields = Fields(**{**entry["fields"], "text": tuple(entry["fields"]["text"])})
    edits: dict[int, Dropped | Pieces] = {}
    for line in lines:
        row, raw = int(line["offset"]), raw_of(line) or b""
        if line["action"] == "drop":
            edits[row] = Dropped(raw)
        else:
            before = edits.get(row)
            piece = (fields.text.index(line["column"]), int(line["start"]), raw)
            edits[row] = Pieces((*(before.pieces if isinstance(before, Pieces) else ()), piece))
    restore_rows(str(source), str(path), fields.text, edits, entry["row_groups"])
    return text_digest(str(path), fields)[1]
