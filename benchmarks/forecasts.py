"""What `dedup plan` said beforehand, beside what was then seen; `pipelines.py --forecast` prints it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import crawl
import ways
from measure import table
from watch import watch
from ways import Result

MOST_OFF = 0.25
"""That a forecast may be off by, in time and memory."""
FIGURES = {
    "cpu_s": ("CPU s", 1.0),
    "wall_s": ("wall s", 1.0),
    "memory": ("peak PSS MB", 1e-6),
    "written": ("MB of OUT", 1e-6),
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """One figure of one row, forecast and seen."""

    name: str
    figure: str
    said: float
    seen: float

    @property
    def off(self) -> float:
        """By how much the forecast is above what was seen, below 0 where it is below."""
        return self.said / self.seen - 1 if self.seen else 0.0


def forecasts(made: crawl.Made, given: argparse.Namespace, results: Sequence[Result]) -> list[Forecast] | str:
    """Ask for the forecast of each of our rows; or why there is none."""
    asked: dict[str, dict[str, Any]] = {}
    found = []
    for one in results:
        if not one.name.startswith("dedup ") or not one.costs:
            continue
        word, _, options = one.name.removeprefix("dedup ").partition(" ")
        if options not in asked:
            command = ways.dedup(f"plan {options}", made.paths, None, given.threads, given.memory)
            done = watch([*command, "--json"], ways.environment(), given.limit, given.ceiling)
            if why := ways.why_failed(done):
                return f"dedup plan {options}: {why}"
            asked[options] = json.loads(done.stdout)
        said = asked[options][word]
        seen = {
            "cpu_s": one.median("cpu_s"),
            "wall_s": one.median("wall_s"),
            "memory": one.peak_bytes,
            "written": one.written,
        }
        found += [Forecast(one.name, figure, said[figure], seen[figure]) for figure in FIGURES if seen[figure]]
    return found


def forecasts_table(found: Sequence[Forecast]) -> str:
    """A line a figure."""
    rows = []
    for one in found:
        said, scale = FIGURES[one.figure]
        met = "" if one.figure == "wall_s" else "met" if abs(one.off) <= MOST_OFF else "NOT MET"
        rows.append([one.name, said, f"{one.said * scale:,.2f}", f"{one.seen * scale:,.2f}", f"{one.off:+.0%}", met])
    return table(("forecast by dedup plan", "of", "said", "seen", "off", f"within {MOST_OFF:.0%}"), rows)
