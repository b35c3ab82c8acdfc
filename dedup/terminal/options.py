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
Settings = dict[str, Any]

GRAINS = ("document", "paragraph", "sentence")
MEASURES = ("edit", "jaccard", "containment")
FORMATS = ("text", "markdown", "jsonl", "csv", "tsv", "parquet")
MOST_THREADS = 8


def _per_grain(what: str, parse: Callable[[str], Settings]) -> Callable[[str], tuple[str | None, Settings]]:
    """A parser of `VALUE` for every grain, or `GRAIN=VALUE` for one; gives (grain or None, settings)."""

    def convert(text: str) -> tuple[str | None, Settings]:
        grain, equals, value = text.rpartition("=")
        if equals and grain not in GRAINS:
            raise click.BadParameter(f"{grain!r} is no grain; they are {', '.join(GRAINS)}.")
        try:
            return grain or None, parse(value)
        except ValueError:
            raise click.BadParameter(f"{value!r} is not {what}.") from None

    return convert


def _threshold(text: str) -> Settings:
    return {"threshold": float(text[:-1]) / 100 if text.endswith("%") else float(text)}


def _measure(text: str) -> Settings:
    if text not in MEASURES:
        raise ValueError
    return {"measure": text}


def _bands(text: str) -> Settings:
    bands, rows = text.lower().replace("×", "x").split("x")
    return {"bands": int(bands), "rows": int(rows)}


def _keep(text: str) -> tuple[str, tuple[str, ...]]:
    rule, _, sources = text.partition("=")
    prefer = tuple(name.strip() for name in sources.split(",") if name.strip())
    if rule not in ("first", "longest", "earliest", "prefer") or (rule == "prefer") != bool(prefer):
        raise click.BadParameter(f"{text!r} is not first, longest, earliest or prefer=SOURCE,SOURCE.")
    return rule, prefer


def _size(text: str) -> int:
    from dedup.spill import parse_size

    try:
        return parse_size(text)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is no size, such as 512M or 8G.") from None


def _min_left(text: str) -> tuple[float, int]:
    if text.strip() == "0":
        return 0.0, 0
    share, percent, tokens = text.partition("%,")
    try:
        if not percent:
            raise ValueError
        return float(share) / 100, int(tokens)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not SHARE%,TOKENS, such as 20%,40, nor 0.") from None


def option(*names: str, text: str, default: object = None, **settings: Any) -> Callable[[Command], Command]:
    """An option of click whose default, if it has one, is shown."""
    if default is not None:
        settings |= {"default": default, "show_default": True}
    return click.option(*names, help=text, **settings)


