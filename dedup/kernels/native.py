"""The compiled kernels as functions on arrays. What each does, and its source, stands in `portable`, which gives equal
results bit for bit; here is only what carries arrays over to the C module and back. Every call releases the GIL.

Arrays of another type or layout are converted; `text` may be any contiguous buffer of bytes.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import _native
from dedup.kernels.fold_table import load

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

T = TypeVar("T", bound=np.generic)

_MASK = (1 << 64) - 1
_LARGE = 1 << 62


def _set_table() -> None:
    table = load()
    _native.set_table(
        table.bmp, table.astral_pages, table.astral, table.expansions, table.voiced, table.semivoiced
    )


_set_table()


def _array(values: NDArray[Any], dtype: type[T]) -> NDArray[T]:
    """Contiguous, aligned and in native byte order: what the C module can read."""
    array = np.ascontiguousarray(values, dtype)
    return array if array.flags.aligned else array.copy()


def _clamped(number: int) -> int:
    """The C module takes 64 bits; a number beyond them is out of any range in any case."""
    return max(min(int(number), _LARGE), -1)


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
    return (
        np.frombuffer(values, np.uint64),
        offsets,
        np.frombuffer(begins, np.int64),
        np.frombuffer(stops, np.int64),
    )


def scan(  # noqa: PLR0917
    text: U8, starts: I64, ends: I64, k: int, seed: int, a: U32, b: U32
) -> tuple[U64, U64, I64, U32]:
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
    return np.frombuffer(shingles, np.uint64), bounds


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


def bucket_pairs(keys: NDArray[np.unsignedinteger], limit: int) -> tuple[I64, int]:
    """Pair each item with the first `limit` earlier ones of the same key.

    Args:
        keys: uint32[n] or uint64[n]; the order of the items is the order of preference.
        limit: how many pairs an item proposes at most.

    Returns:
        int64[m, 2] pairs (earlier, later) sorted by later, then earlier; and how many pairs of equal keys were left
        out.

    Raises:
        ValueError: limit is negative, or there are more than 2**31 - 2 keys.
    """
    keys = _array(keys, np.uint32 if keys.dtype.itemsize <= 4 else np.uint64)
    pairs, skipped = _native.bucket_pairs(keys, keys.itemsize, _clamped(limit))
    return np.frombuffer(pairs, np.int64).reshape(-1, 2), skipped


def edit_distances(values: U64, offsets: I64, pairs: I64, limits: I64) -> I64:
    """Levenshtein distance over tokens.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        pairs: int64[m, 2], indices of texts.
        limits: int64[m]; a distance above limits[r] becomes limits[r] + 1; a negative one sets no limit.

    Returns:
        int64[m] distances, in tokens.

    Raises:
        ValueError: offsets, pairs or limits are out of range.
    """
    values, offsets = _array(values, np.uint64), _array(offsets, np.int64)
    pairs, limits = _array(pairs, np.int64), _array(limits, np.int64)
    distances = np.empty(len(pairs), np.int64)
    _native.edit_distances(values, offsets, pairs, limits, distances)
    return distances


def overlaps(shingles: U64, offsets: I64, pairs: I64) -> I64:
    """Count distinct shingles that two texts share, and that each has.

    Args:
        shingles: uint64[s].
        offsets: int64[n + 1], bounds of the texts in them.
        pairs: int64[m, 2], indices of texts.

    Returns:
        int64[m, 3]: shared, of the first text, of the second text.

    Raises:
        ValueError: offsets or pairs are out of range.
    """
    shingles, offsets = _array(shingles, np.uint64), _array(offsets, np.int64)
    pairs = _array(pairs, np.int64)
    counts = np.empty((len(pairs), 3), np.int64)
    _native.overlaps(shingles, offsets, pairs, counts)
    return counts


def independent_set(pairs: I64, n: int) -> U8:
    """The lexicographically first maximal independent set: in index order a node is kept iff no kept one is paired with
    it.

    Args:
        pairs: int64[m, 2], in any order, either way round, repeated or not.
        n: number of nodes.

    Returns:
        uint8[n], 1 for the nodes kept.

    Raises:
        ValueError: n is negative, a pair names a node outside 0..n-1, or a node is paired with itself.
    """
    kept = np.empty(max(n, 0), np.uint8)
    _native.independent_set(_array(pairs, np.int64), _clamped(n), kept)
    return kept


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
    return np.frombuffer(owners, np.int64), np.frombuffer(begins, np.int64), np.frombuffer(stops, np.int64)
