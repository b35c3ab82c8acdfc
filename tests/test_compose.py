"""Lines made of columns, and places in JSON strings: as the standard encoder and parser have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.kernels.arrays import COPY, COUNT, NAME, QUOTE, Part
from dedup.log import Sheet

ODD = st.sampled_from([*range(34), 92, 127]).map(lambda byte: bytes([byte]))
PIECES = st.lists(st.one_of(ODD, st.text(max_size=30).map(str.encode)), max_size=12).map(b"".join)
NOTHING = np.zeros(0, np.uint8)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def cells(*ranges: tuple[int, int]) -> np.ndarray:
    return np.array(ranges, np.int64).reshape(-1, 2)


@given(texts=st.lists(PIECES, max_size=4))
@example(texts=[bytes(range(128)), "中é😀\u2028".encode()])
@example(texts=[b"a" * 16 + b'"' + b"b" * 15 + b"\x1f" + b"c" * 40, b"", b"\n" * 5000, b"x" * 4095 + "中".encode() * 3])
def test_bytes_are_quoted_as_by_json(kernels: ModuleType, texts: list[bytes]) -> None:
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    data = np.frombuffer(b"".join(texts), np.uint8)
    part = Part(b"\n", QUOTE, np.stack([ends[:-1], ends[1:]], axis=1), data)
    expected = b"".join(b"\n" + json.dumps(text.decode(), ensure_ascii=False).encode() for text in texts)
    assert kernels.compose([part], len(texts)).tobytes() == expected


@given(numbers=st.lists(st.integers(-3, 2**63 - 1), max_size=5))
@example(numbers=[0, -1, 9, 10, 999999, 1000000, 2**63 - 1])
def test_numbers_are_written(kernels: ModuleType, numbers: list[int]) -> None:
    n = len(numbers)
    column = np.stack([np.zeros(n, np.int64), np.array(numbers, np.int64)], axis=1)
    parts = [
        Part(b"a", COUNT, column, NOTHING),
        Part(b"b", NAME, column, NOTHING),
        Part(b";", COPY, cells(*[(0, 0)] * n), NOTHING),
    ]
    expected = "".join((f'a{v}b"r{v:06d}"' if v >= 0 else "") + ";" for v in numbers)
    assert kernels.compose(parts, n).tobytes() == expected.encode()


def test_what_ends_before_it_starts_is_left_out_with_its_lead(kernels: ModuleType) -> None:
    one, two = (np.frombuffer(data, np.uint8) for data in (b"0123", b"abc"))
    parts = [
        Part(b"<", COPY, cells((0, 2), (3, 1), (4, 4)), one),
        Part(b">", QUOTE, cells((5, -1), (0, 3), (1, 1)), two),
    ]
    assert kernels.compose(parts, 3).tobytes() == b'<01>"abc"<>""'
    assert kernels.compose([], 2).tobytes() == b""
    assert kernels.compose(parts[:1] * 9, 3).tobytes() == b"<01" * 9 + b"<" * 9


@pytest.mark.parametrize("kind", [COPY, QUOTE])
@pytest.mark.parametrize("cell", [(0, 4), (-1, 2), (4, 4)])
def test_ranges_beyond_their_buffer_are_refused(kernels: ModuleType, kind: int, cell: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="range"):
        kernels.compose([Part(b"", kind, cells((0, 1), cell), np.zeros(3, np.uint8))], 2)


def test_unsound_parts_are_refused(kernels: ModuleType) -> None:
    with pytest.raises(ValueError, match="each row"):
        kernels.compose([Part(b"", COPY, cells((0, 0)), NOTHING)], 2)
    with pytest.raises(ValueError, match="kind of 0 to 3"):
        kernels.compose([Part(b"", NAME + 1, cells((0, 0)), NOTHING)], 1)


def test_a_sheet_says_what_is_no_text_otherwise() -> None:
    data = np.frombuffer(b"ok\xffno", np.uint8)
    sheet = Sheet(3)
    sheet.text(b'{"a":', data, ints(0, 0, 1), ints(2, 5, 0))
    sheet.text(b',"raw":', data, ints(0, 2, 3), ints(2, 3, 5), b',"raw_base64":')
    sheet.chosen(b',"b":', ints(7, -1, 7), lambda number: b"%d" % number)
    sheet.mark(b"}\n")
    assert sheet.lines().tobytes().decode().splitlines() == [
        '{"a":"ok","raw":"ok","b":7}', '{"a":"ok\ufffdno","raw_base64":"/w=="}', ',"raw":"no","b":7}',
    ]  # fmt: skip


def characters(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each byte or escape of the inside of a JSON string, and what it decodes to; a surrogate pair is one escape."""
    at = 0
    while at < len(raw):
        size = 1 if raw[at : at + 1] != b"\\" else 6 if raw[at + 1 : at + 2] == b"u" else 2
        pair = raw[at : at + 12]
        if size == 6 and len(pair) == 12 and pair[6:8] == b"\\u" and len(json.loads(b'"%b"' % pair)) == 1:
            size = 12
        piece = raw[at : at + size]
        meant = piece if size == 1 else json.loads(b'"%b"' % piece).encode("utf-8", "surrogatepass")
        yield piece, b"\xef\xbf\xbd" if is_half(piece) else meant
        at += size


