"""Bytes to tokens and to lines. All bytes are decoded at once, only glosses and long words are walked in Python."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import fold_table as ft
from dedup.kernels.portable.checks import I64, check_ranges

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Bools = NDArray[np.bool_]

MASK = (1 << 64) - 1
G = 0x9E3779B97F4A7C15
M1 = 0xBF58476D1CE4E5B9
M2 = 0x94D049BB133111EB
M3 = 0xD6E8FEB86659FD93

BATCH_BYTES = 1 << 20
"""Texts are gathered up to this many bytes, so that many short ones cost no more calls than one long one."""
LONG_WORD = 64
"""Words of more 8-byte chunks are hashed alone: few are so long, and each round of the others costs a call."""
GLOSS_LIMIT = 12

_SEPARATOR = 0xFF  # is in no valid UTF-8: it ends words, glosses and sequences at the end of each text


def tokenize(text: U8, starts: I64, ends: I64) -> tuple[U64, I64, I64, I64]:
    """Fold texts and cut them into tokens: each character of a script without spaces, each word of other scripts.

    Args:
        text: uint8[...], UTF-8; an invalid byte ends a word and is otherwise ignored.
        starts: int64[n], first byte of each text.
        ends: int64[n], the byte after each text's last. Ranges may overlap and stand in any order.

    Returns:
        uint64[t] token values (bit 0: a word; bit 1: a numeral), int64[n + 1] offsets of the texts in them, and
        int64[t] twice: the byte ranges of the tokens in `text`.

    Raises:
        ValueError: a range does not lie within the text.
    """
    check_ranges(len(text), starts, ends)
    parts = [_tokenize_batch(*batch) for batch in gather(text, starts, ends)]
    counts = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.int64)
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    values = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.uint64)
    firsts = np.concatenate([part[2] for part in parts]) if parts else np.zeros(0, np.int64)
    lasts = np.concatenate([part[3] for part in parts]) if parts else np.zeros(0, np.int64)
    return values, offsets, firsts, lasts


def tokens(text: U8, starts: I64, ends: I64) -> tuple[U64, I64]:
    """`tokenize` without the places: the values and the offsets of the texts in them.

    Raises:
        ValueError: a range does not lie within the text.
    """
    return tokenize(text, starts, ends)[:2]


def lines(text: U8, starts: I64, ends: I64) -> tuple[I64, I64, I64]:
    """The lines of texts that are not blank, without the white space around them.

    Args:
        text: uint8[...], UTF-8.
        starts: int64[n], first byte of each text.
        ends: int64[n], the byte after each text's last.

    Returns:
        int64[m] three times: the text of each line, and its byte range in `text`. Lines end at LF, CR LF or CR; white
        space is TAB, VT, FF, space, U+3000, U+00A0 and U+FEFF.

    Raises:
        ValueError: a range does not lie within the text.
    """
    check_ranges(len(text), starts, ends)
    owners, firsts, lasts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    base = 0
    for data, shifts, bounds in gather(text, starts, ends):
        separator = (data == 0x0A) | (data == 0x0D)
        separator[bounds[1:] - 1] = True
        ink = np.flatnonzero(~(separator | white(data)))
        line = np.cumsum(separator)[ink]
        first = np.flatnonzero(np.diff(line, prepend=-1))
        last = np.flatnonzero(np.diff(line, append=-1))
        owner = np.searchsorted(bounds, ink[first], side="right") - 1
        owners.append(owner + base)
        firsts.append(ink[first] + shifts[owner])
        lasts.append(ink[last] + 1 + shifts[owner])
        base += len(shifts)
    return np.concatenate(owners), np.concatenate(firsts), np.concatenate(lasts)


def white(data: U8) -> Bools:
    """Which bytes belong to a white character that is no line end."""
    found: Bools = (data == 0x20) | (data == 0x09) | (data == 0x0B) | (data == 0x0C)
    for sequence in (b"\xe3\x80\x80", b"\xc2\xa0", b"\xef\xbb\xbf"):
        at = np.flatnonzero(data[: max(len(data) - len(sequence) + 1, 0)] == sequence[0])
        for i, byte in enumerate(sequence):
            at = at[data[at + i] == byte]
        for i in range(len(sequence)):
            found[at + i] = True
    return found


def gather(text: U8, starts: I64, ends: I64) -> Iterator[tuple[U8, I64, I64]]:
    """Texts one after the other, each with a separator behind it: the bytes, what to add to a place in them to get the
    place in `text` (int64[m]), and the bounds of the m texts with their separators (int64[m + 1])."""
    begin = 0
    total = np.cumsum(ends - starts)
    while begin < len(starts):
        done = total[begin - 1] if begin else 0
        end = max(int(np.searchsorted(total, done + BATCH_BYTES, side="right")), begin + 1)
        sizes = ends[begin:end] - starts[begin:end]
        bounds = np.zeros(len(sizes) + 1, np.int64)
        np.cumsum(sizes + 1, out=bounds[1:])
        shifts = starts[begin:end] - bounds[:-1]
        data = np.full(bounds[-1], _SEPARATOR, np.uint8)
        is_text = np.ones(len(data), np.bool_)
        is_text[bounds[1:] - 1] = False
        at = np.flatnonzero(is_text)
        data[at] = text[at + np.repeat(shifts, sizes)]
        yield data, shifts, bounds
        begin = end


def _decode(data: U8) -> tuple[U32, I64, I64]:
    """Code points and their byte ranges. A byte that is no part of valid UTF-8 becomes U+0000, which breaks words.

    A byte that cannot continue a sequence is reached in any case, since valid sequences cover only such bytes as can:
    so every place can be judged by itself.
    """
    padded = np.concatenate([data, np.zeros(3, np.uint8)]).astype(np.uint32)
    b0, b1, b2, b3 = (padded[i : len(data) + i] for i in range(4))
    tail1, tail2, tail3 = ((b & 0xC0) == 0x80 for b in (b1, b2, b3))
    two = (b0 >= 0xC2) & (b0 <= 0xDF) & tail1
    three = (b0 >= 0xE0) & (b0 <= 0xEF) & tail1 & tail2
    three &= ((b0 != 0xE0) | (b1 >= 0xA0)) & ((b0 != 0xED) | (b1 < 0xA0))
    four = (b0 >= 0xF0) & (b0 <= 0xF4) & tail1 & tail2 & tail3
    four &= ((b0 != 0xF0) | (b1 >= 0x90)) & ((b0 != 0xF4) | (b1 < 0x90))
    cps = np.where(b0 < 0x80, b0, 0)
    cps = np.where(two, (b0 & 0x1F) << 6 | (b1 & 0x3F), cps)
    cps = np.where(three, (b0 & 0x0F) << 12 | (b1 & 0x3F) << 6 | (b2 & 0x3F), cps)
    cps = np.where(four, (b0 & 0x07) << 18 | (b1 & 0x3F) << 12 | (b2 & 0x3F) << 6 | (b3 & 0x3F), cps)
    sizes = 1 + two + 2 * three + 3 * four
    covered = np.zeros(len(data) + 3, np.bool_)
    for i in range(1, 4):
        covered[np.flatnonzero(sizes > i) + i] = True
    begins = np.flatnonzero(~covered[: len(data)])
    return cps[begins].astype(np.uint32), begins, begins + sizes[begins]


def _look_up(table: ft.FoldTable, cps: U32) -> U32:
    """The entry of each code point."""
    entries = table.bmp[np.minimum(cps, 0xFFFF)]
    high = np.flatnonzero(cps > 0xFFFF)
    rest = cps[high] - np.uint32(0x10000)
    entries[high] = table.astral[table.astral_pages[rest >> 8].astype(np.int64) << 8 | (rest & 0xFF)]
    return entries


def _voice(table: ft.FoldTable, entries: U32, ends: I64) -> None:
    """Compose kana with a voice mark that follows as a code point of its own, in place: the mark passes to the kana's
    range."""
    mark = np.flatnonzero(entries[1:] >> ft.KIND_SHIFT == ft.VOICE) + 1
    before = entries[mark - 1]
    kana = (before & ft.PAYLOAD).astype(np.int64) - ft.KANA_FIRST
    fits = (before >> ft.KIND_SHIFT == ft.CJK) & (kana >= 0) & (kana < ft.KANA_COUNT)
    mark, kana = mark[fits], kana[fits]
    composed = np.where(entries[mark] & ft.PAYLOAD == 1, table.voiced[kana], table.semivoiced[kana]).astype(np.uint32)
    mark, composed = mark[composed != 0], composed[composed != 0]
    entries[mark - 1] = np.uint32(ft.CJK << ft.KIND_SHIFT) | composed
    ends[mark - 1] = ends[mark]


def _gloss_end(cps: list[int], entries: list[int]) -> int:
    """How many code points the gloss in brackets takes that begins at the first one; 0 where there is none."""
    letters = tones = words = zhuyin = 0
    for i in range(1, len(cps)):
        entry = entries[i]
        kind = entry >> ft.KIND_SHIFT
        if cps[i] in (0x29, 0xFF09):
            pinyin = tones > 0 and words > 0 and zhuyin == 0
            return i + 1 if pinyin or (zhuyin > 0 and words == 0) else 0
        letters += kind != ft.TRANSPARENT
        if not entry & (ft.GLOSS_LETTER | ft.TONE) or letters > GLOSS_LIMIT:
            return 0
        tones += bool(entry & ft.TONE)
        if entry & ft.GLOSS_LETTER:
            words += kind == ft.WORD
            zhuyin += kind == ft.CJK
    return 0


def _skip_glosses(cps: U32, entries: U32) -> None:
    """Make glosses in brackets, right after a Han character, transparent, in place."""
    bracket = np.flatnonzero((cps[1:] == 0x28) | (cps[1:] == 0xFF08)) + 1
    before = entries[bracket - 1]
    bracket = bracket[(before >> ft.KIND_SHIFT == ft.CJK) & (before & ft.HAN != 0)]
    for at in bracket.tolist():
        reach = 2 * (GLOSS_LIMIT + 2)
        size = 0
        while size == 0:
            near = entries[at : at + reach]
            size = _gloss_end(cps[at : at + reach].tolist(), near.tolist())
            # Marks do not count, so a gloss may be longer than was looked at, but only where nothing else came.
            flags = near[1:] & (ft.GLOSS_LETTER | ft.TONE)
            if size or len(near) < reach or not flags.all():
                break
            reach *= 4
        entries[at : at + size] = ft.TRANSPARENT << ft.KIND_SHIFT


def _expand(table: ft.FoldTable, entries: U32) -> tuple[U32, I64]:
    """Entries with the expansions written out, and the code point that each came from."""
    places = (entries & ft.PAYLOAD).astype(np.int64)
    expanded = entries >> ft.KIND_SHIFT == ft.EXPANSION
    counts = np.ones(len(entries), np.int64)
    counts[expanded] = table.expansions[places[expanded]]
    source = np.repeat(np.arange(len(entries)), counts)
    items = entries[source]
    within = np.arange(len(source)) - (np.cumsum(counts) - counts)[source]
    several = np.flatnonzero(expanded[source])
    items[several] = table.expansions[places[source[several]] + 1 + within[several]]
    return items, source


def _tokenize_batch(data: U8, shifts: I64, bounds: I64) -> tuple[U64, I64, I64, I64]:
    """Token values, tokens of each text, and byte ranges of the tokens in the whole buffer."""
    table = ft.load()
    cps, begins, ends = _decode(data)
    entries = _look_up(table, cps)
    _skip_glosses(cps, entries)
    _voice(table, entries, ends)
    items, source = _expand(table, entries)
    kinds = items >> ft.KIND_SHIFT
    seen = (kinds != ft.TRANSPARENT) & (kinds != ft.VOICE)
    items, source, kinds = items[seen], source[seen], kinds[seen]
    is_word = kinds == ft.WORD
    goes_on = is_word.copy()
    goes_on[1:] &= is_word[:-1]
    goes_on[:1] = False
    first = np.flatnonzero(~goes_on & (kinds != ft.BREAK))
    size = np.diff(np.append(np.flatnonzero(~goes_on), len(items)))[(kinds != ft.BREAK)[~goes_on]]
    values = _hash_cjk(items[first])
    words = np.flatnonzero(is_word[first])
    values[words] = _hash_words(items[is_word], size[words])
    token_begins, token_ends = begins[source[first]], ends[source[first + size - 1]]
    owner = np.searchsorted(bounds, token_begins, side="right") - 1
    counts = np.bincount(owner, minlength=len(shifts))
    return values, counts, token_begins + shifts[owner], token_ends + shifts[owner]


def _numeral_bit(items: U32) -> U64:
    return np.where(items & ft.NUMERAL != 0, 2, 0).astype(np.uint64)


def _hash_cjk(items: U32) -> U64:
    h = ((items & ft.PAYLOAD).astype(np.uint64) + np.uint64(G)) * np.uint64(M1)
    h ^= h >> np.uint64(32)
    h *= np.uint64(M2)
    h ^= h >> np.uint64(29)
    return (h & np.uint64(MASK ^ 3)) | _numeral_bit(items)


def _word_chunks(items: U32, word: I64, n: int) -> tuple[U64, I64, I64]:
    """The words as chunks of eight bytes: one byte for an ASCII letter, three for others. Also the bytes of each word,
    and the offsets of the words in the chunks."""
    payload = items & ft.PAYLOAD
    wide = payload >= 128
    sizes = np.where(wide, 3, 1)
    ends = np.cumsum(sizes)
    total = np.bincount(word, weights=sizes, minlength=n).astype(np.int64)
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum((total + 7) // 8, out=offsets[1:])
    at = ends - sizes - (np.cumsum(total) - total)[word] + 8 * offsets[:-1][word]
    stream = np.zeros(8 * offsets[-1], np.uint8)
    stream[at] = payload & 0xFF
    stream[at[wide] + 1] = payload[wide] >> 8 & 0xFF
    stream[at[wide] + 2] = payload[wide] >> 16 | 0x80
    return stream.view("<u8").astype(np.uint64), total, offsets


def _hash_words(items: U32, sizes: I64) -> U64:
    """Hash words, given as the items of all of them and how many items each has."""
    n = len(sizes)
    if n == 0:
        return np.zeros(0, np.uint64)
    word = np.repeat(np.arange(n), sizes)
    chunks, total, offsets = _word_chunks(items, word, n)
    counts = np.diff(offsets)
    h = np.full(n, G, np.uint64)
    active = np.flatnonzero(counts <= LONG_WORD)
    for i in range(LONG_WORD):
        active = active[counts[active] > i]
        if len(active) == 0:
            break
        mixed = (h[active] ^ chunks[offsets[active] + i]) * np.uint64(M1)
        h[active] = mixed ^ (mixed >> np.uint64(32))
    for i in np.flatnonzero(counts > LONG_WORD).tolist():
        state = G
        for chunk in chunks[offsets[i] : offsets[i + 1]].tolist():
            state = (state ^ chunk) * M1 & MASK
            state ^= state >> 32
        h[i] = state
    h = (h ^ total.astype(np.uint64)) * np.uint64(M2)
    h ^= h >> np.uint64(29)
    numeral = np.bincount(word[items & ft.NUMERAL != 0], minlength=n) > 0
    return (h & np.uint64(MASK ^ 3)) | np.uint64(1) | np.where(numeral, 2, 0).astype(np.uint64)
