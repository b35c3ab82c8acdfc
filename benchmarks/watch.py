"""Running a command and watching it: CPU, wall time, and the memory of its whole process tree.

Memory is PSS (proportional set size): pages that processes share are counted once, so that the sum over a tree is what
it takes. It is read from /proc a few times a second; a peak that lasts less than `EVERY_S` may be missed. Where there is
no /proc it is not known.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from measure import Cost

EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Watched:
    """What a command cost and said.

    Attributes:
        cost: CPU seconds of it and of its children that it waited for, wall seconds, peak PSS of the tree.
        code: its exit code; negative where a signal ended it.
        stdout, stderr: the end of what it wrote.
        stopped: it was stopped because it took longer than it was given.
    """

    cost: Cost
    code: int
    stdout: str
    stderr: str
    stopped: bool


def watch(
    command: Sequence[str], environment: Mapping[str, str] | None = None, seconds: float | None = None
) -> Watched:
    """Run a command to its end, or for so many seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = perf_counter()
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
        )
        peak = _Peak(running.pid)
        ended, stopped = threading.Event(), threading.Event()

        def look() -> None:
            while not ended.wait(EVERY_S):
                peak.look()
                if seconds is not None and perf_counter() - began > seconds and not stopped.is_set():
                    stopped.set()
                    os.killpg(running.pid, 9)

        looking = threading.Thread(target=look)
        looking.start()
        _, status, used = os.wait4(running.pid, 0)
        wall = perf_counter() - began
        ended.set()
        looking.join()
        running.returncode = code = os.waitstatus_to_exitcode(status)
        return Watched(
            Cost(used.ru_utime + used.ru_stime, wall, peak.bytes or None), code, _end(out), _end(err), stopped.is_set()
        )


class _Peak:
    """The greatest sum of PSS over a process and all below it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.bytes = 0

    def look(self) -> None:
        self.bytes = max(self.bytes, sum(map(_pss, _tree(self._pid))))


def _tree(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += map(int, children.read_text(encoding="ascii").split())
            except OSError:  # it ended meanwhile
                continue
    return found


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:  # it ended meanwhile, or the system has no such file
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def _end(stream: object, n: int = 4000) -> str:
    assert hasattr(stream, "seek")
    assert hasattr(stream, "read")
    size = stream.seek(0, 2)
    stream.seek(max(0, size - n))
    return str(stream.read(), "utf-8", "replace")
