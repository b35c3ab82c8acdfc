"""What goes, as sections of a page: the biggest clusters, and the boilerplate of each host."""

from __future__ import annotations

from rich.text import Text

from dedup.align import differences
from dedup.model import SiteText
from dedup.stages.report import Cluster, Member, Place, Report
from dedup.terminal.console import neutral_line, size, squeeze
from dedup.terminal.contrast import excerpt
from dedup.terminal.page import Page, counted, percent, stretch, where, with_records

TEXT_LINES = 2
"""Lines of a kept stretch that are shown."""

MOST_CHARACTERS = 20_000
"""Of longer texts only the beginning is compared for what the report shows."""

_SAID = {
    "repeated": "said before",
    "contained": "stands in a longer paragraph",
    "loop": "said again at once",
    "label": "all that it headed went",
    "boilerplate": "site boilerplate",
    "template": "site boilerplate, but for its slots",
}
"""Words for the reasons that no similarity was measured for: the texts are equal, token by token."""

_STAYS = {
    "cut": "",
    "keep-first": ": one copy of each stays",
    "keep": ": all of it stays",
}


def print_clusters(page: Page, report: Report, top: int) -> None:
    """Draw the biggest clusters: what is kept, and what goes for it."""
    shown = report.largest[:top]
    if shown:
        page.heading("Biggest clusters", f"{len(shown):,} of {report.clusters:,}")
        for number, cluster in enumerate(shown, 1):
            _cluster(page, number, cluster, with_records(report))


def _cluster(page: Page, number: int, cluster: Cluster, numbered: frozenset[str]) -> None:
    is_document = cluster.grain == "document"
    among = "" if is_document else f" in {counted(cluster.documents, 'document')}"
    hosts = f" on {counted(cluster.hosts, 'host')}" if cluster.hosts > 1 else ""
    page.console.print()
    title = Text(_title(cluster), style="bold cyan" if page.colour else "")
    page.labelled(
        f"{number:>3}",
        title.append(f"{among}{hosts}, {size(cluster.removed_bytes)} repeat", style="not bold default"),
        0,
        "dim",
    )
    page.line(Text(squeeze(cluster.kept.text[: 4 * page.width])), indent=4, most=TEXT_LINES)
    page.labelled("keep", _place(cluster.kept, numbered, is_document), 4, style="green")
    groups: dict[str, tuple[Text, list[Member]]] = {}
    for member in cluster.members:  # members that differ in the same way share the line that says how
        changes = _changes(cluster.kept, member, page.colour)
        groups.setdefault(changes.plain, (changes, []))[1].append(member)
    for _, (changes, members) in sorted(groups.items(), key=lambda item: bool(item[0])):
        for member in members:
            page.labelled(f"{member.action:<4}", _member(cluster.kept, member, numbered, is_document), 4, style="red")
        page.labelled("    ", changes, 4, most=4)
    rest = cluster.size - 1 - len(cluster.members)
    if rest:
        page.line(f"and {rest:,} more", style="dim", indent=9)


def _title(cluster: Cluster) -> str:
    reasons = {member.reason for member in cluster.members}
    if reasons == {"loop"}:  # one removal holds all further copies, so that a number would say too little
        return "loop"
    return f"{'label' if reasons == {'label'} else cluster.grain} × {cluster.size:,}"


def _member(kept: Place, member: Member, numbered: frozenset[str], is_document: bool) -> Text:
    if member.measure == "left":
        said = f"too little was left: {percent(member.similarity)} of it repeats"
    elif member.reason in _SAID:
        said = _SAID[member.reason]
    elif member.reason == "exact" or member.similarity >= 1:
        said = "the same text" if member.place.text == kept.text else "the same text once folded"
    else:
        said = f"{percent(member.similarity)} alike ({member.measure})"
    return _place(member.place, numbered, is_document).append(f"  {said}", style="dim")


def _changes(kept: Place, member: Member, colour: bool) -> Text:
    """The differences of a near-duplicate; empty where there are none to show."""
    if member.reason != "near" or member.measure == "left":
        return Text()
    opcodes = differences(kept.text[:MOST_CHARACTERS], member.place.text[:MOST_CHARACTERS])
    return excerpt(kept.text, member.place.text, opcodes, colour)


def _place(place: Place, numbered: frozenset[str], is_document: bool) -> Text:
    return where(place, numbered).append("" if is_document else f" {stretch(place)}")


def print_boilerplate(page: Page, report: Report, top: int) -> None:
    """Draw the boilerplate of each host: on how many of its pages it stands, and what it says, with `□` for a slot."""
    found: dict[str, list[SiteText]] = {}
    for line in report.boilerplate:
        found.setdefault(line.host, []).append(line)
    if not found:
        return
    hosts = sorted(found.items(), key=lambda item: not item[0])  # what no host is known for comes last: it stays
    rule = _STAYS.get(str(report.config.get("boilerplate")), "")
    page.heading(f"Site boilerplate{rule}", counted(len(report.boilerplate), "line or template", "lines and templates"))
    for host, lines in hosts[:top]:
        page.console.print()
        page.line(Text(neutral_line(host) or "no host known: the first copy stays"), indent=4)
        labels = [f"{counted(line.documents, 'page')}, {percent(line.share)}" for line in lines[:top]]
        wide = max(map(len, labels))
        for label, line in zip(labels, lines, strict=False):
            page.labelled(f"{label:>{wide}} ", Text(squeeze(line.text[: 4 * page.width])), 4, "dim", TEXT_LINES)
        if len(lines) > top:
            page.line(f"and {len(lines) - top:,} more", style="dim", indent=4)
    if len(hosts) > top:
        page.console.print()
        page.line(f"and {counted(len(hosts) - top, 'more host')}", style="dim", indent=4)
