"""Candidates pass after pass: a later pass finds what a first one on the same text would find, and leaves out as much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends import ShufflingBackend
from conftest import fewer
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config, renewal
from dedup.backends.base import Backend
from dedup.backends.local import LocalBackend
from dedup.ledger.left import Left
from dedup.matching import GrainMatcher, Matches
from dedup.memory import corpus_of
from dedup.model import I64

WORDS = [f"w{i}" for i in range(30)]
SETTINGS: list[dict[str, Any]] = [
    {"grain": "document"},
    {"grain": "document", "short_tokens": 8},
    {"grain": "paragraph", "min_tokens": 4},
    {"grain": "paragraph", "min_tokens": 4, "scope": "document"},
    {"grain": "sentence", "min_tokens": 4},
]


def texts_of(seed: int) -> list[str]:
    """Documents of a few lines, most of them a line of another with a word or two changed."""
    draw = np.random.default_rng(seed)
    lines = [[WORDS[i] for i in draw.integers(0, 30, draw.integers(3, 26))] for _ in range(5)]
    made = []
    for _ in range(40):
        line = list(lines[int(draw.integers(len(lines)))])
        for _ in range(int(draw.integers(0, 3))):
            line[int(draw.integers(len(line)))] = WORDS[int(draw.integers(30))]
        made.append(" ".join(line))
    cuts = np.sort(draw.integers(0, len(made), 24))
    return ["\n".join(part) for part in np.split(np.array(made), cuts) if len(part)]


def told(found: Matches) -> Any:
    """What a pass found, whatever its segments are called."""
    pairs = {name: column.tolist() for name, column in found.pairs.items()}
    places = [found.segments[name].tolist() for name in ("document", "start", "end")] if found.segments else []
    return places, found.exact.tolist(), pairs, found.candidates, found.skipped


def change(left: Left, draw: np.random.Generator) -> I64:
    """Drop a document or take one back, and cut the first line of others; which were cut, or may be read again."""
    n = len(left.starts)
    touched = np.unique(draw.integers(0, n, int(draw.integers(0, 4))))
    left.dropped[touched[:1]] ^= True
    lines = {int(document): left.corpus.text(int(document)).partition(b"\n")[0] for document in touched[1:]}
    sizes = np.array([len(line) for line in lines.values()], np.int64)
    place = {"document": touched[1:], "start": np.zeros(len(sizes), np.int64), "end": sizes}
    left.set_cuts(touched[1:], place)
    return touched


@pytest.mark.parametrize("settings", SETTINGS)
@fewer(0.4)
@given(seed=st.integers(0, 1 << 20), limit=st.integers(1, 6), shuffled=st.booleans())
def test_a_later_pass_finds_what_a_first_one_would(
    settings: dict[str, Any], seed: int, limit: int, shuffled: bool
) -> None:
    before, renewal.MOST_CHANGED = renewal.MOST_CHANGED, 1.0
    backend: Backend = ShufflingBackend(seed) if shuffled else LocalBackend()
    try:
        config = Config(bucket_limit=limit, **settings)
        left = Left(corpus_of(texts_of(seed)).corpus)
        preference = np.zeros(len(left.starts), np.int64)
        draw = np.random.default_rng(seed)
        matcher = GrainMatcher(config, config.grain, backend)
        changed = np.arange(len(left.starts))
        for _ in range(4):
            matcher.refresh(left, changed)
            fresh = GrainMatcher(config, config.grain, LocalBackend())
            fresh.refresh(left, np.arange(len(left.starts)))
            assert told(matcher.matches(left, preference)) == told(fresh.matches(left, preference))
            changed = change(left, draw)
    finally:
        renewal.MOST_CHANGED = before
