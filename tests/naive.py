"""The oracle: what the kernels must compute, in sets, loops and dicts, from `unicodedata`; no code of dedup."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

MASK = 2**64 - 1
G, M1, M2, M3 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93

Han = Mapping[str, str]
"""Character -> the one that stands for all its variants; characters not in it stand for themselves."""


class Piece(NamedTuple):
    """What a code point folds to, or one part of it: kind is `break`, `none`, `cjk`, `word` or `voice`."""

    kind: str
    text: str = ""
    numeral: bool = False
    han: bool = False


class Token(NamedTuple):
    """A token: its folded text, whether it is a word, whether a numeral, its byte range."""

    text: str
    word: bool
    numeral: bool
    start: int
    end: int


NUMERALS = "〇零一二三四五六七八九十百千万亿兆两壹贰叁肆伍陆柒捌玖拾佰仟廿卅半"
TONES_BESIDE = "ˊˇˋ˙ˉ"
TONES = "\u0300\u0301\u0304\u030c"
HAN_BLOCKS = [
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x2A6DF), (0x2A700, 0x2EBE0), (0x30000, 0x3134A),
]  # fmt: skip
HAN_AFTER_14 = [(0x2EBF0, 0x2EE5D), (0x31350, 0x33479)]
HAN_ALONE = "々〇﨎﨏﨑﨓﨔﨟﨡﨣﨤﨧﨨﨩"
UNSPACED_BLOCKS = [
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0x1B00, 0x1B7F),
    (0x3040, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0xA000, 0xA48F), (0xA980, 0xA9FF), (0xAA60, 0xAADF),
    (0x16FE0, 0x16FE1), (0x16FE4, 0x16FE4), (0x17000, 0x18D7F), (0x1AFF0, 0x1B2FF),
]  # fmt: skip
UNSEEN = [
    (0x0300, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
    (0x180B, 0x180F), (0x302A, 0x302F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x115F, 0x1160), (0x17B4, 0x17B5),
]  # fmt: skip
ARABIC_BLOCKS = [(0x0600, 0x0652), (0x0656, 0x06FF), (0x0750, 0x077F), (0x0870, 0x08FF), (0x10EC0, 0x10EFF)]


def _within(c: str, blocks: Sequence[tuple[int, int]]) -> bool:
    return any(low <= ord(c) <= high for low, high in blocks)


def _is_han(c: str) -> bool:
    assigned = unicodedata.category(c) == "Lo" and _within(c, HAN_BLOCKS)
    return assigned or c in HAN_ALONE or _within(c, HAN_AFTER_14)


def _unseen(c: str) -> bool:
    category = unicodedata.category(c)
    return category == "Cf" or _within(c, UNSEEN) or (category == "Mn" and _within(c, ARABIC_BLOCKS))


@cache
def _folded(c: str) -> str:
    """Decompose, drop the marks, fold the case, until nothing changes; kana are put together again."""
    text, before = c, ""
    while text != before:
        before = text
        text = unicodedata.normalize("NFKD", text)
        text = "".join(x for x in text if not _unseen(x)).casefold()
    result = ""
    for x in text:
        if x in "\u3099\u309a":
            joined = unicodedata.normalize("NFC", result[-1:] + x)
            result = result[:-1] + (joined if len(joined) == 1 and result else result[-1:])
        else:
            result += x
    return result


def _piece(c: str, han: Han) -> Piece:
    if _is_han(c):
        kin = han.get(c, c)
        return Piece("cjk", kin, any(han.get(n, n) == kin for n in NUMERALS), True)
    category = unicodedata.category(c)
    if category[0] == "N":
        return Piece("word", c, True)
    if category[0] in "LM":
        return Piece("cjk" if _within(c, UNSPACED_BLOCKS) else "word", c)
    return Piece("break")


def pieces(c: str, han: Han) -> list[Piece]:
    """What a code point folds to."""
    if c in "\u3099\u309a\uff9e\uff9f":
        return [Piece("voice", "\u3099" if c in "\u3099\uff9e" else "\u309a")]
    if _unseen(c):
        return [Piece("none")]
    if unicodedata.category(c) in ("Cn", "Co", "Cs", "Cc") and not _is_han(c):
        return [Piece("break")]
    return [_piece(x, han) for x in _folded(c)] or [Piece("none")]


def decode(data: bytes) -> list[tuple[str | None, int, int]]:
    """Code points with their byte ranges; None for a byte that is no part of valid UTF-8."""
    result: list[tuple[str | None, int, int]] = []
    i = 0
    while i < len(data):
        found: str | None = None
        size = 1
        for n in (1, 2, 3, 4):
            try:
                found, size = data[i : i + n].decode("utf-8"), n
                break
            except UnicodeDecodeError:
                continue
        result.append((found, i, i + size))
        i += size
    return result


def gloss_class(c: str | None) -> str:
    """How a code point counts in a gloss: `letter`, `toned`, `zhuyin`, `mark`, `tone`, `tone mark`, or nothing."""
    if c is None:
        return ""
    if c in TONES_BESIDE:
        return "tone"
    if c in TONES:
        return "tone mark"
    if c in "\u0302\u0308":
        return "mark"
    if "\u3105" <= c <= "\u312f" or "\u31a0" <= c <= "\u31bf":
        return "zhuyin"
    base, *marks = list(unicodedata.normalize("NFD", c))
    if base.lower() in set("abcdefghijklmnopqrstuvwxyz") and set(marks) <= set(TONES + "\u0302\u0308"):
        return "toned" if set(marks) & set(TONES) else "letter"
    return ""


def _gloss_length(points: Sequence[tuple[str | None, int, int]], at: int) -> int:
    """Code points in the bracketed gloss that begins at `at`; 0 if there is none."""
    if at >= len(points) or points[at][0] not in ("(", "（"):
        return 0
    classes: list[str] = []
    for n in range(at + 1, len(points)):
        if points[n][0] in (")", "）"):
            weight = sum(c not in ("mark", "tone mark") for c in classes)
            latin = any(c in ("letter", "toned") for c in classes)
            toned = any(c in ("toned", "tone", "tone mark") for c in classes)
            zhuyin = "zhuyin" in classes
            fits = (zhuyin and not latin) or (latin and toned and not zhuyin)
            return n + 1 - at if fits and 1 <= weight <= 12 else 0
        classes.append(gloss_class(points[n][0]))
        if not classes[-1]:
            return 0
    return 0


def tokens(data: bytes, han: Han) -> list[Token]:
    """The tokens of a text."""
    points = decode(data)
    result: list[Token] = []
    word: list[tuple[Piece, int, int]] = []

    def end_word() -> None:
        if word:
            text = "".join(p.text for p, _, _ in word)
            result.append(Token(text, True, any(p.numeral for p, _, _ in word), word[0][1], word[-1][2]))
            word.clear()

    i = 0
    while i < len(points):
        c, start, end = points[i]
        i += 1
        parts = [Piece("break")] if c is None else pieces(c, han)
        for part in parts:
            if part.kind == "word":
                word.append((part, start, end))
            elif part.kind in ("break", "cjk"):
                end_word()
            if part.kind != "cjk":
                continue
            text = part.text
            if len(parts) == 1 and "\u3040" <= text <= "\u30ff" and i < len(points):
                following = points[i][0]
                if following is not None and following in "\u3099\u309a\uff9e\uff9f":
                    joined = unicodedata.normalize("NFC", text + pieces(following, han)[0].text)
                    if len(joined) == 1:
                        text, end, i = joined, points[i][2], i + 1
            result.append(Token(text, False, part.numeral, start, end))
        if len(parts) == 1 and parts[0].han:
            i += _gloss_length(points, i)
    end_word()
    return result


def _finish(h: int, n: int) -> int:
    h = (h ^ n) * M1 & MASK
    h ^= h >> 32
    h = h * M2 & MASK
    return h ^ h >> 29


def token_value(token: Token) -> int:
    """The 64-bit value of a token."""
    numeral = 2 if token.numeral else 0
    if not token.word:
        h = (ord(token.text) + G) * M1 & MASK
        h = (h ^ h >> 32) * M2 & MASK
        return (h ^ h >> 29) // 4 * 4 + numeral
    data = b"".join(bytes([ord(c)]) if ord(c) < 128 else (ord(c) | 0x800000).to_bytes(3, "little") for c in token.text)
    h = G
    for i in range(0, len(data), 8):
        h = (h ^ int.from_bytes(data[i : i + 8], "little")) * M1 & MASK
        h ^= h >> 32
    h = (h ^ len(data)) * M2 & MASK
    return (h ^ h >> 29) // 4 * 4 + 1 + numeral


def sequence_hash(values: Sequence[int]) -> int:
    """Hash of a sequence of tokens in order."""
    if not values:
        return 0
    return _finish(sum(v * (2 * i + 1) * G for i, v in enumerate(values)) & MASK, len(values))


def _rotate(value: int, turn: int) -> int:
    return (value << turn | value >> (64 - turn)) & MASK


def shingles(values: Sequence[int], k: int, seed: int) -> list[int]:
    """Hashes of all runs of k tokens; of all tokens where there are fewer."""
    if not values:
        return []
    k = min(k, len(values))
    mixed = seed * G & MASK
    mixed = (mixed ^ mixed >> 31) * M1 & MASK
    mixed ^= mixed >> 32
    result = []
    for i in range(len(values) - k + 1):
        total = sum(_rotate(values[i + j], 13 * (k - 1 - j) % 64) for j in range(k)) & MASK
        p = (total ^ mixed) * M3 & MASK
        result.append(p ^ p >> 32)
    return result


def signature(hashes: Iterable[int], a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Min-hash lanes of the given shingles."""
    lanes = [2**32 - 1] * len(a)
    for x in set(hashes):
        h = x >> 32
        h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
        h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
        h ^= h >> 16
        lanes = [min(lane, (p * h + q) % 2**32) for lane, p, q in zip(lanes, a, b, strict=True)]
    return lanes


