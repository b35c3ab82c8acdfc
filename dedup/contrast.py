"""Two texts as one, their differences in colour, or between marks where there is no colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np
from rich.text import Text

from dedup import kernels
from dedup.console import neutral, squeeze
from dedup.model import I64, U64

Opcode = tuple[str, int, int, int, int]
"""`equal`, `replace`, `delete` or `insert`; characters [a0, a1) of the first text and [b0, b1) of the second."""

MOST_TOKENS = 1500
"""Aligning is quadratic: what both texts begin or end with is left out, and of the rest so many tokens are read."""

GONE, NEW = "red strike", "bold green"
CONTEXT = 14
_TAIL = re.compile(r"[\W_]+$")


def differences(a: str, b: str) -> list[Opcode]:
    """Where two texts differ once folded: script, width, case, glosses, spaces and punctuation make no difference.

    Returns:
        Opcodes that cover both texts, as `difflib.SequenceMatcher.get_opcodes` gives them; a token takes what
        follows it up to the next one. Where more than `MOST_TOKENS` tokens stand between the common beginning and
        end, only the first so many are told apart, and the rest is one `replace`.
    """
    (one, one_edges), (two, two_edges) = _tokens(a), _tokens(b)
    low, high = _common(one, two)
    first, second = one[low : len(one) - high], two[low : len(two) - high]
    matcher = SequenceMatcher(None, first[:MOST_TOKENS].tolist(), second[:MOST_TOKENS].tolist(), autojunk=False)
    rough = [("equal", 0, low, 0, low)]
    rough += [(op, a0 + low, a1 + low, b0 + low, b1 + low) for op, a0, a1, b0, b1 in matcher.get_opcodes()]
    done = rough[-1]
    rough.append(("replace", done[2], len(one) - high, done[4], len(two) - high))
    rough.append(("equal", len(one) - high, len(one), len(two) - high, len(two)))
    found = [
        (op, one_edges[a0], one_edges[a1], two_edges[b0], two_edges[b1])
        for op, a0, a1, b0, b1 in rough
        if a1 > a0 or b1 > b0
    ]
    return [(op, int(a0), int(a1), int(b0), int(b1)) for op, a0, a1, b0, b1 in found]


def _tokens(text: str) -> tuple[U64, I64]:
    """The folded tokens of a text, and n + 1 character offsets: where each token begins, and where the text ends."""
    raw = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    values, _, firsts, _ = kernels.tokenize(raw, np.zeros(1, np.int64), np.array([len(raw)], np.int64))
    # a lone surrogate was encoded as one `?`, so that characters still count as they do in `text`
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum((raw & 0xC0) != 0x80)])
    edges = np.concatenate([before[firsts], [len(text)]])
    edges[0] = 0
    return values, edges


def _common(one: U64, two: U64) -> tuple[int, int]:
    """How many tokens two texts begin with alike, and how many of the others they end with alike."""
    n = min(len(one), len(two))
    unlike = np.flatnonzero(one[:n] != two[:n])
    low = int(unlike[0]) if len(unlike) else n
    n -= low
    unlike = np.flatnonzero(one[len(one) - n :][::-1] != two[len(two) - n :][::-1])
    return low, int(unlike[0]) if len(unlike) else n


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
