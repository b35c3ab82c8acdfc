"""Progress as bars."""

from __future__ import annotations

import math
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from dedup.terminal.console import neutral_line, size


class _Moved(ProgressColumn):
    """Bytes, rate and time left; nothing for a phase of unknown length."""

    def __init__(self, is_short: bool) -> None:
        super().__init__()
        self._is_short = is_short

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text()
        parts = [f"{size(task.completed)} of {size(task.total)}"]
        if not self._is_short and task.speed:
            parts.append(f"{size(task.speed)}/s")
            if task.time_remaining:
                parts.append(f"{timedelta(seconds=math.ceil(task.time_remaining))} left")
        return Text(", ".join(parts), style="dim")


class Bars:
    """Progress as a bar on a terminal, one phase at a time; gone when it ends."""

    def __init__(self, console: Console) -> None:
        is_short = console.width < 70
        columns = (TextColumn("{task.description}", markup=False), BarColumn(8 if is_short else 24), _Moved(is_short))
        self._display = Progress(*columns, console=console, transient=True)
        self._task: TaskID | None = None

    def phase(self, name: str, total_bytes: int | None) -> None:
        """Begin a phase, the one before it ends; None where its length is not known."""
        if self._task is not None:
            self._display.remove_task(self._task)
        self._task = self._display.add_task(neutral_line(name), total=total_bytes)

    def advance(self, n: int) -> None:
        """Say that `n` more bytes are done."""
        if self._task is not None:
            self._display.advance(self._task, n)

    def start(self) -> None:
        """Take the last lines of the terminal."""
        self._display.start()

    def stop(self) -> None:
        """Give them back, empty."""
        self._display.stop()
