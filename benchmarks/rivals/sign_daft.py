"""daft: min-hash signatures alone, by its own engine.

In its favour: the words are lowered and joined by spaces before the clock starts, so that its n-grams are our shingles; reading is not
on the clock either. 128 hashes, xxhash, its fastest.
"""

from __future__ import annotations

import sys

import daft
from adapter import timed
from daft import col, functions
from sketchers import LANES, SEED, K, words


def prepare(texts: list[str]) -> daft.DataFrame:
    """The words of the texts in the engine."""
    return daft.from_pydict({"words": [" ".join(words(text)) for text in texts]}).collect()


def sign(frame: daft.DataFrame) -> int:
    """Sketch all texts; returns how many there were."""
    made = functions.minhash(col("words"), num_hashes=LANES, ngram_size=K, seed=SEED, hash_function="xxhash")
    return len(frame.select(made).collect())


if __name__ == "__main__":
    timed(sys.argv[1], prepare, sign)
