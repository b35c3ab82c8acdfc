"""The S-curve as a page of the terminal: the chance to be compared at all, and what edits make the bands miss."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from dedup.config import Config
from dedup.curve import collision_chance, edited_jaccard, half_point, points
from dedup.terminal.page import Page, percent

SCHEMA = "dedup.curve/1"
GRAINS = ("document", "paragraph")
AT = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
EDITS = (0.01, 0.02, 0.05, 0.1)
HEIGHT = 8
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def curve_of(config: Config, tokens: int) -> dict[str, Any]:
    """The S-curve of the documents and the paragraphs of a configuration, as plain values.

    Args:
        config: bands, rows and k.
        tokens: length of the text that is thought edited, by substitutions far apart.
    """
    grains = {}
    for grain in GRAINS:
        matching = config.matching(grain)
        bands, rows = matching.bands, matching.rows
        misses = []
        for share in EDITS:
            edits = max(1, round(share * tokens))
            jaccard = edited_jaccard(tokens, edits, config.k)
            misses.append(
                {
                    "share": share,
                    "edits": edits,
                    "jaccard": jaccard,
                    "missed": 1 - collision_chance(jaccard, bands, rows),
                }
            )
        grains[grain] = {
            "bands": bands,
            "rows": rows,
            "half_point": half_point(bands, rows),
            "points": [list(point) for point in points(bands, rows, 20)],
            "chances": {str(at): collision_chance(at, bands, rows) for at in AT},
            "misses": misses,
        }
    return {"schema": SCHEMA, "k": config.k, "tokens": tokens, "grains": grains}


def print_curve(found: dict[str, Any], console: Console) -> None:
    """Draw what `curve_of` gives."""
    page = Page(console)
    page.line("How likely two texts are to be compared at all", style="bold")
    page.line(
        f"by the Jaccard of their shingles of {found['k']} tokens. "
        "Whether they match is then measured on the texts themselves.",
        style="dim",
    )
    charts = [_chart(page, grain, values) for grain, values in found["grains"].items()]
    console.print()
    if page.width >= 2 * _chart_width() + 3:
        for left, right in zip(*charts, strict=True):
            left.pad_right(_chart_width() + 3 - left.cell_len)
            page.console.print(left.append_text(right), no_wrap=True, crop=False)
        page.console.print()
    else:
        for chart in charts:
            for line in [*chart, Text()]:
                page.console.print(line, no_wrap=True, crop=False)
    _chances(page, found)
    _misses(page, found)


def _chart_width() -> int:
    return 5 + 27 + 1


def _chart(page: Page, grain: str, values: dict[str, Any]) -> list[Text]:
    """An S-curve as columns of blocks, 27 wide, with its axes."""
    bands, rows, columns = values["bands"], values["rows"], 27
    chances = [collision_chance(i / (columns - 1), bands, rows) for i in range(columns)]
    lines = [Text(f"{grain}s", style="bold").append(f"  {bands} bands × {rows} rows", style="not bold dim")]
    for level in range(HEIGHT - 1, -1, -1):
        label = {HEIGHT - 1: "100%", HEIGHT // 2 - 1: "50%", 0: "0%"}.get(level, "")
        line = Text(f"{label:>4} ", style="dim")
        for chance in chances:
            eighths = min(8, max(0, round(chance * HEIGHT * 8) - level * 8))
            mark = ("#" if eighths >= 4 else " ") if page.plain else _EIGHTHS[eighths]
            line.append(mark, style="cyan not dim")
        lines.append(line)
    axis = "0     .2   .4    .6   .8     1"
    lines.append(Text(f"     {axis[: columns + 3]}", style="dim"))
    lines.append(Text(f"     half of all pairs at {values['half_point']:.2f}", style="dim"))
    return lines


def _chances(page: Page, found: dict[str, Any]) -> None:
    page.line("Chance to be compared at a Jaccard of", style="bold")
    narrow = page.width < 60
    shown = AT[1::2] if narrow else AT
    page.line(Text(" " * 12 + "".join(f"{at:>9.2f}" for at in shown), style="dim"))
    for grain, values in found["grains"].items():
        page.line(Text(f"{grain:<12}" + "".join(f"{percent(values['chances'][str(at)]):>9}" for at in shown)))
    page.console.print()


def _misses(page: Page, found: dict[str, Any]) -> None:
    page.line(f"Copies missed of a text of {found['tokens']:,} tokens", style="bold")
    page.line(
        Text(
            f"{'edits':<12}"
            + "".join(f"{grain:>13}" for grain in found["grains"])
            + ("" if page.width < 60 else f"{'Jaccard':>11}"),
            style="dim",
        )
    )
    for i, share in enumerate(EDITS):
        rows = [values["misses"][i] for values in found["grains"].values()]
        label = f"{rows[0]['edits']:,} ({percent(share).replace('.0%', '%')})"
        jaccard = "" if page.width < 60 else f"{rows[0]['jaccard']:>11.2f}"
        page.line(Text(f"{label:<12}" + "".join(f"{percent(row['missed']):>13}" for row in rows) + jaccard))
