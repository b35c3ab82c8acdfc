"""The options of the commands: how they are written, what they default to, and the settings that they make."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from dedup.config import Config

Command = TypeVar("Command", bound=Callable[..., Any])
Options = tuple[Callable[[Any], Any], ...]

GRAINS = ("document", "paragraph", "sentence")
FORMATS = ("text", "markdown", "jsonl", "csv", "tsv", "parquet")
MOST_THREADS = 8


class _PerGrain(click.ParamType):
    """`VALUE` for every grain, or `GRAIN=VALUE` for one; gives (grain or None, {field: value})."""

    def __init__(self, name: str, parse: Callable[[str], dict[str, Any]]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str | None, dict[str, Any]]:
        if not isinstance(value, str):
            found: tuple[str | None, dict[str, Any]] = value
            return found
        grain, equals, rest = value.rpartition("=")
        if equals and grain not in GRAINS:
            self.fail(f"{grain!r} is no grain; they are {', '.join(GRAINS)}.", param, ctx)
        try:
            return grain or None, self._parse(rest)
        except ValueError:
            self.fail(f"{rest!r} is not a {self.name}.", param, ctx)


def _bands(text: str) -> dict[str, Any]:
    bands, rows = text.lower().replace("×", "x").split("x")
    return {"bands": int(bands), "rows": int(rows)}


def _measure(text: str) -> dict[str, Any]:
    if text not in ("edit", "jaccard", "containment"):
        raise ValueError
    return {"measure": text}


def _threshold(text: str) -> dict[str, Any]:
    return {"threshold": float(text[:-1]) / 100 if text.endswith("%") else float(text)}


class _Keep(click.ParamType):
    name = "rule"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, tuple[str, ...]]:
        if not isinstance(value, str):
            found: tuple[str, tuple[str, ...]] = value
            return found
        rule, _, sources = value.partition("=")
        prefer = tuple(name.strip() for name in sources.split(",") if name.strip())
        if rule not in ("first", "longest", "earliest", "prefer") or (rule == "prefer") != bool(prefer):
            self.fail(f"{value!r} is not first, longest, earliest or prefer=SOURCE,SOURCE.", param, ctx)
        return rule, prefer


class _MinLeft(click.ParamType):
    name = "limit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, int]:
        if not isinstance(value, str):
            found: tuple[float, int] = value
            return found
        if value.strip() == "0":
            return 0.0, 0
        share, _, tokens = value.partition(",")
        try:
            if not share.strip().endswith("%"):
                raise ValueError
            return float(share.strip()[:-1]) / 100, int(tokens)
        except ValueError:
            self.fail(f"{value!r} is not SHARE%,TOKENS, such as 20%,40, nor 0.", param, ctx)


def option(*names: str, text: str, **settings: Any) -> Callable[[Command], Command]:
    return click.option(*names, help=text, **settings)


GRAIN = (
    option("--grain", type=click.Choice(["auto", *GRAINS]), default="auto", show_default=True,
           text="What is compared; auto: documents, then paragraphs."),
)  # fmt: skip
THRESHOLD = (
    option("--threshold", type=_PerGrain("similarity above 0 and up to 1", _threshold), multiple=True, metavar="[GRAIN=]T",
           text="Two texts match from this similarity on.  [document=.5, else .85]"),
)  # fmt: skip
MEASURE = (
    option("--measure", type=_PerGrain("measure", _measure), multiple=True, metavar="[GRAIN=]M",
           text="edit, jaccard or containment.  [document=jaccard, else edit]"),
)  # fmt: skip
LANES = (
    option("--bands", type=_PerGrain("BxR, such as 16x4", _bands), multiple=True, metavar="[GRAIN=]BxR",
           text="Bands and rows; see dedup curve.  [document=32x3, else 16x4]"),
    option("-k", type=int, default=3, show_default=True, metavar="K", text="Tokens in a shingle."),
)  # fmt: skip
SEED = (
    option("--seed", type=int, default=1, show_default=True, metavar="N", text="Draws the hash functions."),
)  # fmt: skip
DECIDING = (
    option("--keep", type=_Keep(), default="first", show_default=True, metavar="RULE",
           text="Which one stays: first, longest, earliest, prefer=SOURCE,..."),
    option("--numbers", type=click.Choice(["distinguish", "ignore"]), default="distinguish", show_default=True,
           text="Whether paragraphs that differ in a number both stay."),
    option("--scope", type=click.Choice(["auto", "document", "corpus"]), default="auto", show_default=True,
           text="document: compare paragraphs with those of their own document only; corpus: cut sentences across documents too."),
    option("--min-tokens", type=int, default=12, show_default=True, metavar="N", text="Never cut a paragraph shorter than this."),
    option("--min-left", type=_MinLeft(), default="20%,40", show_default=True, metavar="SHARE%,N",
           text="Drop a record of which less than both is left; 0: never."),
)  # fmt: skip
_ROLES = (("id", "id"), ("url", "URL"), ("host", "host"), ("date", "date"), ("source", "source"))
READING = (
    option("--format", "format_", type=click.Choice(FORMATS), text="Format of inputs whose name does not tell it."),
    option("--text-field", multiple=True, metavar="NAME", text="Field that holds text; repeat for several.  [found by its name]"),
    *(option(f"--{role}-field", metavar="NAME", text=f"Field that holds the {what}.  [found by its name]") for role, what in _ROLES),
    option("--threads", type=click.IntRange(1, 256), metavar="N",
           text=f"Threads; the result is the same with any.  [cores, at most {MOST_THREADS}]"),
)  # fmt: skip
TOP = (option("--top", type=click.IntRange(0), default=5, show_default=True, metavar="N", text="How many clusters to show."),)
SAYING = (
    option("--json", "as_json", is_flag=True, text="Print one JSON document, with numbers as they are."),
    option("-q", "--quiet", is_flag=True, text="Say nothing but errors."),
)
MATCHING = GRAIN + THRESHOLD + MEASURE + LANES + SEED
RUN = MATCHING + DECIDING + READING + TOP + SAYING
INPUTS = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")


def with_options(*groups: Options) -> Callable[[Command], Command]:
    """All options of these groups, in this order."""
    options = [option for group in groups for option in group]
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


def config_of(settings: dict[str, Any]) -> Config:
    """Take the options that make a configuration out of the others."""
    from dedup.config import Config

    plain = Config()
    per_grain: dict[str, dict[str, Any]] = {grain: {} for grain in GRAINS}
    for name in ("threshold", "measure", "bands"):
        for grain, values in sorted(settings.pop(name, ()), key=lambda item: item[0] is not None):  # one grain's own wins
            for one in GRAINS if grain is None else (grain,):
                per_grain[one].update(values)
    rest: dict[str, Any] = {grain: replace(plain.matching(grain), **values) for grain, values in per_grain.items()}
    rest |= {name: settings.pop(name) for name in ("grain", "k", "seed", "numbers", "scope", "min_tokens") if name in settings}
    if "keep" in settings:
        rest["keep"], rest["prefer"] = settings.pop("keep")
    if "min_left" in settings:
        rest["min_left_share"], rest["min_left_tokens"] = settings.pop("min_left")
    return replace(plain, **rest)


def reading_of(settings: dict[str, Any]) -> dict[str, Any]:
    """Take the options that say how to read out of the others, as arguments of `dedup.files`."""
    from dedup.model import Fields

    fields = Fields(settings.pop("text_field"), **{role: settings.pop(f"{role}_field") for role, _ in _ROLES})
    return {"fields": fields, "format": settings.pop("format_"), "threads": settings.pop("threads") or _threads()}


def _threads() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)