def is_half(piece: bytes) -> bool:
    return len(piece) == 6 and "\ud800" <= json.loads(b'"%b"' % piece) < "\ue000"


ESCAPES = st.sampled_from(
    [
        rb"\n",
        rb"\"",
        rb"\\",
        rb"\/",
        rb"\u0041",
        rb"\u00e9",
        rb"\u4e2d",
        rb"\uD83D\uDE00",
        rb"\ud83d",
        rb"\uDFFF",
        rb"\uabcd",
    ]
)
INSIDES = st.lists(st.one_of(ESCAPES, st.sampled_from([b"a", b"u", "é".encode(), "中".encode()])), max_size=9)


@given(strings=st.lists(INSIDES.map(b"".join), max_size=3), lead=st.binary(max_size=3))
@example(strings=[rb"\ud83d\ud83d\ude00\ude00", b"", rb"a\n\n"], lead=b"\\")
def test_places_stand_where_the_parser_finds_them(kernels: ModuleType, strings: list[bytes], lead: bytes) -> None:
    places: list[int] = []
    expected: list[list[int]] = []
    firsts = [0]
    for string in strings:
        raw = decoded = 0
        for piece, meant in characters(string):
            ends = [decoded + len(meant), raw + len(piece)]
            for inside in range(len(meant)):
                places += [decoded + inside] * 2
                expected += [[decoded, raw, *([decoded, raw] if not inside else ends)]] * 2
            decoded, raw = ends
        places.append(decoded)
        expected.append([decoded, raw, decoded, raw])
        firsts.append(len(places))
    data = np.frombuffer(lead + b"".join(strings), np.uint8)
    bounds = len(lead) + np.cumsum([0, *map(len, strings)], dtype=np.int64)
    borders, halves = kernels.json_places(data, bounds[:-1], bounds[1:], ints(*firsts), ints(*places))
    assert borders.tolist() == expected
    assert halves.tolist() == [any(is_half(piece) for piece, _ in characters(string)) for string in strings]


@pytest.mark.parametrize(("firsts", "places", "what"), [
    ([0, 1], [4], "places"), ([0, 2], [2, 1], "places"), ([0, 1], [-1], "places"), ([0, 3], [0, 1], "offsets"), ([1, 0], [0], "offsets"),
])  # fmt: skip
def test_places_outside_are_refused(kernels: ModuleType, firsts: list[int], places: list[int], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        kernels.json_places(np.frombuffer(rb"a\nb", np.uint8), ints(0), ints(4), ints(*firsts), ints(*places))
