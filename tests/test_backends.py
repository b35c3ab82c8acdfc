"""One result wherever the work runs: any backend, threads, batch sizes; and the two ways through a bucket agree."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from backends import ShufflingBackend, through_arrow, through_pickle
from conftest import fewer, real_texts
from corpora import FORMATS, corpora, write_corpus
from hypothesis import given
from hypothesis import strategies as st
from test_checker import REPETITIVE

from dedup import Config, files, matching, pipeline
from dedup.backends import beside
from dedup.backends.base import Backend
from dedup.backends.local import LocalBackend
from dedup.matching import GrainMatcher
from dedup.memory import corpus_of
from dedup.model import Batch, concat, rows_of, take
from dedup.pipeline import Outcome
from dedup.stages.band import BucketPairs, band

BACKENDS: dict[str, Callable[[], Backend]] = {
    "local": LocalBackend,
    "two threads": partial(LocalBackend, 2),
    "shuffling": partial(ShufflingBackend, 1),
    "shuffling otherwise": partial(ShufflingBackend, 2),
}
EVERY = [f"{i}{ending}" for i, ending in enumerate(FORMATS)]
CONFIGS = [
    Config(),
    Config(grain="sentence", scope="auto"),
    Config(exact=True),
    Config(grain="paragraph", keep="longest", bucket_limit=1),
]


def plain(value: Any) -> Any:
    """An outcome as values that can be compared."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "__slots__") and not isinstance(value, str):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def seen(outcome: Outcome) -> Any:
    """All that a run decided."""
    left = outcome.left
    rest = [left.text(i) for i in range(len(outcome.corpus))]
    counts = (outcome.counts, outcome.passes, outcome.settled)
    return rest, left.dropped.tolist(), plain(left.gone), plain(outcome.removals), plain(outcome.shown), counts


