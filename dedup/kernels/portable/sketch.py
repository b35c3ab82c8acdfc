"""Tokens to hashes, shingles, signatures and band keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.portable.checks import I64, check_k, check_offsets, check_ranges
from dedup.kernels.portable.text import M1, M2, M3, MASK, U8, U32, U64, G, tokenize

EMPTY_LANE = 0xFFFFFFFF
"""Every lane of the signature of a text without shingles."""


def scan(text: U8, starts: I64, ends: I64, k: int, seed: int, a: U32, b: U32) -> tuple[U64, U64, I64, U32]:
    """Tokenise texts and reduce each to what finding duplicates needs.

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
    check_ranges(len(text), starts, ends)
    check_k(k)
    _check_lanes(a, b)
    values, offsets, _, _ = tokenize(text, starts, ends)
    shingles, shingle_offsets = shingle(values, offsets, k, seed)
    numeral = np.flatnonzero(values & np.uint64(2))
    numeral_offsets = np.searchsorted(numeral, offsets)
    hashes = _sequence_hashes(values, offsets)
    numbers = _sequence_hashes(values[numeral], numeral_offsets)
    return hashes, numbers, np.diff(offsets), sketch(shingles, shingle_offsets, a, b)


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
    check_offsets(len(values), offsets)
    check_k(k)
    counts = np.diff(offsets)
    result = np.zeros(len(offsets), np.int64)
    np.cumsum(np.where(counts >= k, counts - k + 1, np.minimum(counts, 1)), out=result[1:])
    shingles = np.zeros(result[-1], np.uint64)
    for width in np.unique(np.minimum(counts, k)).tolist():
        if width == 0:
            continue
        which = np.flatnonzero(counts >= k) if width == k else np.flatnonzero(counts == width)
        sizes = result[which + 1] - result[which]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        windows = np.repeat(offsets[which], sizes) + within
        shingles[np.repeat(result[which], sizes) + within] = _hash_windows(values, windows, width, seed)
    return shingles, result


def text_shingles(text: U8, starts: I64, ends: I64, k: int, seed: int) -> tuple[U64, I64]:
    """`shingle` of the tokens of texts.

    Returns:
        uint64[s] shingles and int64[n + 1] bounds of the texts in them.

    Raises:
        ValueError: a range does not lie within the text, or k is out of range.
    """
    check_ranges(len(text), starts, ends)
    check_k(k)
    values, offsets, _, _ = tokenize(text, starts, ends)
    return shingle(values, offsets, k, seed)


def _hash_windows(values: U64, windows: I64, width: int, seed: int) -> U64:
    """Hash the `width` tokens from each place on; tokens are rotated by their place in the shingle, so that order
    counts."""
    total = np.zeros(len(windows), np.uint64)
    for j in range(width):
        turn = 13 * (width - 1 - j) % 64
        token = values[windows + j]
        total += (token << np.uint64(turn)) | (token >> np.uint64(64 - turn)) if turn else token
    mixed = (seed & MASK) * G & MASK
    mixed = (mixed ^ mixed >> 31) * M1 & MASK
    total = (total ^ np.uint64(mixed ^ mixed >> 32)) * np.uint64(M3)
    return total ^ (total >> np.uint64(32))


def sketch(shingles: U64, offsets: I64, a: U32, b: U32) -> U32:
    """Min-hash signatures: lane l is the least of a[l] * h + b[l] mod 2**32 over the shingles.

    h is the MurmurHash3 finaliser of a shingle's upper half. The lanes equal those of datasketch 2 under its scheme
    `affine32` (https://github.com/ekzhu/datasketch), given that half as hash value. Min-hash: Broder, "On the
    resemblance and containment of documents", 1997.

    Args:
        shingles: uint64[s].
        offsets: int64[n + 1], bounds of the texts in them.
        a: uint32[L], odd factors.
        b: uint32[L], addends.

    Returns:
        uint32[n, L]; all lanes of a text without shingles are `EMPTY_LANE`.

    Raises:
        ValueError: offsets are out of range, or a and b differ in length.
    """
    check_offsets(len(shingles), offsets)
    _check_lanes(a, b)
    h = (shingles >> np.uint64(32)).astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    signatures = np.full((len(offsets) - 1, len(a)), EMPTY_LANE, np.uint32)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        h, begins = h[: offsets[-1]], offsets[:-1][filled]
        for lane in range(len(a)):
            signatures[filled, lane] = np.minimum.reduceat(h * a[lane] + b[lane], begins)
    return signatures


def band_keys(signatures: U32, bands: int, rows: int) -> U32:
    """Hash each band of `rows` lanes to a key: two texts meet in a band where all its lanes agree.

    Args:
        signatures: uint32[n, L].
        bands: how many bands, from lane 0 on.
        rows: lanes in a band.

    Returns:
        uint32[bands, n].

    Raises:
        ValueError: bands or rows is below 1, or there are not so many lanes.
    """
    if bands < 1 or rows < 1:
        raise ValueError("bands and rows must be at least 1")
    if bands * rows > signatures.shape[1]:
        raise ValueError("bands * rows must not exceed the number of lanes")
    keys = np.empty((bands, len(signatures)), np.uint32)
    for band in range(bands):
        h = np.full(len(signatures), (band + 1) * G & MASK, np.uint64)
        for lane in range(band * rows, (band + 1) * rows):
            h = (h ^ signatures[:, lane]) * np.uint64(M1)
            h ^= h >> np.uint64(32)
        keys[band] = (h ^ (h >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    return keys


def _check_lanes(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> None:
    if len(a) != len(b):
        raise ValueError("a and b must have the same length")


def _sequence_hashes(values: U64, offsets: I64) -> U64:
    """Hash of each text's tokens in order: the i-th counts with the factor (2 i + 1) G; 0 for no tokens."""
    counts = np.diff(offsets)
    hashes = np.zeros(len(counts), np.uint64)
    filled = np.flatnonzero(counts)
    if len(filled) == 0:
        return hashes
    within = np.arange(len(values)) - np.repeat(offsets[:-1], counts)
    terms = values * ((2 * within + 1).astype(np.uint64) * np.uint64(G))
    h = (np.add.reduceat(terms, offsets[:-1][filled]) ^ counts[filled].astype(np.uint64)) * np.uint64(M1)
    h ^= h >> np.uint64(32)
    h *= np.uint64(M2)
    hashes[filled] = h ^ (h >> np.uint64(29))
    return hashes
