"""The filter on lanes: it gives up no pair that matches, or nearly, and most of the others."""

from __future__ import annotations

import json
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends import ShufflingBackend
from conftest import fewer
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config, Matching
from dedup.backends.local import LocalBackend
from dedup.files import scan_files
from dedup.ledger.left import Left
from dedup.matching import GrainMatcher, Matches
from dedup.memory import corpus_of
from dedup.model import Batch, concat, rows_of, take
from dedup.stages import agree
from dedup.stages.agree import MISSED, Agree, least_agreeing
from dedup.stages.band import BucketPairs, band
from dedup.stages.sketch import LANES

Backend = LocalBackend | ShufflingBackend


def texts_of(seed: int, tokens: int) -> list[str]:
    """Copies of a few texts of common words, with a share of the words replaced that leaves them above, at and below the line."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(4):
        original = draw.zipf(1.3, tokens) % 400
        for rate in (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4):
            changed = np.where(draw.random(tokens) < rate, draw.zipf(1.3, tokens) % 400, original)
            made.append(" ".join(f"w{word}" for word in changed))
    return made


def found(texts: list[str], config: Config, backend: Backend) -> Matches:
    """What one pass finds."""
    left = Left(corpus_of(texts).corpus)
    matcher = GrainMatcher(config, "document", backend)
    documents = np.arange(len(texts), dtype=np.int64)
    matcher.refresh(left, documents)
    return matcher.matches(left, documents)


def told(matches: Matches) -> Any:
    """The pairs that match or nearly do, and what limits left out."""
    return {name: column.tolist() for name, column in matches.pairs.items()}, matches.skipped


def unfiltered(texts: list[str], config: Config, backend: Backend) -> Matches:
    """The same without the filter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agree, "MISSED", 0.0)
        return found(texts, config, backend)


CONFIGS = [
    Config(grain="document"),
    Config(grain="document", seed=9, short_tokens=0),
    Config(grain="document", document=Matching(bands=25, rows=5, measure="jaccard", threshold=0.7)),
    Config(grain="document", document=Matching(bands=300, rows=1, measure="jaccard", threshold=0.2)),
]


@pytest.mark.parametrize("number", range(len(CONFIGS)))
@fewer(0.3)
@given(seed=st.integers(0, 1 << 20), tokens=st.integers(40, 300), shuffled=st.booleans())
def test_no_pair_above_the_line_of_near_misses_is_lost(number: int, seed: int, tokens: int, shuffled: bool) -> None:
    texts, config = texts_of(seed, tokens), CONFIGS[number]
    backend: Backend = ShufflingBackend(seed) if shuffled else LocalBackend()
    assert told(found(texts, config, backend)) == told(unfiltered(texts, config, LocalBackend()))


def test_most_unlike_pairs_are_given_up_without_their_text() -> None:
    draw = np.random.default_rng(1)
    texts = [" ".join(f"w{word}" for word in words) for words in draw.integers(0, 12, (300, 300))]
    config = Config(grain="document", bucket_limit=64)
    less, more = found(texts, config, LocalBackend()), unfiltered(texts, config, LocalBackend())
    unlike = more.candidates - rows_of(more.pairs)
    assert told(less) == told(more)
    assert unlike > 1_000
    assert less.candidates - rows_of(less.pairs) < unlike / 4


def test_what_is_measured_otherwise_is_not_asked() -> None:
    texts = texts_of(3, 100)
    for measure in ("edit", "containment"):
        matching = Matching(bands=40, rows=3, measure=measure, threshold=0.6)
        config = Config(grain="document", document=matching)
        assert found(texts, config, LocalBackend()).candidates == unfiltered(texts, config, LocalBackend()).candidates
    config = Config(grain="document", short_tokens=100)
    assert found(texts, config, LocalBackend()).candidates == unfiltered(texts, config, LocalBackend()).candidates
    assert found(texts, Config(), LocalBackend()).candidates < found(texts, config, LocalBackend()).candidates