def decided(texts: list[str], config: Config, backend: Backend) -> Any:
    """What a run over texts decides."""
    try:
        return seen(pipeline.Run(corpus_of(texts).corpus, config, backend).decide())
    finally:
        backend.close()


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A folder of all formats, and OUT as one thread makes it."""
    folder = tmp_path_factory.mktemp("backends")
    write_corpus(folder / "in", REPETITIVE * 4, EVERY)
    files.clean_files([str(folder / "in")], str(folder / "out"))
    return folder / "in", tree(folder / "out")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_bytes_from_each_backend(wanted: tuple[Path, dict[str, bytes]], tmp_path: Path, backend: str) -> None:
    files.clean_files([str(wanted[0])], str(tmp_path / "out"), backend=BACKENDS[backend]())
    assert tree(tmp_path / "out") == wanted[1]


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_the_same_bytes_from_batches_of_any_size(
    wanted: tuple[Path, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(files, "BATCH_BYTES", size)
    monkeypatch.setattr(matching, "BATCH_PAIRS", size)
    monkeypatch.setattr(pipeline, "GrainMatcher", partial(GrainMatcher, batch_bytes=size))
    monkeypatch.setattr(beside, "WORTH_BYTES", size)
    files.clean_files([str(wanted[0])], str(tmp_path / "out"), threads=2)
    assert tree(tmp_path / "out") == wanted[1]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_goes_on_beside_keeps_its_order(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr(beside, "WORTH_BYTES", 3)
    done: list[bytes] = []

    def slowly(data: bytes) -> None:
        time.sleep(0.002 * (len(data) > 3))
        done.append(data)

    handed = [b"%d" % i * (1 + i % 5) for i in range(30)]
    with closing(beside.Beside(threads)) as hands:
        for _ in range(2):
            with hands.done():
                for data in handed:
                    hands.call(slowly, data)
            assert done == handed
            done.clear()


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_what_is_made_ahead_comes_in_order(n: int) -> None:
    def make(i: int) -> int:
        time.sleep(0.002 * (i % 3 == 0))
        return i

    assert list(beside.Ahead(2)(partial(make, i) for i in range(n))) == list(range(n))


def test_what_fails_ahead_ends_the_reading() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(beside.Ahead(2)(partial(int, text) for text in ["1", "2", "x", "3"]))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("after", [0, 9])
def test_what_fails_beside_ends_the_block(threads: int, after: int) -> None:
    def failing(data: memoryview) -> None:
        if data[0]:
            raise OSError("full")

    def work(hands: beside.Beside, *firsts: int) -> None:
        with hands.done():
            for first in firsts:
                if first > 1:
                    raise KeyError("first")
                hands.call(failing, memoryview(bytes([first]) * beside.WORTH_BYTES))

    with closing(beside.Beside(threads)) as hands:
        with pytest.raises(OSError, match="full"):
            work(hands, 0, 1, *[0] * after)
        with pytest.raises(KeyError, match="first"):
            work(hands, 0, 2)
        work(hands, *[0] * after)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_bytes_from_any_order_of_listing(
    wanted: tuple[Path, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    scandir, draw = os.scandir, np.random.default_rng(seed)

    class Shuffled:
        def __init__(self, path: Any = ".") -> None:
            with scandir(path) as entries:
                found = list(entries)
            self._entries = iter([found[i] for i in draw.permutation(len(found))])

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def __iter__(self) -> Self:
            return self

        def __next__(self) -> os.DirEntry[str]:
            return next(self._entries)

        def close(self) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Shuffled)
    files.clean_files([str(wanted[0])], str(tmp_path / "out"))
    monkeypatch.undo()
    assert tree(tmp_path / "out") == wanted[1]


@pytest.mark.parametrize("number", range(len(CONFIGS)))
@fewer(0.15)
@given(texts=corpora(12), seed=st.integers(0, 1000))
def test_the_same_outcome_for_made_corpora(number: int, texts: list[str], seed: int) -> None:
    config = CONFIGS[number]
    local = decided(texts, config, LocalBackend())
    assert decided(texts, config, LocalBackend(2)) == local
    assert decided(texts, config, ShufflingBackend(seed)) == local


def test_the_same_outcome_for_the_articles() -> None:
    texts = [path.read_text("utf-8") for path in sorted(real_texts("articles").glob("*.txt"))]
    assert decided(texts, Config(), ShufflingBackend(3)) == decided(texts, Config(), LocalBackend())


@given(
    keys=st.lists(st.integers(0, 6), max_size=60),
    limit=st.integers(1, 9),
    seed=st.integers(0, 1000),
    dtype=st.sampled_from([np.uint32, np.uint64]),
)
def test_a_stream_of_buckets_gives_what_a_table_gives(keys: list[int], limit: int, seed: int, dtype: type) -> None:
    draw = np.random.default_rng(seed)
    rows: Batch = {"key": np.array(keys, dtype), "rank": np.sort(draw.permutation(2 * len(keys))[: len(keys)])}
    function = BucketPairs("key", limit)
    order = np.lexsort((rows["rank"], rows["key"]))
    edges = np.sort(draw.integers(0, len(keys) + 1, 4)).tolist()
    batches = [take(rows, order[a:b]) for a, b in zip([0, *edges], [*edges, len(keys)], strict=True)]
    streamed, tabled = concat(function.stream(iter(batches))), function.table(rows)
    (one, skipped_one), (two, skipped_two) = band(streamed), band(tabled)
    assert plain(one) == plain(two)
    assert skipped_one == skipped_two
    assert rows_of(one) + skipped_one == sum(keys.count(key) * (keys.count(key) - 1) // 2 for key in set(keys))


def test_what_is_sent_arrives() -> None:
    batch: Batch = {"a": np.array([1, 2**63], np.uint64), "b": np.array([True, False]), "c": np.array([0.5, np.nan])}
    for copy in (through_arrow(batch), through_pickle(batch)):
        assert {name: (column.dtype, column.tobytes()) for name, column in copy.items()} == {
            name: (column.dtype, column.tobytes()) for name, column in batch.items()
        }
    assert through_pickle(BucketPairs("key", 3)) == BucketPairs("key", 3)
