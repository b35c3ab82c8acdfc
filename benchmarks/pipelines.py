"""End to end on one crawl, from JSONL to cleaned JSONL: ours, each rival, and what reading alone costs.

    python benchmarks/rivals.py --install DIR
    python benchmarks/pipelines.py --rivals DIR [--size 100MB] [--rounds 3] [--keep]
    python benchmarks/pipelines.py --crawl FOLDER --only 'dedup clean' --memory 8G

What each leaves is held against the truth of the crawl: see `truth.Score` for what recall and precision are. README.md says
which row is to be compared with which, and what is fair. `growth.py` runs the same over many sizes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import crawl
import plot
import record
import ways
from forecasts import forecasts, forecasts_table
from measure import table
from ways import LIKE, Result, Way

ASKED = 20.0
"""Times the throughput of the fastest rival, at recall no lower than its own."""


def run_rounds(made: crawl.Made, given: argparse.Namespace, chosen: Sequence[Way]) -> list[Result]:
    """All ways over a crawl in turn, round after round, every other round backwards."""
    mb = made.file_bytes / 1e6
    results = {way.name: Result(way.name, mb) for way in chosen}
    for number in range(given.rounds):
        for way in chosen if number % 2 == 0 else list(reversed(chosen)):
            if not results[way.name].left_out:
                print(f"{mb:,.0f} MB, round {number + 1}: {way.name}", file=sys.stderr, flush=True)
                ways.run_once(way, made, given, results[way.name])
    return list(results.values())


def results_table(results: Sequence[Result]) -> str:
    """A line a way: cost, and how well it found what was planted."""
    rows = []
    for one in results:
        if not one.costs:
            rows.append([one.name, one.left_out, *[""] * 9])
            continue
        cpu, found = one.median("cpu_s"), one.score
        scores = ["", "", "", ""]
        if found:
            scores = [f"{found.recall:.4f}", f"{found.precision:.4f}", f"{found.lost:,}", f"{found.furniture:.1%}"]
        spread = f"{min(cost.cpu_s for cost in one.costs):.2f}-{max(cost.cpu_s for cost in one.costs):.2f}"
        own = "" if one.own is None else f"{one.own:.0%}"
        figures = [f"{cpu:.2f} ({spread})", f"{one.median('wall_s'):.2f}", f"{one.mb / cpu:,.1f}"]
        rows.append([one.name, *figures, f"{one.peak_bytes / 1e6:,.0f}", capped(one), own, *scores])
    head = ("what", "CPU s (spread)", "wall s", "MB/s of CPU", "peak PSS MB", "within --memory", "own code")
    return table((*head, "recall", "precision", "stories lost", "furniture gone"), rows)


def capped(one: Result) -> str:
    """Whether a way kept within its memory; empty where it was told of none."""
    if one.cap is None or not one.peak_bytes:
        return ""
    return "yes" if one.peak_bytes <= one.cap else "NO"


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
    """Each of our rows beside the fastest rival that may be counted, in CPU and in wall time, recall beside them."""
    by_name = {one.name: one for one in results if one.costs}
    rivals = [by_name[way.name] for way in chosen if way.counted and way.name in by_name]
    ours = [one for name, one in by_name.items() if name.startswith("dedup ")]
    if not rivals or not ours:
        return "No rival was run."
    rows = []
    for what, said in (("cpu_s", "CPU"), ("wall_s", "wall")):
        best = min(rivals, key=lambda one: one.median(what))
        for one in ours:
            ratio = best.median(what) / one.median(what)
            met = ""
            if one.name == LIKE and one.score and best.score:
                met = "met" if ratio >= ASKED and one.score.recall >= best.score.recall else "NOT MET"
            rows.append([said, one.name, _recall(one), best.name, _recall(best), f"{ratio:.1f}x", met])
    asked = f">= {ASKED:g}x, recall no lower"
    return table(("time", "ours", "recall", "fastest rival counted", "its recall", "it takes", asked), rows)


def _recall(one: Result) -> str:
    return f"{one.score.recall:.4f}" if one.score else "writes nothing"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, keep; returns the exit code: 1 where a way of ours failed or took more than its memory."""
    parser = argparse.ArgumentParser(description="End to end on one crawl: ours, each rival, and what reading costs.")
    parser.add_argument("--size", type=crawl.size, default=crawl.size("100MB"), help="of the crawl [100MB]")
    parser.add_argument("--crawl", type=Path, metavar="FOLDER", help="one that crawl.py has made, in place of --size")
    parser.add_argument("--seed", type=int, default=1, help="draws the crawl [1]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="write what was measured below benchmarks/results")
    parser.add_argument(
        "--forecast", action="store_true", help="say too what dedup plan forecasts for the rows of ours"
    )
    ways.add_options(parser)
    given = parser.parse_args(arguments)
    given.cache.mkdir(parents=True, exist_ok=True)
    about = record.machine()
    about["python packages"] = "dedup's; the rivals' are pinned in benchmarks/rivals"
    chosen, missing = ways.chosen(given)
    made = ways.found(given.crawl) if given.crawl else ways.cached(given.size, given.seed, given.cache)
    results = run_rounds(made, given, chosen)
    parts = [f"{made.file_bytes / 1e6:,.0f} MB of JSONL, {made.records:,} records."]
    parts += [results_table(results), kinds_table(results), verdict(results, chosen)]
    if given.forecast:
        said = forecasts(made, given, results)
        parts.append(said if isinstance(said, str) else forecasts_table(said))
    parts += [f"left out: {name}: {why}" for name, why in missing.items()]
    text = "\n\n".join(parts)
    print(text)
    if given.keep:
        lines: list[dict[str, object]] = [asdict(one) for one in results]
        target = record.keep_lines(Path(__file__).with_name("results"), about, lines, text, "Pipelines")
        speeds = {one.name: one.mb / one.median("cpu_s") for one in results if one.costs}
        bars = plot.bars("JSONL to cleaned JSONL, per second of CPU time", "MB/s", speeds)
        (target / "plot.svg").write_text(bars, encoding="utf-8")
        print(f"\nkept in {target}")
    ours = [one for one in results if one.name.startswith("dedup ")]
    return int(any(one.left_out or capped(one) == "NO" for one in ours))


if __name__ == "__main__":
    sys.exit(main())
