"""What the defaults find on labelled text, beside MinHash at settings that others ship. One setting for all languages.

    python benchmarks/quality.py                     # all sets, all tables, some minutes
    python benchmarks/quality.py --no-rivals lctt ocr
    python benchmarks/quality.py --preset noisy --no-rivals
    python benchmarks/quality.py --keep              # and write the figures to floors.json

The pairs that a run reports are those of `dedup.matches`, and those that follow from equal texts. Recall is the share of the labelled
pairs that are reported; a reported pair that is not labelled is *unlabelled*: editions, licences and laws have kin that nobody listed.
Precision by the rule is the share of reported pairs that are labelled, or that the oracle of the tests, which shares no code
with dedup, measures at or above the threshold. F1 is against the labels alone, so true pairs that nobody listed lower it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import reach
import shipped
from labelled import SETS, Labelled, Pair, digest, with_equals
from measure import table

import dedup
from dedup.config import Config, Matching, preset

FLOORS = Path(__file__).parent / "floors.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "quality.md"
CHECKED = 300
"""Unlabelled pairs of a set that the oracle measures, drawn by lot where there are more: it is slow."""
BINS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.0)
JACCARD_6 = Matching(bands=16, rows=4, measure="jaccard", threshold=0.6)
"""What unlike paragraphs are not to be joined more often than with, k = 3."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found of one set.

    Attributes:
        true, reported, hits: labelled pairs; pairs reported; pairs that are both.
        wrong: of `checked` unlabelled pairs those that the oracle measures below the threshold.
        grades: grade -> recall of the pairs of this grade.
        elsewhere: of a planted set the share of sources that would go for another source; -1 of other sets.
        cpu_s: CPU seconds of the run.
    """

    true: int
    reported: int
    hits: int
    wrong: int
    checked: int
    grades: dict[str, float]
    elsewhere: float
    cpu_s: float

    @property
    def recall(self) -> float:
        """Share of the labelled pairs that are reported."""
        return self.hits / self.true

    @property
    def unlabelled(self) -> float:
        """Share of the reported pairs that are not labelled."""
        return 1 - self.hits / self.reported if self.reported else 0.0

    @property
    def f1(self) -> float:
        """Of recall, and of precision against the labels alone."""
        return 2 * self.hits / (self.true + self.reported)

    @property
    def precision(self) -> float:
        """By the rule: the unlabelled pairs are taken to be right at the rate of those that were checked."""
        wrong = (self.reported - self.hits) * self.wrong / self.checked if self.checked else 0.0
        return 1 - wrong / self.reported if self.reported else 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """The pairs that are reported, and those that follow from equal texts, with their similarity; the CPU seconds it took.

    Of a planted set `elsewhere` is the share of the sources that would go for another source, numbers heeded.
    """

    pairs: dict[Pair, float]
    cpu_s: float
    elsewhere: float = -1.0


def found_by(labelled: Labelled, config: Config | None = None) -> Found:
    """Run the public API over a set."""
    begin = time.process_time()
    pairs = dedup.matches(labelled.texts, labelled.config(config))
    cpu_s = time.process_time() - begin
    elsewhere = -1.0
    if labelled.planted:
        n = len(labelled.texts) // 2
        acts = (pairs.why == "") & (pairs.second < n) & (pairs.first < n)
        elsewhere = len(set(pairs.second[acts].tolist())) / n
    return Found(with_equals(pairs), cpu_s, elsewhere)


def figures_of(labelled: Labelled, found: Found, config: Config | None, checked: int = CHECKED) -> Figures:
    """Compare what is reported with the labels, and with the oracle.

    Args:
        checked: how many unlabelled pairs the oracle is to measure.
    """
    hits = [pair for pair in found.pairs if pair in labelled.true]
    unlabelled = sorted(pair for pair in found.pairs if pair not in labelled.true)
    drawn = random.Random(1).sample(unlabelled, min(checked, len(unlabelled)))
    oracle = Oracle(labelled, config)
    wrong = sum(not oracle.agrees(pair) for pair in drawn)
    by_grade: dict[str, list[bool]] = {}
    for pair, grade in labelled.grades.items():
        by_grade.setdefault(grade, []).append(pair in found.pairs)
    grades = {grade: sum(got) / len(got) for grade, got in by_grade.items()}
    return Figures(
        true=len(labelled.true), reported=len(found.pairs), hits=len(hits), wrong=wrong, checked=len(drawn),
        grades=grades, elsewhere=found.elsewhere, cpu_s=found.cpu_s,
    )  # fmt: skip


class Oracle:
    """Measures pairs with `tests/naive.py`."""

    def __init__(self, labelled: Labelled, config: Config | None) -> None:
        tests = str(Path(__file__).resolve().parents[1] / "tests")
        if tests not in sys.path:
            sys.path.append(tests)
        self._naive: Any = importlib.import_module("naive")
        self._han = importlib.import_module("folding").han()
        self._texts, self._config, self._grain = labelled.texts, labelled.config(config), labelled.grain
        self._tokens: dict[int, list[str]] = {}

    def agrees(self, pair: Pair) -> bool:
        """Whether the similarity is at or above the threshold."""
        one, two = self.tokens(pair[0]), self.tokens(pair[1])
        short = max(len(one), len(two)) <= self._config.short_tokens
        matching = self._config.paragraph if short else self._config.matching(self._grain)
        if matching.measure == "edit":
            return bool(self._naive.edit_similarity(one, two) >= matching.threshold - 1e-9)
        sets = [
            {tuple(t[i : i + self._config.k]) for i in range(max(len(t) - self._config.k + 1, 1))} for t in (one, two)
        ]
        sets.sort(key=len)
        return bool(getattr(self._naive, matching.measure)(*sets) >= matching.threshold - 1e-9)

    def tokens(self, i: int) -> list[str]:
        """The tokens of a text."""
        if i not in self._tokens:
            self._tokens[i] = [token.text for token in self._naive.tokens(self._texts[i].encode(), self._han)]
        return self._tokens[i]


def by_similarity(labelled: Labelled, found: dict[Pair, float]) -> list[tuple[float, int, float]]:
    """Labelled pairs by their edit similarity: (lower end of the bin, pairs, recall)."""
    texts = labelled.texts
    measured = {pair: dedup.compare(texts[pair[0]], texts[pair[1]]).measures["edit"] for pair in labelled.grades}
    rows = []
    for high, low in zip((1.01, *BINS), BINS, strict=False):
        mine = [pair for pair, similarity in measured.items() if low <= similarity < high]
        if mine:
            rows.append((low, len(mine), sum(pair in found for pair in mine) / len(mine)))
    return rows


def named(figures: dict[str, Figures]) -> dict[str, float]:
    """The figures under the names that floors.json has."""
    flat: dict[str, float] = {}
    for name, one in figures.items():
        flat |= {f"{name}.recall": one.recall, f"{name}.f1": one.f1, f"{name}.precision": one.precision}
        flat |= {f"{name}.unlabelled": one.unlabelled}
        flat |= {f"{name}.recall.{grade}": recall for grade, recall in one.grades.items()}
        if one.elsewhere >= 0:
            flat[f"{name}.elsewhere"] = one.elsewhere
    return flat


def missed(figures: dict[str, float], floors: dict[str, float]) -> list[str]:
    """What is below its floor, in words; a floor of `unlabelled` or `elsewhere` is a ceiling."""
    wrong = []
    for name, floor in floors.items():
        if name in figures:
            ceiling = name.endswith((".unlabelled", ".elsewhere"))
            value = figures[name]
            if value > floor + 1e-9 if ceiling else value < floor - 1e-9:
                wrong.append(f"{name} is {value:.4f}, {'above' if ceiling else 'below'} its floor of {floor}")
    return wrong


def figures_table(sets: Sequence[Labelled], figures: dict[str, Figures]) -> str:
    """A row a set."""
    head = ("set", "grain", "texts", "pairs", "recall", "F1", "unlabelled", "precision by the rule", "CPU s")
    lines = []
    for one in sets:
        got = figures[one.name]
        checked = f"{got.precision:.3f} ({got.checked:,} checked)" if got.checked else f"{got.precision:.3f}"
        lines.append([
            one.name, one.grain, f"{len(one.texts):,}", f"{got.true:,}", f"{got.recall:.3f}", f"{got.f1:.3f}",
            f"{got.reported - got.hits:,} ({got.unlabelled:.1%})", checked, f"{got.cpu_s:.1f}",
        ])  # fmt: skip
    return table(head, lines)


def rivals_table(sets: Sequence[Labelled], figures: dict[str, Figures]) -> str:
    """A row a set: recall, F1 and unlabelled pairs, ours and those of each shipped setting."""
    lines = []
    for one in sets:
        row = [one.name, _in_short(figures[one.name])]
        for setting in shipped.SETTINGS:
            pairs = shipped.pairs(one.texts, setting)
            hits = len(pairs & one.true)
            row.append(_in_short(Figures(len(one.true), len(pairs), hits, 0, 0, {}, -1.0, 0.0)))
        lines.append(row)
        print(f"  {one.name} done", file=sys.stderr)
    return table(("set", "dedup", *(setting.name for setting in shipped.SETTINGS)), lines)


def _in_short(got: Figures) -> str:
    return f"{got.recall:.3f} / {got.f1:.3f} / {got.reported - got.hits:,}"


def grades_tables(sets: Sequence[Labelled], found: dict[str, Found], figures: dict[str, Figures]) -> dict[str, str]:
    """Of graded sets the recall by grade and by similarity; of planted ones how many sources would go for another."""
    tables = {}
    for one in sets:
        if one.grades:
            rows = [(grade, f"{recall:.3f}") for grade, recall in figures[one.name].grades.items()]
            tables["versions"] = table(("version", "recall"), rows)
            bins = [
                (f"{low:.2f}", f"{n:,}", f"{recall:.3f}")
                for low, n, recall in by_similarity(one, found[one.name].pairs)
            ]
            tables["similarity"] = table(("edit similarity from", "pairs", "recall"), bins)
    if planted := [one for one in sets if one.planted]:
        both = {one.name: (figures[one.name].elsewhere, joined_by_jaccard(one)) for one in planted}
        both["mean"] = (mean(ours for ours, _ in both.values()), mean(other for _, other in both.values()))
        shares = [(name, f"{ours:.4f}", f"{other:.4f}") for name, (ours, other) in both.items()]
        tables["unlike"] = table(("set", "the defaults", "Jaccard >= .6"), shares)
    return tables


def joined_by_jaccard(labelled: Labelled) -> float:
    """Share of the sources of a planted set that would go for another one by a Jaccard of .6."""
    return found_by(labelled, replace(Config(), k=3, paragraph=JACCARD_6, sentence=JACCARD_6)).elsewhere


def measured(
    sets: Sequence[Labelled], config: Config | None = None, checked: int = CHECKED
) -> tuple[dict[str, Found], dict[str, Figures]]:
    """Run all sets: for each the pairs reported, and the figures."""
    found, figures = {}, {}
    for one in sets:
        found[one.name] = found_by(one, config)
        figures[one.name] = figures_of(one, found[one.name], config, checked)
        print(f"  {one.name}: {figures[one.name].recall:.3f}", file=sys.stderr)
    return found, figures


def write_into(page: Path, name: str, text: str) -> None:
    """Put a table in its place in a page: between `<!-- NAME -->` and `<!-- / -->`."""
    before, mark, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    if mark:
        after = rest.partition("<!-- / -->")[2]
        page.write_text(f"{before}{mark}\n{text}\n\n<!-- / -->{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where a figure is below its floor."""
    parser = argparse.ArgumentParser(description="What the defaults find on labelled text.")
    parser.add_argument("sets", nargs="*", help="names of sets; all unless given")
    parser.add_argument("--no-rivals", action="store_true", help="leave MinHash as others ship it out")
    parser.add_argument("--preset", choices=["noisy"], help="measure a preset in place of the defaults")
    parser.add_argument("--keep", action="store_true", help="write the figures and the data's digest to floors.json")
    given = parser.parse_args(arguments)
    config = preset(given.preset) if given.preset else None
    sets = [one for one in (make() for make in SETS) if not given.sets or one.name in given.sets]
    if unknown := set(given.sets) - {one.name for one in sets}:
        parser.error(f"no such sets: {', '.join(sorted(unknown))}")
    found, figures = measured(sets, config)
    tables = {given.preset or "figures": figures_table(sets, figures), **grades_tables(sets, found, figures)}
    floors = json.loads(FLOORS.read_text(encoding="utf-8"))
    part = given.preset or "defaults"
    flat = named(figures)
    if not (given.sets or given.preset):
        reached = reach.all_reached()
        tables["candidates"] = reach.reached_table(reached)
        flat |= {row.key: row.recall for row in reached}
    if given.keep:
        floors["data"] = digest()
        kept = {**floors["figures"].get(part, {}), **{name: round(value, 4) for name, value in flat.items()}}
        floors["figures"][part] = dict(sorted(kept.items()))
        FLOORS.write_text(json.dumps(floors, indent=1) + "\n", encoding="utf-8")
    if not given.no_rivals and shipped.is_installed():
        tables["rivals"] = rivals_table(sets, figures)
    for name, text in tables.items():
        print(f"{name}\n\n{text}\n")
        if given.keep and (name in ("rivals", given.preset) or not (given.sets or given.preset)):
            write_into(PAGE, name, text)
    wrong = missed(flat, floors["floors"].get(part, {}))
    print("\n".join(wrong) or "All figures keep to their floors.")
    return 1 if wrong else 0


if __name__ == "__main__":
    np.seterr(all="raise")
    sys.exit(main())
