"""Every implementation of the kernels against the oracle, and so against every other, bit for bit."""

from __future__ import annotations

import unicodedata
from types import ModuleType
from typing import Any

import folding
import naive
import numpy as np
import pytest
import strategies as some
from conftest import WHOLE, fewer, real_texts
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import as_pairs, ints

from dedup.kernels import fold_table, portable

I64 = some.I64


def tokens_of(kernels: ModuleType, *texts: str | bytes) -> tuple[np.ndarray, I64, I64, I64]:
    """Tokens of texts laid out one after the other."""
    parts = [text.encode() if isinstance(text, str) else text for text in texts]
    bounds = np.cumsum([0] + [len(part) for part in parts]).astype(np.int64)
    data = np.frombuffer(b"".join(parts), np.uint8)
    result: tuple[np.ndarray, I64, I64, I64] = kernels.tokenize(data, bounds[:-1].copy(), bounds[1:].copy())
    return result


def values_of(kernels: ModuleType, text: str | bytes) -> list[int]:
    values: list[int] = tokens_of(kernels, text)[0].tolist()
    return values


def check_tokens(kernels: ModuleType, text: np.ndarray, starts: I64, ends: I64) -> None:
    values, offsets, token_starts, token_ends = kernels.tokenize(text, starts, ends)
    assert [values.dtype, offsets.dtype, token_starts.dtype, token_ends.dtype] == [
        np.uint64,
        np.int64,
        np.int64,
        np.int64,
    ]
    table = fold_table.load()
    expected: list[tuple[int, int, int]] = []
    bounds = [0]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        found = naive.tokens(text[start:end].tobytes(), folding.han())
        assert len(found) * table.max_tokens_per_byte_den <= (end - start) * table.max_tokens_per_byte_num
        expected += [(naive.token_value(token), token.start + start, token.end + start) for token in found]
        bounds.append(len(expected))
    assert offsets.tolist() == bounds
    assert list(zip(values.tolist(), token_starts.tolist(), token_ends.tolist(), strict=True)) == expected


# tokenize


@fewer(0.6)
@given(layout=some.layouts())
def test_tokens_are_the_oracles(kernels: ModuleType, layout: tuple[Any, I64, I64]) -> None:
    check_tokens(kernels, *layout)


@given(text=some.texts(30))
@example(text="字(zhi\u0300" + "\u0300" * 100 + ")字(" + "a" * 12 + "\u0300)字(" + "a" * 13 + "\u0300)")
@example(text="か\u3099\u3099ﾊﾟか\u200b\u3099が\u309a")
@example(text="質(zhì)(zhì)質（ㄓˋ)質(ㄓa)質(ˋ)質(zhi)質()質(zhì")
@example(text="½aﬁ②x①ŉﷺ㌀\u3099")
def test_tokens_of_valid_text_are_the_oracles(kernels: ModuleType, text: str) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    check_tokens(kernels, data, ints(0), ints(len(data)))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 255, 511, 512, 513, 521, 600, 5000])
def test_words_of_any_length(kernels: ModuleType, size: int) -> None:
    for letter in ("x", "ж", "한"):
        data = np.frombuffer((letter * size).encode(), np.uint8)
        check_tokens(kernels, data, ints(0), ints(len(data)))


def test_no_texts(kernels: ModuleType) -> None:
    values, offsets, starts, ends = kernels.tokenize(np.zeros(0, np.uint8), ints(), ints())
    assert (len(values), offsets.tolist(), len(starts), len(ends)) == (0, [0], 0, 0)


