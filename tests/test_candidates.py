"""Candidates: of short texts that match no pair is missed, whatever the split of the work; what limits leave out is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import naive
import numpy as np
import pytest
from backends import ShufflingBackend
from conftest import real_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import Config, Matching, candidates, kernels
from dedup.backends.base import Backend
from dedup.backends.local import LocalBackend
from dedup.ledger.left import Left
from dedup.matching import GrainMatcher, Matches
from dedup.memory import corpus_of
from dedup.model import Batch, concat, take
from dedup.stages.band import band
from dedup.stages.partition import PiecePairs, marks_of, partition
from dedup.stages.prefix import Overlap, PrefixPairs
from dedup.stages.verify import allowed_edits


def matches(texts: list[str], config: Config, backend: Backend | None = None) -> Matches:
    """What one pass over texts finds."""
    corpus = corpus_of(texts).corpus
    matcher = GrainMatcher(config, "document", backend or LocalBackend())
    left = Left(corpus)
    documents = np.arange(len(texts), dtype=np.int64)
    matcher.refresh(left, documents)
    return matcher.matches(left, documents)


def pairs_of(found: Matches) -> set[tuple[int, int]]:
    """The matches, as pairs of documents."""
    rows = take(found.pairs, found.pairs["match"])
    document = found.segments["document"]
    return set(zip(document[rows["first"]].tolist(), document[rows["second"]].tolist(), strict=True))


@cache
def tokens_of(text: str) -> list[str]:
    return [token.text for token in naive.tokens(text.encode(), {})]


def similar(texts: list[str], threshold: float, k: int = 3) -> set[tuple[int, int]]:
    """The pairs of distinct texts of at least k tokens that match, by the oracle."""
    split = [tokens_of(text) for text in texts]
    first = [i for i, one in enumerate(split) if split.index(one) == i and len(one) >= k]
    return {(i, j) for i, j in combinations(first, 2) if naive.edit_similarity(split[i], split[j]) >= threshold - 1e-12}


@st.composite
def short_texts(draw: st.DrawFn) -> list[str]:
    """Texts of one another's tokens, some of them edited a little."""
    letters = draw(st.sampled_from(["海河", "水务局通报连日", "abcdefghijklmnop"]))
    texts: list[list[str]] = []
    for _ in range(draw(st.integers(2, 6))):
        if texts and draw(st.booleans()):
            text = list(draw(st.sampled_from(texts)))
            for _ in range(draw(st.integers(1, 4))):
                at = draw(st.integers(0, len(text)))
                text[at : at + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from(letters), max_size=1))
        else:
            text = draw(st.lists(st.sampled_from(letters), min_size=1, max_size=24))
        texts.append(text)
    return [" ".join(text) for text in texts]


@given(texts=short_texts(), threshold=st.sampled_from([0.7, 0.8, 0.85, 0.95]), seed=st.integers(0, 99))
def test_no_match_of_short_texts_is_missed(texts: list[str], threshold: float, seed: int) -> None:
    few = Matching(bands=1, rows=8, measure="edit", threshold=threshold)
    config = Config(grain="document", bucket_limit=64, document=few, paragraph=few)
    found = matches(texts, config)
    assert found.skipped == 0
    assert pairs_of(found) == similar(texts, threshold)
    other = matches(texts, config, ShufflingBackend(seed))
    assert pairs_of(other) == pairs_of(found)
    assert (other.candidates, other.skipped) == (found.candidates, 0)


