"""Where two texts differ, token by token."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dedup import kernels
from dedup.model import I64, U64

Opcode = tuple[str, int, int, int, int]
"""`equal`, `replace`, `delete` or `insert`; [a0, a1) of the first text and [b0, b1) of the second."""

WINDOW = 1000
"""Tokens that are aligned at a time: aligning is quadratic, going from window to window is linear."""


def differences(a: str, b: str) -> list[Opcode]:
    """Where two texts differ once folded: script, width, case, glosses, spaces and punctuation make no difference.

    What both begin and end with is left out, the rest is aligned as by `difflib.SequenceMatcher` (Ratcliff and Obershelp,
    1988), window by window: each begins where the last match of the one before it ends.

    Returns:
        Opcodes over characters, which cover both texts; a token takes what follows it up to the next one.
    """
    (one, one_edges), (two, two_edges) = _tokens(a), _tokens(b)
    low, high = _common(one, two)
    result: list[Opcode] = []
    for op, a0, a1, b0, b1 in _aligned(one, two, low, high):
        if a1 == a0 and b1 == b0:
            continue
        if result and result[-1][0] == op:
            _, a_start, _, b_start, _ = result.pop()
        else:
            a_start, b_start = int(one_edges[a0]), int(two_edges[b0])
        result.append((op, a_start, int(one_edges[a1]), b_start, int(two_edges[b1])))
    return result


def _aligned(one: U64, two: U64, low: int, high: int) -> Iterator[Opcode]:
    """Opcodes over tokens; the first `low` and the last `high` are known to be alike."""
    yield "equal", 0, low, 0, low
    i = j = low
    end_one, end_two = len(one) - high, len(two) - high
    while i < end_one or j < end_two:
        first, second = one[i : min(i + WINDOW, end_one)], two[j : min(j + WINDOW, end_two)]
        codes = _opcodes(first, second)
        is_last = i + len(first) == end_one and j + len(second) == end_two
        if not is_last:
            # what matches nothing at the end of this window may match in the next one, if that begins well further on
            last = max((n for n, code in enumerate(codes) if code[0] == "equal"), default=-1)
            if last >= 0 and max(codes[last][2], codes[last][4]) >= WINDOW // 4:
                codes = codes[: last + 1]
        for op, a0, a1, b0, b1 in codes:
            yield op, i + a0, i + a1, j + b0, j + b1
        i, j = i + codes[-1][2], j + codes[-1][4]
    yield "equal", end_one, len(one), end_two, len(two)


def _opcodes(first: U64, second: U64) -> list[Opcode]:
    """How the one becomes the other: what their matching blocks leave between them, and the blocks."""
    codes: list[Opcode] = []
    i = j = 0
    for a, b, size in [*kernels.matching_blocks(first, second).tolist(), [len(first), len(second), 0]]:
        if i < a or j < b:
            codes.append(("insert" if i == a else "delete" if j == b else "replace", i, a, j, b))
        if size:
            codes.append(("equal", a, a + size, b, b + size))
        i, j = a + size, b + size
    return codes


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