def band_key(lanes: Sequence[int], band: int) -> int:
    """Key of the lanes of one band."""
    h = (band + 1) * G & MASK
    for lane in lanes:
        h = (h ^ lane) * M1 & MASK
        h ^= h >> 32
    return (h ^ h >> 32) % 2**32


def jaccard(one: Iterable[int], two: Iterable[int]) -> float:
    """Shared part of two sets; 0 if both are empty."""
    left, right = set(one), set(two)
    return len(left & right) / len(left | right) if left | right else 0.0


def containment(one: Iterable[int], two: Iterable[int]) -> float:
    """Part of the first set that is in the second; 0 if the first is empty."""
    left, right = set(one), set(two)
    return len(left & right) / len(left) if left else 0.0


def edit_distance(one: Sequence[object], two: Sequence[object]) -> int:
    """Levenshtein distance, by the table of Wagner and Fischer."""
    row = list(range(len(two) + 1))
    for i, x in enumerate(one, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(two, 1):
            corner, row[j] = row[j], min(corner + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def edit_similarity(one: Sequence[object], two: Sequence[object]) -> float:
    """1 - distance / longer length; 1 for two empty sequences."""
    longest = max(len(one), len(two))
    return 1 - edit_distance(one, two) / longest if longest else 1.0


def bucket_pairs(keys: Sequence[int], limit: int) -> tuple[list[tuple[int, int]], int]:
    """Each item with the first `limit` earlier ones of its key; and how many pairs were left out."""
    earlier: dict[int, list[int]] = {}
    pairs, skipped = [], 0
    for i, key in enumerate(keys):
        bucket = earlier.setdefault(key, [])
        pairs += [(j, i) for j in bucket[:limit]]
        skipped += len(bucket[limit:])
        bucket.append(i)
    return pairs, skipped


def agreements(one: Sequence[int], two: Sequence[int]) -> int:
    """Places at which two sequences of one length have the same."""
    return [x - y for x, y in zip(one, two, strict=True)].count(0)


def independent_set(pairs: Iterable[tuple[int, int]], n: int) -> list[int]:
    """1 for each node that no kept earlier node is paired with."""
    joined = {frozenset(pair) for pair in pairs}
    kept: list[int] = []
    for i in range(n):
        if not any(frozenset((i, j)) in joined for j in kept):
            kept.append(i)
    return [int(i in kept) for i in range(n)]


def lines(data: bytes) -> list[tuple[int, int]]:
    """Byte ranges of the lines that are not blank, trimmed."""
    white = (b" ", b"\t", b"\x0b", b"\x0c", "\u3000".encode(), "\u00a0".encode(), "\ufeff".encode())
    result, at = [], 0
    for line in data.replace(b"\r", b"\n").split(b"\n"):
        start, end = at, at + len(line)
        at = end + 1
        while start < end and (lead := [w for w in white if data[start:end].startswith(w)]):
            start += len(lead[0])
        while start < end and (tail := [w for w in white if data[start:end].endswith(w)]):
            end -= len(tail[0])
        if start < end:
            result.append((start, end))
    return result
