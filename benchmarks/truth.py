"""What a cleaned crawl is worth: its records held against the truth that `crawl.py` wrote."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

SAMPLE = 20_000
"""Records of the head of the crawl in which furniture and lost lines are looked for."""


@dataclass(slots=True)
class Score:
    """How well copies were found.

    Attributes:
        recall: share of the planted copies of which not both they and their original are left.
        by_kind: the same for each kind of copy, near copies by the share of tokens replaced.
        precision: share of the story records removed that another record of the same story outlives.
        lost: stories of which no record is left.
        removed: story records removed.
        furniture: share of the planted lines of furniture, in records that are left, that are gone.
        cut: share of the lines of originals that are left, furniture aside, that are gone.
    """

    recall: float
    precision: float
    lost: int
    removed: int
    by_kind: dict[str, float] = field(default_factory=dict)
    furniture: float = 0.0
    cut: float = 0.0


def score(truth: Path, sources: Sequence[Path], cleaned: Sequence[Path]) -> Score:
    """Hold cleaned files against the truth.

    Args:
        truth: `truth.jsonl` of the crawl.
        sources: its files in order.
        cleaned: what is left of them, in any order; records are known by their `id`.
    """
    texts = {record["id"]: record["text"] for record in islice(_lines(sources), SAMPLE)}
    kept: set[str] = set()
    left: dict[str, str] = {}
    for record in _lines(cleaned):
        kept.add(record["id"])
        if record["id"] in texts:
            left[record["id"]] = record["text"]
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    stories: Counter[str] = Counter()
    outlived: set[str] = set()
    removed = 0
    lines = _Lines()
    for fact in _lines([truth]):
        name, story = fact["id"], fact["story"]
        if name in left:
            lines.add(fact, texts[name], left[name])
        if story is None:
            continue
        stories[story] += 1
        if name in kept:
            outlived.add(story)
        else:
            removed += 1
        if fact["kind"] != "original":
            kind = fact["kind"] if fact["kind"] != "near" else f"near {_rate(fact['edits']):g}"
            planted[kind] += 1
            found[kind] += not (name in kept and story in kept)
    lost = len(stories) - len(outlived)
    return Score(
        recall=sum(found.values()) / max(sum(planted.values()), 1),
        precision=(removed - lost) / max(removed, 1),
        lost=lost,
        removed=removed,
        by_kind={kind: found[kind] / planted[kind] for kind in sorted(planted)},
        furniture=lines.furniture_gone / max(lines.furniture, 1),
        cut=lines.own_gone / max(lines.own, 1),
    )


class _Lines:
    """Lines of records that are left, in what was and in what is."""

    def __init__(self) -> None:
        self.furniture = self.furniture_gone = self.own = self.own_gone = 0

    def add(self, fact: dict[str, Any], was: str, now: str) -> None:
        lines = [line for line in was.split("\n") if line.strip()]
        have = set(now.split("\n"))
        head, tail = fact["head"], len(lines) - fact["tail"]
        around, own = lines[:head] + lines[tail:], lines[head:tail]
        self.furniture += len(around)
        self.furniture_gone += sum(line not in have for line in around)
        if fact["kind"] == "original":
            self.own += len(own)
            self.own_gone += sum(line not in have for line in own)


def _rate(edits: float) -> float:
    from crawl import EDITS

    return min(EDITS, key=lambda rate: abs(rate - edits))


def _lines(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with path.open("rb") as stream:
            for line in stream:
                yield json.loads(line)
