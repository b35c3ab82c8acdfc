"""The terminal: what may reach it, how wide it is, and whether it has colour."""

from __future__ import annotations

import codecs
import itertools
import re
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from typing import TextIO

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
_HAN = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
)
_PIECE = re.compile(rf"[ \t\n]+|[{_HAN}]|[^ \t\n{_HAN}]+")
_CLOSING = ("。", "，", "、", "；", "：", "！", "？", "）", "》", "」", "』", "】", "〕", "·", "—", "％",
            "”", "’", "…", ".", ",", ";", ":", "!", "?", ")", "]", "}", "-]", "+}", "⟧")  # fmt: skip
_OPENING = ("（", "《", "「", "『", "【", "〔", "“", "‘", "(", "[", "{", "[-", "{+", "⟦")
_PLAIN = {
    "…": "...",
    "×": "x",
    "–": "-",
    "•": "-",
    "□": "_",
    "⟦": "<",
    "⟧": ">",
    "·": ".",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
}


def neutral(text: str) -> str:
    r"""Make text from data or file names harmless to a terminal.

    C0 (but \n and \t) and DEL become control pictures (U+24xx); C1, bidirectional, zero-width and tag characters,
    line separators and lone surrogates become `<U+XXXX>`. Nothing is dropped: the reader sees what is there.
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
    """Start, cells, and whether it is white space, of each stretch that no break may part, none wider than `width`."""
    edges = [0]
    last = ""
    for found in _PIECE.finditer(plain):
        piece = found[0]
        holds = not last.isspace() and not piece.isspace() and (piece.startswith(_CLOSING) or last.endswith(_OPENING))
        if last and not holds:
            edges.append(found.start())
        last = piece
    for start, end in itertools.pairwise([*edges, len(plain)]):
        first, cells = start, 0
        for i in range(start, end):
            wide = cell_len(plain[i])
            if cells + wide > width and not plain[start].isspace() and i > first:
                yield first, cells, False
                first, cells = i, 0
            cells += wide
        yield first, cells, plain[start:end].isspace()


class _Console(Console):
    """Leaves a broken pipe to whoever ends the run, instead of ending it itself."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - the BrokenPipeError that is being handled


def make_console(file: TextIO | None = None) -> Console:
    """A console on stdout, or on `file`, that interprets nothing: no markup, no emoji names, no highlighting."""
    stream = file or sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors=_PLAIN_ERRORS)
    return _Console(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=False)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Stand in for characters that the encoding of a stream lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or f"<U+{ord(c):04X}>" for c in lacking), error.end


_PLAIN_ERRORS = "dedup.plain"
codecs.register_error(_PLAIN_ERRORS, _plain)


def has_colour(console: Console) -> bool:
    """Whether colour can carry a meaning here; where not, marks must."""
    return console.is_terminal and console.color_system is not None and not console.no_color


def say(message: str) -> None:
    """Write a message to stderr; long lines are left to the terminal."""
    text = Text(neutral(message))
    if message.startswith("error:"):
        text.stylize("bold red", 0, len("error:"))
    make_console(sys.stderr).print(text, soft_wrap=True)


def size(n: float) -> str:
    """A number of bytes for a reader: all digits up to 100,000, then kB to TB with one decimal."""
    if n < 100_000:
        return f"{n:,.0f} B"
    value, unit = n / 1000, "kB"
    for bigger in ("MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, bigger
    return f"{value:,.1f} {unit}"
