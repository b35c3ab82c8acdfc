"""The S-curve says what the bands do: its numbers against counting, and against the kernels."""

from __future__ import annotations

import io
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dedup.api import sketch
from dedup.config import Config, Matching
from dedup.curve import collision_chance, edited_jaccard, half_point, points
from dedup.terminal.console import make_console
from dedup.terminal.curve_screen import AT, EDITS, curve_of, print_curve

BANDS_ROWS = st.tuples(st.integers(1, 64), st.integers(1, 16))


@given(st.floats(0, 1), BANDS_ROWS)
def test_a_chance_is_one_and_grows(jaccard: float, shape: tuple[int, int]) -> None:
    chance = collision_chance(jaccard, *shape)
    assert 0 <= chance <= 1
    assert chance <= collision_chance(min(1.0, jaccard + 0.01), *shape) + 1e-12


@given(BANDS_ROWS)
def test_half_of_the_pairs_meet_at_the_half_point(shape: tuple[int, int]) -> None:
    assert collision_chance(half_point(*shape), *shape) == pytest.approx(0.5)


def test_known_values() -> None:
    assert collision_chance(0.8, 20, 5) == pytest.approx(0.9996, abs=1e-4)  # Mining of Massive Datasets, figure 3.8
    assert collision_chance(0.2, 20, 5) == pytest.approx(0.006, abs=1e-3)
    assert collision_chance(0.0, 16, 4) == 0
    assert collision_chance(1.0, 16, 4) == 1


@given(st.integers(1, 5), st.integers(0, 6), st.integers(0, 50))
def test_edits_far_apart_change_k_shingles_each(k: int, edits: int, slack: int) -> None:
    tokens = (edits + 1) * 2 * k + slack
    text = list(range(tokens))
    copy = list(text)
    for i in range(edits):
        copy[(i + 1) * 2 * k - 1] = -i - 1
    one, two = ({tuple(t[i : i + k]) for i in range(tokens - k + 1)} for t in (text, copy))
    assert edited_jaccard(tokens, edits, k) == pytest.approx(len(one & two) / len(one | two))


def test_texts_shorter_than_a_shingle() -> None:
    assert edited_jaccard(2, 0, 3) == 1
    assert edited_jaccard(2, 1, 3) == 0


def test_points_are_even_and_rise() -> None:
    found = points(16, 4, 10)
    assert [x for x, _ in found] == pytest.approx([i / 10 for i in range(11)])
    assert all(low <= high for (_, low), (_, high) in pairwise(found))


@pytest.mark.parametrize("share", [0.04, 0.08, 0.12])
def test_bands_meet_as_often_as_the_curve_says(share: float) -> None:
    bands, rows, tokens, pairs, k = 16, 4, 120, 300, 3
    dice = random.Random(7)
    edits = round(share * tokens)
    texts = []
    for pair in range(pairs):
        words = [f"w{pair}x{i}" for i in range(tokens)]
        copy = list(words)
        first = dice.randrange(4)
        for i in range(edits):  # at least k tokens apart, away from the ends, so that each edit changes k shingles
            copy[k + first + i * ((tokens - 3 * k) // edits)] = f"e{pair}x{i}"
        texts += [" ".join(words), " ".join(copy)]
    values = sketch(texts, lanes_per_text=bands * rows, k=k, seed=3).values.reshape(pairs, 2, bands, rows)
    met = float(np.mean(np.any(np.all(values[:, 0] == values[:, 1], axis=2), axis=1)))
    chance = collision_chance(edited_jaccard(tokens, edits, k), bands, rows)
    assert met == pytest.approx(chance, abs=4 * (chance * (1 - chance) / pairs) ** 0.5 + 1e-6)


def test_the_values_are_those_of_the_configuration() -> None:
    config = Config(k=5, paragraph=Matching(bands=20, rows=5, measure="edit", threshold=0.9))
    found = curve_of(config, 100)
    paragraph = found["grains"]["paragraph"]
    assert (found["schema"], found["k"], found["tokens"]) == ("dedup.curve/1", 5, 100)
    assert (paragraph["bands"], paragraph["rows"], len(paragraph["points"])) == (20, 5, 21)
    assert [paragraph["chances"][str(at)] for at in AT] == [collision_chance(at, 20, 5) for at in AT]
    assert [miss["edits"] for miss in paragraph["misses"]] == [round(share * 100) for share in EDITS]
    assert paragraph["misses"][0]["missed"] == pytest.approx(1 - collision_chance(edited_jaccard(100, 1, 5), 20, 5))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_page_fits(width: int) -> None:
    raw = io.BytesIO()
    console = make_console(io.TextIOWrapper(raw, encoding="utf-8", write_through=True))
    console.size = (width, 25)  # type: ignore[assignment]
    print_curve(curve_of(Config(), 1_000_000), console)
    lines = raw.getvalue().decode().split("\n")
    assert max(map(cell_len, lines)) <= width
    document = Config().document
    assert sum(f"{document.bands} bands × {document.rows} rows" in line for line in lines) == 1
