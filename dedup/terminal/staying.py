"""What repeats and stays, as sections of a page: other numbers, splices, contained documents, set phrases."""

from __future__ import annotations

from rich.text import Text

from dedup.stages.report import Member, Place, Report
from dedup.terminal.console import squeeze
from dedup.terminal.contrast import with_differences
from dedup.terminal.page import Page, counted, percent, stretch, where, with_records

MOST_PHRASES = 5
TEXT_LINES = 2

Pair = tuple[Place, Member]


def print_staying(page: Page, report: Report, top: int) -> None:
    """Draw what repeats and is left where it is, and why."""
    _alike(page, report, "numbers differ", "Alike, but a number differs: both stay", report.kept_for_numbers, top)
    _alike(page, report, "another document", "Alike, in two documents: both stay", report.kept_apart, top)
    heading = "Alike, but with a paragraph of its own: stays"
    _documents(page, report, "says more", heading, report.kept_for_more, "alike to", top)
    _spliced(page, report, top)
    heading = "Stands in another document for the most part: stays"
    _documents(page, report, "contained", heading, report.contained, "of it in", top)
    _phrases(page, report)


def _of(report: Report, why: str, top: int) -> list[Pair]:
    return [(kept, member) for kept, member in report.shown if member.reason == why][:top]


def _aside(shown: int, total: int, noun: str) -> str:
    return f"{shown:,} of {counted(total, noun)}" if shown < total else counted(total, noun)


def _alike(page: Page, report: Report, why: str, heading: str, total: int, top: int) -> None:
    pairs = _of(report, why, top)
    if pairs:
        page.heading(heading, _aside(len(pairs), total, "pair"))
    numbered = with_records(report)
    for kept, member in pairs:
        page.console.print()
        for place, other, is_first in ((kept, member.place, True), (member.place, kept, False)):
            page.line(where(place, numbered).append(f" {stretch(place)}"), style="dim", indent=4)
            limit = 4 * page.width
            text = with_differences(place.text[:limit], other.text[:limit], page.colour, is_first)
            page.line(text, indent=4, most=TEXT_LINES + 1)


def _spliced(page: Page, report: Report, top: int) -> None:
    """Repeats in longer sentences and in other documents, in the words of the later place."""
    pairs = _of(report, "spliced", top)
    if pairs:
        page.heading("Repeated in other surroundings: both stay", _aside(len(pairs), report.spliced, "passage"))
    numbered = with_records(report)
    for kept, member in pairs:
        place = member.place
        page.console.print()
        head = where(place, numbered).append(f" {stretch(place)}, first in ")
        is_near = (kept.source, kept.record) == (place.source, place.record)
        head.append(stretch(kept) if is_near else where(kept, numbered).append(f" {stretch(kept)}"))
        head.stylize("dim")
        page.line(head, indent=4)
        page.line(Text(squeeze(place.text[: 4 * page.width])), indent=4, most=TEXT_LINES)


def _documents(page: Page, report: Report, why: str, heading: str, total: int, words: str, top: int) -> None:
    """Documents that are much like another one, or of which most stands there."""
    pairs = _of(report, why, top)
    if pairs:
        page.heading(heading, _aside(len(pairs), total, "document" if why == "contained" else "pair"))
        page.console.print()
    numbered = with_records(report)
    for kept, member in pairs:
        said = where(member.place, numbered).append(f"  {percent(member.similarity)} {words} ", style="dim")
        page.line(said.append_text(where(kept, numbered)), indent=4)


def _phrases(page: Page, report: Report) -> None:
    """Short phrases that stand in many documents, the most spread first."""
    shown = report.phrases[:MOST_PHRASES]
    if not shown:
        return
    page.heading("Set phrases: stand in many documents, never cut", _aside(len(shown), len(report.phrases), "phrase"))
    page.console.print()
    labels = [f"{counted(phrase.documents, 'document')}, {counted(phrase.count, 'time')}" for phrase in shown]
    wide = max(map(len, labels))
    for label, phrase in zip(labels, shown, strict=True):
        page.labelled(f"{label:>{wide}} ", Text(squeeze(phrase.text[: 4 * page.width])), 4, "dim", TEXT_LINES)
