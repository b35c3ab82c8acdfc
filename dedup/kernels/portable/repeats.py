"""Repeats within and across texts: winnowed fingerprints, the runs around them, loops, and bytes compared."""

from __future__ import annotations

import numpy as np

from dedup.kernels.portable.checks import I64, check_offsets, check_pairs, check_ranges
from dedup.kernels.portable.text import M1, M2, U8, U64, G

_MAX_PERIOD = 64
_BLOCK = 64
"""Tokens that a run is first compared by; each block after is twice as long."""


def winnow(values: U64, offsets: I64, gram: int, window: int) -> tuple[U64, I64]:
    """Winnowed fingerprints of token sequences: two texts that share a run of tokens weighing gram + window + 1 or more
    keep the same gram of that run. A word (bit 0) weighs 2, any other token 1.

    Of the starts that stand within `window` behind each start, it and they, the one whose gram hashes least is kept,
    the last of equals. Source: S. Schleimer, D. S. Wilkerson, A. Aiken, "Winnowing", SIGMOD 2003.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        gram: a gram is the shortest run from its start that weighs this or more; at least 1.
        window: weight between the first and the last start of a window; at least 0.

    Returns:
        uint64[f] hashes of the grams kept and int64[f] where each starts in `values`, ascending.

    Raises:
        ValueError: offsets, gram or window are out of range.
    """
    check_offsets(len(values), offsets)
    if gram < 1:
        raise ValueError("gram must be at least 1")
    if window < 0:
        raise ValueError("window must be at least 0")
    weights = _prefix_weights(values)
    ends = np.searchsorted(weights, weights[:-1] + min(gram, int(weights[-1]) + 1))
    text_ends = np.zeros(len(values), np.int64)
    text_ends[offsets[0] : offsets[-1]] = np.repeat(offsets[1:], np.diff(offsets))
    starts = np.flatnonzero(ends <= text_ends)
    hashes = _gram_hashes(values, starts, ends[starts])
    first_weights, text_ends = weights[starts], text_ends[starts]
    kept = np.arange(len(starts))
    for i in range(1, len(starts)):
        # The starts of a text follow each other without a gap, so the i-th behind each is i rows below.
        within = np.flatnonzero(
            (first_weights[i:] - first_weights[:-i] <= window) & (text_ends[i:] == text_ends[:-i])
        )
        if len(within) == 0:
            break
        better = within[hashes[within + i] <= hashes[kept[within]]]
        kept[better] = better + i
    kept = np.unique(kept)
    return hashes[kept], starts[kept]


def _prefix_weights(values: U64) -> I64:
    """int64[t + 1]: what the tokens before each place weigh."""
    weights = np.zeros(len(values) + 1, np.int64)
    np.cumsum((values & np.uint64(1)).astype(np.int64) + 1, out=weights[1:])
    return weights


def _gram_hashes(values: U64, starts: I64, ends: I64) -> U64:
    """Hash the tokens from each start to its end: the exact hash of that sequence, from two prefix sums."""
    plain, placed = np.zeros(len(values) + 1, np.uint64), np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values, out=plain[1:])
    np.cumsum(values * np.arange(len(values), dtype=np.uint64), out=placed[1:])
    total = plain[ends] - plain[starts]
    # The token at place u counts 2 * (u - start) + 1 times.
    h = (np.uint64(2) * (placed[ends] - placed[starts] - starts.astype(np.uint64) * total) + total) * np.uint64(G)
    h = (h ^ (ends - starts).astype(np.uint64)) * np.uint64(M1)
    h ^= h >> np.uint64(32)
    h *= np.uint64(M2)
    return h ^ (h >> np.uint64(29))


def extend(values: U64, offsets: I64, pairs: I64, weight: int) -> I64:
    """Extend places where two texts, or two places of one text, agree to the longest runs of equal tokens.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        pairs: int64[m, 4]: later text, place in it, earlier text, place in it; places count from the start of their
            text. Sorted by later text, earlier text, difference of the places, place in the later text. The two texts
            may be one: then the earlier place comes first.
        weight: runs that weigh less are left out; a word (bit 0) weighs 2, any other token 1.

    Returns:
        int64[r, 5]: later text, start in it, tokens, earlier text, start in it; each run once, in the order of the
        pairs. A pair of places that hold different tokens gives nothing.

    Raises:
        ValueError: offsets or pairs are out of range, or pairs are not sorted.
    """
    check_offsets(len(values), offsets)
    check_pairs(pairs[:, [0, 2]], len(offsets) - 1)
    _check_places(offsets, pairs)
    weights = _prefix_weights(values)
    runs: list[tuple[int, int, int, int, int]] = []
    line, end = (-1, -1, 0), 0
    for later, later_at, earlier, earlier_at in pairs.tolist():
        shift = later_at - earlier_at
        if line != (later, earlier, shift):
            line, end = (later, earlier, shift), 0
        if later_at < end:
            continue
        base, other = int(offsets[later]), int(offsets[earlier])
        later_size, earlier_size = int(offsets[later + 1]) - base, int(offsets[earlier + 1]) - other
        low, high = _run_through(
            values[base + max(shift, 0) : base + min(later_size, earlier_size + shift)],
            values[other + max(-shift, 0) : other + min(earlier_size, later_size - shift)],
            min(later_at, earlier_at),
        )
        start, end = low + max(shift, 0), high + max(shift, 0)
        if start < end and weights[base + end] - weights[base + start] >= weight:
            runs.append((later, start, end - start, earlier, start - shift))
    return np.array(runs, np.int64).reshape(-1, 5)


