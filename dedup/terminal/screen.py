"""A report as a page of the terminal: what repeats, where, what for, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dedup.align import differences
from dedup.api import Comparison
from dedup.terminal.console import clip_middle, has_colour, neutral_line, size, squeeze, wrap
from dedup.terminal.contrast import excerpt, marked, with_differences
from dedup.stages.report import Cluster, Member, Place, Report

TOP_SOURCES = 12
MOST_NOTES = 12
TEXT_LINES = 2
"""Lines of a kept stretch that are shown."""

MOST_CHARACTERS = 20_000
"""Of longer texts only the beginning is compared for what the report shows."""

_GOES = {"scan": "repeats", "would": "would go", "clean": "is gone"}
_BE = {"scan": "would be", "would": "would be", "clean": "were"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Page:
    """Prints blocks of text at the width of a console, folded where our own rule says.

    Args:
        console: where to print.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(20, console.width)
        self.colour = has_colour(console)
        self.plain = not console.encoding.lower().startswith("utf")

    def line(self, text: Text | str = "", style: str = "", indent: int = 0, most: int | None = None) -> None:
        """Print a text, folded and indented; of more than `most` lines the last one ends in an ellipsis."""
        content = Text(text, style=style) if isinstance(text, str) else text
        for one in self._folded(content, self.width - indent, most) or [Text()]:
            self._print(Text(" " * indent).append_text(one))

    def heading(self, text: str, aside: str = "") -> None:
        """Print a heading after an empty line."""
        self.console.print()
        self.line(Text(text, style="bold").append(f"  {aside}" if aside else "", style="not bold dim"))

    def labelled(self, label: str, text: Text, indent: int, style: str = "", most: int | None = None) -> None:
        """Print a text beside a label, its further lines under its first one."""
        lead = indent + cell_len(label) + 1
        for i, one in enumerate(self._folded(text, max(8, self.width - lead), most)):
            head = Text(" " * indent).append(label, style=style).append(" ") if i == 0 else Text(" " * lead)
            self._print(head.append_text(one))

    def _folded(self, text: Text, width: int, most: int | None) -> list[Text]:
        lines = wrap(text, width)
        if most is not None and len(lines) > most:
            last = lines[most - 1]
            while cell_len(last.plain) > width - 1:
                last.right_crop()
            last.append("…")
        return lines[:most]

    def _print(self, line: Text) -> None:
        self.console.print(line, no_wrap=True, crop=False, overflow="ignore")

    def bar(self, share: float, cells: int) -> Text:
        """A bar of `cells` cells that is filled to `share`; any share above zero shows."""
        if self.plain:
            full = max(round(share * cells), int(share > 0))
            return Text("#" * full + "." * (cells - full))
        eighths = max(round(share * cells * 8), int(share > 0))
        full, rest = divmod(eighths, 8)
        filled = "█" * full + (_EIGHTHS[rest] if rest else "")
        return Text(filled, style="yellow").append("·" * (cells - len(filled)), style="dim")


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
    shown = report.largest[:top]
    if shown:
        page.heading("Biggest clusters", f"{len(shown):,} of {report.clusters:,}")
        for number, cluster in enumerate(shown, 1):
            _cluster(page, number, cluster, _with_records(report))
    if top:
        _pairs(page, report, top)
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
    parts = (
        [f"{report.dropped:,} of {counted(report.documents, 'document')} {_BE[command]} dropped"]
        if report.dropped
        else []
    )
    if report.cut:
        noun = "sentence" if report.config.get("grain") == "sentence" else "paragraph"
        parts.append(f"{counted(report.cut, noun)} {'' if parts else _BE[command] + ' '}cut")
    page.line(" and ".join(parts) + ".")
    page.line(f"{_read(report)}.", style="dim")


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


def _with_records(report: Report) -> frozenset[str]:
    """The sources of which a record number must be named."""
    return frozenset(source.name for source in report.sources if source.documents > 1)


