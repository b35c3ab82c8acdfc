"""The commands. What they do is in `dedup.api`; here are their options, their exit codes, and which stream gets what.

Everything heavy is imported inside the commands, so that `dedup --help` costs little more than Python itself.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from dedup.terminal.ending import INTERRUPTED, PARTLY, ending, terminable
from dedup.terminal.options import (
    BANDS,
    INPUTS,
    PLAN,
    RUN,
    SAYING,
    SEED,
    SHINGLES,
    THRESHOLD,
    TUNE,
    config_of,
    option,
    reading_of,
    with_options,
)

COLLECTED_AFTER = 100_000
"""Objects more than went, after which the collector looks for cycles: modules as they are loaded make none."""


class _Program(click.Group):
    """A group that ends with our exit codes, and says why on stderr without a traceback."""

    def main(  # type: ignore[override]  # click has overloads; ours returns never, or what theirs does
        self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **extra: Any
    ) -> object:  # fmt: skip
        # nothing here calls BLAS, whose threads would be started and waited for; nor is there much for a collector
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        gc.set_threshold(COLLECTED_AFTER)
        if not standalone_mode:
            return super().main(args, standalone_mode=False, **extra)
        try:
            code = super().main(args, standalone_mode=False, **extra)
        except click.ClickException as error:
            _say_usage(error)
            code = error.exit_code
        except click.Abort:
            code = INTERRUPTED
        gc.freeze()  # the process ends: cycles are not looked for once more
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> None:
        with terminable():
            try:
                super().invoke(ctx)
                sys.stdout.flush()
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except BaseException as error:
                if os.environ.get("DEDUP_DEBUG") and isinstance(error, Exception):
                    raise
                code, message = ending(error)
                if message:
                    _say(message)
                ctx.exit(code)


def _say(message: str) -> None:
    from dedup.terminal.console import say

    say(message)


def _say_usage(error: click.ClickException) -> None:
    lines = [f"error: {error.format_message()}"]
    if isinstance(error, click.UsageError) and error.ctx is not None:
        lines.append(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'.")
    _say("\n".join(lines))


def _print_json(plain: dict[str, Any]) -> None:
    from dedup.terminal.console import neutral_json

    click.echo(neutral_json(json.dumps(plain, ensure_ascii=False, indent=2)))


def _version(ctx: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        from dedup import __version__, kernels

        click.echo(f"dedup {__version__}, {kernels.IMPLEMENTATION} kernels, Python {sys.version.split()[0]}")
        ctx.exit()


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
def main() -> None:
    """Find what repeats in scraped text, remove it, and put it back.

    \b
      dedup scan news/                 what repeats, and where
      dedup clean news/ -o cleaned     a copy without the repeats, and a log of them
      dedup restore cleaned -o back    the inputs again, from the copy and its log
      dedup plan crawl/                what time, memory and disk that takes

    INPUT is files, folders, quoted globs, or - for stdin: .txt .md .jsonl .csv .tsv .parquet, all but
    the last also as .gz or .zst.

    \b
    Exit codes: 0 done, 1 failed and nothing published, 2 usage, 3 done but some
    input is bad, 5 the output exists or is locked, 130 and 143 stopped.
    """


@main.command()
@INPUTS
@option(
    "--save", metavar="RUN", text="Folder to make for what was found, as Parquet; saved runs can be scanned together."
)
@with_options(RUN)
def scan(inputs: tuple[str, ...], save: str | None, top: int, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Find what repeats and say so; nothing is written.

    \b
      dedup scan news/
      dedup scan crawl.jsonl.gz --text-field title --text-field body
      dedup scan 'archive/**/*.txt' --grain document --threshold .7
      cat crawl.jsonl | dedup scan - --json
      dedup scan may.jsonl --save may.run; dedup scan april.run may.run
    """
    from dedup.files import scan_files
    from dedup.terminal.progress import progress_bars

    config = config_of(settings)
    with progress_bars(quiet or as_json) as progress:
        report = scan_files(list(inputs), config, **reading_of(settings), save=save, top=top, progress=progress)
    if as_json:
        _print_json(report.as_dict())
    elif not quiet:
        from dedup.terminal.console import make_console
        from dedup.terminal.screen import print_next, print_report

        console = make_console()
        print_report(report, console, "scan", top)
        if report.removed_bytes:
            print_next(console, [("To write a copy without them", _next_clean(inputs))])
    _end_partly(report.bad_records > 0)


