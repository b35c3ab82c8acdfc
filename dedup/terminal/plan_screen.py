"""What a run will take, as a page of the terminal."""

from __future__ import annotations

from rich.console import Console

from dedup.planning import Forecast, Plan
from dedup.terminal.console import neutral_line, size
from dedup.terminal.page import Page, counted

WIDTH = 12
NAMES = ("CPU time", "wall time", "memory", "on disk", "written")


def print_plan(found: Plan, console: Console) -> None:
    """Draw what `plan` gives."""
    page = Page(console)
    packed = f", {size(found.plain_bytes)} unpacked" if found.plain_bytes != found.input_bytes else ""
    sampled = f"{size(found.sampled_bytes)} of it were run as a sample."
    page.line(f"{counted(found.sources, 'file')}, {size(found.input_bytes)}{packed}; {sampled}")
    console.print()
    page.line("".join(name.rjust(WIDTH) for name in ("", "scan", "clean")), style="dim")
    for name, *cells in zip(NAMES, _cells(found.scan), _cells(found.clean), strict=True):
        page.line(name.ljust(WIDTH) + "".join(cell.rjust(WIDTH) for cell in cells))
    console.print()
    threads = f"{counted(found.threads, 'thread')}, on this machine as busy as it is now"
    page.line(f"Wall time is for {threads}. Written is OUT with its log, which restore needs.", style="dim")
    if found.cap is None:
        page.line("Memory cannot be kept within a cap here.", style="dim")
        return
    kept = f"Memory keeps within {size(found.cap)} (--memory)"
    page.line(
        f"{kept}; what does not fit lies in files in {neutral_line(found.folder)}, where {size(found.room)} are free.",
        style="dim",
    )
    if found.scan.spilled > found.room:
        lack = size(found.scan.spilled - found.room)
        page.line(
            f"That is {lack} too little: name another folder by TMPDIR, or give more with --memory.", style="bold"
        )


def _cells(forecast: Forecast) -> tuple[str, ...]:
    disk = size(forecast.spilled) if forecast.spilled else "-"
    written = size(forecast.written) if forecast.written else "-"
    return _time(forecast.cpu_s), _time(forecast.wall_s), size(forecast.memory), disk, written


def _time(seconds: float) -> str:
    """A span of time in its two largest units."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
