"""All pairs within an edit distance: of e + 1 pieces of a text, e edits leave one as it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.portable.checks import I64, check_offsets
from dedup.kernels.portable.text import U8, U64

U16 = NDArray[np.uint16]

PIECE, OWN, LONGER = range(3)
"""The roles of a row: a piece of a text, its probe for texts of its own length, its probe for longer ones."""

_G, _M1, _M2, _M3 = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)
)


def partition(values: U64, offsets: I64, edits: I64, shard: int, shards: int, marks: U8) -> tuple[U64, I64, U64]:
    """Cut texts into pieces, or look for the pieces of others in them: of two texts, the longer of n tokens, that are
    within edits[n], the longer has a piece whose key is a piece or a probe of the other, either way round if both have
    n tokens. Li, Deng, Wang, Feng, "Pass-Join: a partition-based method for similarity joins", PVLDB 5(3), 2011, with
    its multi-match-aware selection.

    Args:
        values: uint64[t], tokens.
        offsets: int64[n + 1], bounds of the texts in them.
        edits: int64[...], by the tokens of the longer text; 0 or less where no pairs of that length are wanted.
        shard: only keys that leave this remainder are given.
        shards: when divided by this.
        marks: uint8[2**b], a bit for each piece of all texts, at the upper b + 3 bits of its key: the probes that meet
            one are given; or empty: the pieces are given.

    Returns:
        uint64[r] keys; int64[r] rows, 4 x text + role (0: a piece, which is a probe as well, 1: a probe for texts of
        the same length, 2: for longer ones), in the order of the texts, no key twice for one text; uint64[n] bags,
        whose bits say which tokens stand there an odd number of times.

    Raises:
        ValueError: offsets are out of range, edits allow a text to be rewritten whole, shard is not below shards, or
            marks are not a power of two.
    """
    check_offsets(len(values), offsets)
    if ((edits >= np.arange(len(edits))) & (edits > 0)).any():
        raise ValueError("edits must be below the number of tokens they are allowed for")
    if not 0 <= shard < shards:
        raise ValueError("shard must be below shards")
    if len(marks) & (len(marks) - 1):
        raise ValueError("marks must be a power of two of bytes, or none")
    sizes = offsets[1:] - offsets[:-1]
    keys, rows, places = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)]
    for size in np.unique(sizes[sizes < len(edits)]).tolist():
        texts = np.flatnonzero(sizes == size)
        sums, powers = _sums(values[offsets[texts][:, None] + np.arange(size)], len(edits))
        for whole, number, start, length in _pieces(size, edits.tolist()):
            if not len(marks) and whole > size:
                continue
            starts = _starts(size, whole, number, start, length, int(edits[whole])) if len(marks) else [start]
            salt = np.array([whole], np.uint64) * _G + np.array([number], np.uint64) * _M2
            found = np.zeros((len(texts), 0), np.uint64)
            for at, begin in enumerate(starts):
                key = _mixed(sums[:, begin + length] - sums[:, begin] * powers[length] + salt)
                wanted = ~(found == key[:, None]).any(axis=1) & (key % np.uint64(shards) == np.uint64(shard))
                found = np.column_stack([found, key])
                role = LONGER if whole > size else OWN if at else PIECE
                if len(marks):
                    wanted &= _marked(marks, key) & (role != PIECE)
                keys.append(key[wanted])
                rows.append(4 * texts[wanted] + role)
                places.append(np.repeat([[whole, number, at]], int(wanted.sum()), axis=0))
    all_keys, all_rows, place = np.concatenate(keys), np.concatenate(rows), np.concatenate(places)
    order = np.lexsort((place[:, 2], place[:, 1], place[:, 0], all_rows >> 2))
    return all_keys[order], all_rows[order], _bags(values, offsets)


def _sums(tokens: U64, most: int) -> tuple[U64, U64]:
    """Polynomial hashes of what stands before each place, a row a text; and the powers of their base."""
    sums = np.zeros((tokens.shape[0], tokens.shape[1] + 1), np.uint64)
    for i in range(tokens.shape[1]):
        sums[:, i + 1] = sums[:, i] * _M3 + tokens[:, i]
    return sums, np.multiply.accumulate(np.append(np.uint64(1), np.full(most, _M3)))


def _mixed(hashes: U64) -> U64:
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _M1
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _M2
    return hashes ^ (hashes >> np.uint64(32))


def _marked(marks: U8, keys: U64) -> NDArray[np.bool_]:
    slots = keys >> np.uint64(61 - (len(marks).bit_length() - 1))
    marked: NDArray[np.bool_] = marks[slots >> np.uint64(3)] >> (slots & np.uint64(7)).astype(np.uint8) & 1 != 0
    return marked


def _pieces(size: int, edits: list[int]) -> Iterator[tuple[int, int, int, int]]:
    """The pieces of all lengths that a text of `size` tokens may match: length, number, start, tokens."""
    for whole in range(size, len(edits)):
        if edits[whole] < 1 or whole - size > edits[whole]:
            continue
        length, longer = divmod(whole, edits[whole] + 1)
        start = 0
        for number in range(edits[whole] + 1):
            own = length + (number > edits[whole] - longer)
            yield whole, number, start, own
            start += own


def _starts(size: int, whole: int, number: int, start: int, length: int, edits: int) -> list[int]:
    """Where a piece may stand in a text of `size` tokens; where it is the text's own piece, its place comes first.

    Among the pieces that are whole there is a first one with exactly as many edits before it as pieces; so it is
    shifted by that many tokens at most, and, seen from the end, by no more than the edits that are left.
    """
    left, right, shorter = number, edits - number, whole - size
    low = max(start - left, start - shorter - right, 0)
    high = min(start + left, start - shorter + right, size - length)
    own = [start] if not shorter else []
    return own + [place for place in range(low, high + 1) if place not in own]


def _bags(values: U64, offsets: I64) -> U64:
    bits = np.uint64(1) << ((values * _G) >> np.uint64(58))
    sums = np.concatenate([np.zeros(1, np.uint64), np.bitwise_xor.accumulate(bits)])
    bags: U64 = sums[offsets[1:]] ^ sums[offsets[:-1]]
    return bags


def piece_pairs(keys: U64, sides: U16, bags: U64, edits: I64, limit: int, scanned: int) -> tuple[I64, int]:
    """Pair the rows of each key that may be within their edits, of which at least one is a piece.

    Each row is held against the first `scanned` earlier pieces and probes for longer texts of its key; two probes, or
    an earlier probe for the same length, are never paired. Of those whose bags allow it the first `limit` are paired:
    an edit changes at most two bits of a bag, and one where it changes the length.

    Args:
        keys: uint64[r]; the order of the rows is the order of preference.
        sides: uint16[r], 4 x tokens + role, see `partition`.
        bags: uint64[r], see `partition`.
        edits: int64[...], see `partition`.
        limit: pairs that a row proposes at most.
        scanned: earlier rows that a row is held against at most.

    Returns:
        int64[m, 2] pairs of rows (earlier, later), by the first row of their key, then later, then earlier; and how
        many pairs were left out: beyond the limit, or not held against each other.

    Raises:
        ValueError: a limit is negative, or a side names no role or no entry of edits.
    """
    if limit < 0 or scanned < 0:
        raise ValueError("limit must be at least 0")
    if ((sides & 3 > LONGER) | (sides >> 2 >= len(edits))).any():
        raise ValueError("sides must hold a role of 0 to 2 and a number of tokens that edits are given for")
    pairs: list[tuple[int, int]] = []
    skipped = 0
    allowed = edits.tolist()
    for rows in _buckets(keys, sides):
        held: list[tuple[int, int, int, int]] = []
        before = [0, 0, 0]
        for row, side, bag in zip(rows.tolist(), sides[rows].tolist(), bags[rows].tolist(), strict=True):
            size, role = divmod(side, 4)
            others = [one for one in held if PIECE in (role, one[2])]
            alike = [
                one[0] for one in others
                if (bag ^ one[3]).bit_count() <= 2 * allowed[size if role == PIECE else one[1]] - abs(size - one[1])
            ]  # fmt: skip
            pairs += [(one, row) for one in alike[:limit]]
            admitted = before[PIECE] + (before[LONGER] if role == PIECE else 0)
            skipped += admitted - len(others) + len(alike[limit:])
            before[role] += 1
            if role != OWN and len(held) < scanned:
                held.append((row, size, role, bag))
    return np.array(pairs, np.int64).reshape(-1, 2), skipped


def _buckets(keys: U64, sides: U16) -> list[I64]:
    """The rows of each key that has a piece and another row, in the order of their first rows."""
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.append(keys[order][1:] != keys[order][:-1], True)[: len(keys)]) + 1
    sizes = np.diff(ends, prepend=0)
    has_piece = np.add.reduceat(sides[order] & 3 == PIECE, ends - sizes, dtype=np.int64) > 0 if len(ends) else ends > 0
    wanted = np.flatnonzero((sizes > 1) & has_piece)
    buckets = [order[ends[i] - sizes[i] : ends[i]] for i in wanted.tolist()]
    return sorted(buckets, key=lambda rows: int(rows[0]))
