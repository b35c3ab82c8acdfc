"""Progress while a run works, where there is a terminal to show it on; what draws it is not even loaded where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dedup.terminal.bars import Bars


@contextmanager
def progress_bars(is_quiet: bool = False) -> Iterator[Bars | None]:
    """Bars on stderr while the block runs; None where stderr is no terminal, or nothing is to be said."""
    if is_quiet:
        yield None
        return
    from dedup.terminal.console import make_console

    console = make_console(sys.stderr)
    if not console.is_terminal or console.is_dumb_terminal:
        yield None
        return
    from dedup.terminal.bars import Bars

    bars = Bars(console)
    bars.start()
    try:
        yield bars
    finally:
        bars.stop()
