"""The oracle of the kernels that find repeats: loops over places and sets, slow, plain, and sharing no code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import naive

LONG, SENTENCE, CLAUSE = 0, 1, 2
_PARTING = [c.encode() for c in " \t\v\f\n\r\u3000\u00a0"]
_WHITE = [*_PARTING, "\ufeff".encode()]
_STOPS = [c.encode() for c in "!?。！？"]
_SOFT = [c.encode() for c in ",，、;；:："]
_CLOSERS = [c.encode() for c in "\"')]’”」』》】）"]


def _any_at(data: bytes, at: int, of: Sequence[bytes]) -> int:
    """Length of the one of these that stands at this place; 0 if none does."""
    return max([len(one) for one in of if data.startswith(one, at)], default=0)


def _all_at(data: bytes, at: int, of: Sequence[bytes]) -> int:
    while step := _any_at(data, at, of):
        at += step
    return at


def _cut_after(data: bytes, at: int, mode: int) -> int:
    """The place to cut at because of what stands at this place; 0 where there is none."""
    full_stop, stop = data.startswith(b".", at), _any_at(data, at, _STOPS)
    if stop and mode != LONG:
        return _all_at(data, _all_at(data, at, _STOPS), _CLOSERS)
    if full_stop or stop:
        behind = _all_at(data, at + max(stop, 1), _CLOSERS)
        return behind if _any_at(data, behind, _PARTING) else 0
    if mode == LONG and data.startswith(b"||", at):
        return _all_at(data, at, [b"|"])
    if mode == CLAUSE and (soft := _any_at(data, at, _SOFT)):
        digits = data[at - 1 : at].isdigit() and data[at + 1 : at + 2].isdigit()
        return 0 if digits and data[at : at + 1] in (b",", b":") else at + soft
    return 0


def _trimmed(data: bytes, start: int, end: int) -> tuple[int, int]:
    while start < end and (step := _any_at(data[:end], start, _WHITE)):
        start += step
    while start < end and (tail := [w for w in _WHITE if data[start:end].endswith(w)]):
        end -= len(tail[0])
    return start, end


def pieces(data: bytes, mode: int) -> list[tuple[int, int]]:
    """Byte ranges of the pieces of one text, trimmed."""
    cuts, at = [0], 0
    while at < len(data):
        cut = _cut_after(data, at, mode)
        if cut:
            cuts.append(cut)
        at = cut or at + 1
    cuts.append(len(data))
    ranges = [_trimmed(data, start, end) for start, end in pairwise(cuts)]
    return [(start, end) for start, end in ranges if start < end]


def weight(tokens: Sequence[int]) -> int:
    """A word weighs two, any other token one."""
    return sum(2 if token % 2 else 1 for token in tokens)


def gram(tokens: Sequence[int], start: int, least: int) -> list[int]:
    """The shortest run from a place that weighs enough; empty where there is none."""
    run: list[int] = []
    for token in tokens[start:]:
        run.append(token)
        if weight(run) >= least:
            return run
    return []


def winnow(tokens: Sequence[int], least: int, window: int) -> list[tuple[int, int]]:
    """(hash, place) of the grams kept, by place."""
    grams = [gram(tokens, start, least) for start in range(len(tokens))]
    kept = set()
    for first in range(len(tokens)):
        if grams[first]:
            near = [
                (-naive.sequence_hash(grams[start]), start)
                for start in range(first, len(tokens))
                if grams[start] and weight(tokens[first:start]) <= window
            ]
            kept.add(max(near)[1])
    return [(naive.sequence_hash(grams[start]), start) for start in sorted(kept)]


Run = tuple[int, int, int, int, int]


def all_runs(texts: Sequence[Sequence[int]], least: int) -> set[Run]:
    """Every longest run of equal tokens of two texts, or of two places of one, that weighs enough: later text, start in
    it, tokens, earlier text, start in it."""
    runs = set()
    for later, one in enumerate(texts):
        for earlier, two in enumerate(texts[: later + 1]):
            for i in range(len(one)):
                for j in range(i if earlier == later else len(two)):
                    if i and j and one[i - 1] == two[j - 1]:
                        continue
                    size = 0
                    while i + size < len(one) and j + size < len(two) and one[i + size] == two[j + size]:
                        size += 1
                    if size and weight(one[i : i + size]) >= least:
                        runs.add((later, i, size, earlier, j))
    return runs


def repeated_tokens(texts: Sequence[Sequence[int]], least: int) -> set[tuple[int, int]]:
    """(text, place) of every token in a run of tokens that weighs enough and stood before: in an earlier text, or at an
    earlier place of the same one."""
    found = set()
    for later, one in enumerate(texts):
        for start in range(len(one)):
            if not gram(one, start, least):
                continue
            for earlier, two in enumerate(texts[: later + 1]):
                for j in range(start) if earlier == later else range(len(two)):
                    size = 0
                    while one[start + size : start + size + 1] == two[j + size : j + size + 1] != []:
                        size += 1
                    if weight(one[start : start + size]) >= least:
                        found |= {(later, start + i) for i in range(size)}
    return found


def loops(hashes: Sequence[int], tokens: Sequence[int], least: int) -> list[tuple[int, int, int]]:
    """(first clause, clauses in a period, copies) of the loops of one paragraph."""
    found, at = [], 0
    while at < len(hashes):
        fits = [
            period
            for period in range(1, 65)
            if at + 2 * period <= len(hashes)
            and sum(tokens[at : at + period]) >= least
            and hashes[at : at + period] == hashes[at + period : at + 2 * period]
        ]
        if fits:
            copies = 2
            once = hashes[at : at + fits[0]]
            while hashes[at : at + fits[0] * (copies + 1)] == list(once) * (copies + 1):
                copies += 1
            found.append((at, fits[0], copies))
            at += fits[0] * copies
        else:
            at += 1
    return found
