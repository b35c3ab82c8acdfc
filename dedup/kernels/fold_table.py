"""The table that folds code points, as arrays. `tools/fold_table.py` makes the file; this module only reads it."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

BREAK, TRANSPARENT, CJK, WORD, EXPANSION, VOICE = range(6)
"""Kinds of entries: ends a word; passed over; a token by itself; part of a word; several entries; a mark that voices a
kana."""

KIND_SHIFT = 28
PAYLOAD = 0x1FFFFF
NUMERAL = 1 << 24
HAN = 1 << 25
GLOSS_LETTER = 1 << 26
TONE = 1 << 27

KANA_FIRST = 0x3040
KANA_COUNT = 192

T = TypeVar("T", bound=np.generic)

_FILE = Path(__file__).with_name("fold_table.bin")
_COUNTS = struct.Struct("<5I")


@dataclass(frozen=True, slots=True, eq=False)
class FoldTable:
    """How each code point folds. An entry is `kind << 28 | flags | payload`; the payload of CJK and WORD is a code
    point, of EXPANSION a place in `expansions`, of VOICE 1 (dakuten) or 2 (handakuten).

    Attributes:
        bmp: uint32[65536], entries of U+0000..FFFF.
        astral_pages: uint16[4096], page of (code point - 0x10000) >> 8.
        astral: uint32[pages * 256], entries of the pages; page 0 is all BREAK.
        expansions: uint32[...], at a place: how many entries, then these.
        voiced: uint16[192], what U+3040..30FF composes to with a dakuten, or 0.
        semivoiced: uint16[192], the same with a handakuten.
        max_tokens_per_byte_num: a text of b bytes has at most b * num // den tokens.
        max_tokens_per_byte_den: see above.
        digest: SHA-256 of the uncompressed table, in hex, as the file says: tables of one digest fold alike.
        versions: the versions of Unicode and OpenCC that it was made from.
    """

    bmp: NDArray[np.uint32]
    astral_pages: NDArray[np.uint16]
    astral: NDArray[np.uint32]
    expansions: NDArray[np.uint32]
    voiced: NDArray[np.uint16]
    semivoiced: NDArray[np.uint16]
    max_tokens_per_byte_num: int
    max_tokens_per_byte_den: int
    digest: str
    versions: str


def _entries(planes: bytes, places: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Undo the four planes of bytes and the differences to `places`."""
    b0, b1, b2, top = np.frombuffer(planes, np.uint8).reshape(4, -1).astype(np.uint32)
    packed = b0 | b1 << np.uint32(8) | b2 << np.uint32(16) | top << np.uint32(24)
    entries = packed & np.uint32(0xFF000000)
    entries |= (packed + places) & np.uint32(0xFFFFFF)
    return _frozen(entries)


def _frozen(array: NDArray[T]) -> NDArray[T]:
    array.flags.writeable = False
    return array


@cache
def load() -> FoldTable:
    """Read the table; once in a process.

    Raises:
        ValueError: the file is not a fold table of this version.
    """
    header, _, packed = _FILE.read_bytes().partition(b"\n")
    name, _, rest = header.decode().partition("; ")
    versions, _, digest = rest.partition("; SHA-256 ")
    if name != "dedup fold table 1":
        raise ValueError(f"{_FILE.name} is not a fold table of version 1; install the package anew")
    body = zlib.decompress(packed)
    astral_size, expansion_size, num, den, _ = _COUNTS.unpack_from(body)
    at = _COUNTS.size
    pages = np.frombuffer(body, "<u2", 4096, at).astype(np.uint16)
    at += 2 * 4096
    kana = np.frombuffer(body, "<u2", 2 * KANA_COUNT, at).astype(np.uint16).reshape(2, KANA_COUNT)
    at += 2 * 2 * KANA_COUNT
    ends = np.cumsum([at, 4 * 0x10000, 4 * astral_size, 4 * expansion_size]).tolist()
    used = np.flatnonzero(pages).astype(np.uint32)
    places = np.zeros((len(used) + 1, 256), np.uint32)
    places[1:] = (used[:, None] << 8) + np.arange(0x10000, 0x10100, dtype=np.uint32)
    return FoldTable(
        bmp=_entries(body[ends[0] : ends[1]], np.arange(0x10000, dtype=np.uint32)),
        astral_pages=_frozen(pages),
        astral=_entries(body[ends[1] : ends[2]], places.ravel()),
        expansions=_entries(body[ends[2] : ends[3]], np.zeros(expansion_size, np.uint32)),
        voiced=_frozen(kana[0].copy()),
        semivoiced=_frozen(kana[1].copy()),
        max_tokens_per_byte_num=num,
        max_tokens_per_byte_den=den,
        digest=digest,
        versions=versions,
    )
