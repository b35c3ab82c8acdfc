"""The inside of JSON strings as bytes: decoding it, and cutting it without splitting an escape."""

from __future__ import annotations

import re

from dedup.formats.places import Places

BACKSLASH = b"\\"
_REPLACEMENT = b"\xef\xbf\xbd"
# A surrogate pair is one escape; a lone half is one too.
_ESCAPE = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL
)
_SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b'"': b'"', b"\\": b"\\", b"/": b"/"}
_HIGH = re.compile(rb"\\u[dD][89abAB]")
_LOW = re.compile(rb"\\u[dD][c-fC-F]")
_HALF_BYTES = 6


def _decode(escape: re.Match[bytes]) -> bytes:
    high, low, single, simple = escape.groups()
    if simple is not None:
        return _SIMPLE[simple]
    if single is None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)).encode()
    code = int(single, 16)
    return _REPLACEMENT if 0xD800 <= code < 0xE000 else chr(code).encode()


def unescape(raw: bytes) -> bytes:
    """Decode the inside of a JSON string to UTF-8; lone surrogates become U+FFFD, bytes that are not UTF-8 stay."""
    return _ESCAPE.sub(_decode, raw) if BACKSLASH in raw else raw


class JsonPlaces(Places):
    """The places of a JSON string."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw, _ESCAPE, _decode)

    def clashes(self, start: int, end: int) -> bool:
        """Whether a lone high half of a surrogate pair would come to stand before a lone low one."""
        return start > 0 and self._is_half(start - 1, _HIGH) and self._is_half(end, _LOW)

    def _is_half(self, position: int, half: re.Pattern[bytes]) -> bool:
        i = self.escape_at(position)
        if i is None or self.raw_ends[i] - self.raw_starts[i] != _HALF_BYTES:
            return False
        return half.match(self.raw, self.raw_starts[i]) is not None