GRAIN = (
    option(
        "--grain", type=click.Choice(["auto", *GRAINS]), default="auto",
        text="What is compared; auto: documents, then paragraphs, then repeats.",
    ),
)  # fmt: skip
PRESET = (
    option(
        "--preset", type=click.Choice(["noisy"]),
        text="Settings for a kind of text; options given beside it go before. noisy: from optical recognition and the like.",
    ),
)  # fmt: skip
THRESHOLD = (
    option(
        "--threshold", type=_per_grain("a number above 0 and up to 1", _threshold), multiple=True, metavar="[GRAIN=]T",
        text="Two texts match from this similarity on.  [document=.45, else .85]",
    ),
)  # fmt: skip
MEASURE = (
    option(
        "--measure", type=_per_grain(f"one of {', '.join(MEASURES)}", _measure), multiple=True, metavar="[GRAIN=]M",
        text="edit, jaccard or containment.  [document=jaccard, else edit]",
    ),
)  # fmt: skip
SHINGLES = (option("-k", type=int, metavar="K", text="Tokens in a shingle.  [3]"),)
BANDS = (
    option(
        "--bands", type=_per_grain("BANDSxROWS, such as 16x4", _bands), multiple=True, metavar="[GRAIN=]BxR",
        text="Bands and rows; see dedup curve.  [document=40x3, else 20x3]",
    ),
)  # fmt: skip
EXACT = (option("--exact", is_flag=True, text="Miss no match: candidates without hashing and limits; slower."),)
SEED = (option("--seed", type=int, default=1, metavar="N", text="Draws the hash functions."),)
NUMBERS = (
    option(
        "--numbers", type=click.Choice(["distinguish", "ignore"]), default="distinguish",
        text="Whether paragraphs that differ in a number both stay.",
    ),
)  # fmt: skip
MIN_TOKENS = (
    option("--min-tokens", type=int, default=12, metavar="N", text="Never cut a paragraph shorter than this."),
)
DECIDING = (
    option(
        "--keep", type=_keep, default="first", metavar="RULE",
        text="Which one stays: first, longest, earliest, prefer=SOURCE,...",
    ),
    *NUMBERS,
    option(
        "--scope", type=click.Choice(["auto", "document", "corpus"]), default="auto",
        text="document: cut what repeats in the same document only; corpus: cut sentences across documents too.",
    ),
    option(
        "--cut", type=click.Choice(["sentence", "paragraph", "clause", "exact", "none"]), default="sentence",
        text="The least that a repeat is cut by; exact: to the token, none: nothing.",
    ),
    option(
        "--boilerplate", type=click.Choice(["cut", "keep-first", "keep"]), default="cut",
        text="What goes of a site's boilerplate: all of it, all but a copy of each, nothing.",
    ),
    option(
        "--host-from", type=click.Choice(["url", "folder"]), default="url",
        text="Where a page's host is found: its URL or host field, or the folder of its file.",
    ),
    *MIN_TOKENS,
    option(
        "--min-left", type=_min_left, default="20%,40", metavar="SHARE%,N",
        text="Drop a record of which less than both is left; 0: never.",
    ),
)  # fmt: skip
_ROLES = (("id", "id"), ("url", "URL"), ("host", "host"), ("date", "date"), ("source", "source"))
READING = (
    option("--format", "format_", type=click.Choice(FORMATS), text="Format of inputs whose name does not tell it."),
    option("--text-field", multiple=True, metavar="NAME", text="Field of the text; repeat for several.  [by its name]"),
    *(option(f"--{role}-field", metavar="NAME", text=f"Field of the {what}.  [by its name]") for role, what in _ROLES),
    option(
        "--threads", type=click.IntRange(1, 256), metavar="N",
        text=f"Threads; the result is the same with any.  [cores, at most {MOST_THREADS}]",
    ),
    option(
        "--memory", type=_size, metavar="SIZE",
        text="Memory to keep within, such as 512M or 8G; the result is the same with any.  [half of what is free]",
    ),
)  # fmt: skip
TOP = (option("--top", type=click.IntRange(0), default=5, metavar="N", text="How many clusters to show."),)
SAYING = (
    option("--json", "as_json", is_flag=True, text="Print one JSON document, with numbers as they are."),
    option("-q", "--quiet", is_flag=True, text="Say nothing but errors."),
)
PLAN = GRAIN + PRESET + THRESHOLD + MEASURE + SHINGLES + BANDS + EXACT + SEED + DECIDING + READING + SAYING
RUN = PLAN[: -len(SAYING)] + TOP + SAYING
TUNE = (
    option("--grain", type=click.Choice(GRAINS), default="paragraph", text="What is compared."),
    *THRESHOLD, *MEASURE, *SHINGLES, *BANDS, *SEED, *NUMBERS, *MIN_TOKENS, *READING,
    option("--top", type=click.IntRange(0), default=10, metavar="N", text="How many pairs at the line to show."),
    *SAYING,
)  # fmt: skip
INPUTS = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")


def with_options(*groups: Options) -> Callable[[Command], Command]:
    """All options of these groups, in this order."""
    options = [option for group in groups for option in group]
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


def config_of(settings: dict[str, Any]) -> Config:
    """Take the options that make a configuration out of the others."""
    from dedup.config import Config, preset

    name = settings.pop("preset", None)
    plain = preset(name) if name else Config()
    per_grain: dict[str, dict[str, Any]] = {grain: {} for grain in GRAINS}
    for name in ("threshold", "measure", "bands"):
        for grain, values in sorted(
            settings.pop(name, ()), key=lambda item: item[0] is not None
        ):  # one grain's own wins
            for one in GRAINS if grain is None else (grain,):
                per_grain[one].update(values)
    rest: dict[str, Any] = {grain: replace(plain.matching(grain), **values) for grain, values in per_grain.items()}
    plain_names = ("grain", "k", "seed", "numbers", "scope", "min_tokens", "cut", "boilerplate", "host_from", "exact")
    given = {name: settings.pop(name) for name in plain_names if name in settings}
    rest |= {name: value for name, value in given.items() if value is not None}
    if "keep" in settings:
        rest["keep"], rest["prefer"] = settings.pop("keep")
    if "min_left" in settings:
        rest["min_left_share"], rest["min_left_tokens"] = settings.pop("min_left")
    return replace(plain, **rest)


def reading_of(settings: dict[str, Any]) -> dict[str, Any]:
    """Take the options that say how to read out of the others, as arguments of `dedup.files`."""
    from dedup.model import Fields

    fields = Fields(settings.pop("text_field"), **{role: settings.pop(f"{role}_field") for role, _ in _ROLES})
    return {
        "fields": fields,
        "format": settings.pop("format_"),
        "threads": settings.pop("threads") or _threads(),
        "memory": settings.pop("memory"),
    }


def _threads() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)
