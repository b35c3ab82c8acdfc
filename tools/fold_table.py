"""Make `dedup/kernels/fold_table.bin`, the table that folds code points (see `dedup/kernels/fold_table.py`).

    python tools/fold_table.py DICTIONARY [OUT]

DICTIONARY is a folder with OpenCC's STCharacters.txt, TSCharacters.txt, TWVariants.txt and HKVariants.txt. They are in
the source distribution of OpenCC (`pip download --no-binary :all: --no-deps opencc==1.4.2`, folder `data/dictionary`),
under the Apache License 2.0. All else comes from `unicodedata` of the Python that runs this script. The same Python and
the same tables give the same table; its digest is taken of the uncompressed bytes, since zlib versions may compress
differently.
"""

from __future__ import annotations

import hashlib
import struct
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np

OPENCC_VERSION = "1.4.2"
OPENCC_TABLES = ("STCharacters.txt", "TSCharacters.txt", "TWVariants.txt", "HKVariants.txt")
DEFAULT_OUT = Path(__file__).resolve().parent.parent / "dedup" / "kernels" / "fold_table.bin"

BREAK, TRANSPARENT, CJK, WORD, EXPANSION, VOICE = range(6)
NUMERAL, HAN, GLOSS_LETTER, TONE = (1 << bit for bit in (24, 25, 26, 27))

DAKUTEN, HANDAKUTEN = "\u3099", "\u309a"
VOICE_MARKS = {0x3099: 1, 0xFF9E: 1, 0x309A: 2, 0xFF9F: 2}
# Marks that are transparent in every script: the inherited ones, the Cyrillic titlo marks, tone marks beside ideographs
# and the variation selectors; then letters that Unicode says are not to be shown (Hangul fillers, Khmer inherent
# vowels).
TRANSPARENT_RANGES = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
    (0x180B, 0x180F), (0x302A, 0x302F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x115F, 0x1160), (0x17B4, 0x17B5),
)  # fmt: skip
# Arabic vowel points go, but not these three, which NFC composes with letters (as in U+0622). A point that stayed would
# stand before such a mark in NFD and after it in NFC.
ARABIC_LETTER_MARKS = (0x0653, 0x0654, 0x0655)
# Han ideographs that Unicode 15.0, 15.1 and 17.0 added: known here whatever Python's Unicode version is.
LATER_HAN = ((0x2EBF0, 0x2EE5D), (0x31350, 0x33479))
# Tangut ideographs, which some versions of `unicodedata` know but cannot name.
TANGUT = ((0x17000, 0x187FF), (0x18D00, 0x18D7F))
UNSPACED = (
    "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HENTAIGANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN",
    "YI", "TAI LE", "NEW TAI LUE", "TAI THAM", "TAI VIET", "BALINESE", "JAVANESE", "TANGUT", "NUSHU", "KHITAN",
)  # fmt: skip
CHINESE_NUMERALS = "〇零一二三四五六七八九十百千万萬亿億兆两兩壹贰貳叁參肆伍陆陸柒捌玖拾佰仟廿卅半"
NOT_A_NUMERAL = "参"  # 參 is a numeral in old deeds only; its class is that of a common word
TONE_MARKS = "\u0300\u0301\u0304\u030c"
GLOSS_MARKS = TONE_MARKS + "\u0302\u0308"
TONE_LETTERS = "ˊˇˋ˙ˉ"


def han_classes(folder: Path) -> dict[int, int]:
    """Class representative (the smallest code point) of each character that OpenCC's tables pair with another."""
    parent: dict[int, int] = {}

    def find(cp: int) -> int:
        while parent.setdefault(cp, cp) != cp:
            parent[cp] = parent[parent[cp]]
            cp = parent[cp]
        return cp

    for name in OPENCC_TABLES:
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            key, _, values = line.partition("\t")
            characters = [unicodedata.normalize("NFKC", item) for item in (key, *values.split())]
            codes = [ord(item) for item in characters if len(item) == 1]
            if len(characters[0]) == 1:
                for code in codes[1:]:
                    low, high = sorted((find(codes[0]), find(code)))
                    parent[high] = low
    return {cp: find(cp) for cp in parent}


