"""The kernels that find what is repeated within and across texts, each implementation against the oracle."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import Any

import naive_repeats as naive
import numpy as np
import pytest
import strategies as some
from conftest import fewer, real_texts
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import ints

from dedup.kernels import portable

I64 = some.I64
U64 = some.U64
Pair = tuple[int, int, int, int]


def rows_of(values: U64, offsets: I64) -> list[list[int]]:
    return [values[low:high].tolist() for low, high in pairwise(offsets)]


def laid_out(rows: list[list[int]]) -> tuple[U64, I64]:
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return np.array([value for row in rows for value in row], np.uint64), offsets


def repetitive() -> st.SearchStrategy[list[int]]:
    """Tokens of few kinds; periodic stretches, so that a text overlaps with itself."""
    period = st.lists(st.integers(0, 3), min_size=1, max_size=4)
    stretch = st.tuples(period, st.integers(1, 8)).map(lambda drawn: drawn[0] * drawn[1])
    return st.lists(stretch, max_size=4).map(lambda parts: [token for part in parts for token in part])


# pieces

MARKED = ".!?。！？|,，、;；:：…\"')]’”」』》】） \t\n\r\u3000\u00a0\ufeff3a字"


def check_pieces(kernels: ModuleType, text: np.ndarray, starts: I64, ends: I64, mode: int) -> None:
    found = kernels.pieces(text, starts, ends, mode)
    assert [part.dtype for part in found] == [np.int64] * 3
    expected = [
        (i, start + low, start + high)
        for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True))
        for low, high in naive.pieces(text[start:end].tobytes(), mode)
    ]
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected


@given(layout=some.layouts(st.text(MARKED, max_size=30).map(str.encode)), mode=st.integers(0, 2))
def test_pieces_are_the_oracles(kernels: ModuleType, layout: tuple[Any, I64, I64], mode: int) -> None:
    check_pieces(kernels, *layout, mode)


@fewer(0.6)
@given(layout=some.layouts(), mode=st.integers(0, 2))
def test_pieces_of_any_text_are_the_oracles(kernels: ModuleType, layout: tuple[Any, I64, I64], mode: int) -> None:
    check_pieces(kernels, *layout, mode)


@pytest.mark.parametrize(
    ("mode", "text", "expected"),
    [
        (0, "Pi is 3.14. It is?No! 好。不好。」 是。", "Pi is 3.14.^It is?No!^好。不好。」^是。"),
        (0, "是。||a|b|||c |d! ||", "是。||^a|b|||^c |d!^||"),
        (1, "e.g.x 3.14 (a.) b?!”c 好。。」不好！是…好；a, b", "e.g.x 3.14 (a.)^b?!”^c 好。。」^不好！^是…好；a, b"),
        (2, "1,000:30 a,b；c：3、4,x 5.", "1,000:30 a,^b；^c：^3、^4,^x 5."),
        (1, "  \u3000。\n\ufeff.\ufeff a. \r\n", "。^.\ufeff a."),
        (2, ",1,2", ",^1,2"),
        (2, "1,", "1,"),
    ],
)
def test_pieces_of_a_text(kernels: ModuleType, mode: int, text: str, expected: str) -> None:
    data = text.encode()
    # Digits around the text must not matter.
    framed = np.frombuffer(b"1" + data + b"1", np.uint8)
    owner, starts, ends = kernels.pieces(framed, ints(1), ints(len(data) + 1), mode)
    found = [data[start - 1 : end - 1].decode() for start, end in zip(starts, ends, strict=True)]
    assert "^".join(found) == expected
    assert owner.tolist() == [0] * len(found)


def test_blank_texts_have_no_pieces(kernels: ModuleType) -> None:
    text = np.frombuffer("\u00a0 \n\r\u3000".encode(), np.uint8)
    for mode in range(3):
        assert [len(part) for part in kernels.pieces(text, ints(0, 3), ints(len(text), 3), mode)] == [0, 0, 0]


def test_pieces_check_their_arguments(kernels: ModuleType) -> None:
    text = np.zeros(3, np.uint8)
    for mode in (-1, 3, 2**70):
        with pytest.raises(ValueError, match=r"^mode must be 0, 1 or 2$"):
            kernels.pieces(text, ints(0), ints(3), mode)
    with pytest.raises(ValueError, match=r"^every text range must satisfy 0 <= start"):
        kernels.pieces(text, ints(0), ints(4), 3)


# winnow


def check_winnow(kernels: ModuleType, values: U64, offsets: I64, gram: int, window: int) -> None:
    hashes, places = kernels.winnow(values, offsets, gram, window)
    assert [hashes.dtype, places.dtype] == [np.uint64, np.int64]
    expected = [
        (value, start + int(offset))
        for row, offset in zip(rows_of(values, offsets), offsets, strict=False)
        for value, start in naive.winnow(row, gram, window)
    ]
    assert list(zip(hashes.tolist(), places.tolist(), strict=True)) == expected


GRAMS = st.one_of(st.integers(1, 5), st.integers(1, 30))
WINDOWS = st.one_of(st.integers(0, 4), st.integers(0, 30))


@given(tokens=some.ragged(4, max_size=40), gram=GRAMS, window=WINDOWS)
def test_fingerprints_are_the_oracles(kernels: ModuleType, tokens: tuple[U64, I64], gram: int, window: int) -> None:
    check_winnow(kernels, *tokens, gram, window)


@given(rows=st.lists(repetitive(), min_size=1, max_size=3), gram=GRAMS, window=WINDOWS)
def test_fingerprints_of_periodic_texts(kernels: ModuleType, rows: list[list[int]], gram: int, window: int) -> None:
    check_winnow(kernels, *laid_out(rows), gram, window)


@given(
    shared=st.lists(st.integers(0, 7), min_size=4, max_size=40),
    around=st.lists(st.lists(st.integers(0, 7), max_size=12), min_size=4, max_size=4),
    gram=st.integers(1, 20),
)
def test_texts_that_share_a_run_share_a_fingerprint(
    kernels: ModuleType, shared: list[int], around: list[list[int]], gram: int
) -> None:
    window = naive.weight(shared) - gram - 1
    if window < 0:
        return
    values, offsets = laid_out([around[0] + shared + around[1], around[2] + shared + around[3]])
    hashes, places = kernels.winnow(values, offsets, gram, window)
    kept: list[set[tuple[int, int]]] = []
    for low, before in ((0, len(around[0])), (int(offsets[1]), len(around[2]))):
        begin = low + before
        kept.append({(int(h), int(at) - begin) for h, at in zip(hashes, places, strict=True)})
    inside = {(h, at) for h, at in kept[0] & kept[1] if at >= 0 and naive.gram(shared, at, gram)}
    assert inside


def test_fingerprints_where_the_limits_are_odd(kernels: ModuleType) -> None:
    values = np.arange(10, dtype=np.uint64) * np.uint64(2**61 + 6)
    check_winnow(kernels, values, ints(2, 5, 5, 9), 2, 1)
    check_winnow(kernels, values, ints(0, 10), 3, 2**40)
    for gram, window in ((3, 2**70), (2**70, 3), (2**70, 2**70)):
        hashes, places = kernels.winnow(values, ints(0, 10), gram, window)
        whole = naive.winnow(values.tolist(), min(gram, 100), min(window, 100))
        assert list(zip(hashes.tolist(), places.tolist(), strict=True)) == whole
    assert [len(part) for part in kernels.winnow(values[:0], ints(0), 1, 0)] == [0, 0]


def test_winnow_checks_its_arguments(kernels: ModuleType) -> None:
    values = np.zeros(3, np.uint64)
    with pytest.raises(ValueError, match=r"^offsets must not be empty$"):
        kernels.winnow(values, ints(), 1, 1)
    with pytest.raises(ValueError, match=r"^offsets must not decrease and must stay within the values$"):
        kernels.winnow(values, ints(0, 4), 1, 1)
    with pytest.raises(ValueError, match=r"^gram must be at least 1$"):
        kernels.winnow(values, ints(0, 3), 0, -1)
    with pytest.raises(ValueError, match=r"^window must be at least 0$"):
        kernels.winnow(values, ints(0, 3), 1, -(2**70))


# extend


def sorted_pairs(pairs: set[Pair]) -> I64:
    ordered = sorted(pairs, key=lambda pair: (pair[0], pair[2], pair[1] - pair[3], pair[1]))
    return np.array(ordered, np.int64).reshape(-1, 4)


def runs_of(kernels: ModuleType, values: U64, offsets: I64, pairs: I64, weight: int) -> list[naive.Run]:
    runs = kernels.extend(values, offsets, pairs, weight)
    assert (runs.dtype, runs.shape[1]) == (np.int64, 5)
    return [tuple(row) for row in runs.tolist()]


@fewer(0.6)
@given(rows=st.lists(repetitive(), min_size=1, max_size=3), weight=st.integers(0, 8), data=st.data())
def test_runs_are_the_oracles(kernels: ModuleType, rows: list[list[int]], weight: int, data: st.DataObject) -> None:
    """From every pair of places, and from some of them: each run once, whatever places led to it."""
    values, offsets = laid_out(rows)
    every = [
        (later, i, earlier, j)
        for later, one in enumerate(rows)
        for earlier, two in enumerate(rows[: later + 1])
        for i in range(len(one))
        for j in range(i if earlier == later else len(two))
    ]
    found = runs_of(kernels, values, offsets, sorted_pairs(set(every)), weight)
    expected = naive.all_runs(rows, weight)
    assert len(found) == len(set(found))
    assert set(found) == expected
    some_pairs = set(data.draw(st.lists(st.sampled_from(every), max_size=6))) if every else set()
    through = {
        run
        for run in expected
        for later, i, earlier, j in some_pairs
        if (run[0], run[3]) == (later, earlier) and i - run[1] == j - run[4] and 0 <= i - run[1] < run[2]
    }
    found = runs_of(kernels, values, offsets, sorted_pairs(some_pairs), weight)
    assert len(found) == len(set(found))
    assert set(found) == through


@fewer(0.6)
@given(
    pool=st.lists(repetitive(), min_size=1, max_size=2),
    rows=st.lists(st.lists(st.one_of(st.integers(0, 5), st.just(-1)), max_size=6), min_size=1, max_size=3),
    gram=st.integers(1, 4),
    window=st.integers(0, 3),
)
def test_every_repeated_token_lies_in_a_run(
    kernels: ModuleType, pool: list[list[int]], rows: list[list[int]], gram: int, window: int
) -> None:
    """Fingerprints that are equal, extended, cover what brute force finds repeated."""
    texts = [[token for i in row for token in (pool[0] if i < 0 else [i])] for row in rows] + pool[1:]
    values, offsets = laid_out(texts)
    hashes, places = kernels.winnow(values, offsets, gram, window)
    text = np.searchsorted(offsets, places, side="right") - 1
    seeds = [(int(h), int(t), int(at - offsets[t])) for h, t, at in zip(hashes, text, places, strict=True)]
    pairs = {(b[1], b[2], a[1], a[2]) for a in seeds for b in seeds if a[0] == b[0] and a[1:] < b[1:]}
    least = gram + window + 1
    covered = {
        (run[0], run[1] + i)
        for run in runs_of(kernels, values, offsets, sorted_pairs(pairs), least)
        for i in range(run[2])
    }
    assert covered == naive.repeated_tokens(texts, least)


def test_a_long_run_is_found_whole(kernels: ModuleType) -> None:
    tokens = np.random.default_rng(4).integers(0, 2**64, 5000, np.uint64)
    changed = tokens.copy()
    changed[[0, 4100]] ^= np.uint64(8)
    values, offsets = np.concatenate([tokens, changed]), ints(0, 5000, 10000)
    pairs = sorted_pairs({(1, at, 0, at) for at in (0, 5, 4000, 4100, 4999)})
    expected = [(1, 1, 4099, 0, 1), (1, 4101, 899, 0, 4101)]
    assert runs_of(kernels, values, offsets, pairs, 40) == expected


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([(0, 0, 2, 0)], "pairs must name texts within 0..n-1"),
        ([(-1, 9, 0, 0)], "pairs must name texts within 0..n-1"),
        ([(0, 0, 1, 4)], "places must lie within their texts"),
        ([(0, -1, 1, 0)], "places must lie within their texts"),
        ([(1, 1, 1, 1)], "within one text the earlier place must come first"),
        ([(1, 1, 1, 2)], "within one text the earlier place must come first"),
        ([(1, 0, 0, 0), (0, 0, 0, 0)], "within one text the earlier place must come first"),
        ([(1, 0, 0, 0), (0, 1, 0, 0)], "pairs must be sorted by later text, earlier text, difference and place"),
        ([(1, 1, 1, 0), (1, 1, 0, 0)], "pairs must be sorted by later text, earlier text, difference and place"),
        ([(1, 1, 0, 0), (1, 1, 0, 1)], "pairs must be sorted by later text, earlier text, difference and place"),
        ([(1, 1, 0, 1), (1, 0, 0, 0)], "pairs must be sorted by later text, earlier text, difference and place"),
    ],
)
def test_extend_checks_its_pairs(kernels: ModuleType, pairs: list[Pair], why: str) -> None:
    values = np.zeros(8, np.uint64)
    with pytest.raises(ValueError, match=f"^{why}$"):
        kernels.extend(values, ints(0, 4, 8), np.array(pairs, np.int64), 1)


def test_extend_without_pairs(kernels: ModuleType) -> None:
    assert kernels.extend(np.zeros(2, np.uint64), ints(0, 2), np.zeros((0, 4), np.int64), 1).shape == (0, 5)
    with pytest.raises(ValueError, match=r"^offsets must not be empty$"):
        kernels.extend(np.zeros(2, np.uint64), ints(), np.zeros((0, 4), np.int64), 1)


# loops


@given(
    groups=st.lists(st.lists(st.tuples(st.lists(st.integers(1, 3), max_size=4), st.integers(1, 6))), max_size=4),
    least=st.integers(0, 12),
    spare=st.integers(0, 1),
)
@example(groups=[[([1], 1)] * 140, [(list(range(1, 65)), 2)], [(list(range(1, 66)), 3)]], least=5, spare=1)
def test_loops_are_the_oracles(
    kernels: ModuleType, groups: list[list[tuple[list[int], int]]], least: int, spare: int
) -> None:
    clauses = [[clause for period, copies in group for clause in period * copies] for group in groups]
    hashes, bounds = laid_out([[9] * spare, *clauses])
    tokens = (hashes * np.uint64(3) % np.uint64(7)).astype(np.int64)
    found = kernels.loops(hashes, tokens, bounds[1:], least)
    assert (found.dtype, found.shape[1]) == (np.int64, 4)
    expected = [
        [i, *loop]
        for i, (low, high) in enumerate(pairwise(bounds[1:]))
        for loop in naive.loops(hashes[low:high].tolist(), tokens[low:high].tolist(), least)
    ]
    assert found.tolist() == expected


def test_loops_check_their_arguments(kernels: ModuleType) -> None:
    hashes = np.array([1, 1, 0], np.uint64)
    with pytest.raises(ValueError, match=r"^hashes and tokens must have the same length$"):
        kernels.loops(hashes, ints(1), ints(), 1)
    with pytest.raises(ValueError, match=r"^offsets must not be empty$"):
        kernels.loops(hashes, ints(1, 1, 1), ints(), 1)
    with pytest.raises(ValueError, match=r"^offsets must not decrease and must stay within the values$"):
        kernels.loops(hashes, ints(1, 1, 1), ints(0, 4), 1)
    with pytest.raises(ValueError, match=r"^a clause without tokens \(hash 0\) must be left out$"):
        kernels.loops(hashes, ints(1, 1, 1), ints(0, 2), 1)


# equal_bytes


@given(data=st.text("ab", max_size=20).map(str.encode), places=st.data())
def test_equal_bytes(kernels: ModuleType, data: bytes, places: st.DataObject) -> None:
    bound = st.integers(0, len(data))
    rows = places.draw(st.lists(st.tuples(bound, bound, bound, bound), max_size=8))
    rows = [(min(a, b), max(a, b), min(c, d), max(c, d)) for a, b, c, d in rows]
    columns = [ints(*(row[i] for row in rows)) for i in range(4)]
    equal = kernels.equal_bytes(np.frombuffer(data, np.uint8), *columns)
    assert equal.dtype == np.uint8
    assert equal.tolist() == [int(data[a:b] == data[c:d]) for a, b, c, d in rows]


def test_equal_bytes_checks_its_arguments(kernels: ModuleType) -> None:
    text = np.zeros(3, np.uint8)
    with pytest.raises(ValueError, match=r"^starts and ends must have the same length$"):
        kernels.equal_bytes(text, ints(0), ints(1), ints(0), ints())
    with pytest.raises(ValueError, match=r"^every text range must satisfy 0 <= start <= end <= len\(text\)$"):
        kernels.equal_bytes(text, ints(0), ints(1), ints(0), ints(4))
    with pytest.raises(ValueError, match=r"^both sides must have the same number of ranges$"):
        kernels.equal_bytes(text, ints(0), ints(1), ints(0, 0), ints(1, 1))


# real text


@pytest.mark.parametrize(
    "part", ["docs/pdis_transcripts_zh_hant_en.jsonl", "docs/lctt_zh_hans.jsonl", "pairs/ocr_en.jsonl"]
)
def test_real_text(kernels: ModuleType, part: str) -> None:
    """As the portable kernels say; a part of it as the oracle says."""
    raw = real_texts("data", *part.split("/")).read_bytes()[:1_000_000]
    text = np.frombuffer(raw, np.uint8)
    # Cut at fixed places, in the middle of characters too.
    starts = np.arange(0, len(raw), 1_999, dtype=np.int64)
    ends = np.minimum(starts + 3_000, len(raw))
    for mode in range(3):
        found, expected = (implementation.pieces(text, starts, ends, mode) for implementation in (kernels, portable))
        assert all((one == two).all() for one, two in zip(found, expected, strict=True))
        check_pieces(kernels, text, starts[5:9], ends[5:9], mode)
    values, offsets, _, _ = kernels.tokenize(text, starts, ends)
    found, expected = (implementation.winnow(values, offsets, 20, 19) for implementation in (kernels, portable))
    assert all((one == two).all() for one, two in zip(found, expected, strict=True))
    check_winnow(kernels, values, offsets[5] + ints(0, 100, 150, 400), 20, 19)
