"""How a run ends that was stopped or that failed: what is said, and with which exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from dedup.errors import DedupError

DONE, FAILED, PARTLY, INTERRUPTED, TERMINATED = 0, 1, 3, 130, 143

_ADVICE = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "The quota is used up: free some space, or write to another disk.",
    errno.EACCES: "Check the permissions of the file and of its folder.",
    errno.EPERM: "Check the permissions of the file and of its folder.",
    errno.EROFS: "The file system is read-only: write to another one.",
    errno.ENOENT: "Check the spelling; a file may also have gone while the run was under way.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
    errno.EIO: "The disk may be failing: work on a copy of the file.",
}


class Terminated(BaseException):
    """SIGTERM came. Not an Exception, so that nothing on the way takes it for a failure of its own."""


@contextmanager
def terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that what is half written is cleared away."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: the caller keeps its own handler
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ending(error: BaseException) -> tuple[int, str]:
    """The exit code of a run that this stopped, and what to say on stderr.

    Raises:
        BaseException: the error itself, if it is none that ends a run.
    """
    if isinstance(error, BrokenPipeError):
        _swallow_output()
        return DONE, ""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "Stopped. Nothing was published."
    if isinstance(error, Terminated):
        return TERMINATED, "Terminated. Nothing was published."
    if not isinstance(error, Exception):
        raise error
    return getattr(error, "exit_code", FAILED), f"error: {_what(error)}"


def _what(error: Exception) -> str:
    if isinstance(error, DedupError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return f"{where}{error.strerror or error}. {_ADVICE.get(error.errno or 0, '')}".rstrip()
    if isinstance(error, MemoryError):
        return "these inputs need more memory than there is. Give a part of them at a time."
    what = f"{type(error).__name__}: {error}"
    return f"a fault of dedup itself: {what}. Set DEDUP_DEBUG=1 to see where it arose, and report it."


def _swallow_output() -> None:
    """Whoever read our output has had enough: what is still buffered must not fail when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # stdout is no file
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - open until Python ends
    finally:
        os.close(nowhere)
