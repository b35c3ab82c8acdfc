"""The compiled kernels as functions on arrays. What each does, and its source, stands in `portable`, which gives equal
results bit for bit; here is only what carries arrays over to the C module and back. Every call releases the GIL.

Arrays of another type or layout are converted; `text` may be any contiguous buffer of bytes.
"""

# ruff: noqa: F401 - what the other files of this name have is passed on

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import _native
from dedup.kernels.arrays import array as _array
from dedup.kernels.arrays import clamped as _clamped
from dedup.kernels.arrays import made as _made
from dedup.kernels.fold_table import load
from dedup.kernels.native_pairs import (
    agreements,
    bucket_pairs,
    edit_distances,
    independent_set,
    matching_blocks,
    number,
    overlaps,
)
from dedup.kernels.native_partition import partition, piece_pairs
from dedup.kernels.native_records import (
    compose,
    delimited,
    json_places,
    records,
    unescape,
    unquote,
    valid_utf8,
)
from dedup.kernels.native_skeletons import skeletons
from dedup.kernels.native_widen import gather, widen

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

_MASK = (1 << 64) - 1


def _set_table() -> None:
    table = load()
    _native.set_table(table.bmp, table.astral_pages, table.astral, table.expansions, table.voiced, table.semivoiced)


_set_table()


