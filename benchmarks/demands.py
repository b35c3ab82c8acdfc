"""What is asked of the speed of dedup, line by line, and what is seen: section 8 of the design, and long documents.

    python benchmarks/demands.py --rivals DIR [--mb 100] [--rounds 5] [--threads 2] [--keep] [--check]

The rows are those of `speed.py`, run here once; recall is that of `reach.py`. README.md says what is fair and what is not.
What whole pipelines take beside rivals is in `pipelines.py`; inputs at the edge are in `extremes.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import measure
import reach
import record
import speed
from measure import table
from speed import Measured

MOST_NS = 12.0
"""CPU nanoseconds that grouping may take for a key."""
MOST_SEGMENT_BYTES = 130.0
LEAST_RECALL, ALIKE = 0.999, 0.8
"""Of the pairs with this Jaccard similarity or more."""
LEAST_MB = 10.0
"""Of a corpus below which recall is not asked of whole documents: their pairs are found without candidates too, in half a minute."""


@dataclass(frozen=True, slots=True)
class Line:
    """One demand: what it is about, what is asked, what is seen, and whether it is met; None where it was not run."""

    about: str
    asked: str
    seen: str
    met: bool | None


def ratio_lines(done: Measured, ratios: Sequence[measure.Ratio]) -> list[Line]:
    """A line for each ratio of which something is asked."""
    by_pair = {(one.ratio.over, one.ratio.under): one for one in done.found}
    lines = []
    for ratio in ratios:
        if not ratio.demand:
            continue
        about, one = f"{ratio.over} / {ratio.under}", by_pair.get((ratio.over, ratio.under))
        if ratio.wall:
            about += f", wall time; load averages {done.load}"
        seen = f"{one.median:.2f}x ({one.low:.2f}-{one.high:.2f})" if one else "not run"
        lines.append(Line(about, f"{ratio.demand}x", seen, one.holds if one else None))
    return lines


def grouping_line(done: Measured) -> Line:
    """Nanoseconds a key."""
    (row,) = (row for row in done.rows if row.name == speed.GROUP)
    ns = sorted(each * 1e9 for each in row.per_unit())
    middle = ns[len(ns) // 2]
    return Line(row.name, f"<= {MOST_NS:g} ns a key", f"{middle:.1f} ({ns[0]:.1f}-{ns[-1]:.1f})", middle <= MOST_NS)


def segment_lines(done: Measured) -> list[Line]:
    """Bytes a segment, of each scan."""
    asked = f"<= {MOST_SEGMENT_BYTES:g} B a segment"
    return [
        Line(f"{name}: memory above modules and text", asked, f"{each:,.0f}", each <= MOST_SEGMENT_BYTES)
        for name, each in done.segments.items()
    ]


def recall_line(mb: float) -> Line:
    """Pairs that are found of those alike, among edited paragraphs and, but for small corpora, whole documents."""
    texts = {"edited paragraphs": reach.edited_paragraphs(min(reach.EDITED, round(mb * 100)))}
    if mb >= LEAST_MB:
        texts["documents"] = reach.documents()
    rows = [row for name, some in texts.items() for row in reach.reached(name, some, "document")]
    alike = [row for row in rows if row.measure == "jaccard" and row.low >= ALIKE]
    pairs, found = sum(row.pairs for row in alike), sum(row.found for row in alike)
    recall = found / max(pairs, 1)
    about = f"recall of pairs at Jaccard >= {ALIKE:g}: {' and '.join(texts)} against --exact"
    return Line(about, f">= {LEAST_RECALL:g}", f"{recall:.4f} ({found:,} of {pairs:,})", recall >= LEAST_RECALL)


def lines_of(done: Measured, given: argparse.Namespace) -> list[Line]:
    """All lines, in the order of the design."""
    wholes = [
        ratio
        for layout in (() if given.no_wholes else given.layout)
        for ratio in speed.whole_ratios(layout, given.threads)
    ]
    lines = [*ratio_lines(done, speed.RATIOS), grouping_line(done), *ratio_lines(done, wholes)]
    return [*lines, *segment_lines(done), recall_line(given.mb)]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, keep; returns the exit code."""
    parser = argparse.ArgumentParser(description="What is asked of the speed of dedup, and what is seen.")
    speed.add_options(parser)
    parser.set_defaults(threads=2)
    parser.add_argument("--check", action="store_true", help="exit 1 where a line is not met")
    given = parser.parse_args(words)
    machine = record.machine()
    done = speed.run(given)
    lines = lines_of(done, given)
    verdicts = {True: "met", False: "NOT MET", None: ""}
    rows = [[line.about, line.asked, line.seen, verdicts[line.met]] for line in lines]
    text = "\n\n".join(
        [table(("CPU time, one thread, unless said", "asked", "seen", ""), rows), "## All rows", done.text]
    )
    print(text)
    if given.keep:
        raw: list[dict[str, object]] = [asdict(line) for line in lines]
        raw += [
            {"name": row.name, "unit": row.unit, "amount": row.amount, "costs": list(map(asdict, row.costs))}
            for row in done.rows
        ]
        print(f"\nkept in {record.keep_lines(Path(__file__).with_name('results'), machine, raw, text, 'Demands')}")
    return int(given.check and any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
