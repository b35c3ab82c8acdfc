"""Every setting and its default, as frozen values that know how to check, name and digest themselves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from dedup.errors import ConfigError

Grain = Literal["auto", "document", "paragraph", "sentence"]
Measure = Literal["edit", "jaccard", "containment"]
Keep = Literal["first", "longest", "earliest", "prefer"]
Numbers = Literal["distinguish", "ignore"]
Scope = Literal["auto", "document", "corpus"]
Cut = Literal["sentence", "paragraph", "clause", "exact", "none"]
Boilerplate = Literal["cut", "keep-first", "keep"]
HostFrom = Literal["url", "folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How segments of one grain become candidates and are accepted.

    Attributes:
        bands, rows: candidates share all `rows` lanes of at least one of `bands` bands.
        measure: `edit`, `jaccard` or `containment`, measured on the folded text.
        threshold: a candidate pair is a match at this similarity or above, in (0, 1].
    """

    bands: int
    rows: int
    measure: Measure
    threshold: float

    def __post_init__(self) -> None:
        if self.bands < 1 or self.rows < 1 or self.lanes > 4096:
            raise ConfigError(f"bands x rows must be from 1 to 4,096 lanes, not {self.bands} x {self.rows}.")
        if self.measure not in get_args(Measure):
            raise ConfigError(f"the measure must be one of {', '.join(get_args(Measure))}, not {self.measure!r}.")
        if not 0 < self.threshold <= 1:
            raise ConfigError(f"a threshold is a share above 0 and up to 1, not {self.threshold}.")

    @property
    def lanes(self) -> int:
        """Lanes of the signature that the bands need."""
        return self.bands * self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a run compares, how, and what it does about a match.

    Attributes:
        grain: what the run compares; `auto` is whole documents first, then the paragraphs of the documents kept.
        k: tokens in a shingle, 1 to 63.
        seed: draws the lanes and salts the shingles; change it against inputs made to collide.
        document, paragraph, sentence: how segments of that grain are matched.
        short_tokens: two texts up to this long are measured as paragraphs are, whatever their grain; where that is by `edit` at
            a threshold of .7 or more, all pairs of them up to 64 tokens are found.
        keep: which of two matching segments stays: the first, the longest, the earliest dated, or by preferred source.
        prefer: sources in order of preference, for keep="prefer".
        numbers: `distinguish` keeps paragraphs that differ in a numeral, `ignore` does not look.
        min_tokens: a shorter paragraph inside a longer document is never cut for itself.
        min_left_share, min_left_tokens: a record of which less than both is left is dropped whole.
        scope: `document` compares paragraphs within their document only; `corpus` cuts sentences across documents too.
        cut: what of repeats inside documents is cut: whole `sentence`s and paragraphs, whole `paragraph`s alone, whole `clause`s too,
            `exact`ly what is repeated, or `none`: they are not looked for. Only with the grain `auto`.
        repeat_weight: the least weight of a repeat; a CJK character weighs 1, any other token 2.
        boilerplate: `cut` all copies of a site's boilerplate (of long one that stands on less than 30 % of its pages the first stays),
            `keep-first` one copy of each, or `keep` it all. Only with the grain `auto`.
        host_from: a page's host is that of its `url` (or host) field, or the `folder` that its file is in.
        bucket_limit: members of a bucket that each other member is compared with in one pass.
        posting_limit: earlier places that each fingerprint is compared with, 64 or more.
        passes: the most passes until nothing changes.
        exact: finds candidates without min-hashes and limits, so that no pair that matches, or nearly, is missed. Slower: work grows
            with the pairs of texts that share a rare shingle.
    """

    grain: Grain = "auto"
    k: int = 3
    seed: int = 1
    document: Matching = field(default=Matching(bands=40, rows=3, measure="jaccard", threshold=0.45))
    paragraph: Matching = field(default=Matching(bands=20, rows=3, measure="edit", threshold=0.85))
    sentence: Matching = field(default=Matching(bands=20, rows=3, measure="edit", threshold=0.85))
    short_tokens: int = 64
    keep: Keep = "first"
    prefer: tuple[str, ...] = ()
    numbers: Numbers = "distinguish"
    min_tokens: int = 12
    min_left_share: float = 0.2
    min_left_tokens: int = 40
    scope: Scope = "auto"
    cut: Cut = "sentence"
    repeat_weight: int = 40
    boilerplate: Boilerplate = "cut"
    host_from: HostFrom = "url"
    bucket_limit: int = 8
    posting_limit: int = 64
    passes: int = 5
    exact: bool = False

    def __post_init__(self) -> None:
        for name, choices in (
            ("grain", Grain),
            ("keep", Keep),
            ("numbers", Numbers),
            ("scope", Scope),
            ("cut", Cut),
            ("boilerplate", Boilerplate),
            ("host_from", HostFrom),
        ):
            if getattr(self, name) not in get_args(choices):
                raise ConfigError(f"{name} must be one of {', '.join(get_args(choices))}, not {getattr(self, name)!r}.")
        _check_range("k", self.k, 1, 63)
        _check_range("seed", self.seed, 0, 2**32 - 1)
        _check_range("short_tokens", self.short_tokens, 0, 1024)
        _check_range("min_tokens", self.min_tokens, 0, 1_000_000)
        _check_range("min_left_tokens", self.min_left_tokens, 0, 1_000_000)
        _check_range("min_left_share", self.min_left_share, 0, 1)
        _check_range("repeat_weight", self.repeat_weight, 22, 10_000)
        _check_range("bucket_limit", self.bucket_limit, 1, 1024)
        _check_range("passes", self.passes, 1, 100)
        if (self.keep == "prefer") != bool(self.prefer):
            raise ConfigError("keep='prefer' needs the preferred sources, and only it does: keep prefer=SOURCE,SOURCE.")

    def matching(self, grain: str) -> Matching:
        """The matching of a grain."""
        found: Matching = {"document": self.document, "paragraph": self.paragraph, "sentence": self.sentence}[grain]
        return found

    @property
    def grains(self) -> tuple[str, ...]:
        """The grains in the order in which a pass runs them."""
        return ("document", "paragraph") if self.grain == "auto" else (self.grain,)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self)

    def digest(self) -> str:
        """16 hex digits that name this configuration."""
        plain = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(plain.encode(), digest_size=8).hexdigest()


def preset(name: str) -> Config:
    """A configuration for a kind of text; `docs/quality.md` has what each finds.

    Args:
        name: `noisy`, for text in which one token in five may be wrong, such as that of optical character recognition.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"there is no preset {name!r}; they are {', '.join(PRESETS)}.")
    return PRESETS[name]


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} must be from {low:,} to {high:,}, not {value}.")


PRESETS = {
    "noisy": Config(
        k=2,
        document=Matching(bands=48, rows=2, measure="edit", threshold=0.6),
        paragraph=Matching(bands=32, rows=3, measure="edit", threshold=0.75),
        sentence=Matching(bands=32, rows=3, measure="edit", threshold=0.75),
    )
}
