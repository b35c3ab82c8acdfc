"""The kernels that read rows: a slow reading, character by character, finds the same; so does the standard reader of CSV."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest
from conftest import real_texts
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.formats import delimited, open_source
from dedup.kernels import portable
from dedup.kernels.arrays import ABSENT, BARE, DOUBLED, OVERLONG, QUOTED, UNCLOSED, Rows
from dedup.model import Fields, Source

COLUMNS = (1, 0, 5, 1)
WIDE = 1 << 20


class Naive:
    """Rows as the reader's rules have them, one character at a time, of text that is all there."""

    def __init__(self, data: bytes, separator: bytes, blank: bool, limit: int) -> None:
        self.data, self.separator, self.limit = data, separator, limit
        self.rows: list[tuple[tuple[int, int], int, list[tuple[int, int, int]]]] = []
        at = 0
        while at < len(data):
            if not blank and self.line_end(at):
                at += self.line_end(at)
            else:
                values, fault, end = self.row(at)
                self.rows.append(((at, end), fault, values))
                at = end

    def line_end(self, at: int) -> int:
        """Bytes of the line end here; 0 for none."""
        return next((len(end) for end in (b"\r\n", b"\n", b"\r") if self.data.startswith(end, at)), 0)

    def first_line(self, at: int) -> int:
        while at < len(self.data) and not self.line_end(at):
            at += 1
        return at + self.line_end(at)

    def faulty(self, start: int, fault: int) -> tuple[list[tuple[int, int, int]], int, int]:
        end = self.first_line(start)
        return [], OVERLONG if end - start > self.limit else fault, end

    def row(self, start: int) -> tuple[list[tuple[int, int, int]], int, int]:
        at, values, state, kind, first = start, [], "before", BARE, start
        unended = OVERLONG if len(self.data) - start > self.limit else UNCLOSED
        while True:
            here = self.data[at : at + 1]
            if state == "before":
                quoted = here == b'"' and at - start < self.limit
                state, kind, first = ("inside", QUOTED, at + 1) if quoted else ("bare", BARE, at)
                at += quoted
            elif state == "inside":
                if not here or at - start >= self.limit:
                    return self.faulty(start, unended)
                doubled = self.data.startswith(b'""', at)
                state = "after" if here == b'"' and not doubled else state
                kind = DOUBLED if doubled else kind
                at += 2 if doubled else 1
            elif not here or here == self.separator or self.line_end(at):
                if at - start > self.limit or (here == self.separator and at - start == self.limit):
                    return self.faulty(start, OVERLONG)
                values.append((kind, first, at - (kind != BARE)))
                end = at + self.line_end(at)
                if here != self.separator:
                    return (values, 0, end) if end - start <= self.limit else self.faulty(start, OVERLONG)
                state, at = "before", at + 1
            elif state == "after":
                return self.faulty(start, at - start + 1)
            else:
                at += 1


def check(found: Rows, naive: Naive, columns: tuple[int, ...] = COLUMNS) -> None:
    n, k = len(naive.rows), len(columns)
    assert found.places.tolist() == [list(place) for place, _, _ in naive.rows]
    assert found.counts.tolist() == [len(values) for _, _, values in naive.rows]
    assert found.faults.tolist() == [fault for _, fault, _ in naive.rows]
    assert found.stop == len(naive.data)
    assert (found.kinds.dtype, found.kinds.shape, found.ranges.shape) == (np.uint8, (n, k), (n, k, 2))
    assert found.places.dtype == found.counts.dtype == found.faults.dtype == found.ranges.dtype == np.int64
    for i, (_, _, values) in enumerate(naive.rows):
        for j, column in enumerate(columns):
            value = values[column] if column < len(values) else (ABSENT, 0, 0)
            assert (int(found.kinds[i, j]), *found.ranges[i, j].tolist()) == value


