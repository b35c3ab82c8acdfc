"""Running a command and watching it: CPU, wall time, and the memory of its whole process tree.

Memory is PSS (proportional set size): pages that processes share are counted once, so that the sum over a tree is what
it takes. It is read from /proc a few times a second, less often where reading it takes long, as it does of large processes,
which wait meanwhile; a peak that lasts less than that may be missed. Where there is no /proc it is not known.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from measure import Cost

EVERY_S = 0.1
LOOKING = 0.02
"""Share of the time that looking may take."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a command cost and said.

    Attributes:
        cost: CPU seconds of it and of its children that it waited for, wall seconds, peak PSS of the tree.
        code: its exit code; negative where a signal ended it.
        stdout, stderr: the end of what it wrote.
        stopped: why it was stopped; empty where it was not.
    """

    cost: Cost
    code: int
    stdout: str
    stderr: str
    stopped: str


def watch(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
    memory: float | None = None,
) -> Watched:
    """Run a command to its end, or until it has taken so many seconds or so many bytes of memory."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = perf_counter()
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
        )
        peak = _Peak(running.pid)
        ended = threading.Event()
        stopped: list[str] = []

        def look() -> None:
            took = 0.0
            while not ended.wait(max(EVERY_S, took / LOOKING)):
                at = perf_counter()
                peak.look()
                took = perf_counter() - at
                late, large = seconds and at - began > seconds, memory and peak.bytes > memory
                if (late or large) and not stopped:
                    stopped.append(f"after {seconds:g} s" if late else f"at {peak.bytes / 1e9:,.1f} GB of memory")
                    os.killpg(running.pid, signal.SIGKILL)

        looking = threading.Thread(target=look)
        looking.start()
        _, status, used = os.wait4(running.pid, 0)
        wall = perf_counter() - began
        ended.set()
        looking.join()
        running.returncode = code = os.waitstatus_to_exitcode(status)
        cost = Cost(used.ru_utime + used.ru_stime, wall, peak.bytes or None)
        return Watched(cost, code, _end(out), _end(err), "".join(stopped))


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
