"""The compiled kernels that hash bytes; see `native`."""

from __future__ import annotations

import numpy as np

from dedup.kernels import _native

_STATE_WORDS = 26


def digest(raw: bytes | memoryview) -> str:
    """BLAKE2b of 16 bytes (RFC 7693), as 32 hex digits."""
    return _native.digest(raw).hex()


class TwoDigests:
    """`digest` of two streams at a time, which takes little longer than of one of them."""

    def __init__(self) -> None:
        self._states = np.zeros(2 * _STATE_WORDS, np.uint64)

    def update(self, first: bytes, second: bytes) -> None:
        """Add to the one stream and to the other."""
        _native.hash_two(self._states, first, second, False)

    def digests(self) -> tuple[str, str]:
        """The digests of what was added so far."""
        both = _native.hash_two(self._states, b"", b"", True) or b""
        return both[:16].hex(), both[16:].hex()
