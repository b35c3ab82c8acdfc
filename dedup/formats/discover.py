"""From INPUT arguments to sources in canonical order: the arguments as given, inside a folder or glob by path bytes."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from dedup.errors import UsageError
from dedup.formats import FORMATS, SUFFIXES, endings, format_of, split_suffix
from dedup.model import Source

RESERVED = "dedup"
"""First part of a name that belongs to the log beside the output."""

MAX_NAME_BYTES = 255
_MAGIC = frozenset("*?[")
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the INPUT arguments stand for.

    Attributes:
        sources: the files to read, in canonical order.
        skipped: path and reason of each file or folder below an INPUT that is not read.
    """

    sources: tuple[Source, ...]
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Found:
    """A file on its way to a source: its path, and its name as long as no other file has the same."""

    path: str
    name: str
    format: str
    compression: str


@dataclass(slots=True)
class _Search:
    """The state of one discovery."""

    format: str | None
    found: list[_Found] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    seen: dict[tuple[int, int], str] = field(default_factory=dict)

    def skip(self, path: str, reason: str) -> None:
        self.skipped.append((path, reason))

    def add(self, path: str, name: str, kind: str, compression: str) -> None:
        status = os.stat(path)  # noqa: PTH116 - one call a file, where there may be very many
        first = self.seen.setdefault((status.st_dev, status.st_ino), path)
        if first is path:
            self.found.append(_Found(path, name, kind, compression))
        else:
            self.skip(path, f"the same file as {first}, which is read already")


def discover(inputs: Sequence[str], format: str | None = None) -> Discovery:
    """Find the files to read.

    Args:
        inputs: files, folders (searched recursively), globs, or `-` for stdin. Names that are not UTF-8 come as
            `os.fsdecode` gives them.
        format: how to read files named in `inputs` and, in folders, files without an ending of their own.

    Raises:
        UsageError: an INPUT is not there or cannot be read, or its format cannot be told.
    """
    if format is not None and format not in FORMATS:
        raise UsageError(f"There is no format {format!r}. Known: {', '.join(FORMATS)}.")
    if not inputs:
        raise UsageError("There is no INPUT. Name files, folders or globs, or - for stdin.")
    search = _Search(format)
    alone = len(inputs) == 1
    for given in inputs:
        if given == "-":
            _take_stdin(search)
        elif os.path.lexists(given):
            _take_path(search, given, alone)
        elif _MAGIC & set(given):
            _take_glob(search, given)
        else:
            raise UsageError(f"{given}: there is no such file or folder. Check the spelling, or quote a glob.")
    names = _distinct([(item.path, item.name) for item in search.found])
    sources = (
        Source(i, item.path, name, item.format, item.compression)
        for i, (item, name) in enumerate(zip(search.found, names, strict=True))
    )
    return Discovery(tuple(sources), tuple(search.skipped))


def _take_stdin(search: _Search) -> None:
    kind = search.format or "jsonl"
    ending = next(ending for ending, known in SUFFIXES.items() if known == kind)
    if not any(item.path == "-" for item in search.found):
        search.found.append(_Found("-", f"stdin{ending}", kind, "none"))


def _take_path(search: _Search, path: str, alone: bool) -> None:
    """Take an INPUT that is there: a file, a folder, or a link to one."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise UsageError(f"{path}: the input cannot be reached: {error.strerror}. Is it a broken link?") from None
    if stat.S_ISDIR(mode):
        _take_folder(search, path, "" if alone else _folder_name(path))
        return
    special = _special(mode)
    if special:
        raise UsageError(f"{path}: the input is {special}, which can be read only once. Pipe it in, with - as INPUT.")
    _check_readable(path)
    kind, compression = format_of(path)
    kind = search.format or kind
    if kind is None:
        raise UsageError(
            f"{path}: the format cannot be told from the name. Known endings: {endings()}. "
            f"Rename the file, or name its format with --format ({', '.join(FORMATS)})."
        )
    if kind == "parquet" and compression != "none":
        raise UsageError(f"{path}: Parquet is not read from inside {compression}. Unpack the file first.")
    search.add(path, Path(path).name, kind, compression)


def _folder_name(path: str) -> str:
    """Give the name of a folder; of `.` and `..` the one that they stand for."""
    name = PurePath(path).name
    return Path(path).resolve().name if name in ("", "..") else name


def _check_readable(path: str) -> None:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        raise UsageError(f"{path}: the input cannot be read: {error.strerror}. Check its permissions.") from None


def _take_folder(search: _Search, path: str, prefix: str) -> None:
    try:
        os.scandir(path).close()
    except OSError as error:
        raise UsageError(f"{path}: the folder cannot be read: {error.strerror}. Check its permissions.") from None
    skipped: list[tuple[str, str]] = []
    paths = list(_walk(path, lambda where, why: skipped.append((where, why))))
    paths.sort(key=_order)
    skipped.sort(key=lambda item: _order(item[0]))
    search.skipped += skipped
    for where in paths:
        below = where[len(path) :].replace(os.sep, "/").lstrip("/")
        _take_below(search, where, f"{prefix}/{below}" if prefix else below)


def _order(path: str) -> bytes:
    return os.fsencode(path.replace(os.sep, "/"))


def _walk(folder: str, skip: Callable[[str, str], None]) -> Iterator[str]:
    """Yield the regular files below a folder in no special order; an explicit stack, for trees deeper than Python's."""
    stack = [folder]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        skip(entry.path, "hidden")
                    elif entry.is_symlink():
                        skip(entry.path, "a symbolic link; name it as an INPUT to follow it")
                    elif entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.path
                    else:
                        skip(entry.path, _special(entry.stat(follow_symlinks=False).st_mode) or "not a file")
        except OSError as error:
            skip(os.fsdecode(error.filename or folder), f"cannot be read: {error.strerror}")


