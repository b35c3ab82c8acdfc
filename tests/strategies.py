"""Texts as they come from the web, and worse: what the kernels are tried with."""

from __future__ import annotations

import unicodedata

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

_SCRIPT_PAIRS = (
    "質质",
    "業业",
    "發发",
    "髮发",
    "國国",
    "為为",
    "説说",
    "裡里",
    "臺台",
    "萬万",
    "兩两",
    "參参",
    "叄叁",
    "體体",
)
SIMPLIFIED = "质业发国为说里台万两参叁体的一是不了在人有我他这"
TRADITIONAL = "質業發國為說裡臺萬兩參叄體的一是不了在人有我他這"
KANA = "かきはうワヲホゝヽー・ンがぱヴヷアｶﾊﾞﾟ\u3099\u309a\uff9e\u309b゛"
HANGUL = "한국어각힣ㄱㅏﾡ\u1100\u1161\u11a8"
SOUTHERN = "ไทยน้ำกำ\u0e33ລາວខ្មែរမြန်བོད"
INDIC = "हिन्दी\u0958\u0915\u093cक्ष\u09cb\u09c7\u09be\u0bca"
LATIN = "abzABZéÉñüßŉİıſﬁǖǘḿøŁ\u1e9e\u00e0c"
GREEK = "Σσςᾳΐάα\u0345Ωй\u0419ё\u0451Ж"
MARKS = "\u0300\u0301\u0304\u030c\u0308\u0302\u0323\u0338\u20dd\ufe0f\U000e0100\u0483"
UNSEEN = "\u200b\u200c\u200d\u00ad\ufeff\u2060\u202e\U000e0041"
WIDE = "Ａｚ０９（）！，　ｱ①⑩½²㍿㌀㍼ﷺ㋿㈱Ⅳ"
DIGITS = "0123456789〇一二三千百٣๓"
SPACE = " \t\n\r\x0b\x0c\u00a0\u3000\u0085\u2028\x00"
PUNCTUATION = "()（）.,，。「」-_'’&@#"
GLOSS = "aoeiuvzhngüāáǎàēéěèńňǹㄓㄧㄢㆠˊˇˋ˙ˉ" + MARKS
HAN_ODD = "\uf900\ufa0e⼀々〇𠀀𫔀豈\U0002ebf0\U00031350"
ARABIC = "\u0627\u0653\u0655\u0622\u064e\u065f\u0670مرحبا"
ODD = "\ue000\ufffe\uffff\U0010ffff\u0378𝟘𝐀🙂\U00017000" + "\u115f\u3164"

_ALPHABETS = (
    SIMPLIFIED, TRADITIONAL, KANA, HANGUL, SOUTHERN, INDIC, LATIN, GREEK, MARKS, UNSEEN, WIDE, DIGITS, SPACE,
    PUNCTUATION, GLOSS, HAN_ODD, ARABIC, ODD,
)  # fmt: skip
_BROKEN = (
    b"\xff", b"\x80",
    b"\xc0\x80", b"\xc3", b"\xe4\xb8", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x9f\x99", b"\xf4\x90\x80\x80",
    b"\xf0\x80\x80\x80", b"\xf5\x80\x80\x80", b"\xe3\x80", b"\xef\xbb", b"\xbf", b"\xc2",
)  # fmt: skip


def _runs() -> st.SearchStrategy[str]:
    return st.one_of([st.text(alphabet, min_size=1, max_size=8) for alphabet in _ALPHABETS])


def glosses() -> st.SearchStrategy[str]:
    """A Han character and something in brackets behind it, mostly pinyin or zhuyin."""
    inner = st.one_of(
        st.sampled_from(["zhì", "zhi\u0300", "yè", "ㄓˋ", "˙ㄇㄚ", "lǜ", "lu\u0308\u0300", "zhi", "ˋ"]),
        st.text(GLOSS, max_size=14),
    )
    return st.builds(
        "".join, st.tuples(st.sampled_from("質字一か々a"), st.sampled_from("(（"), inner, st.sampled_from(")）(字"))
    )


def texts(max_runs: int = 12) -> st.SearchStrategy[str]:
    """Valid text, a mixture of scripts; sometimes in NFC or NFD."""
    plain = st.lists(st.one_of(_runs(), glosses(), st.text(max_size=4)), max_size=max_runs).map("".join)
    plain = plain.map(lambda text: text.encode("utf-8", "replace").decode())
    composed = plain.map(lambda text: unicodedata.normalize("NFC", text))
    decomposed = plain.map(lambda text: unicodedata.normalize("NFD", text))
    return st.one_of(plain, composed, decomposed)


def raw_texts() -> st.SearchStrategy[bytes]:
    """Bytes: texts, broken UTF-8 among them, and noise."""
    pieces = st.one_of(texts(4).map(str.encode), st.sampled_from(_BROKEN), st.binary(max_size=4))
    return st.lists(pieces, max_size=6).map(b"".join)


def script_pairs() -> st.SearchStrategy[tuple[str, str]]:
    """One text in traditional and in simplified script."""
    return st.lists(st.sampled_from(_SCRIPT_PAIRS), max_size=20).map(
        lambda pairs: ("".join(p[0] for p in pairs), "".join(p[1] for p in pairs))
    )


def layouts(parts_of: st.SearchStrategy[bytes] | None = None) -> st.SearchStrategy[tuple[U8, I64, I64]]:
    """A buffer and byte ranges in it: any order, overlapping, empty."""

    @st.composite
    def build(draw: st.DrawFn) -> tuple[U8, I64, I64]:
        parts = draw(st.lists(raw_texts() if parts_of is None else parts_of, max_size=5))
        data = b"".join(parts)
        bounds = np.cumsum([0] + [len(part) for part in parts])
        ranges = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
        places = st.integers(0, len(data))
        ranges += draw(st.lists(st.tuples(places, places).map(lambda pair: (min(pair), max(pair))), max_size=3))
        ranges = draw(st.permutations(ranges))
        starts = np.array([start for start, _ in ranges], np.int64)
        ends = np.array([end for _, end in ranges], np.int64)
        return np.frombuffer(data, np.uint8), starts, ends

    return build()


def ragged(high: int = 6, max_texts: int = 6, max_size: int = 20) -> st.SearchStrategy[tuple[U64, I64]]:
    """uint64 values below `high` in several texts, and their offsets."""
    rows = st.lists(st.lists(st.integers(0, high - 1), max_size=max_size), min_size=1, max_size=max_texts)

    def lay_out(rows: list[list[int]]) -> tuple[U64, I64]:
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return np.array([value for row in rows for value in row], np.uint64), offsets

    return rows.map(lay_out)


def seeds() -> st.SearchStrategy[int]:
    """Seeds of shingles."""
    return st.one_of(st.sampled_from([0, 1, 2**64 - 1]), st.integers(0, 2**64 - 1))


def lanes(max_lanes: int = 6) -> st.SearchStrategy[tuple[U32, U32]]:
    """Odd factors and addends of min-hash lanes."""
    word = st.integers(0, 2**32 - 1)
    return st.lists(st.tuples(word.map(lambda x: x | 1), word), max_size=max_lanes).map(
        lambda rows: (np.array([a for a, _ in rows], np.uint32), np.array([b for _, b in rows], np.uint32))
    )


def ints(*values: int) -> I64:
    """int64 column."""
    return np.array(values, np.int64)


def as_pairs(rows: list[tuple[int, int]]) -> I64:
    """int64[m, 2]."""
    return np.array(rows, np.int64).reshape(-1, 2)