def _next_clean(inputs: tuple[str, ...]) -> str:
    """The command of this scan as one that cleans, into a folder that is not there yet."""
    import shlex
    from itertools import count

    given = sys.argv[sys.argv.index("scan") + 1 :] if "scan" in sys.argv else list(inputs)
    names = (f"cleaned-{number}" if number > 1 else "cleaned" for number in count(1))
    out = next(name for name in names if not os.path.lexists(name))
    return shlex.join(["dedup", "clean", *given, "-o", out])


def _end_partly(is_partly: bool) -> None:
    if is_partly:
        raise click.exceptions.Exit(PARTLY)


@main.command()
@INPUTS
@option("-o", "--output", metavar="OUT", text="Folder to make; - writes one input to stdout.")
@option("--overwrite", is_flag=True, text="Replace OUT if it is there.")
@option("-n", "--dry-run", is_flag=True, text="Decide and report, write nothing.")
@option("--bad-records", type=click.Choice(["keep", "quarantine", "fail"]), default="keep", show_default=True,
         text="Records that cannot be read stay in their place, go to the log's folder, or end the run.")  # fmt: skip
@option("--log", metavar="DIR", text="With -o -: folder to make for the log of what was removed.")
@with_options(RUN)
def clean(
    inputs: tuple[str, ...], output: str | None, overwrite: bool, dry_run: bool, bad_records: str, log: str | None,
    top: int, as_json: bool, quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Write a copy of INPUT without what repeats, and a log of what was removed.

    OUT has the files of INPUT under their names and in their format, and OUT/dedup the log. INPUT itself is only read.

    \b
      dedup clean news/ -o cleaned
      dedup clean news/ -n                          what it would do
      dedup clean a.jsonl b.jsonl -o cleaned --keep longest
      dedup clean sites/ -o cleaned --host-from folder --cut clause
      cat crawl.jsonl | dedup clean - > clean.jsonl
    """
    from dedup.files import clean_files
    from dedup.terminal.progress import progress_bars

    if output is None and inputs == ("-",) and not (dry_run or as_json or sys.stdout.isatty()):
        output = "-"  # in a pipe, what comes in on stdin goes out on stdout
    if output is None and not dry_run:
        raise click.UsageError("Missing option '-o' / '--output': the folder to write to, or - for stdout.")
    if log is not None and output != "-":
        raise click.UsageError("--log goes with -o - alone: a folder OUT has its log in OUT/dedup.")
    if as_json and output == "-":
        raise click.UsageError("--json and -o - both want stdout: name a folder with -o.")
    config = config_of(settings)
    with progress_bars(quiet or as_json) as progress:
        result = clean_files(
            list(inputs), output or "", config, **reading_of(settings), overwrite=overwrite, bad_records=bad_records,
            dry_run=dry_run, log=log, top=top, progress=progress,
        )  # fmt: skip
    if as_json:
        _print_json(
            {
                "schema": "dedup.clean/1",
                "out": output,
                "dry_run": dry_run,
                "accounting": result.accounting,
                "report": result.report.as_dict(),
            }
        )
    elif not quiet:
        from dedup.terminal.console import make_console
        from dedup.terminal.screen import print_accounting, print_report

        console = make_console(sys.stderr if output == "-" else None)
        print_report(result.report, console, "would" if dry_run else "clean", top)
        print_accounting(result.accounting, console, None if dry_run else output)
    raise click.exceptions.Exit(result.exit_code)


@main.command()
@click.argument("out", metavar="OUT")
@option("-o", "--output", "back", metavar="BACK", required=True, text="Folder to make.")
@option("--overwrite", is_flag=True, text="Replace BACK if it is there.")
@with_options(SAYING)
def restore(out: str, back: str, overwrite: bool, as_json: bool, quiet: bool) -> None:
    """Put the inputs of a clean back together, from OUT and its log alone.

    \b
      dedup restore cleaned -o back
    """
    from dedup.files import restore as put_back

    done = put_back(out, back, overwrite=overwrite)
    if as_json:
        _print_json({"schema": "dedup.restore/1", "back": back, **done})
    elif not quiet:
        from dedup.terminal.console import make_console
        from dedup.terminal.screen import print_restored

        print_restored(done, back, make_console())
    _end_partly(bool(done["problems"]))


@main.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@with_options(THRESHOLD, SHINGLES, SEED, SAYING)
def diff(a: str, b: str, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Compare two texts: how alike they are, and where they differ.

    Script, width, case, accents, glosses, spaces and punctuation make no difference. A or B may be - for stdin.

    \b
      dedup diff one.txt two.txt
    """
    from dataclasses import asdict

    from dedup.api import compare

    if a == b == "-":
        raise click.UsageError("Only one of A and B can be stdin.")
    texts = _text(a), _text(b)
    found = compare(*texts, config_of(settings))
    if as_json:
        _print_json({"schema": "dedup.comparison/1", "a": a, "b": b, **asdict(found)})
    elif not quiet:
        from dedup.terminal.console import make_console
        from dedup.terminal.screen import print_comparison

        print_comparison(found, (a, b), texts, make_console())


def _text(path: str) -> str:
    if path == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    with open(path, "rb") as stream:  # noqa: PTH123 - names that are not UTF-8 come through
        return stream.read().decode("utf-8", "replace")


@main.command()
@option(
    "--tokens",
    type=click.IntRange(1),
    default=200,
    metavar="N",
    text="Length of the text whose edits are missed.",
)
@with_options(SHINGLES, BANDS, SAYING)
def curve(tokens: int, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Draw how likely two texts are to be compared at all, by how alike they are.

    \b
      dedup curve
      dedup curve --bands paragraph=24x4 -k 5 --tokens 80
    """
    from dedup.terminal.curve_screen import curve_of, print_curve

    found = curve_of(config_of(settings), tokens)
    if as_json:
        _print_json(found)
    elif not quiet:
        from dedup.terminal.console import make_console

        print_curve(found, make_console())


@main.command()
@INPUTS
@with_options(PLAN)
def plan(inputs: tuple[str, ...], as_json: bool, quiet: bool, **settings: Any) -> None:
    """Say beforehand what time, memory and disk a run takes.

    Samples of INPUT, up to some 40 MB of it, are scanned and cleaned with the options given; nothing of that is kept.

    \b
      dedup plan crawl/ --memory 8G
      dedup plan crawl.jsonl.zst --grain document --json
    """
    from dedup.planning import plan as forecast
    from dedup.terminal.console import make_console
    from dedup.terminal.plan_screen import print_plan
    from dedup.terminal.progress import progress_bars

    config = config_of(settings)
    with progress_bars(quiet or as_json) as progress:
        found = forecast(list(inputs), config, **reading_of(settings), progress=progress)
    if as_json:
        _print_json(found.as_dict())
    elif not quiet:
        print_plan(found, make_console())


@main.command()
@INPUTS
@with_options(TUNE)
def tune(inputs: tuple[str, ...], top: int, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Estimate on INPUT what each threshold finds and what of it is right, and propose a setting.

    Copies of INPUT's own texts are edited in memory, at 1 to 15 % of their tokens, and held against the pairs that
    stand in INPUT. Nothing is written.

    \b
      dedup tune news/
      dedup tune crawl.jsonl.gz --grain document
      dedup tune news/ --measure jaccard --top 20
    """
    from dedup.files import tune_files
    from dedup.terminal.console import make_console
    from dedup.terminal.progress import progress_bars
    from dedup.terminal.tune_screen import print_tuning

    config = config_of(settings)
    with progress_bars(quiet or as_json) as progress:
        found = tune_files(list(inputs), config, **reading_of(settings), top=top, progress=progress)
    if as_json:
        _print_json(found.as_dict())
    elif not quiet:
        print_tuning(found, make_console())