def _check_places(offsets: I64, pairs: I64) -> None:
    """Places of pairs (later text, place, earlier text, place) whose texts have been checked."""
    later, later_at, earlier, earlier_at = pairs.T
    sizes = np.diff(offsets)
    if (pairs[:, [1, 3]] < 0).any() or (later_at >= sizes[later]).any() or (earlier_at >= sizes[earlier]).any():
        raise ValueError("places must lie within their texts")
    if ((later == earlier) & (later_at <= earlier_at)).any():
        raise ValueError("within one text the earlier place must come first")
    order = np.lexsort((later_at, later_at - earlier_at, earlier, later))
    if (order != np.arange(len(pairs))).any():
        raise ValueError("pairs must be sorted by later text, earlier text, difference and place")


def _agreeing(one: U64, two: U64) -> int:
    """How many tokens from the first on are equal; both are of one length."""
    done, size = 0, _BLOCK
    while done < len(one):
        differ = np.flatnonzero(one[done : done + size] != two[done : done + size])
        if len(differ):
            return done + int(differ[0])
        done, size = done + size, 2 * size
    return len(one)


def _run_through(one: U64, two: U64, at: int) -> tuple[int, int]:
    """Start and end of the longest run of equal tokens around a place of two sequences of one length."""
    high = at + _agreeing(one[at:], two[at:])
    low = at - _agreeing(one[:at][::-1], two[:at][::-1]) if high > at else at
    return low, high


def loops(hashes: U64, tokens: I64, groups: I64, least: int) -> I64:
    """Find clauses that are said over and over without anything between.

    From the first clause of a group on: the shortest period of 1..64 clauses that together have `least` tokens and
    stand there twice in a row, with all the copies that follow; the search goes on behind them.

    Args:
        hashes: uint64[c], hash of each clause's tokens; none of them 0.
        tokens: int64[c], tokens of each clause.
        groups: int64[g + 1], bounds of the groups (paragraphs) in them.
        least: tokens in one period.

    Returns:
        int64[r, 4]: group, its first clause of the loop, clauses in a period, copies (2 or more).

    Raises:
        ValueError: hashes and tokens differ in length, groups are out of range, or a hash is 0.
    """
    if len(hashes) != len(tokens):
        raise ValueError("hashes and tokens must have the same length")
    check_offsets(len(hashes), groups)
    if not hashes.all():
        raise ValueError("a clause without tokens (hash 0) must be left out")
    found = []
    for group in range(len(groups) - 1):
        begin, end = int(groups[group]), int(groups[group + 1])
        clauses, sizes = hashes[begin:end].tolist(), tokens[begin:end].tolist()
        at = 0
        while at < len(clauses):
            period = _period_at(clauses, sizes, at, least)
            copies = 1
            while period and clauses[at : at + period] == clauses[at + copies * period : at + (copies + 1) * period]:
                copies += 1
            if period:
                found.append((group, at, period, copies))
            at += period * copies or 1
    return np.array(found, np.int64).reshape(-1, 4)


def _period_at(clauses: list[int], sizes: list[int], at: int, least: int) -> int:
    """The shortest period at a place that has tokens enough; 0 for none."""
    weight = 0
    for period in range(1, min(_MAX_PERIOD, (len(clauses) - at) // 2) + 1):
        weight += sizes[at + period - 1]
        if weight >= least and clauses[at : at + period] == clauses[at + period : at + 2 * period]:
            return period
    return 0


def equal_bytes(text: U8, first_starts: I64, first_ends: I64, second_starts: I64, second_ends: I64) -> U8:
    """Whether two ranges hold the same bytes.

    Args:
        text: uint8[...].
        first_starts: int64[m], first byte of the one range.
        first_ends: int64[m], the byte after its last.
        second_starts: int64[m], first byte of the other range.
        second_ends: int64[m], the byte after its last.

    Returns:
        uint8[m], 1 where the ranges are equal.

    Raises:
        ValueError: a range does not lie within the text, or the two sides differ in number.
    """
    check_ranges(len(text), first_starts, first_ends)
    check_ranges(len(text), second_starts, second_ends)
    if len(first_starts) != len(second_starts):
        raise ValueError("both sides must have the same number of ranges")
    equal = (first_ends - first_starts == second_ends - second_starts).astype(np.uint8)
    for i in np.flatnonzero(equal).tolist():
        one = text[first_starts[i] : first_ends[i]]
        equal[i] = np.array_equal(one, text[second_starts[i] : second_ends[i]])
    return equal
