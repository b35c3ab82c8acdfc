"""Documents -> segments: the stretches that are compared, with start and end."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.model import FIXED, I64, LABEL, LONG, PLACE, PLAIN, SENTENCE, U8, Batch

LONG_TOKENS = 200
"""A line of more tokens is of a page that lost its breaks: it is cut at sentence ends and cell separators."""

_FENCE = (b"```", b"~~~")
_RULE = re.compile(rb"\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)*\|?\Z")


def segment(batch: Batch, *, arena: U8, grain: str) -> Batch:
    """Cut documents into the segments of a grain.

    Args:
        batch: documents: `document` int64, `start` and `end` int64 (in the arena), `markdown` bool.
        arena: uint8[...], the text.
        grain: `document`, `paragraph` or `sentence`.

    Returns:
        Segments: `document`, `start`, `end` (in the arena) and `kind` uint8 (`PLAIN`, `LABEL`, `FIXED`), in order.
    """
    if grain == "document":
        return {name: batch[name] for name in PLACE} | {"kind": np.zeros(len(batch["document"]), np.uint8)}
    owner, starts, ends = kernels.lines(arena, batch["start"], batch["end"])
    kind = np.where(_ends_in_colon(arena, ends), LABEL, PLAIN).astype(np.uint8)
    special = _special(arena, owner, starts, ends, batch["markdown"])
    plain = ~special[owner]
    parts: list[Batch] = [{"owner": owner[plain], "start": starts[plain], "end": ends[plain], "kind": kind[plain]}]
    for index in np.flatnonzero(special).tolist():
        mine = owner == index if len(special) < 64 else slice(*np.searchsorted(owner, [index, index + 1]))
        rows = list(_blocks(arena, starts[mine], ends[mine], kind[mine], _joins(arena, starts[mine], ends[mine])))
        parts.append(_columns(index, rows))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((joined["start"], joined["owner"]))
    joined = _cut_long({name: column[order] for name, column in joined.items()}, arena, grain)
    return {"document": batch["document"][joined.pop("owner")], **joined}


def _columns(owner: int, rows: list[tuple[int, int, int]]) -> Batch:
    table = np.array(rows, np.int64).reshape(-1, 3)
    return {
        "owner": np.full(len(table), owner, np.int64),
        "start": table[:, 0],
        "end": table[:, 1],
        "kind": table[:, 2].astype(np.uint8),
    }


def _ends_in_colon(arena: U8, ends: I64) -> NDArray[np.bool_]:
    if not len(ends):
        return np.zeros(0, bool)
    last = arena[ends - 1]
    wide = (last == 0x9A) & (ends >= 3)
    wide[wide] = (arena[ends[wide] - 2] == 0xBC) & (arena[ends[wide] - 3] == 0xEF)
    colon: NDArray[np.bool_] = (last == 0x3A) | wide
    return colon


def _special(arena: U8, owner: I64, starts: I64, ends: I64, markdown: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Documents whose lines need a closer look: Markdown, fenced code, tables, hard-wrapped text.

    Outside Markdown a lone fence that is not closed is a row of tildes, not code up to the end of the document.
    """
    special: NDArray[np.bool_] = markdown.astype(bool)
    if not len(starts):
        return special
    first, long_enough = arena[starts], ends - starts >= 3
    for fence in (0x60, 0x7E):
        hit = (first == fence) & long_enough
        hit[hit] = (arena[starts[hit] + 1] == fence) & (arena[starts[hit] + 2] == fence)
        lines = np.flatnonzero(hit)
        fences = np.bincount(owner[lines], minlength=len(special))
        special |= fences > 1
        for line in lines[fences[owner[lines]] == 1]:
            special[owner[line]] |= _closes_itself(arena[starts[line] : ends[line]].tobytes())
    rule = ((first == 0x7C) | (first == 0x2D) | (first == 0x3A)) & long_enough
    for line in np.flatnonzero(rule):
        if b"|" in (text := arena[starts[line] : ends[line]].tobytes()) and _RULE.match(text):
            special[owner[line]] = True
    special[_hard_wrapped(arena, owner, starts, ends, len(special))] = True
    return special


