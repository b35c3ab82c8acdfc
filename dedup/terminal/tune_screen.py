"""What each threshold finds and what of it is right, as a page of the terminal: curves, a table, pairs at the line."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.text import Text

from dedup.terminal.console import size
from dedup.terminal.contrast import with_differences
from dedup.terminal.page import Page, counted, percent, stretch, where
from dedup.tuning.result import Borderline, Point, Tuning

HEIGHT = 8
COLUMNS = 26
TEXT_LINES = 3
FINE = 0.03
"""This far around the proposed line the table goes by hundredths."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_RATES = (("0.01", "1%"), ("0.05", "5%"), ("0.1", "10%"), ("dropped", "cut"))


def print_tuning(found: Tuning, console: Console) -> None:
    """Draw what `tune` gives."""
    page = Page(console)
    page.line(f"What {found.grain}s match at which threshold ({found.measure})", style="bold")
    page.line(_read(found), style="dim")
    page.line(_base(found), style="dim")
    console.print()
    _charts(page, found)
    _table(page, found)
    _proposal(page, found)
    _pairs(page, found)


def _read(found: Tuning) -> str:
    sample = ""
    if found.sampled_documents < found.documents:
        sample = f", of them {found.sampled_documents:,} drawn at random ({size(found.sampled_bytes)})"
    return (
        f"Read {counted(found.documents, 'document')}, {size(found.text_bytes)} of text{sample}: "
        f"{counted(found.segments, f'different {found.grain}')}."
    )


def _base(found: Tuning) -> str:
    numbers = f"; {found.numbers:,} more say other numbers, and stay" if found.numbers else ""
    return (
        f"{counted(found.pairs, 'pair')} alike at all, {found.templates:,} of them two texts of one template{numbers}. "
        f"Held against edited copies of {counted(found.originals, found.grain)}. "
        f"Of pairs drawn at random 99 of 100 are at most {found.by_chance:.2f} alike."
    )


def _charts(page: Page, found: Tuning) -> None:
    curve = [point for point in found.points if round(point.threshold * 100) % 2 == 0][:COLUMNS]
    right = [point.precision or 0.0 for point in curve]
    marked = min(range(len(curve)), key=lambda i: abs(curve[i].threshold - found.proposed.threshold))
    charts = [
        _chart(page, "recall", "share of the copies", [point.recall for point in curve], marked),
        _chart(page, "precision", "share of what is found", right, marked),
    ]
    width = COLUMNS + 5
    if page.width >= 2 * width + 3:
        for left, other in zip(*charts, strict=True):
            left.pad_right(width + 3 - left.cell_len)
            page.console.print(left.append_text(other), no_wrap=True, crop=False)
        page.console.print()
        return
    for chart in charts:
        for line in [*chart, Text()]:
            page.console.print(line, no_wrap=True, crop=False)


def _chart(page: Page, name: str, aside: str, shares: list[float], marked: int) -> list[Text]:
    """Shares as columns of blocks, the one at the proposed line in another colour, with its axes."""
    lines = [Text(name, style="bold").append(f"  {aside}", style="not bold dim")]
    for level in range(HEIGHT - 1, -1, -1):
        label = {HEIGHT - 1: "100%", HEIGHT // 2 - 1: "50%", 0: "0%"}.get(level, "")
        line = Text(f"{label:>4} ", style="dim")
        for place, share in enumerate(shares):
            eighths = min(8, max(0, round(share * HEIGHT * 8) - level * 8))
            mark = ("#" if eighths >= 4 else " ") if page.plain else _EIGHTHS[eighths]
            line.append(mark, style=("yellow" if place == marked else "cyan") + " not dim")
        lines.append(line)
    lines.append(Text("     " + " " * marked + "^", style="yellow"))
    lines.append(Text("     .5   .6   .7   .8   .9   1", style="dim"))
    return lines


def _table(page: Page, found: Tuning) -> None:
    wide = page.width >= 72
    line = round(found.proposed.threshold * 100)
    head = f"{'':>4}{'from':>5}{'pairs':>11}{'precision':>11}{'recall':>9}"
    rates = "".join(f"{name:>8}" for _, name in _RATES) if wide else ""
    page.line(Text(head + rates, style="dim"))
    for point in found.points:
        step = round(point.threshold * 100)
        if step % 5 and abs(step - line) > round(FINE * 100):
            continue
        text = Text(_row(point, "->" if step == line else "") + (_planted(point) if wide else ""))
        text.stylize("bold" if step == line else "")
        page.line(text)
    if wide:
        page.line(
            "1%, 5%, 10%: recall of copies in which so many tokens were edited; cut: of copies that lack a stretch.",
            style="dim",
        )
    if found.too_few:
        page.line(
            "Hardly any copies stand in the input: recall is that of copies with 1 to 15 % of their tokens edited, and the setting stays.",
            style="dim",
        )
    page.console.print()


def _row(point: Point, mark: str) -> str:
    right = "-" if point.precision is None else percent(point.precision)
    return f"{mark:>4}{point.threshold:>5.2f}{point.pairs:>11,.0f}{right:>11}{percent(point.recall):>9}"


def _planted(point: Point) -> str:
    return "".join(f"{percent(point.planted[key]):>8}" for key, _ in _RATES)


def _proposal(page: Page, found: Tuning) -> None:
    proposed, options = found.proposed, shlex.join(found.proposed.options)
    if options:
        page.line(Text("Proposed  ", style="bold").append(options, style="bold cyan" if page.colour else ""))
    else:
        page.line("Proposed  the defaults", style="bold")
    page.line(f"{_said(found.at)}, with {proposed.bands} bands × {proposed.rows} rows.", indent=4)
    if (found.threshold, found.bands, found.rows) != (proposed.threshold, proposed.bands, proposed.rows):
        now = f"{found.threshold:g}, {found.bands} × {found.rows}"
        page.line(f"As it is set ({now}): {_said(found.now)}.", style="dim", indent=4)


def _said(point: Point) -> str:
    right = "" if point.precision is None else f", {percent(point.precision)} of what is found are copies"
    return f"{percent(point.recall)} of the copies are found{right}"


def _pairs(page: Page, found: Tuning) -> None:
    if found.borderline:
        page.heading(f"Pairs around {found.proposed.threshold:g}", "the likest first")
    for pair in sorted(found.borderline, key=lambda pair: -pair.similarity):
        page.console.print()
        page.line(_verdict(pair, found), indent=4)
        for place, other, is_first in ((pair.first, pair.second, True), (pair.second, pair.first, False)):
            page.line(where(place, frozenset({place.source})).append(f" {stretch(place)}"), style="dim", indent=4)
            limit = 4 * page.width
            text = with_differences(place.text[:limit], other.text[:limit], page.colour, is_first)
            page.line(text, indent=4, most=TEXT_LINES)


def _verdict(pair: Borderline, found: Tuning) -> Text:
    is_match = pair.similarity >= found.proposed.threshold - 1e-9
    text = Text(f"{percent(pair.similarity)} alike: ").append("match" if is_match else "no match", style="bold")
    if pair.template:
        return text.append("; a third text has other words in the same places: a template", style="dim")
    return text.append(f"; a copy with a chance of {percent(pair.copy)}", style="dim")
