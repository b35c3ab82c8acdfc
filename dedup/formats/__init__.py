"""Bytes <-> documents: the only place that knows file formats.

For text formats every removal is a byte range of the decompressed input, so that restoring needs no parser. Each
format is a module of its own and is imported when a source of that format is opened.
"""

from __future__ import annotations

from dedup.errors import UsageError
from dedup.formats.base import META, Ahead, Range, SourceReader, Span
from dedup.model import Fields, Source

SUFFIXES: dict[str, str] = {
    ".txt": "text",
    ".md": "markdown",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
"""Ending of a file name -> format."""

COMPRESSIONS: dict[str, str] = {".gz": "gzip", ".zst": "zstd"}
"""Ending after the format's own -> compression."""

FORMATS: tuple[str, ...] = tuple(SUFFIXES.values())
"""The formats that can be asked for by name."""

__all__ = [
    "COMPRESSIONS",
    "FORMATS",
    "META",
    "SUFFIXES",
    "Ahead",
    "Range",
    "SourceReader",
    "Span",
    "endings",
    "format_of",
    "open_source",
    "split_suffix",
]


def split_suffix(name: str) -> tuple[str, str, str]:
    """Split a file name into its stem, the format's ending and the compression's ending; an unknown one is empty."""
    stem, packed = _cut_ending(name, COMPRESSIONS)
    stem, ending = _cut_ending(stem, SUFFIXES)
    return stem, ending, packed


def _cut_ending(name: str, known: dict[str, str]) -> tuple[str, str]:
    dot = name.rfind(".")
    # A name such as ".txt" is a hidden file without an ending.
    if dot > 0 and not name[:dot].endswith("/") and name[dot:].lower() in known:
        return name[:dot], name[dot:]
    return name, ""


def format_of(name: str) -> tuple[str | None, str]:
    """Tell format (None if unknown) and compression (`none`, `gzip`, `zstd`) from the endings of a file name."""
    _, ending, packed = split_suffix(name)
    return SUFFIXES.get(ending.lower()), COMPRESSIONS.get(packed.lower(), "none")


def endings() -> str:
    """List the endings that are read, for messages."""
    return f"{' '.join(SUFFIXES)} (all but .parquet also with {' or '.join(COMPRESSIONS)} after it)"


def open_source(source: Source, fields: Fields, batch_bytes: int = 8 << 20) -> SourceReader:
    """Open a source for reading and resolve its fields.

    Args:
        source: what to read.
        fields: the names that the user gave; what is not given is looked for among the usual names.
        batch_bytes: about how many bytes of text a batch of documents holds.

    Raises:
        UsageError: a given field is not there, no text field was found, or the format is not one of `FORMATS`.
        FormatError: the source is damaged at its very start.
    """
    match source.format:
        case "text" | "markdown":
            from dedup.formats.text import TextReader

            return TextReader(source, fields, batch_bytes)
        case "jsonl":
            from dedup.formats.jsonl import JsonlReader

            return JsonlReader(source, fields, batch_bytes)
        case "csv" | "tsv":
            from dedup.formats.delimited import DelimitedReader

            return DelimitedReader(source, fields, batch_bytes)
        case "parquet":
            from dedup.formats.parquet import ParquetReader

            return ParquetReader(source, fields, batch_bytes)
    known = ", ".join(FORMATS)
    raise UsageError(f"{source.path}: there is no reader for the format {source.format!r}. Name one of these: {known}.")
