"""What the adapters share: JSONL in and out as plain Python has it, and CPU time by phase.

An adapter is run by a rival's own interpreter, with nothing of this project but this file and the shingler of
`sketchers.py`: `python run_NAME.py OUT.jsonl IN.jsonl ...`. It prints one line of JSON: CPU seconds by phase. `own` is
the time in the rival's code; whatever else there is, the adapter needs to get from files to files. `python sign_NAME.py IN.jsonl`
only makes signatures of the texts, and prints the CPU and wall seconds that this takes.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import TypeVar

sys.path.append(str(Path(__file__).resolve().parents[1]))

from sketchers import shingles

__all__ = ["Clock", "arguments", "read", "shingles", "timed", "write"]

Ready = TypeVar("Ready")
WARM = 100
"""Texts that are sketched before the clock starts."""


class Clock:
    """CPU seconds of this process and of its children that ended, by phase."""

    def __init__(self) -> None:
        self._phases: dict[str, float] = {"start": self._now()}
        self._last = self._now()

    @staticmethod
    def _now() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    def lap(self, phase: str) -> None:
        """Count what was used since the last lap to a phase."""
        now = self._now()
        self._phases[phase] = self._phases.get(phase, 0.0) + now - self._last
        self._last = now

    def tell(self) -> None:
        """Print the phases."""
        print(json.dumps({"phases": {name: round(spent, 4) for name, spent in self._phases.items()}}))


def arguments() -> tuple[str, list[str]]:
    """The file to write, and those to read."""
    if len(sys.argv) < 3:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} OUT.jsonl IN.jsonl ...")  # noqa: PTH119 - a name alone
    return sys.argv[1], sys.argv[2:]


def read(paths: Sequence[str]) -> tuple[list[bytes], list[str]]:
    """The lines of all files, and the text of each."""
    lines: list[bytes] = []
    for path in paths:
        with Path(path).open("rb") as stream:
            lines += stream
    return lines, [json.loads(line)["text"] for line in lines]


def write(path: str, lines: Sequence[bytes], keep: Sequence[bool]) -> None:
    """Write the lines that are kept, as they were."""
    with Path(path).open("wb") as stream:
        stream.writelines(line for line, is_kept in zip(lines, keep, strict=True) if is_kept)


def timed(path: str, prepare: Callable[[list[str]], Ready], sign: Callable[[Ready], int]) -> None:
    """Sketch the texts of a file and print what it cost; what `prepare` does is not on the clock."""
    texts = read([path])[1]
    sign(prepare(texts[:WARM]))
    ready = prepare(texts)
    cpu, wall = process_time(), perf_counter()
    sign(ready)
    print(json.dumps({"cpu_s": process_time() - cpu, "wall_s": perf_counter() - wall}))
