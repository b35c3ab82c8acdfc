"""Measuring: interleaved rounds of CPU time, and ratios with their spread.

The rows of a table are run in turn, round after round, so that a busy minute of the machine falls on all of them. A
ratio is taken within each round and then over the rounds: it keeps what seconds lose on another machine or in another
hour.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a row cost: CPU and wall seconds, and peak memory where a process of its own ran it."""

    cpu_s: float
    wall_s: float
    peak_bytes: int | None = None
    bare_bytes: int | None = None
    """Peak memory of that process before the work began: the interpreter and its modules."""


@dataclass(slots=True)
class Row:
    """One thing to measure.

    Attributes:
        name: unique in a run.
        amount: how much of `unit` one run does; the cost of rows of unlike samples is compared per unit.
        unit: `MB` (10**6 bytes of the row's own input) or `key`.
        run: does the work once; returns a `Cost` if it measured itself, anything else is measured here and thrown away.
        note: what is fair or unfair about it, and the sample if it is one.
        costs: one a round.
    """

    name: str
    amount: float
    unit: str
    run: Callable[[], object]
    note: str = ""
    costs: list[Cost] = field(default_factory=list)

    def per_unit(self) -> list[float]:
        """CPU seconds a unit, one a round."""
        return [cost.cpu_s / self.amount for cost in self.costs]

    def figure(self) -> str:
        """The median, in words."""
        middle = statistics.median(self.per_unit())
        return f"{middle * 1e9:,.1f} ns/{self.unit}" if self.unit == "key" else f"{1 / middle:,.1f} MB/s"

    def seconds(self) -> str:
        """Median CPU seconds of a run, and the spread."""
        cpu = [cost.cpu_s for cost in self.costs]
        return f"{statistics.median(cpu):.3f} ({min(cpu):.3f}-{max(cpu):.3f})"


@dataclass(frozen=True, slots=True)
class Ratio:
    """The cost of one row in that of another, per unit or per run.

    Attributes:
        over, under: names of rows.
        at_least, at_most: the floor or ceiling that is demanded, None where none is.
        per_unit: compare per unit, not per run.
        wall: compare wall time, not CPU time; it says something only where enough cores are free.
    """

    over: str
    under: str
    at_least: float | None = None
    at_most: float | None = None
    per_unit: bool = True
    wall: bool = False

    @property
    def demand(self) -> str:
        """The floor or ceiling in words; empty where there is none."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most is not None else ""


@dataclass(frozen=True, slots=True)
class Found:
    """A measured ratio: its median over the rounds, and the least and greatest of them."""

    ratio: Ratio
    median: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the median keeps to the floor or ceiling; true where there is none."""
        least, most = self.ratio.at_least, self.ratio.at_most
        return (least is None or self.median >= least) and (most is None or self.median <= most)


def run_rounds(rows: Sequence[Row], rounds: int, told: Callable[[str], None]) -> None:
    """Run all rows `rounds` times, in turn, backwards in every other round.

    Args:
        rows: get their costs added.
        told: called with what is about to run.
    """
    for number in range(rounds):
        for row in rows if number % 2 == 0 else reversed(rows):
            told(f"round {number + 1} of {rounds}: {row.name}")
            cpu, wall = time.process_time(), time.perf_counter()
            result = row.run()
            spent = Cost(time.process_time() - cpu, time.perf_counter() - wall)
            row.costs.append(result if isinstance(result, Cost) else spent)
            del result


def compare(rows: Sequence[Row], ratios: Sequence[Ratio]) -> list[Found]:
    """The ratios of which both rows were run."""
    by_name = {row.name: row for row in rows if row.costs}
    found = []
    for ratio in ratios:
        if ratio.over in by_name and ratio.under in by_name:
            over, under = by_name[ratio.over], by_name[ratio.under]
            scale = under.amount / over.amount if ratio.per_unit else 1.0
            pairs = zip(over.costs, under.costs, strict=True)
            values = [scale * (a.wall_s / b.wall_s if ratio.wall else a.cpu_s / b.cpu_s) for a, b in pairs]
            found.append(Found(ratio, statistics.median(values), min(values), max(values)))
    return found


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Text in columns, as Markdown reads it too."""
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    rule = ["-" * width for width in widths]
    padded = [[f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)] for line in [head, rule, *lines]]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def rows_table(rows: Sequence[Row]) -> str:
    """One line a row: CPU seconds of a run, the figure per unit, wall seconds and memory where they were measured."""
    lines = []
    for row in rows:
        peaks = [cost.peak_bytes for cost in row.costs if cost.peak_bytes is not None]
        wall = f"{statistics.median(cost.wall_s for cost in row.costs):.3f}"
        peak = f"{statistics.median(peaks) / 1e6:,.0f}" if peaks else ""
        lines.append([row.name, row.figure(), row.seconds(), wall, peak, row.note])
    return table(("what", "median", "CPU s a run (spread)", "wall s", "peak MB", "note"), lines)


def ratios_table(found: Sequence[Found]) -> str:
    """One line a ratio."""
    lines = []
    for one in found:
        spread = f"{one.median:.2f}x ({one.low:.2f}-{one.high:.2f})"
        lines.append([one.ratio.over + " (wall)" * one.ratio.wall, one.ratio.under, spread])
    return table(("CPU time of", "in that of", "ratio (spread)"), lines)