def _cluster(page: Page, number: int, cluster: Cluster, numbered: frozenset[str]) -> None:
    noun = cluster.grain
    where = f" in {counted(cluster.documents, 'document')}" if noun != "document" else ""
    hosts = f" on {counted(cluster.hosts, 'host')}" if cluster.hosts > 1 else ""
    page.console.print()
    title = Text(f"{noun} × {cluster.size:,}", style="bold cyan" if page.colour else "")
    page.labelled(
        f"{number:>3}",
        title.append(f"{where}{hosts}, {size(cluster.removed_bytes)} repeat", style="not bold default"),
        0,
        "dim",
    )
    page.line(Text(squeeze(cluster.kept.text[: 4 * page.width])), indent=4, most=TEXT_LINES)
    page.labelled("keep", _place(cluster.kept, numbered, noun), 4, style="green")
    groups: dict[str, tuple[Text, list[Member]]] = {}
    for member in cluster.members:  # members that differ in the same way share the line that says how
        changes = _changes(cluster.kept, member, page.colour)
        groups.setdefault(changes.plain, (changes, []))[1].append(member)
    for _, (changes, members) in sorted(groups.items(), key=lambda item: bool(item[0])):
        for member in members:
            page.labelled(f"{member.action:<4}", _member(cluster.kept, member, numbered, noun), 4, style="red")
        page.labelled("    ", changes, 4, most=4)
    rest = cluster.size - 1 - len(cluster.members)
    if rest:
        page.line(f"and {rest:,} more", style="dim", indent=9)


def _member(kept: Place, member: Member, numbered: frozenset[str], noun: str) -> Text:
    if member.measure == "left":
        said = f"too little was left: {percent(member.similarity)} of it repeats"
    elif member.reason == "exact" or member.similarity >= 1:
        said = "the same text" if member.place.text == kept.text else "the same text once folded"
    else:
        said = f"{percent(member.similarity)} alike ({member.measure})"
    return _place(member.place, numbered, noun).append(f"  {said}", style="dim")


def _changes(kept: Place, member: Member, colour: bool) -> Text:
    """The differences of a near-duplicate; empty where there are none to show."""
    if member.reason != "near" or member.measure == "left":
        return Text()
    opcodes = differences(kept.text[:MOST_CHARACTERS], member.place.text[:MOST_CHARACTERS])
    return excerpt(kept.text, member.place.text, opcodes, colour)


def _place(place: Place, numbered: frozenset[str], noun: str) -> Text:
    text = Text(clip_middle(neutral_line(place.source), 60))
    if place.source in numbered:
        text.append(f" record {place.record:,}")
    if place.doc_id:
        text.append(f" ({clip_middle(neutral_line(place.doc_id), 28)})", style="dim")
    if noun != "document":
        text.append(f" bytes {place.start:,}–{place.end:,}")
    return text


def _pairs(page: Page, report: Report, top: int) -> None:
    """Pairs that match and stay: they differ in a number, or the scope keeps them."""
    for reason, heading, total in (
        ("numbers differ", "Alike, but a number differs: both stay", report.kept_for_numbers),
        ("another document", "Alike, in two documents: both stay", report.kept_apart),
    ):
        mine = [(kept, member) for kept, member in report.shown if member.reason == reason][:top]
        if not mine:
            continue
        page.heading(
            heading, f"{len(mine):,} of {counted(total, 'pair')}" if len(mine) < total else counted(total, "pair")
        )
        for kept, member in mine:
            page.console.print()
            for place, other, is_first in ((kept, member.place, True), (member.place, kept, False)):
                page.line(_place(place, _with_records(report), "pair"), style="dim", indent=4)
                limit = 4 * page.width
                text = with_differences(place.text[:limit], other.text[:limit], page.colour, is_first)
                page.line(text, indent=4, most=TEXT_LINES + 1)


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
    if not report.settled:
        passes = counted(report.passes, "pass", "passes")
        yield f"Not settled after {passes}: another clean of the output may find more."
    if report.near_misses:
        yield f"{counted(report.near_misses, 'pair')} just below the threshold: both stay."
    yield from report.notes


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


def percent(share: float) -> str:
    """A share in per cent with one decimal; what is not all or nothing is never rounded to it."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 <= share < 1 else f"{share * 100:.1f}%"


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number and its noun."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