def in_ranges(cp: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    """Whether the code point is in one of the closed ranges."""
    return any(low <= cp <= high for low, high in ranges)


def is_han(cp: int) -> bool:
    """Whether the code point is a Han ideograph; the zero and the iteration mark count as such."""
    name = unicodedata.name(chr(cp), "")
    return (
        cp in (0x3005, 0x3007)
        or name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH"))
        or in_ranges(cp, LATER_HAN)
    )


def is_transparent(cp: int) -> bool:
    """Whether the code point is passed over as if it were not there."""
    character = chr(cp)
    category = unicodedata.category(character)
    arabic = category == "Mn" and unicodedata.name(character, "").startswith("ARABIC")
    return category == "Cf" or in_ranges(cp, TRANSPARENT_RANGES) or (arabic and cp not in ARABIC_LETTER_MARKS)


def fold(character: str) -> str:
    """Compatibility form, without marks, case folded, decomposed; voiced kana composed.

    Marks go before the case is folded, for the Greek iota below would else become a letter in NFC and vanish in NFD.
    """
    before = ""
    folded = character
    while folded != before:
        before = folded
        folded = unicodedata.normalize("NFKD", folded)
        folded = "".join(c for c in folded if not is_transparent(ord(c))).casefold()
    composed: list[str] = []
    for c in folded:
        if c in (DAKUTEN, HANDAKUTEN):
            pair = unicodedata.normalize("NFC", composed[-1] + c) if composed else c
            composed[-1:] = [pair if len(pair) == 1 else composed[-1]] if composed else []
        else:
            composed.append(c)
    return "".join(composed)


def entry_of_folded(cp: int, classes: dict[int, int], numerals: frozenset[int]) -> int:
    """Entry of a code point that is already folded, Han variants apart."""
    character = chr(cp)
    if is_han(cp):
        cp = classes.get(cp, cp)
        return CJK << 28 | HAN | (NUMERAL if cp in numerals else 0) | cp
    category = unicodedata.category(character)
    if category[0] not in "LNM":
        return BREAK << 28
    if category[0] == "N":
        return WORD << 28 | NUMERAL | cp
    name = unicodedata.name(character, "")
    unspaced = any(name.startswith(script + " ") for script in UNSPACED) or in_ranges(cp, TANGUT)
    return (CJK if unspaced else WORD) << 28 | cp


def gloss_flags(cp: int) -> int:
    """Flags of what may stand in a gloss: pinyin letters, zhuyin letters, their tones."""
    character = chr(cp)
    if character in TONE_LETTERS or character in TONE_MARKS:
        return TONE
    if character in GLOSS_MARKS or 0x3105 <= cp <= 0x312F or 0x31A0 <= cp <= 0x31BF:
        return GLOSS_LETTER
    decomposed = unicodedata.normalize("NFD", character)
    base, marks = decomposed[0], decomposed[1:]
    if not (base.isascii() and base.isalpha() and all(mark in GLOSS_MARKS for mark in marks)):
        return 0
    return GLOSS_LETTER | (TONE if any(mark in TONE_MARKS for mark in marks) else 0)


def entries_of(cp: int, classes: dict[int, int], numerals: frozenset[int]) -> list[int]:
    """Entries that a code point folds to; flags for glosses not yet set."""
    if cp in VOICE_MARKS:
        return [VOICE << 28 | VOICE_MARKS[cp]]
    if is_han(cp):
        return [entry_of_folded(ord(fold(chr(cp))), classes, numerals)]
    if is_transparent(cp):
        return []
    if unicodedata.category(chr(cp)) in ("Cn", "Co", "Cs", "Cc"):
        return [BREAK << 28]
    return [entry_of_folded(ord(c), classes, numerals) for c in fold(chr(cp))]


def tokens_begun(entries: list[int]) -> int:
    """How many tokens a code point with these entries can begin at most."""
    begun, in_word = 0, False
    for entry in entries:
        kind = entry >> 28
        begun += kind == CJK or (kind == WORD and not in_word)
        in_word = kind == WORD or (in_word and kind == TRANSPARENT)
    return begun


def build(classes: dict[int, int]) -> tuple[list[int], list[int], tuple[int, int]]:
    """Entries of all 0x110000 code points, the expansions, and the most tokens per byte as (numerator, denominator)."""
    numerals = frozenset(classes.get(ord(c), ord(c)) for c in CHINESE_NUMERALS) - {
        classes.get(ord(c), ord(c)) for c in NOT_A_NUMERAL
    }
    table: list[int] = []
    expansions: list[int] = []
    places: dict[tuple[int, ...], int] = {}
    most = (1, 1)
    for cp in range(0x110000):
        if 0xD800 <= cp <= 0xDFFF:
            table.append(BREAK << 28)
            continue
        entries = entries_of(cp, classes, numerals)
        if len(entries) > 1:
            key = tuple(entries)
            if key not in places:
                places[key] = len(expansions)
                expansions += [len(entries), *entries]
            table.append(EXPANSION << 28 | places[key])
            begun, size = tokens_begun(entries), len(chr(cp).encode())
            if begun * most[1] > most[0] * size:
                most = (begun, size)
        else:
            table.append((entries[0] if entries else TRANSPARENT << 28) | gloss_flags(cp))
    return table, expansions, most


def voice_table(mark: str) -> list[int]:
    """Composed code point, or 0, of each kana U+3040..30FF followed by the mark."""
    pairs = [unicodedata.normalize("NFC", chr(cp) + mark) for cp in range(0x3040, 0x3100)]
    return [ord(pair) if len(pair) == 1 else 0 for pair in pairs]


def planes(table: np.ndarray, places: np.ndarray) -> bytes:
    """The entries as four planes of bytes, payloads as differences to `places`: long runs of equal bytes pack well."""
    top = table & np.uint32(0xFF000000)
    packed = top | ((table - places.astype(np.uint32)) & np.uint32(0xFFFFFF))
    return packed.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()


def pack(table: list[int], expansions: list[int], most: tuple[int, int]) -> bytes:
    """The file's uncompressed body; `dedup/kernels/fold_table.py` reads it."""
    entries = np.array(table, np.uint32)
    bmp, rest = entries[:0x10000], entries[0x10000:].reshape(4096, 256)
    used = [page for page in range(4096) if rest[page].any()]
    astral_pages = np.zeros(4096, "<u2")
    astral_pages[used] = np.arange(1, len(used) + 1)
    astral = np.concatenate([np.zeros((1, 256), np.uint32), rest[used]]).ravel()
    first = np.concatenate([[0], [0x10000 + (page << 8) for page in used]])
    places = (first[:, None] + np.arange(256)).ravel()
    places[:256] = 0
    expanded = np.array(expansions, np.uint32)
    counts = struct.pack("<5I", len(astral), len(expanded), *most, 0)
    kana = np.array([voice_table(DAKUTEN), voice_table(HANDAKUTEN)], "<u2")
    bodies = (planes(bmp, np.arange(0x10000)), planes(astral, places), planes(expanded, np.zeros(len(expanded))))
    return counts + astral_pages.tobytes() + kana.tobytes() + b"".join(bodies)


def main(arguments: list[str]) -> None:
    """Write the table and say what is in it."""
    if len(arguments) not in (1, 2):
        raise SystemExit(__doc__)
    classes = han_classes(Path(arguments[0]))
    out = Path(arguments[1]) if len(arguments) == 2 else DEFAULT_OUT
    body = pack(*build(classes))
    header = f"dedup fold table 1; Unicode {unicodedata.unidata_version}; OpenCC {OPENCC_VERSION} (Apache-2.0)"
    header += f"; SHA-256 {hashlib.sha256(body).hexdigest()}\n"
    out.write_bytes(header.encode() + zlib.compress(body, 9))
    sizes = np.unique(list(classes.values()), return_counts=True)[1]
    print(f"{out}: {out.stat().st_size:,} bytes; {len(sizes):,} Han classes, the largest of {sizes.max()} characters")


if __name__ == "__main__":
    main(sys.argv[1:])