def _take_below(search: _Search, path: str, name: str) -> None:
    """Take a file found in a folder or by a glob, or say why not."""
    kind, compression = format_of(path)
    reason = None
    if search.format is not None and kind not in (None, search.format):
        reason = f"its ending says {kind}, not {search.format}"
    kind = kind or search.format
    if kind is None:
        ending = PurePath(name).suffix
        reason = f"the ending {ending!r} is not one that is read" if ending else "no ending tells its format"
    elif _is_log(path):
        reason = "the log of a clean run"
    elif kind == "parquet" and compression != "none":
        reason = f"Parquet inside {compression} is not read"
    elif reason is None and not os.access(path, os.R_OK):
        reason = "cannot be read: check its permissions"
    if reason is not None or kind is None:
        search.skip(path, reason or "")
        return
    try:
        search.add(path, name, kind, compression)
    except OSError as error:
        search.skip(path, f"cannot be read: {error.strerror}")


def _is_log(path: str) -> bool:
    """Whether a file belongs to the folder that `clean` puts beside its output."""
    folder = os.path.dirname(path)  # noqa: PTH120 - one call a file, where there may be very many
    return os.path.basename(folder) == RESERVED and os.path.isfile(f"{folder}/manifest.json")  # noqa: PTH113, PTH119


def _special(mode: int) -> str | None:
    return _KINDS.get(stat.S_IFMT(mode))


def _take_glob(search: _Search, pattern: str) -> None:
    """Take what a quoted glob matches: `*`, `?`, `[...]` inside a part of the path, `**` for any number of folders."""
    parts = PurePath(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if _MAGIC & set(part))
    base = PurePath(*parts[:fixed])
    matches: set[str] = set()
    for match in _match(Path(base), parts[fixed:]):
        if match.is_dir():
            matches.update(_walk(str(match), search.skip))
        else:
            matches.add(str(match))
    if not matches:
        raise UsageError(f"{pattern}: no file matches this glob. Check the spelling, and that it stands in quotes.")
    for path in sorted(matches, key=_order):
        try:
            special = _special(Path(path).stat().st_mode)
        except OSError as error:
            search.skip(path, f"cannot be read: {error.strerror}")
            continue
        if special:
            search.skip(path, special)
        else:
            _take_below(search, path, PurePath(path).relative_to(base).as_posix())


def _match(base: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """Yield the paths below base that match the parts; a link to a folder is not followed by `**`."""
    if not parts:
        yield base
        return
    part, rest = parts[0], parts[1:]
    try:
        entries = list(base.iterdir())
    except OSError:
        return
    if part == "**":
        yield from _match(base, rest or ("*",))
    for entry in entries:
        if entry.name.startswith(".") and not part.startswith("."):
            continue
        if part == "**":
            if entry.is_dir() and not entry.is_symlink():
                yield from _match(entry, parts)
        elif fnmatch.fnmatchcase(entry.name, part) and (not rest or entry.is_dir()):
            yield from _match(entry, rest)


def _distinct(found: Sequence[tuple[str, str]]) -> list[str]:
    """Make names that no file system takes for the same, that are no folder of another, and that are not the log's."""
    names = [_unreserved(path, name) for path, name in found]
    for digest_bytes in (4, 8, 16):
        keys = [_key(name) for name in names]
        counts = Counter(keys)
        folders = {key[:i] for key in counts for i, sign in enumerate(key) if sign == "/"}
        clashing = [counts[key] > 1 or key in folders for key in keys]
        if not any(clashing):
            break
        names = [
            _marked(name, path, digest_bytes) if clash else name
            for name, (path, _), clash in zip(names, found, clashing, strict=True)
        ]
    return names


def _key(name: str) -> str:
    """Bring names to one form that some file system takes for the same: they differ in case or in NFC and NFD only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _unreserved(path: str, name: str) -> str:
    first, slash, rest = name.partition("/")
    if _key(first) != RESERVED:
        return name
    folder = path[: len(path) - len(rest) - 1] if slash else path
    return f"{first}~{_digest(folder, 4)}{slash}{rest}"


def _marked(name: str, path: str, digest_bytes: int) -> str:
    folder, slash, base = name.rpartition("/")
    stem, ending, packed = split_suffix(base)
    tail = f"~{_digest(path, digest_bytes)}{ending}{packed}"
    room = MAX_NAME_BYTES - len(os.fsencode(tail))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return f"{folder}{slash}{stem}{tail}"


def _digest(path: str, digest_bytes: int) -> str:
    return hashlib.blake2b(os.fsencode(path), digest_size=digest_bytes).hexdigest()
