"""How time and memory of a scan grow with the input: all rules, and near-duplicates alone, in the same run.

    python benchmarks/growth.py [--mb 10 50 200] [--rounds 3]

Whole documents, one thread; the sizes take turns within a round. What is to be seen: CPU seconds a megabyte stay what they are, and all
rules cost at most twice what near-duplicates alone do.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from corpora import corpus
from measure import Cost, table
from record import machine
from wholes import whole

WAYS = ("scan-near", "scan-auto")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Time and memory of a scan, by size of the input.")
    parser.add_argument("--mb", type=float, nargs="+", default=[10, 50, 200])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "dedup-corpora")
    given = parser.parse_args()
    print(", ".join(f"{name}: {value}" for name, value in machine().items()))
    files = {mb: corpus(mb, "document", given.cache) for mb in given.mb}
    costs: dict[tuple[str, float], list[Cost]] = {(way, mb): [] for way in WAYS for mb in files}
    for number in range(given.rounds):
        for mb, made in files.items():
            for way in WAYS if number % 2 == 0 else reversed(WAYS):
                costs[way, mb].append(whole(way, made.path))
    lines = []
    for mb in files:
        cpu = {way: statistics.median(cost.cpu_s for cost in costs[way, mb]) for way in WAYS}
        peak = {way: statistics.median(cost.peak_bytes or 0 for cost in costs[way, mb]) / 1e6 for way in WAYS}
        ratios = [b.cpu_s / a.cpu_s for a, b in zip(costs["scan-near", mb], costs["scan-auto", mb], strict=True)]
        figures = [f"{1000 * cpu[way] / mb:.0f} ms" for way in WAYS] + [f"{peak[way]:,.0f}" for way in WAYS]
        spread = f"{statistics.median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f})"
        lines.append([f"{mb:g}", *figures, spread])
    head = ("MB of text", "near: CPU a MB", "all: CPU a MB", "near: peak MB", "all: peak MB", "all / near, CPU")
    print(table(head, lines))


if __name__ == "__main__":
    main()
