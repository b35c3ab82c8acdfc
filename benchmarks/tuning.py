"""What `dedup tune` costs: one run over real text with planted near-duplicates, a grain at a time.

    python benchmarks/tuning.py [--mb 100] [--grain paragraph document sentence]

What is to be seen: at most 60 seconds for 100 MB, reading included.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from corpora import corpus
from measure import table
from record import machine

from dedup.config import Config
from dedup.files import tune_files

MOST_S = 60.0
"""Seconds that 100 MB may take."""


def main(given: list[str] | None = None) -> int:
    """Measure, print the table, and give 1 where it took too long."""
    parser = argparse.ArgumentParser(description="Time of dedup tune.")
    parser.add_argument("--mb", type=float, default=100)
    parser.add_argument(
        "--grain", nargs="+", default=["paragraph", "document"], choices=["paragraph", "document", "sentence"]
    )
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "dedup-corpora")
    args = parser.parse_args(given)
    made = corpus(args.mb, "document", args.cache)
    print(", ".join(f"{name}: {value}" for name, value in machine().items()))
    print(f"{made.text_bytes / 1e6:.1f} MB of text, {made.paragraphs:,} paragraphs, {made.distinct:.1%} of them differ")
    lines, slowest = [], 0.0
    for grain in args.grain:
        cpu, wall = time.process_time(), time.perf_counter()
        found = tune_files([made.path], Config(grain=grain), threads=1)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        slowest = max(slowest, wall)
        now, line = found.now, found.proposed
        right = "-" if now.precision is None else f"{now.precision:.1%}"
        lines.append(
            [grain, f"{cpu:.1f}", f"{wall:.1f}", f"{found.segments:,}", f"{found.pairs:,}", f"{now.recall:.1%}", right,
             f"{line.threshold:g}, {line.bands}x{line.rows}"]
        )  # fmt: skip
    head = ("grain", "CPU s", "wall s", "segments", "pairs seen", "recall now", "precision now", "proposed")
    print(table(head, lines))
    return int(slowest > MOST_S * max(args.mb, 1) / 100 + 5)


if __name__ == "__main__":
    raise SystemExit(main())