def _hard_wrapped(arena: U8, owner: I64, starts: I64, ends: I64, n: int) -> NDArray[np.bool_]:
    """Documents whose lines were broken at a width: nearly all lines that go on are about as long as the longest.

    And few of them end a sentence.
    """
    gap = starts[1:] - ends[:-1]
    goes_on = (owner[1:] == owner[:-1]) & (
        (gap == 1) | ((gap == 2) & (arena[np.minimum(ends[:-1], len(arena) - 1)] == 13))
    )
    rows = np.flatnonzero(goes_on)
    length, doc = (ends - starts)[rows], owner[rows]
    count = np.bincount(doc, minlength=n)
    longest = np.zeros(n, np.int64)
    np.maximum.at(longest, doc, length)
    last = arena[ends[rows] - 1]
    cjk = last >= 0x80
    stop = np.isin(last, np.frombuffer(b'.!?:;"', np.uint8)) | (
        cjk & np.isin(last, np.array([0x82, 0x81, 0x9F, 0x9A, 0x9B, 0x9D], np.uint8))
    )
    near = length >= np.where(cjk, 0.9, 0.6) * longest[doc]
    share_near = np.bincount(doc, near, n) / np.maximum(count, 1)
    share_stop = np.bincount(doc, stop, n) / np.maximum(count, 1)
    result: NDArray[np.bool_] = (
        (count >= 8) & (longest >= 30) & (longest <= 160) & (share_near >= 0.8) & (share_stop <= 0.4)
    )
    return result


def _joins(arena: U8, starts: I64, ends: I64) -> NDArray[np.bool_]:
    """For each line of a document whether it goes on with the next one as a block: no blank line stands between."""
    joins = np.zeros(len(starts), bool)
    for i in range(len(starts) - 1):
        gap = arena[ends[i] : starts[i + 1]].tobytes()
        joins[i] = gap.count(b"\n") + gap.count(b"\r") - gap.count(b"\r\n") == 1
    return joins


def _closes_itself(line: bytes) -> bool:
    """Whether a line that begins with a fence is code from end to end."""
    return line.endswith(line[:3]) and bool(line.strip(line[:1]))


def _blocks(
    arena: U8, starts: I64, ends: I64, kind: NDArray[np.uint8], joins: NDArray[np.bool_]
) -> Iterator[tuple[int, int, int]]:
    """Lines -> (start, end, kind) of blocks; fenced code is one segment, and so is a table."""
    i, n = 0, len(starts)
    texts = [arena[s:e].tobytes() for s, e in zip(starts, ends, strict=True)]
    while i < n:
        first = i
        if texts[i].startswith(_FENCE):
            mark = texts[i][:3]
            i += 1
            if mark[:1] in texts[first].lstrip(mark[:1]):  # no fence: code inside a line, or text that begins with it
                yield int(starts[first]), int(ends[first]), FIXED if _closes_itself(texts[first]) else int(kind[first])
                continue
            while i < n and not texts[i].startswith(mark) and not texts[i].endswith(mark):
                i += 1
            i = min(i + 1, n)
            yield int(starts[first]), int(ends[i - 1]), FIXED
            continue
        while i + 1 < n and joins[i] and not texts[i + 1].startswith(_FENCE):
            i += 1
        i += 1
        table = any(b"|" in text and _RULE.match(text) for text in texts[first:i])
        yield int(starts[first]), int(ends[i - 1]), FIXED if table else int(kind[i - 1]) if i - first == 1 else PLAIN


def _cut_long(lines: Batch, arena: U8, grain: str) -> Batch:
    """Cut lines of more than `LONG_TOKENS` tokens, or for the grain `sentence` every line, into their sentences."""
    starts, ends = lines["start"], lines["end"]
    plain = lines["kind"] == PLAIN
    if grain == "sentence":
        chosen, mode = np.flatnonzero(plain), SENTENCE
    else:
        # a token takes two bytes at least, with what parts it from the next
        chosen, mode = np.flatnonzero(plain & (ends - starts > 2 * LONG_TOKENS)), LONG
        none = np.zeros(0, np.uint32)
        counts = kernels.scan(arena, starts[chosen], ends[chosen], 1, 0, none, none)[2]
        chosen = chosen[counts > LONG_TOKENS]
    if not len(chosen):
        return lines
    owner, piece_starts, piece_ends = kernels.pieces(arena, starts[chosen], ends[chosen], mode)
    line = chosen[owner]
    whole = np.ones(len(starts), bool)
    whole[chosen] = False
    origin = np.concatenate([np.flatnonzero(whole), line])
    cut = {name: column[origin] for name, column in lines.items()}
    cut["start"] = np.concatenate([starts[whole], piece_starts])
    cut["end"] = np.concatenate([ends[whole], piece_ends])
    order = np.lexsort((cut["start"], cut["owner"]))
    return {name: column[order] for name, column in cut.items()}
