"""datatrove: signatures alone, by the first of its four steps, from text.

In its favour: words are found by our regular expression in place of its tokenizer for a language, which takes most of the time and would
find other words; nothing is written. Its text simplification, n-grams, hashes (xxhash, 64 bits) and signatures (16 buckets of 8) are
its own.
"""

from __future__ import annotations

import sys
import tempfile

from adapter import timed
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from sketchers import BANDS, LANES, SEED, K, words


class _Words:
    """In place of a word tokenizer."""

    word_tokenize = staticmethod(words)


def sign(texts: list[str]) -> int:
    """Sketch all texts; returns how many there were."""
    config = MinhashConfig(n_grams=K, num_buckets=BANDS, hashes_per_bucket=LANES // BANDS, seed=SEED)
    with tempfile.TemporaryDirectory() as folder:
        step = MinhashDedupSignature(folder, config)
    step.word_tokenizer = _Words
    made = [step.get_signature(shingles) for shingles in map(step.get_shingles, texts) if shingles.size]
    return len(made)


if __name__ == "__main__":
    timed(sys.argv[1], list, sign)