def read(kernels: ModuleType, data: bytes, blank: bool = False, at_end: bool = True, limit: int = WIDE) -> Rows:
    block = np.frombuffer(data, np.uint8)
    found = kernels.delimited(block, np.array(COLUMNS, np.int64), ord(","), blank, at_end, limit)
    assert isinstance(found, Rows)
    return found


MARKS = [b'"', b'"', b'""', b",", b",", b"\n", b"\r\n", b"\r", b"a", "中".encode(), b"\xff", b" ", b"abcdefgh" * 5]
ROWS = [b'1,"two\n lines",3\n', b'"a ""b""",c\r\n', b'"never\n', b'x"y",z\n', b'"a"b,c\n', b",,\n", b"\n", b'""\r']
TEXTS = st.lists(st.sampled_from([*MARKS, *MARKS, *ROWS]), max_size=30).map(b"".join)


@given(data=TEXTS, blank=st.booleans(), limit=st.one_of(st.just(WIDE), st.integers(0, 60)))
@example(data=b'"a\n', blank=False, limit=3)
@example(data=b'"a\n"', blank=False, limit=3)
@example(data=b"ab\r\n\r", blank=True, limit=3)
@example(data=b'"ab""",\n', blank=True, limit=5)
@example(data=b'a,"b"', blank=True, limit=5)
@example(data=b"abcd,", blank=True, limit=4)
def test_rows_are_those_of_the_slow_reading(kernels: ModuleType, data: bytes, blank: bool, limit: int) -> None:
    check(read(kernels, data, blank, limit=limit), Naive(data, b",", blank, limit))


@pytest.mark.parametrize("length", [*range(20), 31, 32, 33, 64])
def test_marks_at_every_place_of_a_value(kernels: ModuleType, length: int) -> None:
    for inside in (b"a" * length, "中".encode() * length, b'""' * length):
        for mark in (b",", b"\n", b"\r", b"\r\n", b'"', b'""', b'",', b'"\r\n', b'"x'):
            for value in (inside + mark, b'"' + inside + mark + inside, b'"' + inside + mark + b'"'):
                data = b"x," + value + b",y\nlast"
                check(read(kernels, data), Naive(data, b",", False, WIDE))


@given(data=TEXTS, blank=st.booleans(), cut=st.integers(0, 200), limit=st.one_of(st.just(WIDE), st.integers(0, 60)))
@example(data=b'"a"",\r\nb', blank=False, cut=3, limit=WIDE)
@example(data=b"a\r\nb", blank=False, cut=2, limit=WIDE)
@example(data=b"a\n\r\nb", blank=False, cut=3, limit=WIDE)
def test_rows_are_the_same_wherever_the_text_is_cut(
    kernels: ModuleType, data: bytes, blank: bool, cut: int, limit: int
) -> None:
    cut = min(cut, len(data))
    whole, first = read(kernels, data, blank, limit=limit), read(kernels, data[:cut], blank, cut == len(data), limit)
    n = len(first.counts)
    rest = read(kernels, data[first.stop :], blank, limit=limit)
    assert first.stop <= cut
    for name, shift in (("places", first.stop), ("counts", 0), ("faults", 0), ("kinds", 0)):
        both = np.concatenate([getattr(first, name), getattr(rest, name) + shift])
        assert np.array_equal(both, getattr(whole, name))
    there = whole.kinds[n:] != ABSENT
    assert np.array_equal(first.ranges, whole.ranges[:n])
    assert np.array_equal(rest.ranges[there] + first.stop, whole.ranges[n:][there])


@given(
    table=st.lists(st.lists(st.text('ab",\n\r 中', max_size=5), min_size=2, max_size=6), max_size=6),
    quote=st.booleans(),
)
def test_values_are_those_of_the_standard_reader(kernels: ModuleType, table: list[list[str]], quote: bool) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL).writerows(table)
    data = out.getvalue().encode()
    found, block = read(kernels, data), np.frombuffer(data, np.uint8)
    assert not found.faults.any()
    rows = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert found.counts.tolist() == [len(row) for row in rows]
    for j, column in enumerate(COLUMNS):
        starts, ends = found.ranges[:, j, 0], found.ranges[:, j, 1]
        values, offsets = kernels.unquote(block, starts, ends, found.kinds[:, j] == DOUBLED)
        got = [values[a:b].tobytes().decode() for a, b in pairwise(offsets.tolist())]
        assert got == [row[column] if column < len(row) else "" for row in rows]


