"""What `tune` gives: the curve, the proposed setting, and pairs at its line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dedup.stages.report import Place

SCHEMA = "dedup.tune/1"


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold gives.

    Attributes:
        threshold: pairs match from this similarity on.
        pairs: pairs of the input at or above it, estimated; pairs that differ in a number are not among them where they stay.
        precision: share of them that are copies; None where there are none.
        recall: share of the copies in this input that are found and reach it.
        planted: the same for copies in which 1, 5 and 10 % of the tokens were edited, and for those that lack a stretch (`dropped`).
        candidates: share of those copies at or above it that the bands find at all.
    """

    threshold: float
    pairs: float
    precision: float | None
    recall: float
    planted: dict[str, float]
    candidates: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; a precision that is not known counts as 1."""
        precision = 1.0 if self.precision is None else self.precision
        return 2 * precision * self.recall / max(precision + self.recall, 1e-12)


@dataclass(frozen=True, slots=True)
class Borderline:
    """A pair of the input near the proposed line: how alike, how likely a copy, and whether a third text shows a template."""

    similarity: float
    copy: float
    template: bool
    first: Place
    second: Place


@dataclass(frozen=True, slots=True)
class Setting:
    """A threshold and bands, and the options of `scan` and `clean` that say so; `options` is empty where they are in force already."""

    threshold: float
    bands: int
    rows: int
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Recall and precision by threshold.

    Attributes:
        grain, measure, k: what was compared and how; `threshold`, `bands` and `rows`: as configured.
        documents, sampled_documents: of the input, and of the sample that was read closer.
        text_bytes, sampled_bytes: their text.
        segments: distinct texts of the grain in the sample.
        originals: texts that copies were planted of.
        pairs: natural pairs that were measured and are alike at all, of which `templates` are two texts of one template.
        numbers: further such pairs that say other numbers, and are not counted.
        copies: pairs of copies in the whole input, estimated; `too_few`: so few that the recall is that of copies edited at 1 to 15 %.
        by_chance: the similarity that 99 of 100 pairs of like length, drawn at random, do not pass.
        points: by rising threshold.
        proposed: the setting; `at`: its point, `now`: that of the configured threshold.
        borderline: natural pairs around the proposed line, the nearest first.
    """

    grain: str
    measure: str
    k: int
    threshold: float
    bands: int
    rows: int
    documents: int
    sampled_documents: int
    text_bytes: int
    sampled_bytes: int
    segments: int
    originals: int
    pairs: int
    templates: int
    numbers: int
    copies: float
    too_few: bool
    by_chance: float
    points: tuple[Point, ...]
    proposed: Setting
    at: Point
    now: Point
    borderline: tuple[Borderline, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"schema": SCHEMA, **asdict(self)}