def test_no_pair_of_poems_is_missed() -> None:
    """Against all pairs of poems that one block of tokens in common, or a like length and bag, does not rule out."""
    with real_texts("data", "pairs", "poems_zh_hant.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)[side] for line in lines for side in ("a", "b")][:4000]
    found = matches(texts, Config(grain="document", bucket_limit=64))
    rows = found.segments
    values, offsets = kernels.tokens(corpus_of(texts).corpus.arena, rows["start"], rows["end"])
    sizes = offsets[1:] - offsets[:-1]
    mine = np.flatnonzero((found.exact == np.arange(len(texts))) & (sizes >= 3) & (sizes <= 64))
    wanted: set[tuple[int, int]] = set()
    for block in _by_size(sizes, mine):
        first, second = (np.concatenate(part) for part in zip(*block, strict=True))
        limits = allowed_edits(np.maximum(sizes[first], sizes[second]), 0.85)
        near = kernels.edit_distances(values, offsets, np.stack([first, second], axis=1), limits) <= limits
        document = rows["document"]
        wanted |= set(zip(document[first[near]].tolist(), document[second[near]].tolist(), strict=True))
    assert found.skipped == 0
    assert len(wanted) >= 80
    assert wanted - pairs_of(found) == set()


def _by_size(sizes: Any, mine: Any) -> Iterator[list[tuple[Any, Any]]]:
    """All pairs whose lengths allow a match, rank by rank, some thousands at a time."""
    block: list[tuple[Any, Any]] = []
    for rank in mine.tolist():
        others = mine[
            (mine < rank) & (np.minimum(sizes[mine], sizes[rank]) >= 0.85 * np.maximum(sizes[mine], sizes[rank]))
        ]
        block.append((others, np.full(len(others), rank, np.int64)))
        if sum(len(part[0]) for part in block) > 1 << 18:
            yield block
            block = []
    if block:
        yield block


@given(texts=short_texts(), limit=st.integers(1, 4), scanned=st.integers(1, 4), seed=st.integers(0, 99))
def test_a_stream_of_pieces_gives_what_a_table_gives(texts: list[str], limit: int, scanned: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    corpus = corpus_of(texts).corpus
    batch = {"rank": np.arange(len(texts)), "start": corpus.starts, "end": corpus.ends}
    edits = allowed_edits(np.arange(40), 0.7)
    settings: Any = {"arena": corpus.arena, "edits": edits, "shard": 0, "shards": 1}
    pieces = partition(batch, **settings, marks=np.zeros(0, np.uint8))
    rows = concat([pieces, partition(batch, **settings, marks=marks_of(pieces["key"]))])
    rows = take(rows, np.argsort(rows["rank"], kind="stable"))
    function = PiecePairs(tuple(edits.tolist()), limit, scanned)
    order = np.lexsort((rows["rank"], rows["key"]))
    edges = np.sort(draw.integers(0, len(order) + 1, 4)).tolist()
    batches: list[Batch] = [take(rows, order[a:b]) for a, b in zip([0, *edges], [*edges, len(order)], strict=True)]
    one, two = band(concat(function.stream(iter(batches)))), band(function.table(rows))
    assert [one[0][name].tolist() for name in one[0]] == [two[0][name].tolist() for name in two[0]]
    assert one[1] == two[1]


def test_what_the_limits_leave_out_is_counted() -> None:
    texts = [f"one two three four five six seven eight nine ten eleven twelve {i}a {i}b" for i in range(12)]
    config = Config(
        grain="document", bucket_limit=2, paragraph=Matching(bands=1, rows=64, measure="edit", threshold=0.85)
    )
    assert len(pairs_of(matches(texts, config))) < 66
    assert matches(texts, config).skipped > 0
    more = Config(grain="document", bucket_limit=64, paragraph=config.paragraph)
    assert len(pairs_of(matches(texts, more))) == 66
    assert matches(texts, more).skipped == 0


@pytest.mark.parametrize("pieces", [1, 5, 40])
def test_joining_few_pieces_at_a_time_changes_nothing(pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    texts = []
    for size in (7, 9, 14, 20, 21, 33, 64, 20, 20):
        text = [f"w{i}" for i in draw.integers(0, 500, size)]
        texts += [" ".join(text), " ".join([*text[:3], "other", *text[4:]]), " ".join([*text[:5], *text[6:]])]
    wanted = matches(texts, Config(grain="document"))
    monkeypatch.setattr(candidates, "PIECES", pieces)
    monkeypatch.setattr(candidates, "BATCH_TOKENS", 90)
    found = matches(texts, Config(grain="document"))
    assert (found.candidates, found.skipped) == (wanted.candidates, wanted.skipped)
    assert pairs_of(found) == pairs_of(wanted) == similar(texts, 0.85)


# exact


def shingles_of(text: str, k: int) -> set[tuple[str, ...]]:
    """The distinct shingles; a text of fewer than k tokens has one."""
    split = tokens_of(text)
    return {tuple(split[i : i + k]) for i in range(max(len(split) - k + 1, 1))}


def measured(one: str, two: str, measure: str, k: int) -> float:
    if measure == "edit":
        return naive.edit_similarity(tokens_of(one), tokens_of(two))
    left, right = shingles_of(one, k), shingles_of(two, k)
    whole = left | right if measure == "jaccard" else min(left, right, key=len)
    return len(left & right) / len(whole)


def all_matches(texts: list[str], config: Config, below: float = 0) -> set[tuple[int, int]]:
    """The pairs of distinct texts that match, or are less than `below` under the threshold, by the oracle."""
    split = [tokens_of(text) for text in texts]
    first = [i for i, one in enumerate(split) if split.index(one) == i and len(one) >= config.k]
    pairs = set()
    for i, j in combinations(first, 2):
        matching = config.paragraph if max(len(split[i]), len(split[j])) <= config.short_tokens else config.document
        if measured(texts[i], texts[j], matching.measure, config.k) >= matching.threshold - below - 1e-12:
            pairs.add((i, j))
    return pairs


def matchings() -> st.SearchStrategy[Matching]:
    """Matchings whose bands would find nothing."""
    return st.builds(
        Matching,
        bands=st.just(1),
        rows=st.just(64),
        measure=st.sampled_from(["edit", "jaccard", "containment"]),
        threshold=st.sampled_from([0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.95, 1.0]),
    )


@settings(max_examples=30)
@given(
    texts=short_texts(),
    document=matchings(),
    paragraph=matchings(),
    short_tokens=st.sampled_from([0, 5, 12, 64]),
    k=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_exact_finds_all_matches_of_every_measure(
    texts: list[str], document: Matching, paragraph: Matching, short_tokens: int, k: int, seed: int
) -> None:
    config = Config(
        grain="document",
        exact=True,
        k=k,
        short_tokens=short_tokens,
        document=document,
        paragraph=paragraph,
        bucket_limit=1,
    )
    found = matches(texts, config)
    assert found.skipped == 0
    assert pairs_of(found) == all_matches(texts, config)
    near = set(
        zip(*(found.segments["document"][found.pairs[side]].tolist() for side in ("first", "second")), strict=True)
    )
    assert all_matches(texts, config, 0.049) <= near
    other = matches(texts, config, ShufflingBackend(seed))
    assert pairs_of(other) == pairs_of(found)
    assert other.candidates == found.candidates


@pytest.mark.parametrize("measure", ["edit", "jaccard", "containment"])
def test_exact_finds_all_matches_of_longer_texts(measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "ELEMENTS", 900)
    monkeypatch.setattr(candidates, "BATCH_TOKENS", 500)
    draw = np.random.default_rng(11)
    common = np.minimum(draw.zipf(1.3, 4000), 300)
    texts: list[str] = []
    for size in (60, 66, 90, 130, 200):
        text = [f"w{i}" for i in draw.choice(common, size).tolist()]
        for share in (0, 0.05, 0.1, 0.14, 0.16, 0.3):
            other = list(text)
            for at in draw.integers(0, size - 12, int(share * size)).tolist():
                other[at : at + int(draw.integers(0, 2))] = [f"x{draw.integers(0, 50)}"]
            texts.append(" ".join(other))
    config = Config(grain="document", exact=True, document=Matching(bands=1, rows=64, measure=measure, threshold=0.7))
    found = matches(texts, config)
    wanted = all_matches(texts, config)
    assert len(wanted) >= 8
    assert pairs_of(found) == wanted
    assert found.candidates < len(texts) * (len(texts) - 1) // 2


@given(texts=short_texts(), measure=st.sampled_from(["jaccard", "containment"]), seed=st.integers(0, 99))
def test_a_stream_of_prefixes_gives_what_a_table_gives(texts: list[str], measure: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = int(draw.integers(0, 60))
    rows: Batch = {
        "key": draw.integers(0, 6, n).astype(np.uint64), "rank": np.arange(n), "place": draw.integers(0, 5, n),
        "size": draw.integers(5, 9, n), "tokens": draw.integers(5, 9, n),
    }  # fmt: skip
    order = np.lexsort((rows["rank"], rows["key"]))
    edges = np.sort(draw.integers(0, n + 1, 5)).tolist()
    function = PrefixPairs(Overlap(measure, 0.5, 4, 3))
    batches = [take(rows, order[a:b]) for a, b in zip([0, *edges], [*edges, n], strict=True)]
    streamed = concat(function.stream(iter(batches)))
    one = set(zip(streamed["first"].tolist(), streamed["second"].tolist(), strict=True)) if streamed else set()
    tabled = function.table(rows)
    assert one == set(zip(tabled["first"].tolist(), tabled["second"].tolist(), strict=True))


def test_exact_finds_the_pairs_of_licences_that_brute_force_finds() -> None:
    folder = real_texts("data", "docs")
    with (folder / "spdx_licenses_en.jsonl").open(encoding="utf-8") as lines:
        names, texts = zip(*((row["id"], row["text"]) for row in map(json.loads, lines)), strict=True)
    config = Config(
        grain="document",
        k=5,
        short_tokens=0,
        exact=True,
        document=Matching(bands=1, rows=1, measure="jaccard", threshold=0.5),
    )
    found = matches(list(texts), config)
    mine = {frozenset((names[i], names[j])) for i, j in pairs_of(found)}
    document = found.segments["document"]
    first = {names[document[i]] for i in np.flatnonzero(found.exact == np.arange(len(names)))}
    listed = (folder / "spdx_exact_pairs_J0.5.tsv").read_text("utf-8").splitlines()
    wanted = {frozenset(line.split("\t")[:2]) for line in listed}
    assert found.skipped == 0
    assert mine == {pair for pair in wanted if pair <= first}


def test_texts_of_a_cluster_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies lie far from one another in canonical order, and few of them fit into a batch."""
    draw = np.random.default_rng(3)
    originals = draw.integers(0, 500, (20, 150))
    changed = [np.where(draw.random(originals.shape) < 0.05, 500 + copy, originals) for copy in range(4)]
    texts = [" ".join(f"w{word}" for word in text) for copies in changed for text in copies]
    read: list[int] = []
    shingles = kernels.text_shingles

    def counted(arena: Any, starts: Any, *rest: Any) -> Any:
        read.append(len(starts))
        return shingles(arena, starts, *rest)

    monkeypatch.setattr(kernels, "text_shingles", counted)
    corpus = corpus_of(texts).corpus
    matcher = GrainMatcher(Config(grain="document"), "document", LocalBackend(), batch_bytes=10_000)
    matcher.refresh(Left(corpus), np.arange(80))
    found = matcher.matches(Left(corpus), np.arange(80))
    assert found.candidates == 20 * 6
    assert len(read) > 4
    assert sum(read) < 80 * 1.3
