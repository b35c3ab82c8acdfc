"""The kernels that find all pairs within an edit distance: against the oracle, against each other, and complete."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import naive
import numpy as np
import pytest
import strategies as some
from conftest import fewer
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import as_pairs, ints

from dedup.kernels import portable

I64 = some.I64
NO_LIMIT = 1 << 40
NO_MARKS = np.zeros(0, np.uint8)
PIECE, OWN, LONGER = range(3)


def allowed(threshold: float, longest: int = 64) -> I64:
    """Edits that leave texts at least so similar, by the length of the longer one."""
    return ints(*[int((1 - threshold) * size + 1e-9) for size in range(longest + 1)])


def marks_of(keys: Any, size: int) -> Any:
    """A bit for each key, in `size` bytes."""
    bits = np.zeros(8 * size, bool)
    bits[[key >> (65 - (8 * size).bit_length()) for key in keys.tolist()]] = True
    return np.packbits(bits, bitorder="little")


def rows_of(kernels: ModuleType, values: Any, offsets: I64, edits: I64, shard: int, shards: int, size: int) -> Any:
    """Keys, rows and bags of pieces and probes, in the order of the texts."""
    pieces = kernels.partition(values, offsets, edits, shard, shards, NO_MARKS)
    assert (pieces[1] & 3 == PIECE).all()
    probes = kernels.partition(values, offsets, edits, shard, shards, marks_of(pieces[0], size))
    assert (probes[1] & 3 != PIECE).all()
    keys, rows = (np.concatenate([pieces[i], probes[i]]) for i in range(2))
    order = np.argsort(rows >> 2, kind="stable")
    return keys[order], rows[order], probes[2]


def columns(kernels: ModuleType, values: Any, offsets: I64, edits: I64, shards: int = 1) -> tuple[Any, ...]:
    """Keys, sides and bags of all rows, and the text of each row."""
    parts = [rows_of(kernels, values, offsets, edits, shard, shards, 64) for shard in range(shards)]
    keys, rows = (np.concatenate([part[i] for part in parts]) for i in range(2))
    order = np.argsort(rows >> 2, kind="stable")
    keys, rows = keys[order], rows[order]
    sizes = offsets[1:] - offsets[:-1]
    return keys, (4 * sizes[rows >> 2] + (rows & 3)).astype(np.uint16), parts[0][2][rows >> 2], rows >> 2


def found(kernels: ModuleType, values: Any, offsets: I64, edits: I64, shards: int = 1) -> set[tuple[int, int]]:
    """The pairs of texts that share a piece, without limits."""
    keys, sides, bags, texts = columns(kernels, values, offsets, edits, shards)
    pairs, skipped = kernels.piece_pairs(keys, sides, bags, edits, NO_LIMIT, NO_LIMIT)
    assert skipped == 0
    assert (pairs[:, 0] < pairs[:, 1]).all()
    return set(map(tuple, texts[pairs].tolist()))


def within(values: Any, offsets: I64, edits: I64) -> set[tuple[int, int]]:
    """The pairs of texts within their edits, by the oracle; those of which no edit is allowed left out."""
    texts = [values[s:e].tolist() for s, e in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    pairs = set()
    for j, two in enumerate(texts):
        for i, one in enumerate(texts[:j]):
            longer = max(len(one), len(two))
            if longer < len(edits) and edits[longer] > 0 and naive.edit_distance(one, two) <= edits[longer]:
                pairs.add((i, j))
    return pairs


@fewer(0.5)
@given(
    column=some.ragged(3, 8, 24),
    threshold=st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.85, 0.9]),
    shards=st.sampled_from([1, 3]),
)
def test_no_pair_is_missed(kernels: ModuleType, column: tuple[Any, I64], threshold: float, shards: int) -> None:
    values, offsets = column
    edits = allowed(threshold)
    assert within(values, offsets, edits) <= found(kernels, values, offsets, edits, shards)


@settings(max_examples=25)
@given(
    data=st.data(), size=st.integers(4, 64), threshold=st.sampled_from([0.7, 0.85]), letters=st.sampled_from([2, 50])
)
def test_no_pair_is_missed_that_is_just_within(
    kernels: ModuleType, data: st.DataObject, size: int, threshold: float, letters: int
) -> None:
    """Texts made of one another by as many edits as are allowed, wherever these fall."""
    letter = st.integers(0, letters - 1)
    first = data.draw(st.lists(letter, min_size=size, max_size=size))
    edits = allowed(threshold)
    texts = [first]
    for _ in range(4):
        text = list(first)
        for _ in range(int(edits[size])):
            at = data.draw(st.integers(0, len(text)))
            text[at : at + data.draw(st.integers(0, 1))] = data.draw(st.lists(letter, max_size=1))
        texts.append(text)
    offsets = np.cumsum([0] + [len(text) for text in texts]).astype(np.int64)
    values = np.array([value for text in texts for value in text], np.uint64) * np.uint64(naive.G)
    assert within(values, offsets, edits) <= found(kernels, values, offsets, edits)


@fewer(0.5)
@given(column=some.ragged(5, 8, 30), data=st.data(), shards=st.integers(1, 4))
def test_rows_are_the_same_from_each_implementation(
    kernels: ModuleType, column: tuple[Any, I64], data: st.DataObject, shards: int
) -> None:
    values, offsets = column
    edits = ints(*[data.draw(st.integers(-1, max(size - 1, 0))) for size in range(data.draw(st.integers(0, 32)))])
    shard = data.draw(st.integers(0, shards - 1))
    size = data.draw(st.sampled_from([1, 8, 1024]))
    mine = rows_of(kernels, values, offsets, edits, shard, shards, size)
    wanted = rows_of(portable, values, offsets, edits, shard, shards, size)
    assert [one.dtype for one in mine] == [np.uint64, np.int64, np.uint64]
    assert [one.tolist() for one in mine] == [one.tolist() for one in wanted]


@given(column=some.ragged(2, 6, 16), threshold=st.sampled_from([0.5, 0.7, 0.85]))
def test_no_text_has_a_key_twice_and_each_has_its_pieces(
    kernels: ModuleType, column: tuple[Any, I64], threshold: float
) -> None:
    values, offsets = column
    edits = allowed(threshold)
    keys, rows, _ = rows_of(kernels, values, offsets, edits, 0, 1, 1024)
    names = list(zip(keys.tolist(), (rows >> 2).tolist(), strict=True))
    assert len(names) == len(set(names))
    sizes = (offsets[1:] - offsets[:-1]).tolist()
    pieces = np.bincount(rows[rows & 3 == PIECE] >> 2, minlength=len(sizes)).tolist()
    assert pieces == [int(edits[size]) + 1 if edits[size] > 0 else 0 for size in sizes]


def naive_piece_pairs(rows: list[tuple[int, int, int, int]], edits: list[int], limit: int, scanned: int) -> Any:
    """Pairs as `piece_pairs` is said to make them, of rows (key, tokens, role, bag)."""
    pairs: list[tuple[int, int, int]] = []
    skipped = 0
    for j, (key, size, role, bag) in enumerate(rows):
        bucket = [i for i in range(j) if rows[i][0] == key and rows[i][2] != OWN]
        others = [i for i in bucket if role == PIECE or rows[i][2] == PIECE]
        looked_at = [i for i in others if i in bucket[:scanned]]
        first = min([j, *(i for i in range(j) if rows[i][0] == key)])
        alike = []
        for i in looked_at:
            longer = size if role == PIECE else rows[i][1]
            if bin(bag ^ rows[i][3]).count("1") <= 2 * edits[longer] - abs(size - rows[i][1]):
                alike.append(i)
        pairs += [(first, j, i) for i in alike[:limit]]
        skipped += len(others) - len(looked_at) + len(alike[limit:])
    return [(i, j) for _, j, i in sorted(pairs)], skipped


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 2), st.integers(0, 15)), max_size=30),
    edits=st.lists(st.integers(0, 4), min_size=6, max_size=6),
    limit=st.integers(0, 5),
    scanned=st.integers(0, 9),
)
def test_pairs_of_rows_are_the_oracles(
    kernels: ModuleType, rows: list[tuple[int, int, int, int]], edits: list[int], limit: int, scanned: int
) -> None:
    keys = np.array([row[0] for row in rows], np.uint64) << np.uint64(62)
    sides = np.array([4 * row[1] + row[2] for row in rows], np.uint16)
    bags = np.array([row[3] for row in rows], np.uint64) << np.uint64(60)
    pairs, skipped = kernels.piece_pairs(keys, sides, bags, ints(*edits), limit, scanned)
    assert pairs.dtype == np.int64
    assert ([tuple(pair) for pair in pairs.tolist()], skipped) == naive_piece_pairs(rows, edits, limit, scanned)


VALUES = np.arange(4, dtype=np.uint64)
NONE = np.zeros(0, np.uint64)
BELOW = "edits must be below the number of tokens they are allowed for"
ROLES = "sides must hold a role of 0 to 2 and a number of tokens that edits are given for"


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("partition", (VALUES, ints(), ints(0), 0, 1, NO_MARKS), "offsets must not be empty"),
        (
            "partition",
            (VALUES, ints(0, 5), ints(0), 0, 1, NO_MARKS),
            "offsets must not decrease and must stay within the values",
        ),
        ("partition", (VALUES, ints(0, 4), ints(0, 1), 0, 1, NO_MARKS), BELOW),
        ("partition", (VALUES, ints(0, 4), ints(0), 0, 0, NO_MARKS), "shard must be below shards"),
        ("partition", (VALUES, ints(0, 4), ints(0), 2, 2, NO_MARKS), "shard must be below shards"),
        (
            "partition",
            (VALUES, ints(0, 4), ints(0), 0, 1, np.zeros(3, np.uint8)),
            "marks must be a power of two of bytes, or none",
        ),
        ("piece_pairs", (NONE, NONE, NONE, ints(), -1, 0), "limit must be at least 0"),
        ("piece_pairs", (NONE, NONE, NONE, ints(), 0, -1), "limit must be at least 0"),
        ("piece_pairs", (VALUES[:1], np.array([3], np.uint16), VALUES[:1], ints(0), 8, 8), ROLES),
        ("piece_pairs", (VALUES[:1], np.array([4], np.uint16), VALUES[:1], ints(0), 8, 8), ROLES),
    ],
)
def test_arguments_out_of_range(kernels: ModuleType, name: str, arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        getattr(kernels, name)(*arguments)
    assert str(caught.value) == sentence


def test_texts_that_allow_no_edit_give_nothing(kernels: ModuleType) -> None:
    keys, rows, bags = kernels.partition(np.arange(6, dtype=np.uint64), ints(0, 6), allowed(0.85, 6), 0, 1, NO_MARKS)
    assert (len(keys), len(rows), len(bags)) == (0, 0, 1)
    assert kernels.piece_pairs(keys, rows.astype(np.uint16), keys, ints(0), 8, 8)[0].shape == as_pairs([]).shape
