"""A run within a cap on memory: large arrays beyond a share of it lie in files, and what of them is resident is let go.

The arrays are what they were, byte for byte, and so is the result. The files have no names and go with the arrays; on Linux,
with the compiled core, for numpy's arrays and the kernels' alike (see `kernels/native/spill.c`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dedup.errors import DedupError, UsageError

try:
    from dedup.kernels import _native
except ImportError:  # without a compiler there is no core
    _native = None  # type: ignore[assignment]

LEAST = 128 << 20
"""Bytes; the interpreter and the libraries alone take near to that."""
HEAP_SHARE = 3
"""Of the cap, one part in so many may be large arrays that lie in no file."""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


@dataclass(slots=True)
class Spilled:
    """What a run had in files of `folder`: `most` bytes at a time; `held`: with what was in memory. Told when it has ended."""

    folder: str
    most: int = 0
    held: int = 0


def parse_size(text: str) -> int:
    """Bytes of `512M`, `8G` or a plain number; K, M, G and T are powers of 1024.

    Raises:
        ValueError: it is none of these.
    """
    plain = text.strip().upper().removesuffix("B").removesuffix("I")
    unit = plain[-1:] if plain[-1:] in _UNITS else ""
    return int(float(plain.removesuffix(unit)) * _UNITS[unit])


def free_memory() -> int | None:
    """Bytes that can be had without pushing others out, by the system and by the control group; None: not told here."""
    known = [value for value in (_available(), _left_in_group()) if value is not None]
    return min(known) if known else None


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), None)


def _left_in_group() -> int | None:
    """What the control group of the process still grants; cached pages count as free there too."""
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            most, now = (Path(folder, name).read_text(encoding="ascii").strip() for name in (limit, used))
            cached = dict(line.split() for line in Path(folder, "memory.stat").read_text(encoding="ascii").splitlines())
        except (OSError, ValueError):
            continue
        if most.isdigit() and int(most) < 1 << 60:
            return max(int(most) - int(now) + int(cached.get("inactive_file", 0)), 0)
    return None


def default_cap() -> int | None:
    """Half of what is free; None where no cap can be kept to."""
    free = free_memory()
    return max(free // 2, LEAST) if free is not None else None


def spill_folder() -> str:
    """Where the files go: TMPDIR if it is set, else the first usual place that is on a disk.

    A file system that is itself in memory would save nothing.
    """
    if os.environ.get("TMPDIR"):
        return tempfile.gettempdir()
    places = [place for place in ("/var/tmp", tempfile.gettempdir()) if os.access(place, os.W_OK)]  # noqa: S108
    return next((place for place in places if not _in_memory(place)), tempfile.gettempdir())


def _in_memory(folder: str) -> bool:
    """Whether a folder's file system is one that keeps its files in memory."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return False
    real = os.path.realpath(folder)
    under = [(place, kind) for place, kind in mounts if real == place or real.startswith(place.rstrip("/") + "/")]
    return bool(under) and max(under, key=lambda mount: len(mount[0]))[1] in _IN_MEMORY


@contextmanager
def within(cap: int | None) -> Iterator[Spilled]:
    """Keep the process within a cap for as long as the block runs; other threads join in with `here`.

    Args:
        cap: bytes; None: half of what is free, or no cap where none can be kept to.

    Raises:
        UsageError: a cap was given that is below `LEAST`, or that cannot be kept to on this machine.
        DedupError: there is no room left for the files.
    """
    bytes_ = default_cap() if cap is None else cap
    if cap is not None and cap < LEAST:
        raise UsageError(
            f"a run needs {LEAST >> 20} MB of memory at the least, not {cap >> 20} MB. Give --memory 512M."
        )
    found = Spilled(spill_folder())
    started = (
        _native is not None and bytes_ is not None and _native.spill_start(found.folder, bytes_, bytes_ // HEAP_SHARE)
    )
    if not started:
        if cap is not None:
            raise UsageError(
                "memory can be kept within a cap on Linux alone, with the compiled core. Leave --memory away."
            )
        yield found
        return
    before = here()
    try:
        yield found
    except MemoryError as why:
        free = shutil.disk_usage(found.folder).free
        raise DedupError(
            f"memory is short: beyond {bytes_ or 0:,} bytes the run works in files in {found.folder}, where {free:,} bytes are "
            "left. Make room there, name another folder by TMPDIR, or give more with --memory; `dedup plan` tells how much."
        ) from why
    finally:
        _native.spill_here(_numpy_functions(), before)
        found.most, found.held = _native.spill_stop()


def here() -> object:
    """Take the arrays of this thread from where the cap is kept; returns what they were taken from before."""
    return _native.spill_here(_numpy_functions()) if _native is not None else None


def _numpy_functions() -> object:
    import numpy as np

    try:
        return np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    except AttributeError:  # numpy 1
        return np.core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
