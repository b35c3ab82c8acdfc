"""The benchmarks at a hundredth of their size or less: what they ask that does not hang on the speed of the machine.

    python benchmarks/hundredth.py

Fails where cost does not grow in proportion, where memory is not kept to, where OUT is not the same bytes, or where a benchmark does
not run. Growth is taken over inputs ten times as large and may be three times what is asked at full size: what grows with the square
is far beyond that; a busy machine is not, nor a run that passes from memory to files between the two. `demands.py` only has to run.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import demands
import extremes
import pipelines
import sameness

CAP = "128M"
"""The least that dedup takes; two million records of a word alone would need ten times as much."""
STEPS: tuple[tuple[str, Callable[[Sequence[str]], int], tuple[str, ...]], ...] = (
    ("extremes", extremes.main, ("--share", "0.01", "--slack", "3", "--memory", CAP)),
    ("pipelines", pipelines.main, ("--size", "10MB", "--rounds", "1", "--only", "dedup ", "limit", "--memory", CAP)),
    (
        "sameness",
        sameness.main,
        ("--size", "5MB", "--memory", "512M", "8G", CAP, "--threads", "1", "2", "--portable", "300KB"),
    ),
    ("demands", demands.main, ("--mb", "1", "--sample-mb", "0.05", "--rounds", "1")),
)


def cpu_s() -> float:
    """CPU seconds of this process and of its children that ended."""
    return sum(os.times()[:4])


def main() -> int:
    """Run all steps; returns the exit code: 1 where one failed."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name, run, words in STEPS:
            began = cpu_s()
            print(f"\n== {name} {' '.join(words)}\n", flush=True)
            if run([*words, "--cache", str(Path(folder))]):
                failed.append(name)
            print(f"\n{name}: {cpu_s() - began:.0f} s of CPU time", flush=True)
    print(
        f"\n{cpu_s():.0f} s of CPU time in all. " + (f"FAILED: {', '.join(failed)}" if failed else "All is as asked.")
    )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
