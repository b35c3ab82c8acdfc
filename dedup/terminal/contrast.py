"""Two texts as one, their differences in colour, or between marks where there is no colour."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.text import Text

from dedup.align import Opcode, differences
from dedup.terminal.console import neutral, squeeze

GONE, NEW = "red strike", "bold green"
CONTEXT = 14
_TAIL = re.compile(r"[\W_]+$")


def marked(a: str, b: str, opcodes: Sequence[Opcode], colour: bool) -> Text:
    """The second text with what it lacks and what it has more than the first, lines as they are."""
    result = Text()
    for op, a0, a1, b0, b1 in opcodes:
        if op == "equal":
            result.append(neutral(b[b0:b1]))
        else:
            _change(result, neutral(a[a0:a1]), neutral(b[b0:b1]), colour)
    return result


def excerpt(a: str, b: str, opcodes: Sequence[Opcode], colour: bool, most: int = 4) -> Text:
    """The first `most` differences on one line, each with `CONTEXT` characters on either side."""
    result = Text()
    changes = [i for i, code in enumerate(opcodes) if code[0] != "equal"]
    for number, i in enumerate(changes[:most]):
        _, a0, a1, b0, b1 = opcodes[i]
        if number == 0:
            before = squeeze(b[:b0])
            result.append("…" + before[-CONTEXT:] if len(before) > CONTEXT else before)
            result.append(" " if b[:b0][-1:].isspace() else "")
        _change(result, _short(a[a0:a1]), _short(b[b0:b1]), colour)
        after = squeeze(b[b1 : opcodes[i + 1][4]] if i + 1 < len(opcodes) else b[b1:])
        is_last = number + 1 == min(len(changes), most)
        if len(after) > (CONTEXT if is_last else 2 * CONTEXT):
            result.append(after[:CONTEXT] + "…" + ("" if is_last else after[-CONTEXT:]))
        else:
            result.append(after)
        result.append(" " if not is_last and b[: opcodes[changes[number + 1]][3]][-1:].isspace() else "")
    if len(changes) > most:
        result.append(f" (and {len(changes) - most:,} more)", style="dim")
    return result


def _short(text: str, most: int = 60) -> str:
    """One line of a changed stretch, its middle left out where it is long; a space at its end stays."""
    line = squeeze(text)
    line = line if len(line) <= most else f"{line[: most // 2]}…{line[-most // 2 :]}"
    return line + " " if text[-1:].isspace() else line


def _change(result: Text, gone: str, new: str, colour: bool) -> None:
    """Append a difference; what follows its last token, which the second text has as well, stands outside the marks."""
    fresh = _TAIL.sub("", new)
    old = _TAIL.sub("", gone) if fresh else gone.rstrip()
    if old:
        result.append(old if colour else f"[-{old}-]", style=GONE if colour else "")
        result.append(" " if gone != gone.rstrip() else "")
    if fresh:
        result.append(fresh if colour else f"{{+{fresh}+}}", style=NEW if colour else "")
    result.append(new[len(fresh) :])


def with_differences(text: str, other: str, colour: bool, is_first: bool) -> Text:
    """One of two texts on one line, with what the other has not in colour, or in angle quotes."""
    opcodes = differences(text, other) if is_first else differences(other, text)
    result = Text()
    for op, a0, a1, b0, b1 in opcodes:
        piece = text[a0:a1] if is_first else text[b0:b1]
        line = squeeze(piece)
        core = _TAIL.sub("", line) if op != "equal" else ""
        if core:
            result.append(core if colour else f"⟦{core}⟧", style=("bold red" if is_first else NEW) if colour else "")
        result.append(line[len(core) :]).append(" " if piece[-1:].isspace() else "")
    result.rstrip()
    return result