def tokenize(text: U8, starts: I64, ends: I64) -> tuple[U64, I64, I64, I64]:
    """Fold texts and cut them into tokens.

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
    starts, ends = _array(starts, np.int64), _array(ends, np.int64)
    offsets = np.empty(len(starts) + 1, np.int64)
    values, begins, stops = _native.tokenize(text, starts, ends, offsets)
    return _made(values, np.uint64), offsets, _made(begins, np.int64), _made(stops, np.int64)


def tokens(text: U8, starts: I64, ends: I64) -> tuple[U64, I64]:
    """`tokenize` without the places: the values and the offsets of the texts in them, for a third of the memory.

    Raises:
        ValueError: a range does not lie within the text.
    """
    starts, ends = _array(starts, np.int64), _array(ends, np.int64)
    offsets = np.empty(len(starts) + 1, np.int64)
    (values,) = _native.tokens(text, starts, ends, offsets)
    return _made(values, np.uint64), offsets


def scan(text: U8, starts: I64, ends: I64, k: int, seed: int, a: U32, b: U32) -> tuple[U64, U64, I64, U32]:
    """Tokenise texts and reduce each to what finding duplicates needs, in one pass and without storing tokens.

    Args:
        text: uint8[...], UTF-8.
        starts: int64[n], first byte of each text.
        ends: int64[n], the byte after each text's last.
        k: tokens in a shingle, 1..63.
        seed: seed of the shingles, 0 <= seed < 2**64.
        a: uint32[L], odd factors of the lanes.
        b: uint32[L], addends of the lanes.

    Returns:
        uint64[n] hash of each token sequence, uint64[n] hash of its numerals alone (both 0 where there are none),
        int64[n] number of tokens, uint32[n, L] signatures.

    Raises:
        ValueError: a range does not lie within the text, k is out of range, or a and b differ in length.
    """
    starts, ends = _array(starts, np.int64), _array(ends, np.int64)
    a, b = _array(a, np.uint32), _array(b, np.uint32)
    n = len(starts)
    hashes, numbers, counts = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.int64)
    signatures = np.empty((n, len(a)), np.uint32)
    _native.scan(text, starts, ends, _clamped(k), seed & _MASK, a, b, hashes, numbers, counts, signatures)
    return hashes, numbers, counts, signatures


def shingle(values: U64, offsets: I64, k: int, seed: int) -> tuple[U64, I64]:
    """Hash every run of k tokens, in order; a text of fewer tokens, but at least one, is one shingle.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        k: tokens in a shingle, 1..63.
        seed: 0 <= seed < 2**64.

    Returns:
        uint64[s] shingles and int64[n + 1] bounds of the texts in them.

    Raises:
        ValueError: offsets or k are out of range.
    """
    values, offsets = _array(values, np.uint64), _array(offsets, np.int64)
    bounds = np.empty(len(offsets), np.int64)
    (shingles,) = _native.shingle(values, offsets, _clamped(k), seed & _MASK, bounds)
    return _made(shingles, np.uint64), bounds


def text_shingles(text: U8, starts: I64, ends: I64, k: int, seed: int) -> tuple[U64, I64]:
    """`shingle` of `tokens`, in one pass and without storing the tokens.

    Returns:
        uint64[s] shingles and int64[n + 1] bounds of the texts in them.

    Raises:
        ValueError: a range does not lie within the text, or k is out of range.
    """
    starts, ends = _array(starts, np.int64), _array(ends, np.int64)
    bounds = np.empty(len(starts) + 1, np.int64)
    (shingles,) = _native.text_shingles(text, starts, ends, _clamped(k), seed & _MASK, bounds)
    return _made(shingles, np.uint64), bounds


def sketch(shingles: U64, offsets: I64, a: U32, b: U32) -> U32:
    """Min-hash signatures: lane l is the least of a[l] * h + b[l] mod 2**32 over the shingles.

    Args:
        shingles: uint64[s].
        offsets: int64[n + 1], bounds of the texts in them.
        a: uint32[L], odd factors.
        b: uint32[L], addends.

    Returns:
        uint32[n, L]; all lanes of a text without shingles are 0xFFFFFFFF.

    Raises:
        ValueError: offsets are out of range, or a and b differ in length.
    """
    shingles, offsets = _array(shingles, np.uint64), _array(offsets, np.int64)
    a, b = _array(a, np.uint32), _array(b, np.uint32)
    signatures = np.empty((max(len(offsets) - 1, 0), len(a)), np.uint32)
    _native.sketch(shingles, offsets, a, b, signatures)
    return signatures


def band_keys(signatures: U32, bands: int, rows: int) -> U32:
    """Hash each band of `rows` lanes to a key.

    Args:
        signatures: uint32[n, L].
        bands: how many bands, from lane 0 on.
        rows: lanes in a band.

    Returns:
        uint32[bands, n].

    Raises:
        ValueError: bands or rows is below 1, or there are not so many lanes.
    """
    signatures = _array(signatures, np.uint32)
    n, lanes = signatures.shape
    keys = np.empty((max(min(bands, lanes), 0), n), np.uint32)
    _native.band_keys(signatures, n, lanes, _clamped(bands), _clamped(rows), keys)
    return keys


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
    owners, begins, stops = _native.lines(text, _array(starts, np.int64), _array(ends, np.int64))
    return _made(owners, np.int64), _made(begins, np.int64), _made(stops, np.int64)


def pieces(text: U8, starts: I64, ends: I64, mode: int) -> tuple[I64, I64, I64]:
    """Cut texts after the marks that end a sentence or a clause.

    A mark takes the closing quotes and brackets right behind it with it: " ' ) ] and U+2019 201D 300D 300F 300B 3011
    FF09. White space is that of `lines`, and line ends; only U+FEFF does not count as following a mark.

    Args:
        text: uint8[...], UTF-8.
        starts: int64[n], first byte of each text.
        ends: int64[n], the byte after each text's last.
        mode: 0 (long) cuts after [.!?。！？] that white space follows, and after each run of two or more |;
            1 (sentence) after each run of [!?。！？], and after a full stop that white space follows;
            2 (clause) also after each of [,，、;；:：], but not after a comma or colon between two ASCII digits.

    Returns:
        int64[m] three times: the text of each piece, and its byte range in `text`, without white space around it and
        never empty.

    Raises:
        ValueError: a range does not lie within the text, or mode is none of these.
    """
    owners, begins, stops = _native.pieces(text, _array(starts, np.int64), _array(ends, np.int64), _clamped(mode))
    return _made(owners, np.int64), _made(begins, np.int64), _made(stops, np.int64)


def winnow(values: U64, offsets: I64, gram: int, window: int) -> tuple[U64, I64]:
    """Winnowed fingerprints of token sequences: two texts that share a run of tokens weighing gram + window + 1 or more
    keep the same gram of that run. A word (bit 0) weighs 2, any other token 1.

    Of the starts that stand within `window` behind each start, it and they, the one whose gram hashes least is kept,
    the last of equals. Source: S. Schleimer, D. S. Wilkerson, A. Aiken, "Winnowing", SIGMOD 2003.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        gram: a gram is the shortest run from its start that weighs this or more; at least 1.
        window: weight between the first and the last start of a window; at least 0.

    Returns:
        uint64[f] hashes of the grams kept and int64[f] where each starts in `values`, ascending.

    Raises:
        ValueError: offsets, gram or window are out of range.
    """
    values, offsets = _array(values, np.uint64), _array(offsets, np.int64)
    hashes, places = _native.winnow(values, offsets, _clamped(gram), _clamped(window))
    return _made(hashes, np.uint64), _made(places, np.int64)


def extend(values: U64, offsets: I64, pairs: I64, weight: int) -> I64:
    """Extend places where two texts, or two places of one text, agree to the longest runs of equal tokens.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        pairs: int64[m, 4]: later text, place in it, earlier text, place in it; places count from the start of their
            text. Sorted by later text, earlier text, difference of the places, place in the later text. The two texts
            may be one: then the earlier place comes first.
        weight: runs that weigh less are left out; a word (bit 0) weighs 2, any other token 1.

    Returns:
        int64[r, 5]: later text, start in it, tokens, earlier text, start in it; each run once, in the order of the
        pairs. A pair of places that hold different tokens gives nothing.

    Raises:
        ValueError: offsets or pairs are out of range, or pairs are not sorted.
    """
    values, offsets = _array(values, np.uint64), _array(offsets, np.int64)
    (runs,) = _native.extend(values, offsets, _array(pairs, np.int64), _clamped(weight))
    return _made(runs, np.int64).reshape(-1, 5)


def loops(hashes: U64, tokens: I64, groups: I64, least: int) -> I64:
    """Find clauses that are said over and over without anything between.

    From the first clause of a group on: the shortest period of 1..64 clauses that together have `least` tokens and
    stand there twice in a row, with all the copies that follow; the search goes on behind them.

    Args:
        hashes: uint64[c], hash of each clause's tokens; none of them 0.
        tokens: int64[c], tokens of each clause.
        groups: int64[g + 1], bounds of the groups (paragraphs) in them.
        least: tokens in one period.

    Returns:
        int64[r, 4]: group, its first clause of the loop, clauses in a period, copies (2 or more).

    Raises:
        ValueError: hashes and tokens differ in length, groups are out of range, or a hash is 0.
    """
    hashes, tokens = _array(hashes, np.uint64), _array(tokens, np.int64)
    (found,) = _native.loops(hashes, _array(groups, np.int64), tokens, _clamped(least))
    return _made(found, np.int64).reshape(-1, 4)


def equal_bytes(text: U8, first_starts: I64, first_ends: I64, second_starts: I64, second_ends: I64) -> U8:
    """Whether two ranges hold the same bytes.

    Args:
        text: uint8[...].
        first_starts: int64[m], first byte of the one range.
        first_ends: int64[m], the byte after its last.
        second_starts: int64[m], first byte of the other range.
        second_ends: int64[m], the byte after its last.

    Returns:
        uint8[m], 1 where the ranges are equal.

    Raises:
        ValueError: a range does not lie within the text, or the two sides differ in number.
    """
    first_starts, first_ends = _array(first_starts, np.int64), _array(first_ends, np.int64)
    second_starts, second_ends = _array(second_starts, np.int64), _array(second_ends, np.int64)
    equal = np.empty(len(first_starts), np.uint8)
    _native.equal_bytes(text, first_starts, first_ends, second_starts, second_ends, equal)
    return equal