@given(data=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=8))
@example(data=b'"""a""', cuts=[0, 2, 3])
def test_any_bytes_are_unquoted(kernels: ModuleType, data: bytes, cuts: list[int]) -> None:
    places = sorted(min(cut, len(data)) for cut in [0, *cuts])
    doubled = np.arange(len(places) - 1) % 2 == 0
    values, offsets = kernels.unquote(
        np.frombuffer(data, np.uint8), np.array(places[:-1], np.int64), np.array(places[1:], np.int64), doubled
    )
    parts = [data[start:end] for start, end in pairwise(places)]
    parts = [part.replace(b'""', b'"') if single else part for part, single in zip(parts, doubled, strict=True)]
    assert [values[a:b].tobytes() for a, b in pairwise(offsets.tolist())] == parts


def test_what_is_out_of_range_is_refused(kernels: ModuleType) -> None:
    text, two = np.zeros(3, np.uint8), np.array([0, 2], np.int64)
    with pytest.raises(ValueError, match="limit must be at least 0"):
        read(kernels, b"a", limit=-1)
    for starts, ends in ((two, two + 2), (two, two - 1), (two, two[:1])):
        with pytest.raises(ValueError, match=r"text range|same length"):
            kernels.unquote(text, starts, ends, np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="buffer"):
        kernels.unquote(text, two, two, np.zeros(1, np.uint8))


# --- the reader, block by block


def all_read(path: Path, batch_bytes: int) -> object:
    reader = open_source(Source(0, str(path), path.name, "csv"), Fields(), batch_bytes)
    batches = list(reader.read())
    rows = [
        row
        for batch in batches
        for row in zip(batch.records.tolist(), batch.positions.tolist(), batch.text, batch.bounds.tolist(), strict=True)
    ]
    meta = [(name, value) for batch in batches for name, column in batch.meta.items() for value in column]
    bad = [record for batch in batches for record in batch.bad]
    return reader.fields, rows, sorted(meta), bad, sum(batch.consumed for batch in batches)


@given(data=TEXTS, size=st.integers(1, 40), limit=st.one_of(st.just(WIDE), st.integers(12, 60)))
@example(data=b"x" * 30 + b"\r\n1,2\n", size=1, limit=12)
@example(data=b"x" * 12 + b"\r\n1,2\n", size=1, limit=12)
@example(data=b"x" * 12 + b"\r1,2\n", size=13, limit=12)
def test_blocks_change_nothing(tmp_path_factory: pytest.TempPathFactory, data: bytes, size: int, limit: int) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    path.write_bytes(b"id,text\n" + data)
    with mock.patch.object(delimited, "MAX_RECORD_BYTES", limit):
        whole = all_read(path, WIDE)
        assert all_read(path, size) == whole
        with mock.patch.object(delimited.kernels, "delimited", portable.delimited):
            assert all_read(path, size) == whole


def test_real_texts_come_back(tmp_path: Path, kernels: ModuleType) -> None:
    texts = [path.read_bytes().decode() for path in sorted(real_texts("articles").glob("*.txt"))]
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["n", "text"], *((i, text) for i, text in enumerate(texts))])
    with (
        mock.patch.object(delimited.kernels, "delimited", kernels.delimited),
        mock.patch.object(delimited.kernels, "unquote", kernels.unquote),
    ):
        reader = open_source(Source(0, str(path), path.name, "csv"), Fields(), 1 << 12)
        assert [text.decode() for batch in reader.read() for text in batch.text] == texts
