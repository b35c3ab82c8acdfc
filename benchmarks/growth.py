"""How time and memory grow with the crawl: a size at a time, kept as it comes, plotted from all that is there.

    python benchmarks/growth.py --into FOLDER --rivals DIR --size 10MB 100MB 1GB
    python benchmarks/growth.py --into FOLDER --size 10GB --memory 8G      # another day: the rows of 10 GB join the others
    python benchmarks/growth.py --into FOLDER                               # only draw again

Each row is written to FOLDER/raw.jsonl when it is done, and one that was run is not run again while its line stands there: a
session that was stopped goes on where it was. A way that would take longer than `--limit`, by its last size, or that failed at a
smaller one, is left out from there on, and the table says so. What is to be seen: CPU seconds a megabyte stay what they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import crawl
import plot
import record
import ways
from measure import Cost, table
from pipelines import capped
from truth import Score
from ways import Result

WAYS = ("dedup scan", "dedup scan --grain document", "dedup clean --grain document", "limit: pyarrow.json")
"""And the rivals; `--only` says otherwise."""
PLOTS = {
    "cpu": ("cpu_s", "CPU seconds", 1.0),
    "wall": ("wall_s", "wall seconds", 1.0),
    "memory": ("peak_bytes", "peak memory (PSS), MB", 1e-6),
}


def kept(folder: Path) -> tuple[list[dict[str, str]], list[Result]]:
    """The machines of the sessions, and the rows, that a folder holds."""
    raw = folder / "raw.jsonl"
    lines = [json.loads(line) for line in raw.read_text(encoding="utf-8").splitlines()] if raw.exists() else []
    rows = []
    for line in lines:
        if "machine" not in line:
            costs, score = [Cost(**cost) for cost in line["costs"]], line["score"] and Score(**line["score"])
            rows.append(Result(**{**line, "costs": costs, "score": score}))
    return [line["machine"] for line in lines if "machine" in line], rows


def keep(folder: Path, line: dict[str, object]) -> None:
    """Add a line to what a folder holds."""
    with (folder / "raw.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def not_run(name: str, mb: float, rows: Sequence[Result], limit: float) -> str:
    """Why a way is left out at a size, by its smaller sizes; empty where it is not."""
    smaller = [one for one in rows if one.name == name and one.mb < mb]
    if not smaller:
        return ""
    last = max(smaller, key=lambda one: one.mb)
    if last.left_out:
        return last.left_out if last.left_out.startswith("not at") else f"not at {last.mb:,.0f} MB: {last.left_out}"
    forecast = last.median("wall_s") * mb / last.mb
    return f"would take some {forecast:,.0f} s, more than --limit" if forecast > limit else ""


def run_size(made: crawl.Made, chosen: Sequence[ways.Way], given: argparse.Namespace) -> None:
    """Run what the folder does not hold yet of one size, and add it."""
    mb = made.file_bytes / 1e6
    _, rows = kept(given.into)
    done = {(one.name, one.mb) for one in rows if one.costs or one.left_out.startswith(("exit", "stopped"))}
    for way in chosen:
        if (way.name, mb) in done:
            continue
        result = Result(way.name, mb, left_out=not_run(way.name, mb, rows, given.limit))
        print(f"{mb:,.0f} MB: {way.name}: {result.left_out or 'runs'}", file=sys.stderr, flush=True)
        for _ in range(given.rounds):
            if not result.left_out:
                ways.run_once(way, made, given, result)
        keep(given.into, asdict(result))


def latest(rows: Sequence[Result]) -> list[Result]:
    """One row for each way and size, the last that was written, by way and then by size."""
    last = {(one.name, one.mb): one for one in rows}
    order = list(dict.fromkeys(one.name for one in rows))
    return sorted(last.values(), key=lambda one: (order.index(one.name), one.mb))


def rows_table(rows: Sequence[Result]) -> str:
    """A line for each way and size; the growth is that of CPU seconds a megabyte since the size before."""
    lines = []
    before: Result | None = None
    for one in rows:
        if not one.costs:
            lines.append([one.name, f"{one.mb:,.0f}", one.left_out, *[""] * 7])
            continue
        cpu, grown = one.median("cpu_s") / one.mb, ""
        if before and before.name == one.name:
            grown = f"{cpu / (before.median('cpu_s') / before.mb):.2f}"
        figures = [f"{one.median('cpu_s'):,.2f}", f"{one.median('wall_s'):,.2f}", f"{1000 * cpu:,.1f}", grown]
        scores = [f"{one.score.recall:.4f}", f"{one.score.precision:.4f}"] if one.score else ["", ""]
        lines.append([one.name, f"{one.mb:,.0f}", *figures, f"{one.peak_bytes / 1e6:,.0f}", capped(one), *scores])
        before = one
    head = ("what", "MB of JSONL", "CPU s", "wall s", "CPU ms a MB", "growth", "peak PSS MB", "within --memory")
    return table((*head, "recall", "precision"), lines)


def draw(folder: Path) -> str:
    """Write the page and the plots of a folder from all that it holds; returns the table."""
    machines, rows = kept(folder)
    rows = latest(rows)
    text = rows_table(rows)
    ran = [one for one in rows if one.costs]
    for name, (figure, unit, scale) in PLOTS.items():
        curves: dict[str, list[tuple[float, float]]] = {}
        for one in ran:
            curves.setdefault(one.name, []).append((one.mb, one.median(figure) * scale))
        if any(min(point) > 0 for curve in curves.values() for point in curve):
            (folder / f"{name}.svg").write_text(plot.lines("Growth", "MB of JSONL", unit, curves), encoding="utf-8")
    about = "\n\n".join("\n".join(f"- {name}: {value}" for name, value in machine.items()) for machine in machines)
    (folder / "README.md").write_text(f"# Growth\n\n{text}\n\n## Sessions\n\n{about}\n", encoding="utf-8")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run sizes, keep, draw; returns the exit code."""
    parser = argparse.ArgumentParser(description="How time and memory grow with the crawl; it can be resumed.")
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="where the run is kept")
    parser.add_argument("--size", type=crawl.size, nargs="*", default=[], help="crawls of these sizes are made")
    parser.add_argument("--crawl", type=Path, nargs="*", default=[], metavar="FOLDER", help="and those are there")
    parser.add_argument("--seed", type=int, default=1, help="draws the crawls [1]")
    parser.add_argument("--rounds", type=int, default=1)
    ways.add_options(parser)
    given = parser.parse_args(arguments)
    given.cache.mkdir(parents=True, exist_ok=True)
    given.into.mkdir(parents=True, exist_ok=True)
    if given.size or given.crawl:
        keep(given.into, {"machine": record.machine()})
    chosen, missing = ways.chosen(given)
    if not given.only:
        chosen = [way for way in chosen if way.rival or way.name in WAYS]
    for made in [ways.found(folder) for folder in given.crawl] + [
        ways.cached(size, given.seed, given.cache) for size in sorted(given.size)
    ]:
        run_size(made, chosen, given)
        draw(given.into)
    print(draw(given.into))
    print("".join(f"\nleft out: {name}: {why}" for name, why in missing.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
