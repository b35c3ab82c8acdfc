"""Sweeps k, bands x rows, measure and threshold for one grain over the labelled sets, and keeps the table.

    python benchmarks/sweep.py document            # prints the table and writes results/sweep-document.md
    python benchmarks/sweep.py paragraph --no-keep

Each setting of k, bands and measure is run once, at the lowest threshold; the pairs of a higher one are among its pairs. What is
short (`Config.short_tokens`) is measured by `edit` at the default line of paragraphs whatever the setting of documents, as in every run.
CPU seconds are those of all sets of the grain at the lowest threshold: compare them within a column, not with another table's.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from labelled import Labelled, lctt, ocr, planted, poem_paragraphs, poems, taiwan_laws, with_equals
from measure import table
from record import machine

import dedup
from dedup.config import Config, Matching, Measure
from dedup.pairing import Pairs

LANGUAGES: tuple[Literal["zh", "en"], ...] = ("zh", "en")
RATES = (0.01, 0.05, 0.1)
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is swept for a grain: the sets, and the values of each setting; thresholds from the lowest."""

    sets: tuple[Callable[[], Labelled], ...]
    ks: tuple[int, ...]
    shapes: tuple[tuple[int, int], ...]
    thresholds: dict[Measure, tuple[float, ...]]


PLANS = {
    "document": Plan(
        (lctt, taiwan_laws, poems, ocr),
        (2, 3, 4),
        ((32, 3), (40, 3), (48, 3), (32, 4), (48, 4)),
        {
            "jaccard": (0.25, 0.3, 0.36, 0.4, 0.45, 0.5, 0.55, 0.6),
            "containment": (0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
            "edit": (0.6, 0.65, 0.7, 0.75, 0.8, 0.85),
        },
    ),
    "paragraph": Plan(
        (poem_paragraphs, *(partial(planted, language, rate) for language in LANGUAGES for rate in RATES)),
        (2, 3, 4),
        ((16, 3), (20, 3), (16, 4), (20, 4), (25, 5)),
        {"edit": (0.75, 0.8, 0.85, 0.9), "jaccard": (0.5, 0.6, 0.7, 0.8)},
    ),
    "sentence": Plan(
        tuple(partial(planted, language, rate, "sentence") for language in LANGUAGES for rate in RATES),
        (2, 3),
        ((16, 3), (20, 3), (16, 4), (20, 4)),
        {"edit": (0.75, 0.8, 0.85, 0.9), "jaccard": (0.5, 0.6, 0.7)},
    ),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a grain, but for the threshold."""

    k: int
    bands: int
    rows: int
    measure: Measure

    def config(self, labelled: Labelled, threshold: float) -> Config:
        """The configuration for a set: its grain is set to this, the others stay as they are."""
        matching = Matching(bands=self.bands, rows=self.rows, measure=self.measure, threshold=threshold)
        config = replace(labelled.config(), k=self.k)
        return {
            "document": replace(config, document=matching),
            "paragraph": replace(config, paragraph=matching),
            # short sentences are measured as paragraphs are
            "sentence": replace(config, sentence=matching, paragraph=matching),
        }[labelled.grain]


def settings(plan: Plan) -> Iterator[Setting]:
    """All of a plan."""
    for k, (bands, rows), measure in itertools.product(plan.ks, plan.shapes, plan.thresholds):
        yield Setting(k, bands, rows, measure)


def cells(labelled: Labelled, pairs: Pairs, found: dict[tuple[int, int], float], threshold: float) -> list[str]:
    """The columns of a set at a threshold: recall and the share joined elsewhere where it is planted, else recall, F1, unlabelled."""
    got = {pair for pair, similarity in found.items() if similarity >= threshold - 1e-9}
    hits = len(got & labelled.true)
    if labelled.planted:
        n = len(labelled.texts) // 2
        acts = (pairs.why == "") & (pairs.first < n) & (pairs.second < n) & (pairs.similarity >= threshold - 1e-9)
        return [f"{hits / len(labelled.true):.3f} ({len(set(pairs.second[acts].tolist())) / n:.4f})"]
    f1 = 2 * hits / (len(labelled.true) + len(got))
    return [f"{hits / len(labelled.true):.3f} / {f1:.3f} / {1 - hits / len(got) if got else 0:.1%}"]


def rows_of(setting: Setting, sets: Sequence[Labelled], thresholds: Sequence[float]) -> list[list[str]]:
    """A row a threshold."""
    begin = time.process_time()
    runs = [dedup.matches(one.texts, setting.config(one, thresholds[0])) for one in sets]
    cpu = f"{time.process_time() - begin:.1f}"
    merged = [with_equals(pairs) for pairs in runs]
    head = [str(setting.k), f"{setting.bands}x{setting.rows}", str(setting.bands * setting.rows), setting.measure]
    rows = []
    for threshold in thresholds:
        columns = [cells(*each, threshold) for each in zip(sets, runs, merged, strict=True)]
        rows.append([*head, f"{threshold:g}", *itertools.chain(*columns), cpu])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep a grain."""
    parser = argparse.ArgumentParser(description="Sweep the settings of one grain over the labelled sets.")
    parser.add_argument("grain", choices=list(PLANS))
    parser.add_argument("--no-keep", action="store_true", help="print the table and keep nothing")
    given = parser.parse_args(arguments)
    plan = PLANS[given.grain]
    about = machine()
    sets = [make() for make in plan.sets]
    rows: list[list[str]] = []
    for setting in settings(plan):
        print(f"  {setting}", file=sys.stderr)
        rows += rows_of(setting, sets, plan.thresholds[setting.measure])
    head = ("k", "bands", "lanes", "measure", "from", *(one.name for one in sets), "CPU s")
    text = table(head, rows)
    print(text)
    if not given.no_keep:
        facts = "\n".join(
            f"- {name}: {about[name]}" for name in ("date", "command", "cpu", "commit", "python", "numpy")
        )
        note = (
            "Of a set: recall / F1 against the labels / share of the reported pairs that are not labelled. Of a planted set: recall, "
            "and in brackets the share of sources that would go for another source."
        )
        (RESULTS / f"sweep-{given.grain}.md").write_text(
            f"# Sweep of the grain {given.grain}\n\n{facts}\n\n{note}\n\n{text}\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
