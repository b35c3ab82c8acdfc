"""OUT appears whole or not at all: everything is written to a stage beside it, which takes its name at the end."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dedup.errors import DedupError, OutputExistsError, UsageError

_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2
_AT_CWD = -100
LOCK = "LOCK"


@contextmanager
def stage(out: Path, *, overwrite: bool, inputs: list[str], needed: int = 0) -> Iterator[Path]:
    """Give a folder to write to; when the block ends well it becomes OUT, otherwise it is removed.

    Args:
        out: the folder to publish.
        overwrite: whether it may replace one that is there.
        inputs: files that are read; OUT may neither be nor hold one, nor lie in a folder that was given.
        needed: bytes that must be free where OUT will be.

    Raises:
        OutputExistsError: OUT is there, or another run is writing it.
        UsageError: OUT and the inputs overlap.
        DedupError: OUT cannot be written.
    """
    out = out.absolute()
    _check_apart(out, inputs)
    if os.path.lexists(out) and not overwrite:
        raise OutputExistsError(f"{out}: it is there already. Choose another name, or add --overwrite to replace it.")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: there is no such folder to put {out.name} into. Make it first.")
    folder = out.parent / f".{out.name}.dedup-stage"
    try:
        with _locked(folder, out):
            target = folder / "out"
            _remove(target)
            target.mkdir()
            _check_room(out, needed)
            yield target
            _sync_tree(target)
            _rename(target, out, overwrite)
            _sync_folder(out.parent)
    except OSError as error:
        raise _unwritable(out, error) from None


@contextmanager
def _locked(folder: Path, out: Path) -> Iterator[None]:
    """Hold the stage for this run alone, and clear it away."""
    lock = _lock(folder, out)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"host": os.uname().nodename, "pid": os.getpid()}).encode(), 0)
        yield
    finally:
        for name in ("out", "old"):
            _remove(folder / name)
        # the lock goes last: without it another run would set its own stage up here while this one is cleared away
        with suppress(OSError):
            (folder / LOCK).unlink()
            folder.rmdir()
        os.close(lock)


def _lock(folder: Path, out: Path) -> int:
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue  # a run that ended has removed the folder since
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(folder / LOCK)):  # noqa: PTH116 - of the same kind as fstat
                return lock
        except FileNotFoundError:
            pass
        except BlockingIOError:
            holder = os.pread(lock, 1000, 0).decode("utf-8", "replace")
            os.close(lock)
            raise OutputExistsError(
                f"{out}: another run is writing it ({holder.strip()}). Wait for it to end, or choose another OUT."
            ) from None
        os.close(lock)  # the run that held it ended meanwhile and removed it: this is the lock of nothing


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _check_apart(out: Path, inputs: list[str]) -> None:
    real = os.path.realpath(out)
    for path in inputs:
        if path == "-":
            continue
        other = os.path.realpath(path)
        inside = other == real or other.startswith(real + os.sep)
        if inside or (Path(path).is_dir() and real.startswith(other + os.sep)):
            raise UsageError(
                f"{out}: it overlaps the input {path}. Inputs are never written to: choose an OUT outside of them."
            )


def _check_room(out: Path, needed: int) -> None:
    free = shutil.disk_usage(out.parent).free
    if free < needed:
        raise DedupError(
            f"{out}: about {needed:,} bytes are needed and {free:,} are free. Nothing was written; free some space or choose another disk."
        )


def _rename(target: Path, out: Path, overwrite: bool) -> None:
    if overwrite and os.path.lexists(out):
        if _exchange(target, out):
            return
        aside = target.parent / "old"
        out.rename(aside)
    try:
        if os.path.lexists(out):
            raise FileExistsError(errno.EEXIST, "it appeared meanwhile")
        target.rename(out)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise OutputExistsError(f"{out}: it appeared while this run was at work. Nothing was published.") from None
        raise


def _exchange(target: Path, out: Path) -> bool:
    """Swap two names in one step, where the system can."""
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(swap(_AT_CWD, os.fsencode(target), _AT_CWD, os.fsencode(out), _EXCHANGE) == 0)


def _sync_tree(folder: Path) -> None:
    for path, _, names in os.walk(folder):
        for name in names:
            _sync_folder(Path(path) / name)
        _sync_folder(Path(path))


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(out: Path, error: OSError) -> DedupError:
    where = error.filename if isinstance(error.filename, str) else str(out)
    advice = {
        errno.ENOSPC: "Free some space or choose another disk, and run again.",
        errno.EDQUOT: "Your quota on this disk is used up: free some space and run again.",
        errno.EACCES: "Choose a place that you may write to.",
        errno.EROFS: "The disk is read-only: choose another place.",
    }.get(error.errno or 0, "Nothing was published.")
    return DedupError(
        f"{where}: {error.strerror or error}. Nothing was published and the inputs are as they were. {advice}"
    )
