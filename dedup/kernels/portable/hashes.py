"""Hashes of bytes, by the standard library."""

from __future__ import annotations

import hashlib


def digest(raw: bytes | memoryview) -> str:
    """BLAKE2b of 16 bytes (RFC 7693), as 32 hex digits."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


class TwoDigests:
    """`digest` of two streams at a time."""

    def __init__(self) -> None:
        self._streams = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)

    def update(self, first: bytes, second: bytes) -> None:
        """Add to the one stream and to the other."""
        for stream, data in zip(self._streams, (first, second), strict=True):
            stream.update(data)

    def digests(self) -> tuple[str, str]:
        """The digests of what was added so far."""
        first, second = self._streams
        return first.hexdigest(), second.hexdigest()