def test_saved_runs_keep_the_lanes(tmp_path: Path) -> None:
    config, runs = Config(grain="document", short_tokens=20), []
    for seed in range(2):
        path = tmp_path / f"{seed}.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts_of(seed, 100)), "utf-8")
        runs.append(str(tmp_path / f"{seed}.run"))
        scan_files([str(path)], config, save=runs[-1])
    inputs = [str(tmp_path / f"{seed}.jsonl") for seed in range(2)]
    whole = scan_files(inputs, config)
    assert scan_files(runs, config) == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agree, "MISSED", 0.0)
        assert scan_files(inputs, config).candidates > whole.candidates


@pytest.mark.parametrize(("lanes", "jaccard"), [(120, 0.4), (125, 0.65), (120, 0.05), (8, 0.9), (1, 0.5), (64, 0.999)])
def test_the_fewest_lanes_are_those_of_the_exact_tail(lanes: int, jaccard: float) -> None:
    yes = Fraction(jaccard)
    chances = [comb(lanes, i) * yes**i * (1 - yes) ** (lanes - i) for i in range(lanes + 1)]
    most = max(c for c in range(lanes + 1) if sum(chances[:c]) < MISSED)
    assert least_agreeing(lanes, jaccard) == most


def test_the_fewest_lanes_at_the_ends() -> None:
    assert least_agreeing(120, 0.0) == least_agreeing(120, -0.05) == least_agreeing(0, 0.5) == 0
    assert 3_500 < least_agreeing(4_096, 0.95) < 4_096 * 0.95


def test_lanes_agree_as_often_as_the_texts_are_alike() -> None:
    """Over many pairs of one Jaccard, the share of lanes that agree is that and one in 256 of the rest."""
    both = [[f"both{i}word{j}" for j in range(60)] for i in range(200)]
    own = [[f"own{i}word{j}" for j in range(40)] for i in range(400)]
    texts = [" ".join(both[i // 2] + own[i]) for i in range(400)]
    left = Left(corpus_of(texts).corpus)
    matcher = GrainMatcher(Config(grain="document", k=1), "document", LocalBackend())
    matcher.refresh(left, np.arange(400))
    lanes = matcher.rows[LANES].view(np.uint8).reshape(400, 120)
    alike = 60 / 140
    shares = [(lanes[i] == lanes[i + 1]).mean() for i in range(0, 400, 2)]
    assert abs(float(np.mean(shares)) - (alike + (1 - alike) / 256)) < 0.01


@given(
    keys=st.lists(st.integers(0, 4), max_size=40),
    limit=st.integers(1, 6),
    least=st.integers(0, 8),
    seed=st.integers(0, 99),
)
def test_a_stream_gives_what_a_table_gives(keys: list[int], limit: int, least: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = len(keys)
    lanes = draw.integers(0, 2, (n + 3, 8)).astype(np.uint8)
    rank = np.sort(draw.permutation(2 * n)[:n])
    row, long = np.zeros(2 * n, np.int64), np.zeros(2 * n, bool)
    row[rank], long[rank] = draw.permutation(n + 3)[:n], draw.random(n) < 0.5
    rows: Batch = {"key": np.array(keys, np.uint32), "rank": rank}
    function = Agree(BucketPairs("key", limit), lanes, row, long, least)
    order = np.lexsort((rank, rows["key"]))
    edges = np.sort(draw.integers(0, n + 1, 4)).tolist()
    batches = [take(rows, order[a:b]) for a, b in zip([0, *edges], [*edges, n], strict=True)]
    (one, skipped_one), (two, skipped_two) = band(concat(function.stream(iter(batches)))), band(function.table(rows))
    assert [one[name].tolist() for name in one] == [two[name].tolist() for name in two]
    every, skipped = band(BucketPairs("key", limit).table(rows))
    assert skipped_one == skipped_two == skipped
    expected = [
        (a, b)
        for a, b in zip(every["first"].tolist(), every["second"].tolist(), strict=True)
        if not (long[a] or long[b]) or (lanes[row[a]] == lanes[row[b]]).sum() >= least
    ]
    assert list(zip(one["first"].tolist(), one["second"].tolist(), strict=True)) == expected
