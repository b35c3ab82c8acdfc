"""End to end on one crawl, from JSONL to cleaned JSONL: ours, each rival, and what reading alone costs.

    python benchmarks/rivals.py --install DIR
    python benchmarks/pipelines.py --rivals DIR [--size 10MB 100MB] [--rounds 3] [--keep]

Every row is a process of its own, measured from outside: CPU seconds of its whole process tree, wall seconds, peak
memory (PSS, summed over the tree); starting the interpreter is part of it on every side. What each leaves is held against
the truth of the crawl: see `truth.Score` for what recall and precision are. README.md says what is fair.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import crawl
import plot
import record
from measure import Cost, table
from rivals import RIVALS
from truth import Score, score
from watch import watch

ROOT = Path(__file__).resolve().parents[1]
CLEAN, SCAN = "dedup clean", "dedup scan"
_PYARROW = """
import sys, pyarrow as pa
from pyarrow import json
fields = pa.schema([(name, pa.string()) for name in ("id", "url", "date", "title", "text")])
for path in sys.argv[1:]:
    json.read_json(path, json.ReadOptions(use_threads=False), json.ParseOptions(explicit_schema=fields))
"""
_MEMORY = """
import sys, numpy as np
for path in sys.argv[1:]:
    raw = np.fromfile(path, np.uint8)
    int(raw[: len(raw) // 8 * 8].view(np.uint64).sum())
"""


@dataclass(slots=True)
class Way:
    """One way from files to files, or a limit.

    Attributes:
        name: of the row.
        command: what runs it, from the files and the path to write.
        cleaned: the files that it leaves, from the path to write; None where it leaves none.
        counted: it may be the fastest rival.
        rival: it is not ours, nor a limit.
    """

    name: str
    command: Callable[[list[str], str], list[str]]
    cleaned: Callable[[Path], list[Path]] | None = None
    counted: bool = False
    rival: bool = False


@dataclass(slots=True)
class Result:
    """What a way cost and came to on one crawl.

    Attributes:
        left_out: why it was not run; empty where it was.
        own: share of its CPU time in the rival's own code, where its adapter says.
    """

    name: str
    mb: float
    costs: list[Cost] = field(default_factory=list)
    score: Score | None = None
    own: float | None = None
    left_out: str = ""

    def median(self, what: str) -> float:
        """The median of a figure of its costs."""
        return statistics.median(getattr(cost, what) or 0 for cost in self.costs)


def ways(folder: Path | None, threads: int) -> tuple[list[Way], dict[str, str]]:
    """All that can be run here, and why the others cannot."""
    ours = [sys.executable, str(ROOT / "cli.py")]
    found = [
        Way("limit: memory read", lambda files, _: [sys.executable, "-c", _MEMORY, *files]),
        Way("limit: pyarrow.json", lambda files, _: [sys.executable, "-c", _PYARROW, *files]),
        Way(SCAN, lambda files, _: [*ours, "scan", *files, "-q", "--threads", str(threads)]),
        Way(
            CLEAN,
            lambda files, out: [*ours, "clean", *files, "-o", out, "-q", "--threads", str(threads)],
            lambda out: sorted(out.glob("*.jsonl")),
        ),
    ]
    if zstd := shutil.which("zstd"):
        found.insert(1, Way("limit: zstd -d", lambda files, _: [zstd, "-dqc", *(f"{path}.zst" for path in files)]))
    missing: dict[str, str] = {}
    for rival in RIVALS:
        why = rival.missing(folder) if folder else "no environments are named: --rivals DIR"
        if why or folder is None:
            missing[rival.name] = why
            continue
        found.append(
            Way(
                rival.name,
                lambda files, out, rival=rival: rival.command(folder, files, out),  # type: ignore[misc]
                lambda out: [out],
                counted=not rival.shingles_here,
                rival=True,
            )
        )
    return found, missing


def run_once(way: Way, files: list[str], truth: Path, work: Path, limit: float, result: Result) -> None:
    """Run a way over a crawl and add what it cost; the first time, hold what it leaves against the truth."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        out = Path(folder) / "out.jsonl"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)} if not way.rival else dict(os.environ)
        done = watch(way.command(files, str(out)), environment, limit)
        if done.stopped:
            result.left_out = f"stopped after {limit:g} s"
        elif done.code:
            result.left_out = f"exit {done.code}: {(done.stderr.strip().splitlines() or ['nothing said'])[-1][:200]}"
        else:
            result.costs.append(done.cost)
        if done.code or done.stopped:
            return
        if way.cleaned and result.score is None:
            result.score = score(truth, [Path(path) for path in files], way.cleaned(out))
        if way.rival:
            phases = json.loads(done.stdout.strip().splitlines()[-1])["phases"]
            result.own = phases.get("own", 0.0) / max(sum(phases.values()), 1e-9)


def run_size(size: int, given: argparse.Namespace, chosen: Sequence[Way], before: Sequence[Result]) -> list[Result]:
    """All ways over a crawl of one size, in turn, round after round, every other round backwards."""
    home = given.cache / f"crawl-v{crawl.VERSION}-{size}-seed{given.seed}"
    about = home / "crawl.json"
    if not about.exists():
        crawl.make(crawl.Plan(size, given.seed), home)
    made = json.loads(about.read_text(encoding="utf-8"))
    files, mb = made["paths"], made["file_bytes"] / 1e6
    if shutil.which("zstd"):
        for path in files:
            if not Path(f"{path}.zst").exists():
                subprocess.run(["zstd", "-q", "-3", path, "-o", f"{path}.zst"], check=True)
    results = {way.name: Result(way.name, mb) for way in chosen}
    for old in before:
        forecast = old.median("wall_s") * mb / old.mb if old.costs else 0
        if old.left_out and old.name in results:
            results[old.name].left_out = f"not at {old.mb:,.0f} MB: {old.left_out}"
        elif forecast > given.limit:
            results[old.name].left_out = f"would take some {forecast:,.0f} s, more than --limit"
    for number in range(given.rounds):
        for way in chosen if number % 2 == 0 else list(reversed(chosen)):
            if not results[way.name].left_out:
                print(f"{mb:,.0f} MB, round {number + 1}: {way.name}", file=sys.stderr, flush=True)
                run_once(way, files, Path(made["truth"]), given.cache, given.limit, results[way.name])
    return list(results.values())


def results_table(results: Sequence[Result]) -> str:
    """A line a way: cost, and how well it found what was planted."""
    rows = []
    for one in results:
        if not one.costs:
            rows.append([one.name, one.left_out, *[""] * 8])
            continue
        cpu, found = one.median("cpu_s"), one.score
        scores = ["", "", "", ""]
        if found:
            scores = [f"{found.recall:.4f}", f"{found.precision:.4f}", f"{found.lost:,}", f"{found.furniture:.1%}"]
        spread = f"{min(cost.cpu_s for cost in one.costs):.2f}-{max(cost.cpu_s for cost in one.costs):.2f}"
        own = "" if one.own is None else f"{one.own:.0%}"
        memory = f"{one.median('peak_bytes') / 1e6:,.0f}"
        rows.append(
            [
                one.name,
                f"{cpu:.2f} ({spread})",
                f"{one.median('wall_s'):.2f}",
                f"{one.mb / cpu:,.1f}",
                memory,
                own,
                *scores,
            ]
        )
    head = ("what", "CPU s (spread)", "wall s", "MB/s of CPU", "peak PSS MB", "own code")
    return table((*head, "recall", "precision", "stories lost", "furniture gone"), rows)


def kinds_table(results: Sequence[Result]) -> str:
    """Recall by kind of copy, near copies by the share of tokens replaced."""
    scored = [one for one in results if one.score]
    kinds = sorted({kind for one in scored if one.score for kind in one.score.by_kind}, key=_kind_order)
    rows = [[one.name, *(f"{one.score.by_kind.get(kind, 0):.4f}" for kind in kinds)] for one in scored if one.score]
    return table(("recall of", *kinds), rows)


def _kind_order(kind: str) -> tuple[str, float]:
    word, _, rate = kind.partition(" ")
    return word, float(rate or 0)


def verdict(results: Sequence[Result], chosen: Sequence[Way]) -> str:
    """Ours beside the fastest rival that may be counted, in CPU and in wall time."""
    by_name = {one.name: one for one in results if one.costs}
    rivals = [by_name[way.name] for way in chosen if way.counted and way.name in by_name]
    ours = by_name.get(CLEAN)
    if not rivals or ours is None:
        return "No rival was run."
    lines = []
    for what, said in (("cpu_s", "CPU"), ("wall_s", "wall")):
        best = min(rivals, key=lambda one: one.median(what))
        ratio = best.median(what) / ours.median(what)
        lines.append(f"- {said} time: the fastest rival counted is {best.name}; it takes {ratio:.1f}x that of {CLEAN}.")
    return "\n".join(lines)


def figure(results: Sequence[Sequence[Result]]) -> str:
    """Bars where there is one size, lines where there are more."""
    if len(results) == 1:
        speeds = {one.name: one.mb / one.median("cpu_s") for one in results[0] if one.costs}
        return plot.bars("JSONL to cleaned JSONL, per second of CPU time", "MB/s", speeds)
    curves: dict[str, list[tuple[float, float]]] = {}
    for some in results:
        for one in some:
            if one.costs:
                curves.setdefault(one.name, []).append((one.mb, one.median("cpu_s")))
    return plot.lines("JSONL to cleaned JSONL", "MB of JSONL", "CPU seconds", curves)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, keep; returns the exit code."""
    parser = argparse.ArgumentParser(description="End to end on one crawl: ours, each rival, and what reading costs.")
    parser.add_argument(
        "--size", type=crawl.size, nargs="+", default=[crawl.size("100MB")], help="of the crawls [100MB]"
    )
    parser.add_argument("--rivals", type=Path, metavar="DIR", help="environments that rivals.py --install made")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only the ways whose names have one of these words")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=900, help="seconds that a run may take [900]")
    parser.add_argument("--threads", type=int, default=1, help="of dedup [1]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "dedup-benchmarks")
    parser.add_argument("--keep", action="store_true", help="write what was measured below benchmarks/results")
    given = parser.parse_args(arguments)
    about = record.machine()
    about["python packages"] = "dedup's; the rivals' are pinned in benchmarks/rivals"
    chosen, missing = ways(given.rivals, given.threads)
    if given.only:
        chosen = [way for way in chosen if any(word in way.name for word in given.only)]
    results: list[list[Result]] = []
    parts = []
    for size in sorted(given.size):
        results.append(run_size(size, given, chosen, results[-1] if results else []))
        here = results[-1]
        parts += [f"## {here[0].mb:,.0f} MB of JSONL", results_table(here), kinds_table(here), verdict(here, chosen)]
    parts += [f"left out: {name}: {why}" for name, why in missing.items()]
    text = "\n\n".join(parts)
    print(text)
    if given.keep:
        lines: list[dict[str, object]] = [asdict(one) for some in results for one in some]
        target = record.keep_lines(Path(__file__).with_name("results"), about, lines, text, "Pipelines")
        (target / "plot.svg").write_text(figure(results), encoding="utf-8")
        print(f"\nkept in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
