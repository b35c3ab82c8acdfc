"""MinHash as others ship it: pairs that share a band, and no look at the texts after that. Through datasketch 2.

| name | lanes and bands | shingles | who |
|---|---|---|---|
| `14x8 word-5` | 112 lanes, 14 bands of 8 | 5 words | datatrove's default, FineWeb |
| `128 at .8, word-5` | 128 lanes, 9 bands of 13, datasketch's for .8 | 5 words | datasketch's lanes, text-dedup's shingles |
| `128 at .7, char-5` | 128 lanes, 14 bands of 9, datasketch's for .7 | 5 characters | a line and shingles common in recipes |

Fair to them: a Han or Kana character counts as a word, as their tokenisers for Chinese would nearly have it (at white space alone Chinese
has no words, and nothing would be found). As they ship: the text is lowered and white space made one, no more; a text shorter than a
shingle is one shingle.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sketchers
from labelled import Pair

SEED = 1
LIMIT = 2000
"""A bucket of more texts gives pairs with its first alone: all of them would be too many to hold."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """One setting.

    Attributes:
        name: in the tables.
        lanes: of a signature; bands, rows: what of them is compared.
        shingles: of a text.
    """

    name: str
    lanes: int
    bands: int
    rows: int
    shingles: Callable[[str], set[str]]


def word_5(text: str) -> set[str]:
    """Runs of five words."""
    return _runs(sketchers.words(text), " ")


def char_5(text: str) -> set[str]:
    """Runs of five characters, white space made one."""
    return _runs(list(" ".join(text.lower().split())), "")


def _runs(parts: Sequence[str], joint: str) -> set[str]:
    if len(parts) < 5:
        return {joint.join(parts)} if parts else set()
    return set(map(joint.join, zip(*(parts[i:] for i in range(5)), strict=False)))


SETTINGS = (
    Shipped("14x8 word-5", 112, 14, 8, word_5),
    Shipped("128 at .8, word-5", 128, 9, 13, word_5),
    Shipped("128 at .7, char-5", 128, 14, 9, char_5),
)


def is_installed() -> bool:
    """Whether datasketch is there."""
    return importlib.util.find_spec("datasketch") is not None


def pairs(texts: Sequence[str], setting: Shipped) -> set[Pair]:
    """(i, j), i < j, that share a band."""
    from datasketch import MinHash

    sets = [[shingle.encode() for shingle in setting.shingles(text)] for text in texts]
    signatures: list[Any] = MinHash.bulk(sets, num_perm=setting.lanes, seed=SEED)
    values = [signature.hashvalues for signature in signatures]
    found: set[Pair] = set()
    for band in range(setting.bands):
        buckets: dict[bytes, list[int]] = {}
        for i, lanes in enumerate(values):
            if sets[i]:
                key = lanes[band * setting.rows : (band + 1) * setting.rows].tobytes()
                buckets.setdefault(key, []).append(i)
        for members in buckets.values():
            firsts = members if len(members) <= LIMIT else members[:1]
            found.update((a, b) for place, a in enumerate(firsts) for b in members[place + 1 :])
    return found
