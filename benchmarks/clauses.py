"""What crawls are made of: clauses of the real texts, and seeded draws that need no state."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt
from corpora import data_folder

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

LANGUAGES = ("hans", "hant", "en")
MAX_WEIGHT = 30
"""Of a clause; a Han character weighs 1, any other token 2. Below the 40 that makes a repeat."""
MIN_WEIGHT = 8

_CUT = re.compile(r"[。！？!?；;，,：:、\n.（）()「」『』《》\[\]|>#*_`=\"\\\x00-\x1f\x7f\ufeff\u2028\u2029]+")
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_PLAIN = re.compile(r"[\u3400-\u9fff A-Za-z0-9'’·-]+")


class Words:
    """Clauses of the real texts by language, as UTF-8, and the Han characters that replace others."""

    def __init__(self) -> None:
        files = sorted((data_folder() / "data" / "docs").glob("*.jsonl"))
        if not files:
            raise FileNotFoundError(
                f"no real texts in {data_folder() / 'data' / 'docs'}; name their folder: DEDUP_DATA=FOLDER"
            )
        found: dict[str, dict[str, None]] = {language: {} for language in LANGUAGES}
        for path in files:
            script = "hans" if "hans" in path.name else "hant"
            with path.open(encoding="utf-8") as stream:
                for line in stream:
                    for clause in _CUT.split(json.loads(line)["text"]):
                        kept = clause.strip()
                        if _PLAIN.fullmatch(kept) and MIN_WEIGHT <= _weight(kept) <= MAX_WEIGHT:
                            found["en" if kept.isascii() else script][kept] = None
        self.clauses: list[bytes] = [clause.encode() for language in LANGUAGES for clause in found[language]]
        counts = [len(found[language]) for language in LANGUAGES]
        if min(counts) < 1000:
            raise ValueError(f"too few clauses in {data_folder()}: {dict(zip(LANGUAGES, counts, strict=True))}")
        self.counts = np.array(counts, np.uint64)
        self.starts = np.cumsum(self.counts) - self.counts
        han = np.frombuffer("".join(found["hans"]).encode("utf-32-le"), np.uint32)
        self.han = han[(han >= 0x3400) & (han <= 0x9FFF)]

    def drawn(self, language: int, draw: int) -> str:
        """One clause of a language."""
        return self.clauses[int(self.starts[language]) + draw % int(self.counts[language])].decode()


@functools.cache
def words() -> Words:
    return Words()


def _weight(clause: str) -> int:
    return sum(1 if token >= "\u3400" else 2 for token in _TOKEN.findall(clause))


def mixed(seed: int, key: int, *numbers: Any) -> U64:
    """Draws in 64 bits over seed, key and each number in turn, see `stirred`."""
    value = np.atleast_1d(np.uint64((seed * 64 + key) % (1 << 64)))
    for number in numbers:
        value = stirred(value, number)
    return value


def stirred(value: U64, number: Any) -> U64:
    """Draws that depend on one number more: the finalizer of splitmix64 (Steele, Lea, Flood 2014)."""
    value = value * np.uint64(0x9E3779B97F4A7C15) + np.asarray(number, np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value ^= value >> np.uint64(shift)
        value *= np.uint64(factor)
    value ^= value >> np.uint64(31)
    return value


def share_of(draws: U64) -> npt.NDArray[np.float64]:
    """Draws as numbers from 0 up to 1."""
    return (draws >> np.uint64(11)).astype(np.float64) / (1 << 53)
