"""What the tests read from the fold table, so that the oracle need not know OpenCC's tables."""

from __future__ import annotations

import unicodedata
from functools import cache

import naive
import numpy as np

from dedup.kernels import fold_table as ft


def entry(cp: int) -> int:
    """Entry of a code point."""
    table = ft.load()
    if cp < 0x10000:
        return int(table.bmp[cp])
    page = int(table.astral_pages[(cp - 0x10000) >> 8])
    return int(table.astral[page * 256 + (cp & 0xFF)])


def entries() -> np.ndarray:
    """Entries of all code points."""
    table = ft.load()
    return np.concatenate([table.bmp, table.astral.reshape(-1, 256)[table.astral_pages].ravel()])


@cache
def han() -> dict[str, str]:
    """Han character -> the one that stands for its variants."""
    table = entries()
    which = np.flatnonzero((table >> ft.KIND_SHIFT == ft.CJK) & (table & ft.HAN != 0))
    pairs = {chr(cp): chr(kin) for cp, kin in zip(which.tolist(), (table[which] & ft.PAYLOAD).tolist(), strict=True)}
    return {c: kin for c, kin in pairs.items() if c != kin and unicodedata.normalize("NFKC", c) == c}


def pieces(cp: int) -> list[naive.Piece]:
    """What the table says of a code point, in the oracle's terms."""
    table = ft.load()
    own = entry(cp)
    place = own & ft.PAYLOAD
    if own >> ft.KIND_SHIFT == ft.EXPANSION:
        return [_piece(int(item)) for item in table.expansions[place + 1 : place + 1 + int(table.expansions[place])]]
    return [_piece(own)]


def _piece(own: int) -> naive.Piece:
    kind, payload = own >> ft.KIND_SHIFT, own & ft.PAYLOAD
    if kind == ft.VOICE:
        return naive.Piece("voice", "\u3099" if payload == 1 else "\u309a")
    if kind in (ft.BREAK, ft.TRANSPARENT):
        return naive.Piece("break" if kind == ft.BREAK else "none")
    name = "cjk" if kind == ft.CJK else "word"
    return naive.Piece(name, chr(payload), bool(own & ft.NUMERAL), bool(own & ft.HAN))