def test_many_texts_and_large_ones(kernels: ModuleType) -> None:
    word = "天地玄黃 world "
    texts = [word * (n % 7) for n in range(3000)] + [word * 60_000, "", word]
    values, offsets, _, _ = tokens_of(kernels, *texts)
    one = values_of(kernels, word)
    assert np.diff(offsets).tolist() == [5 * text.count("w") for text in texts]
    assert values.tolist() == one * (len(values) // 5)


def has_foreign_mark_inside(decomposed: str) -> bool:
    """Whether a mark that NFC composes stands behind another script's mark on the same letter: no writing does that.

    NFC composes across such a mark, so that the law of composed and decomposed text does not hold there.
    """
    before = ""
    for c in decomposed:
        if c in "\u3099\u309a" and before:
            return True
        if c in "\u0653\u0654\u0655" and any(naive.pieces(mark, {})[0].kind != "none" for mark in before):
            return True
        before = before + c if unicodedata.combining(c) else ""
    return False


@given(text=some.texts(30))
def test_composed_and_decomposed_text_fold_alike(kernels: ModuleType, text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assume(not has_foreign_mark_inside(decomposed))
    assert values_of(kernels, composed) == values_of(kernels, decomposed)


@given(pair=some.script_pairs())
def test_traditional_and_simplified_text_fold_alike(kernels: ModuleType, pair: tuple[str, str]) -> None:
    assert values_of(kernels, pair[0]) == values_of(kernels, pair[1])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("質(zhì)量", "质量"),
        ("質（ㄓˊ）量", "質量"),
        ("ＨＥＬＬＯ　Ｗörld", "hello world"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("Straße", "STRASSE"),
        ("東\ufe00京", "東京"),
        ("co\u00adoperate", "cooperate"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("①②", "1 2".replace(" ", "")),
        ("ᾳ", "α"),
        ("第叁", "第叄"),
    ],
)
def test_fold_alike(kernels: ModuleType, one: str, two: str) -> None:
    assert values_of(kernels, one) == values_of(kernels, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("質(zhi)量", "質量"),
        ("がき", "かき"),
        ("ab", "a b"),
        ("10", "11"),
        ("は", "ば"),
        ("Hello", "Hell"),
        ("三", "四"),
        ("ア", "あ"),
    ],
)
def test_fold_apart(kernels: ModuleType, one: str, two: str) -> None:
    assert values_of(kernels, one) != values_of(kernels, two)


@pytest.mark.parametrize(
    ("text", "bits"), [("a", 1), ("a1", 3), ("三", 2), ("萬", 2), ("天", 0), ("參", 0), ("が", 0), ("๓", 3), ("Ⅳ", 1)]
)
def test_bits_of_a_token(kernels: ModuleType, text: str, bits: int) -> None:
    assert [value & 3 for value in values_of(kernels, text)] == [bits]


# scan, shingle, sketch, bands


@fewer(0.6)
@given(layout=some.layouts(), k=st.integers(1, 63), seed=some.seeds(), lanes=some.lanes())
def test_scan_is_the_oracles(kernels: ModuleType, layout: tuple[Any, I64, I64], k: int, seed: int, lanes: Any) -> None:
    text, starts, ends = layout
    hashes, numbers, counts, signatures = kernels.scan(text, starts, ends, k, seed, *lanes)
    assert [hashes.dtype, numbers.dtype, counts.dtype, signatures.dtype] == [np.uint64, np.uint64, np.int64, np.uint32]
    assert signatures.shape == (len(starts), len(lanes[0]))
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        values = [naive.token_value(token) for token in naive.tokens(text[start:end].tobytes(), folding.han())]
        assert int(counts[i]) == len(values)
        assert int(hashes[i]) == naive.sequence_hash(values)
        assert int(numbers[i]) == naive.sequence_hash([value for value in values if value & 2])
        expected = naive.signature(naive.shingles(values, k, seed), lanes[0].tolist(), lanes[1].tolist())
        assert signatures[i].tolist() == expected


@fewer(0.6)
@given(layout=some.layouts(), k=st.integers(1, 5), lanes=some.lanes())
def test_scan_is_its_parts(kernels: ModuleType, layout: tuple[Any, I64, I64], k: int, lanes: Any) -> None:
    values, offsets, _, _ = kernels.tokenize(*layout)
    shingles, bounds = kernels.shingle(values, offsets, k, 7)
    assert (kernels.scan(*layout, k, 7, *lanes)[3] == kernels.sketch(shingles, bounds, *lanes)).all()
    straight, straight_bounds = kernels.text_shingles(*layout, k, 7)
    assert (straight.dtype, straight.tolist()) == (np.uint64, shingles.tolist())
    assert straight_bounds.tolist() == bounds.tolist()


@pytest.mark.parametrize("k", [1, 2, 3, 8, 63])
def test_shingles_of_texts_about_a_block_of_tokens_long(kernels: ModuleType, k: int) -> None:
    sizes = [0, 1, k - 1, k, 1023, 1024, 1025, 1024 + k, 2048, 2048 + k, 5000]
    text = np.frombuffer(("".join(chr(0x4E00 + i % 900) for i in range(max(sizes)))).encode(), np.uint8)
    starts, ends = np.zeros(len(sizes), np.int64), 3 * np.array(sizes)
    values, offsets, _, _ = kernels.tokenize(text, starts, ends)
    shingles, bounds = kernels.shingle(values, offsets, k, 5)
    straight, straight_bounds = kernels.text_shingles(text, starts, ends, k, 5)
    assert straight_bounds.tolist() == bounds.tolist()
    assert (straight == shingles).all()


WORDS = st.integers(0, 2**64 - 1)


@given(
    rows=st.lists(st.lists(WORDS, max_size=12), max_size=5),
    k=st.one_of(st.integers(1, 6), st.integers(1, 63)),
    seed=some.seeds(),
)
def test_shingles_are_the_oracles(kernels: ModuleType, rows: list[list[int]], k: int, seed: int) -> None:
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    values = np.array([value for row in rows for value in row], np.uint64)
    shingles, bounds = kernels.shingle(values, offsets, k, seed)
    expected = [naive.shingles(row, k, seed) for row in rows]
    assert shingles.dtype == np.uint64
    assert shingles.tolist() == [x for row in expected for x in row]
    assert bounds.tolist() == np.cumsum([0] + [len(row) for row in expected]).tolist()


def test_offsets_may_begin_later(kernels: ModuleType) -> None:
    values = np.arange(10, dtype=np.uint64)
    shingles, bounds = kernels.shingle(values, ints(4, 7, 9), 2, 1)
    assert bounds.tolist() == [0, 2, 3]
    assert shingles.tolist() == naive.shingles([4, 5, 6], 2, 1) + naive.shingles([7, 8], 2, 1)
    a, b = np.array([3], np.uint32), np.array([5], np.uint32)
    assert kernels.sketch(values << np.uint64(40), ints(4, 7), a, b).tolist() == [
        naive.signature([v << 40 for v in (4, 5, 6)], [3], [5])
    ]
    assert kernels.overlaps(values, ints(4, 7, 9), as_pairs([(0, 1)])).tolist() == [[0, 3, 2]]
    assert kernels.edit_distances(values, ints(4, 7, 9), as_pairs([(0, 1)]), ints(-1)).tolist() == [3]


@given(rows=st.lists(st.lists(WORDS, max_size=20), max_size=5), lanes=some.lanes(40))
def test_signatures_are_the_oracles(kernels: ModuleType, rows: list[list[int]], lanes: Any) -> None:
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    signatures = kernels.sketch(np.array([value for row in rows for value in row], np.uint64), offsets, *lanes)
    assert signatures.shape == (len(rows), len(lanes[0]))
    assert signatures.tolist() == [naive.signature(row, lanes[0].tolist(), lanes[1].tolist()) for row in rows]


@pytest.mark.parametrize("count", [1, 17, 128])
def test_signatures_equal_those_of_datasketch(kernels: ModuleType, count: int) -> None:
    datasketch = pytest.importorskip("datasketch", minversion="2")
    theirs = datasketch.MinHash(num_perm=count, seed=3, scheme="affine32", hashfunc=lambda v: v)
    a, b = (np.ascontiguousarray(part, np.uint32) for part in theirs.permutations)
    shingles = np.random.default_rng(5).integers(0, 2**64, 500, np.uint64)
    for value in (shingles >> np.uint64(32)).tolist():
        theirs.update(value)
    assert (kernels.sketch(shingles, ints(0, 500), a, b)[0] == theirs.hashvalues).all()
    empty = datasketch.MinHash(num_perm=count, seed=3, scheme="affine32")
    assert (kernels.sketch(shingles, ints(0, 0), a, b)[0] == empty.hashvalues).all()


@given(data=st.data(), bands=st.integers(1, 4), rows=st.integers(1, 4), spare=st.integers(0, 2), n=st.integers(0, 6))
def test_band_keys_are_the_oracles(
    kernels: ModuleType, data: st.DataObject, bands: int, rows: int, spare: int, n: int
) -> None:
    width = bands * rows + spare
    lanes = data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=n * width, max_size=n * width))
    signatures = np.array(lanes, np.uint32).reshape(n, width)
    keys = kernels.band_keys(signatures, bands, rows)
    assert (keys.dtype, keys.shape, keys.flags.c_contiguous) == (np.uint32, (bands, n), True)
    for j in range(bands):
        assert keys[j].tolist() == [naive.band_key(row[j * rows : (j + 1) * rows], j) for row in signatures.tolist()]


