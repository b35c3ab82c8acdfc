"""The commands. What they do is in `dedup.api`; here are their options, their exit codes, and which stream gets what.

Everything heavy is imported inside the commands, so that `dedup --help` costs little more than Python itself.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from dedup.errors import DedupError, UsageError

if TYPE_CHECKING:
    from dedup.config import Config, Matching
    from dedup.model import Fields

Command = TypeVar("Command", bound=Callable[..., Any])

GRAINS = ("document", "paragraph", "sentence")
FORMATS = ("text", "markdown", "jsonl", "csv", "tsv", "parquet")
MOST_THREADS = 8

FAILED, USAGE, INTERRUPTED, TERMINATED = 1, 2, 130, 143

_ADVICE = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Your quota is used up: free some space, or write to another disk.",
    errno.EACCES: "Check the permissions of the file and of its folder.",
    errno.EPERM: "Check the permissions of the file and of its folder.",
    errno.EROFS: "The file system is read-only: write to another one.",
    errno.ENOENT: "Check the spelling; a file may also have been moved while the run was under way.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
    errno.EIO: "The disk may be failing: try a copy of the file.",
}


class _Terminated(BaseException):
    """SIGTERM came."""


class _Program(click.Group):
    """A group that ends with our exit codes, and says why on stderr without a traceback."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except click.ClickException as error:
            code = _tell_usage(error)
        except click.Abort:
            code = INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        with _terminable():
            try:
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except BaseException as error:
                if os.environ.get("DEDUP_DEBUG") and not isinstance(error, BrokenPipeError):
                    raise
                ctx.exit(_end(error))


