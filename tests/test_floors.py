"""What the defaults find on labelled text does not slide back: `benchmarks/floors.json` against a fresh run.

These are the sets that take seconds. `python benchmarks/quality.py --no-rivals` holds all of them to their floors, and
`python benchmarks/quality.py --preset noisy --no-rivals ocr` those of the preset.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from conftest import BENCHMARKS, benchmark, real_texts, some_of

from dedup.config import preset

CHECKED = 20
"""Unlabelled pairs of a set that the oracle measures here; the command measures more."""
FAST = (
    "lctt",
    "taiwan-laws",
    "bible-scripts",
    "poems",
    "poem-paragraphs",
    "ocr",
    "bible-versions",
    "spdx-0.8",
    "spdx-0.5",
    "paragraphs-zh-0.05",
    "paragraphs-en-0.05",
)
Measured = tuple[dict[str, Any], dict[str, Any]]

pytestmark = [
    pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not here: an installed wheel is tested"),
    pytest.mark.usefixtures("importable_benchmarks"),
]


@pytest.fixture(scope="module")
def floors() -> dict[str, Any]:
    """What is demanded; fails where the real texts are others than the floors were taken with."""
    real_texts("data", "pairs")
    found: dict[str, Any] = json.loads((BENCHMARKS / "floors.json").read_text("utf-8"))
    assert benchmark("labelled").digest() == found["data"], (
        "the labelled texts are others than those the floors are of: run benchmarks/quality.py --keep and set the floors anew"
    )
    return found


@pytest.fixture(scope="module")
def measured(floors: dict[str, Any]) -> Measured:
    """The defaults, on the sets that take seconds: the pairs reported, and the figures."""
    quality, labelled = benchmark("quality"), benchmark("labelled")
    made = (*labelled.SETS[:9], lambda: labelled.planted("zh", 0.05), lambda: labelled.planted("en", 0.05))
    sets = [make() for make in made]
    assert [one.name for one in sets] == list(FAST)
    found: Measured = quality.measured(sets, checked=CHECKED)
    return found


@pytest.fixture(scope="module")
def figures(measured: Measured) -> dict[str, Any]:
    return measured[1]


def test_no_figure_is_below_its_floor(figures: dict[str, Any], floors: dict[str, Any]) -> None:
    quality = benchmark("quality")
    flat = quality.named(figures)
    assert quality.missed(flat, floors["floors"]["defaults"]) == []
    held = [name for name in floors["floors"]["defaults"] if name in flat]
    assert len(held) > 15


def test_every_pair_is_labelled_or_as_similar_as_it_must_be(figures: dict[str, Any]) -> None:
    assert {name: one.wrong for name, one in figures.items()} == dict.fromkeys(FAST, 0)


def test_the_preset_finds_noisy_text(floors: dict[str, Any]) -> None:
    quality, labelled = benchmark("quality"), benchmark("labelled")
    figures = quality.measured([labelled.ocr()], preset("noisy"), CHECKED)[1]
    assert quality.missed(quality.named(figures), floors["floors"]["noisy"]) == []
    assert figures["ocr"].reported == figures["ocr"].hits


def test_recall_falls_with_distance(measured: Measured) -> None:
    quality, verses = benchmark("quality"), benchmark("labelled").bible_versions()
    verses = replace(verses, grades=dict(some_of(list(verses.grades.items()), 6000)))
    found = measured[0][verses.name].pairs
    recalls = [recall for _, n, recall in quality.by_similarity(verses, found) if n >= 100]
    assert len(recalls) >= 10
    # a long verse is measured by shingles, so that a few pairs are found out of their order
    assert all(later <= earlier + 0.01 for earlier, later in pairwise(recalls))


def test_candidates_of_edited_paragraphs_keep_to_their_floors(floors: dict[str, Any]) -> None:
    """Against `exact`; `python benchmarks/quality.py` asks for all natural paragraphs and whole documents."""
    quality, reach = benchmark("quality"), benchmark("reach")
    rows = reach.reached("edited", reach.edited_paragraphs(), "paragraph")
    assert quality.missed({row.key: row.recall for row in rows}, floors["floors"]["defaults"]) == []
    assert [row.low for row in rows if not row.short] == list(reach.PARAGRAPH_BINS)
    assert all(row.pairs >= 200 and row.key in floors["floors"]["defaults"] for row in rows if not row.short)


def test_what_is_missed_is_said() -> None:
    quality = benchmark("quality")
    floors = {"a.recall": 0.9, "a.unlabelled": 0.1, "b.recall": 0.5}
    assert quality.missed({"a.recall": 0.9, "a.unlabelled": 0.1}, floors) == []
    assert quality.missed({"a.recall": 0.89, "a.unlabelled": 0.11}, floors) == [
        "a.recall is 0.8900, below its floor of 0.9",
        "a.unlabelled is 0.1100, above its floor of 0.1",
    ]


def test_figures_are_counted_by_hand() -> None:
    quality, labelled = benchmark("quality"), benchmark("labelled")
    texts = [
        "一二三四五六七八九十" * 2 + "甲",
        "一二三四五六七八九十" * 2 + "乙",
        "so it is said",
        "So it is said.",
        "said so it is",
    ]
    made = labelled.Labelled("made", texts, frozenset({(0, 1), (2, 4)}), "document", {(0, 1): "near", (2, 4): "far"})
    _, figures = quality.measured([made])
    got = figures["made"]
    assert (got.true, got.reported, got.hits, got.wrong, got.checked) == (2, 2, 1, 0, 1)
    assert (got.recall, got.f1, got.unlabelled, got.precision) == (0.5, 0.5, 0.5, 1.0)
    assert got.grades == {"near": 1.0, "far": 0.0}


def test_the_floors_are_kept_figures_of_today(floors: dict[str, Any]) -> None:
    """No floor is above the figure that was kept with it, and the page says what was kept."""
    quality = benchmark("quality")
    for part, demanded in floors["floors"].items():
        kept = floors["figures"][part]
        assert set(demanded) <= set(kept)
        assert quality.missed(kept, demanded) == []
    page = (BENCHMARKS.parent / "docs" / "quality.md").read_text("utf-8")
    kept = floors["figures"]["defaults"]
    for name in ("lctt", "taiwan-laws", "bible-scripts", "poems", "ocr", "spdx-0.5"):
        (row,) = re.findall(rf"^\| {re.escape(name)} .*$", page, re.MULTILINE)[:1]
        assert f"{kept[name + '.recall']:.3f}" in row, name
