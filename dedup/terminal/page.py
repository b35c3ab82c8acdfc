"""Blocks of text at the width of a console, and how a page writes shares, counts and places."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dedup.stages.report import Place, Report
from dedup.terminal.console import clip_middle, has_colour, neutral_line, wrap

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


def percent(share: float) -> str:
    """A share in per cent with one decimal; what is not all or nothing is never rounded to it."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 <= share < 1 else f"{share * 100:.1f}%"


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number and its noun."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def with_records(report: Report) -> frozenset[str]:
    """The sources of which a record number must be named."""
    return frozenset(source.name for source in report.sources if source.documents > 1)


def where(place: Place, numbered: frozenset[str]) -> Text:
    """The record that a place is in: its source, its number where there are several, its id."""
    text = Text(clip_middle(neutral_line(place.source), 60))
    if place.source in numbered:
        text.append(f" record {place.record:,}")
    if place.doc_id:
        text.append(f" ({clip_middle(neutral_line(place.doc_id), 28)})", style="dim")
    return text


def stretch(place: Place) -> str:
    """Where in its record a place is: a line, or bytes where there are no lines to count."""
    return f"bytes {place.start:,}–{place.end:,}" if place.line is None else f"line {place.line:,}"