def _end(error: BaseException) -> int:
    """Say what stopped the run; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        # whoever read our output has had enough; what is still buffered must not fail at exit
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - pathlib would be an import for nothing
            os.dup2(nowhere.fileno(), 1)
        return 0
    if isinstance(error, KeyboardInterrupt):
        _say("Stopped. Nothing was published.")
        return INTERRUPTED
    if isinstance(error, _Terminated):
        _say("Terminated. Nothing was published.")
        return TERMINATED
    if isinstance(error, DedupError):
        _say(f"error: {error}")
        return error.exit_code
    if isinstance(error, OSError):
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        _say(f"error: {where}{error.strerror or error}. {_ADVICE.get(error.errno or 0, '')}".rstrip())
        return FAILED
    if isinstance(error, MemoryError):
        _say("error: not enough memory for these inputs. Clean them in several runs, or on a larger machine.")
        return FAILED
    if isinstance(error, Exception):
        _say(f"error: this is a fault of dedup: {type(error).__name__}: {error}. Run it again with DEDUP_DEBUG=1 and report what it prints.")
        return FAILED
    raise error


def _say(message: str) -> None:
    from dedup.console import say

    say(message, style="bold red" if message.startswith("error") else "")


def _tell_usage(error: click.ClickException) -> int:
    lines = []
    if isinstance(error, click.UsageError) and error.ctx is not None:
        lines += [error.ctx.get_usage(), f"Try '{error.ctx.command_path} --help'."]
    _say("\n".join([*lines, f"error: {error.format_message()}"]))
    return error.exit_code


@contextmanager
def _terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that what is half written is cleared away."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: the caller keeps its own handler
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _threads() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


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


_MATCHING = (
    click.option("--grain", type=click.Choice(["auto", *GRAINS]), default="auto", show_default=True, help="What is compared; auto: documents, then paragraphs."),
    click.option("--threshold", type=_PerGrain("similarity from 0 to 1", _threshold), multiple=True, metavar="[GRAIN=]T", help="A match from this similarity on.  [document=.5, paragraph=.85, sentence=.85]"),
    click.option("--measure", type=_PerGrain("measure", lambda text: {"measure": text}), multiple=True, metavar="[GRAIN=]M", help="edit, jaccard or containment.  [document=jaccard, else edit]"),
    click.option("--bands", type=_PerGrain("number of bands and rows, such as 16x4", _bands), multiple=True, metavar="[GRAIN=]BxR", help="Bands and rows.  [document=32x3, else 16x4]"),
    click.option("-k", type=int, default=3, show_default=True, metavar="K", help="Tokens in a shingle."),
    click.option("--seed", type=int, default=1, show_default=True, metavar="N", help="Draws the hash functions."),
)  # fmt: skip
_DECIDING = (
    click.option("--keep", type=_Keep(), default="first", show_default=True, metavar="RULE", help="Which one stays: first, longest, earliest, prefer=SOURCE,…"),
    click.option("--numbers", type=click.Choice(["distinguish", "ignore"]), default="distinguish", show_default=True, help="Whether paragraphs that differ in a number both stay."),
    click.option("--scope", type=click.Choice(["auto", "document", "corpus"]), default="auto", show_default=True, help="Where paragraphs and sentences are compared."),
    click.option("--min-tokens", type=int, default=12, show_default=True, metavar="N", help="A shorter paragraph is never cut."),
    click.option("--min-left", type=_MinLeft(), default="20%,40", show_default=True, metavar="SHARE%,N", help="Drop a record of which less is left; 0: never."),
)  # fmt: skip
_READING = (
    click.option("--format", "format_", type=click.Choice(FORMATS), help="Format where the ending does not tell it."),
    click.option("--text-field", multiple=True, metavar="NAME", help="Field of the text; several are one text.  [found]"),
    *(click.option(f"--{name}-field", metavar="NAME", help=f"Field of the {what}.  [found]") for name, what in (("id", "id"), ("url", "URL"), ("host", "host"), ("date", "date"), ("source", "source"))),
    click.option("--threads", type=click.IntRange(1, 256), metavar="N", help=f"Threads; the result is the same.  [cores, at most {MOST_THREADS}]"),
)  # fmt: skip
_SAYING = (
    click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
    click.option("--top", type=click.IntRange(0, 10), default=5, show_default=True, metavar="N", help="Clusters to show."),
)
_INPUTS = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")


def _with(*groups: tuple[Callable[[Any], Any], ...]) -> Callable[[Command], Command]:
    """All options of these groups, in this order."""
    options = [option for group in groups for option in group]
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


def _config(settings: dict[str, Any]) -> Config:
    """Take the options that make a configuration out of the others."""
    from dedup.config import Config

    plain = Config()
    per_grain = {grain: {} for grain in GRAINS}  # type: dict[str, dict[str, Any]]
    for name in ("threshold", "measure", "bands"):
        given = settings.pop(name)
        for grain, values in sorted(given, key=lambda item: item[0] is not None):  # what is said of one grain wins
            for one in GRAINS if grain is None else (grain,):
                per_grain[one] |= values
    matchings: dict[str, Matching] = {grain: replace(plain.matching(grain), **values) for grain, values in per_grain.items()}
    rest = {name: settings.pop(name) for name in ("grain", "k", "seed")}
    if "keep" in settings:
        rest["keep"], rest["prefer"] = settings.pop("keep")
        rest["min_left_share"], rest["min_left_tokens"] = settings.pop("min_left")
        rest |= {name: settings.pop(name) for name in ("numbers", "scope", "min_tokens")}
    return replace(plain, **matchings, **rest)


def _reading(settings: dict[str, Any]) -> dict[str, Any]:
    """Take the options that say how to read out of the others, as arguments of `dedup.api`."""
    from dedup.model import Fields

    text = settings.pop("text_field")
    fields = Fields(text, *(settings.pop(f"{name}_field") for name in ("id", "url", "host", "date", "source")))
    return {"fields": fields, "format": settings.pop("format_"), "threads": settings.pop("threads") or _threads()}


def _print_json(schema: str, plain: dict[str, Any]) -> None:
    from dedup.console import neutral_json

    click.echo(neutral_json(json.dumps({"schema": schema, **plain}, ensure_ascii=False, indent=2)))


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=lambda ctx, _, on: on and not ctx.resilient_parsing and _version(ctx), help="Show the version and exit.")
def main() -> None:
    """Find near-duplicate documents and paragraphs in scraped text, remove them, and put them back.

    \b
      dedup scan news/                 what repeats, and where
      dedup clean news/ -o cleaned     a copy without the repeats, and a log of them
      dedup restore cleaned -o back    the input again, from the copy and its log

    INPUT is files, folders, quoted globs, or - for stdin: .txt .md .jsonl .csv .tsv .parquet, plain or .gz .zst.

    \b
    Exit codes: 0 done; 1 failed, nothing published; 2 usage; 3 done, but some of the input is bad;
    5 the output is there already, or locked; 130, 143 stopped.
    """  # noqa: D301


def _version(ctx: click.Context) -> None:
    from importlib.metadata import PackageNotFoundError, version

    from dedup import kernels

    try:
        number = version("dedup-crawl")
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"dedup {number}, {kernels.IMPLEMENTATION} kernels, Python {sys.version.split()[0]}")
    ctx.exit()


@main.command()
@_INPUTS
@_with(_MATCHING, _DECIDING, _READING, _SAYING)
def scan(inputs: tuple[str, ...], as_json: bool, quiet: bool, top: int, **settings: Any) -> None:
    """Find what repeats and report it; nothing is written.

    \b
      dedup scan news/
      dedup scan crawl.jsonl.gz --text-field title --text-field body
      dedup scan 'archive/**/*.txt' --grain document --threshold .7
      cat crawl.jsonl | dedup scan - --json | jq .removed_share
    """  # noqa: D301
    from dedup import api
    from dedup.console import make_console, progress_bars
    from dedup.screen import next_after_scan, print_report

    config = _config(settings)
    with progress_bars(quiet or as_json) as progress:
        report = api.scan(list(inputs), config, **_reading(settings), save=None, progress=progress)
    if as_json:
        plain = report.as_dict()
        _print_json(plain.pop("schema"), plain)
    elif not quiet:
        console = make_console()
        print_report(report, console, "scan", top)
        next_after_scan(report, console, inputs)
    if report.bad_records:
        raise click.exceptions.Exit(3)
