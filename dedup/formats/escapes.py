"""The inside of JSON strings as bytes: decoding it, and cutting it without splitting an escape."""

from __future__ import annotations

import re

import numpy as np

from dedup import kernels
from dedup.formats.places import Places
from dedup.model import I64

BACKSLASH = b"\\"
_HIGH = re.compile(rb"\\u[dD][89abAB]")
_LOW = re.compile(rb"\\u[dD][c-fC-F]")
_HALF_BYTES = 6
_BACKSLASH, _U = ord("\\"), ord("u")
_NIBBLES = np.zeros(256, np.int64)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_NIBBLES[np.frombuffer(b"ABCDEF", np.uint8)] = np.arange(10, 16)


def unescape(raw: bytes) -> bytes:
    """Decode the inside of a JSON string to UTF-8; lone surrogates become U+FFFD, bytes that are not UTF-8 stay."""
    if BACKSLASH not in raw:
        return raw
    text, ends = np.frombuffer(raw, np.uint8), np.array([len(raw)], np.int64)
    return kernels.unescape(text, np.zeros(1, np.int64), ends, np.ones(1, np.uint8))[0].tobytes()


def escapes_of(raw: bytes) -> tuple[I64, I64, I64] | None:
    """Find the escapes of a string that is JSON; a surrogate pair is one, and so is half of one.

    Returns:
        int64[n] three times: start and end of each in the raw bytes, and the bytes that it decodes to. None if there are
        none.
    """
    if BACKSLASH not in raw:
        return None
    text = np.frombuffer(raw, np.uint8)
    marks = np.flatnonzero(text == _BACKSLASH)
    # Of backslashes in a row every other one starts an escape, from the first of the row on.
    fresh = np.ones(len(marks), bool)
    fresh[1:] = np.diff(marks) > 1
    row = marks[fresh][np.cumsum(fresh) - 1]
    starts = marks[(marks - row) % 2 == 0]
    wide = text[starts + 1] == _U
    if not wide.any():
        return starts, starts + 2, np.ones_like(starts)
    codes = np.zeros(len(starts), np.int64)
    for i in range(2, _HALF_BYTES):
        codes[wide] = codes[wide] << 4 | _NIBBLES[text[starts[wide] + i]]
    ends = starts + np.where(wide, _HALF_BYTES, 2)
    sizes = 1 + (wide & (codes >= 0x80)) + (wide & (codes >= 0x800))
    high, low = codes >> 10 == 0xD800 >> 10, codes >> 10 == 0xDC00 >> 10
    pair = np.flatnonzero(high[:-1] & low[1:] & (ends[:-1] == starts[1:]))
    ends[pair], sizes[pair] = ends[pair + 1], 4
    alone = np.ones(len(starts), bool)
    alone[pair + 1] = False
    return starts[alone], ends[alone], sizes[alone]


class JsonPlaces(Places):
    """The places of a JSON string."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw, escapes_of(raw))

    def clashes(self, start: int, end: int) -> bool:
        """Whether a lone high half of a surrogate pair would come to stand before a lone low one."""
        return start > 0 and self._is_half(start - 1, _HIGH) and self._is_half(end, _LOW)

    def _is_half(self, position: int, half: re.Pattern[bytes]) -> bool:
        i = self.escape_at(position)
        if i is None or self.raw_ends[i] - self.raw_starts[i] != _HALF_BYTES:
            return False
        return half.match(self.raw, self.raw_starts[i]) is not None