# lines


@fewer(0.6)
@given(layout=some.layouts())
def test_lines_are_the_oracles(kernels: ModuleType, layout: tuple[Any, I64, I64]) -> None:
    text, starts, ends = layout
    owner, line_starts, line_ends = kernels.lines(text, starts, ends)
    assert [owner.dtype, line_starts.dtype, line_ends.dtype] == [np.int64] * 3
    expected = [
        (i, start + low, start + high)
        for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True))
        for low, high in naive.lines(text[start:end].tobytes())
    ]
    assert list(zip(owner.tolist(), line_starts.tolist(), line_ends.tolist(), strict=True)) == expected


@given(text=st.text(some.SPACE + "a字\ufeff\u3000", max_size=40).map(str.encode))
@example(text=b"\xe3\x80")
@example(text="\u3000\ufeff a\u3000b \u00a0\r\n\r\n\u3000\rc\n".encode())
@example(text=b"\x80\xe3\x80\x80\x80")
def test_lines_of_white_text(kernels: ModuleType, text: bytes) -> None:
    _, starts, ends = kernels.lines(np.frombuffer(text, np.uint8), ints(0), ints(len(text)))
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == naive.lines(text)


# real text


@pytest.mark.parametrize(
    "part", ["docs/pdis_transcripts_zh_hant_en.jsonl", "docs/lctt_zh_hans.jsonl", "pairs/ocr_en.jsonl"]
)
def test_real_text(kernels: ModuleType, part: str) -> None:
    """All of it as the portable kernels say, a part of it as the oracle says."""
    raw = real_texts("data", *part.split("/")).read_bytes()[: 4_000_000 if WHOLE else 1_000_000]
    text = np.frombuffer(raw, np.uint8)
    # Cut at fixed places, in the middle of characters too.
    starts = np.arange(0, len(raw), 1_999, dtype=np.int64)
    ends = np.minimum(starts + 3_000, len(raw))
    a, b = (np.random.default_rng(2).integers(0, 2**32, (2, 16)) | 1).astype(np.uint32)
    for name, rest in (("tokenize", ()), ("lines", ()), ("scan", (3, 1, a, b))) if kernels is not portable else ():
        found = getattr(kernels, name)(text, starts, ends, *rest)
        for one, two in zip(found, getattr(portable, name)(text, starts, ends, *rest), strict=True):
            assert (one == two).all()
    check_tokens(kernels, text, starts[5:20], ends[5:20])


@pytest.mark.parametrize("n", [1022, 1023, 1024, 2047])
def test_a_word_that_ends_where_a_block_of_tokens_does(kernels: ModuleType, n: int) -> None:
    data = np.frombuffer(("字" * n + "é" + "字" * 20_000).encode(), np.uint8)
    values, _, starts, ends = kernels.tokenize(data, np.zeros(1, np.int64), np.array([len(data)], np.int64))
    assert len(values) == n + 20_001
    assert np.flatnonzero(values & np.uint64(1)).tolist() == [n]
    assert (starts[n], ends[n]) == (3 * n, 3 * n + 2)
