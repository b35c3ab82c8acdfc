"""The terminal: what may reach it, how wide it is, whether it has colour, and progress while a run works."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but \t and \n, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # drawn as nothing, or turning the line round
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff"  # what is left of bytes that are no text
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"  # tags, supplementary variation selectors
)
_SPACE = re.compile(r"\s+")
_CLOSING = frozenset("。，、；：！？）》」』】〕”’…,.;:!?)]}%％·—～")
_OPENING = frozenset("（《「『【〔“‘([{")
_PIECE = re.compile(r"\s+|[^\W\u0e00-\u0fff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+|.", re.DOTALL)


class Progress(Protocol):
    """What a run tells of its work."""

    def phase(self, name: str, total_bytes: int | None) -> None:
        """Begin a phase; None where its length is not known."""

    def advance(self, n: int) -> None:
        """Say that `n` more bytes are done."""


def neutral(text: str) -> str:
    r"""Make text from data or file names harmless to a terminal.

    C0 (but \n and \t) and DEL become control pictures (U+24xx); C1, bidirectional and zero-width characters, tag characters, line
    separators and lone surrogates become `<U+XXXX>`. Nothing is dropped, so that the reader sees what is there.
    """
    return _UNSAFE.sub(_picture, text)


def neutral_line(text: str) -> str:
    r"""Like `neutral`, for what must stay on one line, such as a file name: \n and \t become pictures too."""
    return neutral(text).replace("\n", "\u240a").replace("\t", "\u2409")


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def neutral_json(plain: str) -> str:
    r"""Escape in a JSON document what `neutral` would replace: the same values, harmless to a terminal."""
    return _UNSAFE.sub(_escape, plain)


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def squeeze(text: str) -> str:
    """Harmless text on one line: every run of white space as one space."""
    return neutral(_SPACE.sub(" ", text)).strip()


def clip(text: str, width: int) -> str:
    """The beginning of a text that fits into `width` cells, with an ellipsis where something is left out."""
    # a character takes a cell or more, unless it combines: without the first limit a tower of accents would pass whole
    short = text[: 4 * width]
    if len(short) == len(text) and cell_len(text) <= width:
        return text
    while short and cell_len(short) > width - 1:
        short = short[:-1] if cell_len(short) <= width + 8 else short[: max(width - 1, len(short) // 2)]
    return short.rstrip() + "…"


def clip_middle(text: str, width: int) -> str:
    """A name that fits into `width` cells, with its end, which tells more than its middle."""
    if cell_len(text) <= width and len(text) <= 4 * width:
        return text
    tail = text[-2 * width :]
    while cell_len(tail) > (width - 1) - (width - 1) // 3:
        tail = tail[1:]
    return clip(text, width - cell_len(tail)) + tail


def wrap(text: Text, width: int) -> list[Text]:
    """Break a text into lines of at most `width` cells, between words and between Han characters.

    No line begins with a closing mark or ends in an opening one, unless the line is too narrow to help it.
    """
    breaks: list[int] = []
    used = 0
    for start, cells, is_space in _units(text.plain, width):
        if used and used + cells > width and not is_space:
            breaks.append(start)
            used = 0
        used += cells
    lines = text.divide(breaks) if breaks else [text.copy()]
    for line in lines:
        line.rstrip()
    return [line for line in lines if line.plain]


def _units(plain: str, width: int) -> Iterator[tuple[int, int, bool]]:
    """Start, cells and whether it is white space of each stretch that no line break may part; none is wider than `width`."""
    edges = [0]
    last = ""
    for found in _PIECE.finditer(plain):
        piece = found[0]
        holds = last and not last.isspace() and not piece.isspace() and (piece in _CLOSING or last in _OPENING)
        if last and not holds:
            edges.append(found.start())
        last = piece[-1]
    for start, end in itertools.pairwise([*edges, len(plain)]):
        first, cells = start, 0
        for i in range(start, end):
            wide = cell_len(plain[i])
            if cells + wide > width and not plain[start].isspace() and i > first:
                yield first, cells, False
                first, cells = i, 0
            cells += wide
        yield first, cells, plain[start:end].isspace()


def make_console(file: TextIO | None = None) -> Console:
    """A console on stdout, or on `file`, that interprets nothing: no markup, no emoji names, no highlighting."""
    return Console(file=file or sys.stdout, markup=False, emoji=False, highlight=False, soft_wrap=False)


def has_colour(console: Console) -> bool:
    """Whether colour can carry a meaning here; where not, marks must."""
    return console.is_terminal and console.color_system is not None and not console.no_color


def say(message: str, style: str = "", file: TextIO | None = None) -> None:
    """Write a message to stderr, a long line left to the terminal."""
    console = make_console(file or sys.stderr)
    console.print(Text(neutral(message), style=style), soft_wrap=True)


class _Bars:
    """Progress as bars on a terminal: bytes, rate and time left."""

    def __init__(self, console: Console) -> None:
        from rich import progress

        columns = (
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=None if console.width >= 60 else 8),
            progress.DownloadColumn(binary_units=False),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(compact=True),
        )
        shown = columns if console.width >= 60 else columns[:3]
        self._display = progress.Progress(*shown, console=console, transient=True, expand=console.width >= 60)
        self._task: progress.TaskID | None = None

    def phase(self, name: str, total_bytes: int | None) -> None:
        if self._task is not None:
            self._display.remove_task(self._task)
        self._task = self._display.add_task(neutral_line(name), total=total_bytes)

    def advance(self, n: int) -> None:
        if self._task is not None:
            self._display.advance(self._task, n)

    def __enter__(self) -> _Bars:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()


@contextmanager
def progress_bars(quiet: bool = False) -> Iterator[Progress | None]:
    """Bars on stderr while the block runs; None where stderr is no terminal, or nothing is to be said."""
    console = make_console(sys.stderr)
    if quiet or not console.is_terminal or console.is_dumb_terminal:
        yield None
        return
    with _Bars(console) as bars:
        yield bars
