"""One adapter a rival: the best documented way through its Python interface, on the same shingles and as many lanes.

What is the same on both sides: shingles of `K` tokens, a letter of Han or Kana is a token by itself, a run of other
letters and digits is one. What is not, to the rivals' advantage: their text is only lowered, not folded (no script
variants, width, accents), and they give neither exact hashes nor token counts. Their shingler is plain Python, as their
own guides have it; rows "ready" leave it out, and the row "Python shingles alone" is what it costs by itself.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

K = 3
LANES = 128
BANDS = 16
SEED = 1

# what is measured is CPU time over all threads; threads that wait for one another are not to be held against anyone
os.environ.setdefault("RAYON_NUM_THREADS", "1")

_TOKENS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def is_installed(name: str) -> bool:
    """Whether a rival can be imported."""
    return importlib.util.find_spec(name) is not None


def words(text: str) -> list[str]:
    """The words of a text, lowered; a letter of Han or Kana is one."""
    return _TOKENS.findall(text.lower())


def shingles(text: str) -> set[str]:
    """The K-shingles of a text; a shorter text is one shingle."""
    tokens = words(text)
    if len(tokens) < K:
        return {" ".join(tokens)} if tokens else set()
    return set(map(" ".join, zip(*(tokens[i:] for i in range(K)), strict=False)))


def all_shingles(texts: Iterable[str]) -> list[set[str]]:
    """The shingles of each text."""
    return [shingles(text) for text in texts]


def as_bytes(sets: Iterable[set[str]]) -> list[list[bytes]]:
    """Shingles as datasketch wants them."""
    return [[shingle.encode() for shingle in one] for one in sets]


def datasketch_ready(sets: Sequence[list[bytes]]) -> list[Any]:
    """datasketch 2, its bulk on ready byte shingles with its defaults (SHA-1, scheme affine32)."""
    from datasketch import MinHash

    made: list[Any] = MinHash.bulk(sets, num_perm=LANES, seed=SEED)
    return made


def datasketch_text(texts: Sequence[str]) -> list[Any]:
    """datasketch 2 from text: Python shingles, then its bulk."""
    return datasketch_ready(as_bytes(all_shingles(texts)))


def rensa_ready(sets: Sequence[list[str]]) -> list[list[int]]:
    """rensa's RMinHash on ready string shingles, an object a text, as its guide begins; not rho, another method."""
    from rensa import RMinHash

    digests: list[list[int]] = []
    for one in sets:
        signature = RMinHash(LANES, SEED)
        signature.update(one)
        digests.append(signature.digest())
    return digests


def rensa_matrix(sets: Sequence[list[str]]) -> object:
    """rensa's RMinHash on ready string shingles, all texts as one matrix: its fastest way from strings."""
    from rensa import RMinHash

    matrix: object = RMinHash.digest_matrix_from_token_sets(sets, LANES, SEED)
    return matrix


def rensa_hashes(values: object, offsets: object) -> object:
    """rensa's RMinHash on ready hashes, all texts as one matrix: its kernel and nothing else."""
    from rensa import RMinHash

    matrix: object = RMinHash.digest_matrix_from_flat_token_hashes(values, offsets, LANES, SEED)
    return matrix


def rensa_text(texts: Sequence[str]) -> object:
    """rensa from text: Python shingles, then its matrix."""
    return rensa_matrix([list(one) for one in all_shingles(texts)])


def datasketch_group(signatures: Sequence[Any]) -> int:
    """datasketch's LSH: each text asks for its candidates and is put in; returns how many candidates there were."""
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=LANES, params=(BANDS, LANES // BANDS))
    n = 0
    for number, signature in enumerate(signatures):
        n += len(index.query(signature))
        index.insert(number, signature, check_duplication=False)
    return n


def rensa_group(matrix: object) -> list[bool]:
    """rensa's LSH, all rows at once. It only says which texts have a candidate: less than is asked of ours."""
    from rensa import RMinHashLSH

    index = RMinHashLSH(threshold=0.8, num_perm=LANES, num_bands=BANDS)
    flags: list[bool] = index.insert_matrix_and_query_duplicate_flags(matrix)
    return flags
