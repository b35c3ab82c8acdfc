"""The fold table: against the oracle code point by code point, and on real text in both scripts."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import unicodedata
import zlib
from collections import Counter
from pathlib import Path

import folding
import naive
import numpy as np
import pytest
from conftest import real_texts, some_of

from dedup.kernels import fold_table as ft
from dedup.kernels.portable import tokenize

REPOSITORY = Path(__file__).resolve().parents[1]
UNICODE = re.search(r"Unicode ([\d.]+)", ft.load().versions)
same_unicode = pytest.mark.skipif(
    UNICODE is None or UNICODE[1] != unicodedata.unidata_version, reason="this Python has another version of Unicode"
)
GLOSS_FLAGS = {
    "": 0,
    "tone": ft.TONE,
    "tone mark": ft.TONE,
    "mark": ft.GLOSS_LETTER,
    "zhuyin": ft.GLOSS_LETTER,
    "letter": ft.GLOSS_LETTER,
    "toned": ft.GLOSS_LETTER | ft.TONE,
}


ASSIGNED = [(0, 0xD800), (0xE000, 0x34000), (0xE0000, 0xE0400)]
"""Where Unicode has characters: what lies between and behind is unassigned or for private use, and all the same."""


def code_points() -> list[int]:
    """All in the planes that have characters, and many of the others."""
    inside = [cp for low, high in ASSIGNED for cp in range(low, high)]
    return inside + some_of([*range(0x34000, 0xE0000), *range(0xE0400, 0x110000)], 20_000)


def tokens_of(text: str) -> list[int]:
    data = np.frombuffer(text.encode(), np.uint8)
    values: list[int] = tokenize(data, np.zeros(1, np.int64), np.array([len(data)], np.int64))[0].tolist()
    return values


def tokens_of_each(texts: list[str]) -> list[list[int]]:
    ends = np.cumsum([len(text.encode()) for text in texts])
    data = np.frombuffer("".join(texts).encode(), np.uint8)
    values, offsets, _, _ = tokenize(data, np.append(0, ends[:-1]), ends)
    return [row.tolist() for row in np.split(values, offsets[1:-1])]


def test_file_is_small_and_its_digest_is_true() -> None:
    file = Path(ft.__file__).with_name("fold_table.bin")
    header, _, packed = file.read_bytes().partition(b"\n")
    assert file.stat().st_size < 150_000
    assert b"OpenCC 1.4.2 (Apache-2.0)" in header
    assert hashlib.sha256(zlib.decompress(packed)).hexdigest() == ft.load().digest


def test_arrays_cannot_be_changed() -> None:
    table = ft.load()
    assert ft.load() is table
    for array in (table.bmp, table.astral_pages, table.astral, table.expansions, table.voiced, table.semivoiced):
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@same_unicode
def test_every_code_point_folds_as_the_oracle_says() -> None:
    han = folding.han()
    wrong = [hex(cp) for cp in code_points() if folding.pieces(cp) != naive.pieces(chr(cp), han)]
    assert wrong == []


@same_unicode
def test_every_code_point_counts_in_a_gloss_as_the_oracle_says() -> None:
    flags = folding.entries() & np.uint32(ft.GLOSS_LETTER | ft.TONE)
    flags[folding.entries() >> ft.KIND_SHIFT == ft.EXPANSION] = 0
    wrong = [hex(cp) for cp in code_points() if flags[cp] != GLOSS_FLAGS[naive.gloss_class(chr(cp))]]
    assert wrong == []


def test_folding_is_stable() -> None:
    """What a code point folds to folds to itself, and so do what it is composed of and what it composes to."""
    for cp in code_points():
        for piece in folding.pieces(cp):
            if piece.text and piece.kind != "voice":
                assert folding.pieces(ord(piece.text)) == [piece], hex(cp)


def test_composed_and_decomposed_code_points_fold_alike() -> None:
    composed = [unicodedata.normalize("NFC", chr(cp)) for cp in code_points()]
    decomposed = [unicodedata.normalize("NFD", c) for c in composed]
    differing = [(one, two) for one, two in zip(composed, decomposed, strict=True) if one != two]
    assert len(differing) > 12_000
    sides = [tokens_of("\n".join(pair[side] for pair in differing)) for side in (0, 1)]
    assert sides[0] == sides[1]


def test_expansions_are_flat_and_complete() -> None:
    expansions, at = ft.load().expansions, 0
    while at < len(expansions):
        count = int(expansions[at])
        assert count >= 2
        kinds = expansions[at + 1 : at + 1 + count] >> ft.KIND_SHIFT
        assert len(kinds) == count
        assert np.isin(kinds, [ft.BREAK, ft.TRANSPARENT, ft.CJK, ft.WORD]).all()
        at += 1 + count


def test_voice_tables() -> None:
    table = ft.load()
    for mark, column in (("\u3099", table.voiced), ("\u309a", table.semivoiced)):
        for i, composed in enumerate(column.tolist()):
            expected = unicodedata.normalize("NFC", chr(ft.KANA_FIRST + i) + mark)
            assert composed == (ord(expected) if len(expected) == 1 else 0)


def test_classes_of_variants_are_small() -> None:
    sizes = Counter(Counter(folding.han().values()).values())
    assert sum(sizes.values()) > 3_900
    assert max(sizes) + 1 <= 6


@pytest.mark.parametrize(
    "variants",
    [
        "发發髮",
        "里裏裡",
        "台臺檯颱",
        "干幹乾",
        "后後",
        "说說説",
        "为為爲",
        "参參",
        "叁叄",
        "两兩",
        "万萬",
        "群羣",
        "线線綫",
    ],
)
def test_variants_are_one_class(variants: str) -> None:
    assert len({tuple(tokens_of(c)) for c in variants}) == 1


@pytest.mark.parametrize(
    "characters", ["参叁", "三叁", "己已", "未末", "人入", "八捌", "一壹", "士土", "日曰", "千干", "两雨"]
)
def test_other_characters_are_not(characters: str) -> None:
    assert len({tuple(tokens_of(c)) for c in characters}) == len(characters)


def test_numerals_are_numerals_in_every_variant() -> None:
    def is_numeral(c: str) -> bool:
        return bool(folding.entry(ord(c)) & ft.NUMERAL)

    assert all(map(is_numeral, "〇零一二三四五六七八九十百千万萬亿億兆两兩壹贰貳叁叄肆伍陆陸柒捌玖拾佰仟廿卅半0９٣๓"))
    assert not any(map(is_numeral, "参參人年第几数甲a"))
    kin = folding.han()
    for c, representative in kin.items():
        assert is_numeral(c) == is_numeral(representative)


# real text


@pytest.mark.parametrize("flavour", ["s2t", "s2tw", "s2hk", "s2tw_jieba", "s2t_jieba", "s2hk_jieba"])
def test_golden_conversions_fold_alike(flavour: str) -> None:
    source = real_texts("data", "opencc", "golden", "input", "us_constitution_zhs.txt").read_text(encoding="utf-8")
    folder = real_texts("data", "opencc", "golden", "output")
    target = (folder / f"us_constitution_zhs.{flavour}.txt").read_text(encoding="utf-8")
    assert tokens_of(source) == tokens_of(target)


def test_bible_verses_fold_alike() -> None:
    path = real_texts("data", "pairs", "bible_hant_hans.jsonl")
    verses = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    sides = [tokens_of_each([verse[side] for verse in verses]) for side in ("hant", "hans")]
    apart = [verse for verse, hant, hans in zip(verses, *sides, strict=True) if hant != hans]
    assert len(verses) == 3_470
    assert len(apart) <= 28
    # What is left is another choice of characters, not another script: these pairs are in none of the tables.
    editors = str.maketrans("撚鎔醡毘痲咷茍", "捻熔榨毗麻啕苟")
    left = [verse["id"] for verse in apart if tokens_of(verse["hant"].translate(editors)) != tokens_of(verse["hans"])]
    assert left == []


def test_test_cases_of_opencc_fold_alike() -> None:
    raw = real_texts("data", "opencc", "testcases", "testcases.json").read_text(encoding="utf-8")
    cases = json.loads(re.sub(r",(\s*[}\]])", r"\1", raw))["cases"]
    pairs = [
        (case["input"], expected)
        for case in cases
        for flavour, expected in case["expected"].items()
        if flavour in ("s2t", "s2tw", "s2hk", "t2s", "tw2s", "hk2s", "t2tw", "t2hk", "tw2t", "hk2t")
    ]
    apart = [pair for pair in pairs if tokens_of(pair[0]) != tokens_of(pair[1])]
    assert len(pairs) > 50
    assert len(apart) == 0, apart


def test_script_needs_its_argument() -> None:
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tools" / "fold_table.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "DICTIONARY" in done.stderr
