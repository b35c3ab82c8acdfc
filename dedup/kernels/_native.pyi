"""The C module. Arguments are C-contiguous arrays of the types that `native` gives them; those that a function fills
come last. What it makes itself comes back as memory to be read through the buffer protocol."""

from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

class Array:
    def __buffer__(self, flags: int, /) -> memoryview: ...

def set_table(
    bmp: _Array, pages: _Array, astral: _Array, expansions: _Array, voiced: _Array, semivoiced: _Array, /
) -> None: ...
def tokenize(text: _Array, starts: _Array, ends: _Array, offsets: _Array, /) -> tuple[Array, Array, Array]: ...
def scan(
    text: _Array,
    starts: _Array,
    ends: _Array,
    k: int,
    seed: int,
    a: _Array,
    b: _Array,
    hashes: _Array,
    numbers: _Array,
    counts: _Array,
    signatures: _Array,
    /,
) -> None: ...
def shingle(values: _Array, offsets: _Array, k: int, seed: int, bounds: _Array, /) -> tuple[Array]: ...
def sketch(shingles: _Array, offsets: _Array, a: _Array, b: _Array, signatures: _Array, /) -> None: ...
def band_keys(signatures: _Array, n: int, lanes: int, bands: int, rows: int, keys: _Array, /) -> None: ...
def bucket_pairs(keys: _Array, key_bytes: int, limit: int, /) -> tuple[Array, int]: ...
def edit_distances(
    values: _Array, offsets: _Array, pairs: _Array, limits: _Array, distances: _Array, /
) -> None: ...
def overlaps(shingles: _Array, offsets: _Array, pairs: _Array, counts: _Array, /) -> None: ...
def independent_set(pairs: _Array, n: int, kept: _Array, /) -> None: ...
def lines(text: _Array, starts: _Array, ends: _Array, /) -> tuple[Array, Array, Array]: ...
