"""A report as a page of the terminal: what repeats, where, what for, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dedup import kernels
from dedup.align import differences
from dedup.stages.report import Report
from dedup.terminal.console import clip_middle, neutral_line, size
from dedup.terminal.contrast import marked
from dedup.terminal.going import print_boilerplate, print_clusters
from dedup.terminal.page import Page, counted, percent
from dedup.terminal.staying import print_staying

if TYPE_CHECKING:
    from dedup.api import Comparison

TOP_SOURCES = 12
MOST_NOTES = 12
_GOES = {"scan": "repeats", "would": "would go", "clean": "is gone"}
_BE = {"scan": "would be", "would": "would be", "clean": "were"}


def print_report(report: Report, console: Console, command: str = "scan", top: int = 10) -> None:
    """Draw a report.

    Args:
        report: of a scan or a clean.
        console: decides width and colour.
        command: `scan` (what would be done) or `clean` (what was done).
        top: clusters to show; 0 shows none.
    """
    page = Page(console)
    _headline(page, report, command)
    _sources(page, report)
    print_clusters(page, report, top)
    if top:
        print_boilerplate(page, report, top)
        print_staying(page, report, top)
    _notes(page, report)


def _headline(page: Page, report: Report, command: str) -> None:
    if not report.removed_bytes:
        page.line("Nothing repeats.", style="bold green" if page.colour else "")
        page.line(f"{_read(report)}.", style="dim")
        return
    page.line(
        Text(f"{percent(report.removed_share)} of the text {_GOES[command]}", style="bold").append(
            f": {report.removed_bytes:,} of {report.text_bytes:,} bytes.", style="not bold"
        )
    )
    page.line(_what_goes(report, command))
    page.line(f"{_read(report)}.", style="dim")


def _what_goes(report: Report, command: str) -> str:
    """What would be, or was, done, by kind: documents, paragraphs, repeats, loops, boilerplate."""
    kinds = report.kinds
    noun = "sentence" if report.config.get("grain") == "sentence" else "paragraph"
    paragraphs = kinds.get("duplicate", 0) - report.dropped  # a document that goes is a removal of this kind too
    amounts = ((paragraphs, noun), (kinds.get("repeat", 0), "repeat"), (kinds.get("loop", 0), "loop"))
    cuts = [counted(n, one) for n, one in amounts if n > 0]
    parts = []
    if report.dropped:
        parts.append(f"{report.dropped:,} of {counted(report.documents, 'document')} {_BE[command]} dropped")
    if cuts:
        listed = " and ".join(filter(None, (", ".join(cuts[:-1]), cuts[-1])))
        parts.append(f"{listed} {'' if parts else _BE[command] + ' '}cut")
    line = " and ".join(parts) if len(cuts) < 2 else "; ".join(parts)
    if kinds.get("boilerplate"):
        lines = f"{counted(kinds['boilerplate'], 'line')} of site boilerplate"
        line = f"{line}; {lines}" if line else f"{lines} {_BE[command]} cut"
    return f"{line}."


def _read(report: Report) -> str:
    documents, files = counted(report.documents, "document"), counted(len(report.sources), "file")
    return f"Read {documents} in {files}, {report.text_bytes:,} bytes of text"


def _sources(page: Page, report: Report) -> None:
    """A bar for each file of which something goes, the ones that lose most first."""
    repeating = [source for source in report.sources if source.removed_bytes]
    if not repeating or len(report.sources) == 1:
        return
    page.heading("What repeats, file by file")
    shown = sorted(repeating, key=lambda source: -source.removed_bytes)[:TOP_SOURCES]
    roomy = page.width >= 60
    size_width = max(len(size(source.removed_bytes)) for source in shown)
    cells = 24 if page.width >= 80 else 16 if roomy else 8
    names = [neutral_line(source.name) for source in shown]
    room = page.width - 2 - cells - 7 - (size_width + 2 if roomy else 0) - 2
    name_width = min(max(cell_len(name) for name in names), max(8, room))
    for source, name in zip(shown, names, strict=True):
        share = source.removed_bytes / source.text_bytes if source.text_bytes else 0.0
        short = clip_middle(name, name_width)
        line = Text(short + " " * (name_width - cell_len(short) + 2))
        line.append_text(page.bar(share, cells)).append(f" {percent(share):>6}")
        if roomy:
            line.append(f"  {size(source.removed_bytes):>{size_width}}", style="dim")
        page.line(line, indent=2)
    rest = len(repeating) - len(shown)
    clean = len(report.sources) - len(repeating)
    more = [f"{counted(rest, 'more file')} with repeats"] if rest else []
    more += [f"{counted(clean, 'file')} without"] if clean else []
    if more:
        page.line(f"and {' and '.join(more)}", style="dim", indent=2)


def _notes(page: Page, report: Report) -> None:
    notes = list(_remarks(report))
    if notes:
        page.heading("Notes")
        for note in [
            *notes[:MOST_NOTES],
            *([f"and {len(notes) - MOST_NOTES:,} more."] if len(notes) > MOST_NOTES else []),
        ]:
            page.labelled("-" if page.plain else "•", Text(neutral_line(note)), 2)


def _remarks(report: Report) -> Iterator[str]:
    if report.bad_records:
        yield f"{counted(report.bad_records, 'record')} could not be read and took no part."
    if report.invalid_utf8:
        yield (
            f"{counted(report.invalid_utf8, 'document')} with bytes that are not UTF-8, compared as they are. If "
            "these are GB18030, Big5 or UTF-16 files, convert them to UTF-8 first (iconv -f GB18030 -t UTF-8)."
        )
    if report.skipped_pairs:
        pairs = counted(report.skipped_pairs, "candidate pair")
        yield f"{pairs} not measured, for their buckets hold too many texts: a few matches may be missing."
    if report.skipped_places:
        places = counted(report.skipped_places, "place")
        yield f"{places} not compared, for too many hold the same words: a few repeats may be missing."
    if not report.settled:
        passes = counted(report.passes, "pass", "passes")
        yield f"Not settled after {passes}: another clean of the output may find more."
    if report.near_misses:
        yield f"{counted(report.near_misses, 'pair')} just below the threshold: both stay."
    yield from report.notes
    if kernels.IMPLEMENTATION == "portable":  # of this machine: not in the report, which is the same everywhere
        yield "The compiled core is not installed: numpy does the work, slower."


def print_next(console: Console, rows: Sequence[tuple[str, str]]) -> None:
    """Say what to do next: purposes and commands."""
    console.print()
    for purpose, command in rows:
        text = Text(f"{purpose}:  ", style="dim").append(neutral_line(command), style="not dim bold")
        console.print(text, soft_wrap=True)


def print_accounting(accounting: Mapping[str, int], console: Console, out: str | None) -> None:
    """Say where everything that was read is now, and how to get it back.

    Args:
        accounting: `records_in`, `records_kept`, ... and the same of bytes.
        console: where to print.
        out: the folder that was made, `-` for standard output, None if nothing was written.
    """
    page = Page(console)
    if out is None:
        page.heading("Nothing was written: this was a dry run.")
        return
    page.heading("Accounts")
    for unit in ("records", "bytes"):
        read, kept, removed, bad = (accounting[f"{unit}_{part}"] for part in ("in", "kept", "removed", "quarantined"))
        more = f" + {bad:,} quarantined" if bad else ""
        page.labelled(f"{unit:<7}", Text(f"{read:,} read = {kept:,} kept + {removed:,} removed{more}"), 2, style="dim")
    if out != "-":
        name = shlex.quote(out)
        print_next(
            console,
            [
                ("What was removed is in", f"{neutral_line(out.rstrip('/'))}/dedup"),
                ("To undo", f"dedup restore {name} -o back"),
            ],
        )


def print_restored(done: Mapping[str, Any], back: str, console: Console) -> None:
    """Say what was put back, and which sources are not as they were."""
    page = Page(console)
    sources, records = counted(int(done["sources"]), "file"), counted(int(done["records"]), "record")
    page.line(f"Put back {sources}, {records}, {int(done['bytes']):,} bytes in {neutral_line(back)}.")
    for problem in done["problems"]:
        page.labelled("-" if page.plain else "•", Text(neutral_line(str(problem))), 2, style="red")
    if not done["problems"]:
        page.line("Every file is as it was before the clean.", style="dim")


def print_comparison(found: Comparison, names: tuple[str, str], texts: tuple[str, str], console: Console) -> None:
    """Draw two texts as one, and how alike they are."""
    page = Page(console)
    for mark, name, tokens in zip("AB", names, found.tokens, strict=True):
        page.line(
            Text(f"{mark}  ", style="dim")
            .append(neutral_line(name), style="not dim bold")
            .append(f"  {counted(tokens, 'token')}")
        )
    console.print()
    for measure, similarity in found.measures.items():
        bar = page.bar(similarity, min(24, page.width - 26))
        page.line(Text(f"{measure:<12}").append_text(bar).append(f" {percent(similarity):>6}"))
    verdict = "They match" if found.match else "They do not match"
    page.line(
        f"{verdict} as paragraphs: edit {'reaches' if found.match else 'is below'} {percent(found.threshold)}.",
        style="bold",
    )
    if found.numbers_differ:
        page.line("A number differs: as paragraphs both would stay, unless --numbers ignore.")
    opcodes = differences(*texts)
    if all(code[0] == "equal" for code in opcodes):
        page.line("Nothing differs but script, width, case, glosses, spaces or punctuation.", style="dim")
        return
    console.print()
    for line in marked(*texts, opcodes, page.colour).split("\n", allow_blank=True):
        page.line(line)
