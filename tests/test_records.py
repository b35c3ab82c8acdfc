"""The kernels that read records: what they are sure of is what the standard parser reads, and the reader is the same without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import pytest
from conftest import real_texts
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.formats import jsonl, open_source
from dedup.formats.sample import kinds_of
from dedup.kernels import portable
from dedup.kernels.arrays import ABSENT, ESCAPED, NULL, NUMBER, OTHER, STRING
from dedup.model import Fields, Source, Strings

NAMES = ("text", "id", "文", "")


class Pairs(list[Any]):
    """The members of an object, repeated keys and all."""


def refuse(name: str) -> None:
    raise ValueError(name)


def depth(value: object) -> int:
    if isinstance(value, Pairs):
        return 1 + max((depth(item) for _, item in value), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def expected(line: bytes) -> Pairs | None:
    """The members of a line that a kernel must be sure of."""
    try:
        found = json.loads(
            line.decode(), object_pairs_hook=Pairs, parse_constant=refuse, parse_int=str, parse_float=str
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, Pairs) or depth(found) > 64:
        return None
    names = [name for name, _ in found]
    halves = any("\ud800" <= c < "\ue000" for name in names for c in name)
    return None if halves or any(names.count(name) > 1 for name in NAMES) else found


def plain(text: str) -> bytes:
    return "".join("\ufffd" if "\ud800" <= c < "\ue000" else c for c in text).encode()


def check_records(kernels: ModuleType, block: bytes, names: Sequence[str] = NAMES) -> None:
    data = np.frombuffer(block, np.uint8)
    wanted = Strings.of([name.encode() for name in names])
    lines, members, kinds, ranges = kernels.records(data, wanted.values, wanted.offsets)
    assert (lines.dtype, members.dtype, kinds.dtype, ranges.dtype) == (np.int64, np.int64, np.uint8, np.int64)
    assert (kinds.shape, ranges.shape) == ((len(lines), len(names)), (len(lines), len(names), 2))
    whole = [line for line in block.split(b"\n") if line.strip(b" \t\r")]
    assert [block[start:end].removesuffix(b"\n") for start, end in lines.tolist()] == whole
    for i, line in enumerate(whole):
        found = expected(line)
        if found is None or members[i] < 0:
            escaped = "\ufffd" in "".join(name for name, _ in found or ()) and b"\\" in line
            assert (found is None) == (members[i] < 0) or escaped
            assert not kinds[i].any()
            assert not ranges[i].any()
            continue
        assert members[i] == len(found)
        for j, name in enumerate(names):
            start, end = ranges[i, j].tolist()
            assert not start or lines[i, 0] < start <= end < lines[i, 1]
            check_value(kernels, data, dict(found).get(name, ...), int(kinds[i, j]), start, end)


def check_value(kernels: ModuleType, data: np.ndarray, value: Any, kind: int, start: int, end: int) -> None:
    raw = data[start:end].tobytes()
    if value is ...:
        assert (kind, start, end) == (ABSENT, 0, 0)
    elif value is None:
        assert (kind, raw) == (NULL, b"null")
    elif kind == NUMBER:
        assert raw == value.encode()
    elif isinstance(value, str):
        assert kind == (ESCAPED if b"\\" in raw else STRING)
        assert data[start - 1 : end + 1].tobytes() == b'"' + raw + b'"'
        decoded, offsets = kernels.unescape(data, np.array([start]), np.array([end]), np.array([kind == ESCAPED]))
        assert (decoded.tobytes(), offsets.tolist()) == (plain(value), [0, len(plain(value))])
    else:
        assert kind == OTHER
        assert json.loads(raw, object_pairs_hook=Pairs, parse_int=str, parse_float=str) == value


NUMBERS = st.sampled_from([b"0", b"-0.0", b"1e5", b"1E+05", b"12345678901234567890", b"-1.25e-3", b"9" * 70])
ODD_NUMBERS = st.sampled_from(
    [b"01", b"+1", b"1.", b".5", b"-", b"1e", b"NaN", b"-Infinity", b"0x1", b"1 2", "１".encode()]
)
STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
        lambda s: json.dumps(s, ensure_ascii=False).encode()
    ),
    st.text(max_size=12).map(lambda s: json.dumps(s).encode()),
    st.sampled_from(
        [
            rb'"\ud83d\ude00"',
            rb'"\ud83d\u0041"',
            rb'"\uDE00\uD83D"',
            rb'"\/\b\f\n\r\t\"\\"',
            b'"\x7f"',
            b'"' + b"a" * 40 + b'"',
            rb'"\x"',
            rb'"\u12g4"',
            rb'"\u12"',
            b'"\x01"',
            b'"\xff"',
            b'"\xe4\xb8"',
            b'"\xed\xa0\x80"',
            b'"\xc0\x80"',
            b'"\xf5\x80\x80\x80"',
            '"中文，。ａ"'.encode(),
            '"é中\U0001f600𠀀ab"'.encode(),
            b'"' + "中".encode() * 30 + b'"',
        ]
    ),
)
KEYS = st.one_of(
    st.sampled_from([b'"text"', b'"id"', '"文"'.encode(), rb'"te\u0078t"', rb'"\u6587"', b'""', b'"x"']), STRINGS
)
WHITE = st.sampled_from([b"", b"", b" ", b"\t", b"\r", b"  "])


def containers(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    lists = st.lists(values, max_size=3).map(lambda items: b"[" + b",".join(items) + b"]")
    return lists | objects(values)


def objects(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    member = st.tuples(WHITE, KEYS, WHITE, values, WHITE).map(lambda m: m[0] + m[1] + m[2] + b":" + m[4] + m[3] + m[0])
    return st.lists(member, max_size=4).map(lambda items: b"{" + b",".join(items) + b"}")


SCALARS = st.one_of(STRINGS, NUMBERS, st.sampled_from([b"null", b"true", b"false"]), STRINGS)
VALUES = st.recursive(SCALARS, containers, max_leaves=6)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """An object, mostly sound; else with a few bytes of it changed, or odd by itself."""
    line: bytes = draw(objects(VALUES) | objects(VALUES | ODD_NUMBERS))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(line)))
        other = draw(
            st.sampled_from(
                [
                    b"",
                    b'"',
                    b"\\",
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b":",
                    b"\x00",
                    b"\xff",
                    b"\xe4",
                    b"0",
                    b"e",
                    b" ",
                    b"\xef\xbb\xbf",
                ]
            )
        )
        line = line[:at] + other + line[at + draw(st.integers(0, 2)) :]
    return draw(WHITE) + line + draw(WHITE)


BLOCKS = st.lists(
    st.one_of(lines(), lines(), st.sampled_from([b"", b" \r", b"[]", b'"text"', b"null"])), max_size=6
).map(b"\n".join)


@given(block=BLOCKS)
@example(block=b'{"text": "' + "中文".encode() * 9 + b'\\n"}\n\n{"text":"\xe4\xb8"}\r\n{"text": "a"')
@example(block=b'{"text": "a", "d": ' + b"[" * 63 + b"]" * 63 + b"}\n" + b'{"d": ' + b"[" * 64 + b"]" * 64 + b"}")
@example(block=b'{"d": ' + b'{"a":' * 62 + b"[1]" + b"}" * 62 + b"}\n" + b'{"d": ' + b'{"a":[' * 40 + b"]}" * 40 + b"}")
@example(block=b'{"text": "x", "\\ud800": 1}\n{"text": 1, "text": 2}\n{"x": 1, "x": 2}')
@example(block=b'{"id": -0, "text": -1.50E-07}\n{"id": 00}\n{"id": 1.}\n{"id": -}\n{"id": 1e+}\n{"id": 1}x')
def test_sure_lines_are_what_the_standard_parser_reads(kernels: ModuleType, block: bytes) -> None:
    check_records(kernels, block)
    check_records(kernels, block + b"\n")


@pytest.mark.parametrize("length", [*range(40), 63, 64, 65, 300])
def test_marks_at_every_place_of_a_string(kernels: ModuleType, length: int) -> None:
    for inside in (
        b"a" * length,
        "é".encode() * length,
        "中".encode() * length,
        "😀".encode() * length,
        b"\\n" * length,
    ):
        for mark in (
            b"",
            b"\\n",
            b"\\u4e2d",
            b"\x1f",
            b"\xe4",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
        ):
            check_records(kernels, b'{"id": "' + mark + inside + b'", "text": "' + inside + mark + inside + b'"}')


@given(data=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=8))
@example(data=b"\\ud83d\\ude00\\ud83d\\u12\\x\\\\", cuts=[0, 6, 12, 30])
@example(data="中a中中é😀\ud7ff\ue000".encode() + b"\xed\x9f\xbf\xed\xa0\x80", cuts=[0, 9, 33])
def test_any_bytes_are_decoded_and_checked(kernels: ModuleType, data: bytes, cuts: list[int]) -> None:
    places = sorted(min(cut, len(data)) for cut in [0, *cuts])
    starts, ends = np.array(places[:-1], np.int64), np.array(places[1:], np.int64)
    text = np.frombuffer(data, np.uint8)
    escaped = np.arange(len(starts)) % 2 == 0
    values, offsets = kernels.unescape(text, starts, ends, escaped)
    valid = kernels.valid_utf8(text, starts, ends)
    for i, (start, end) in enumerate(pairwise(places)):
        part = data[start:end]
        assert bool(valid[i]) == (part.decode("utf-8", "ignore").encode() == part)
        got = values[offsets[i] : offsets[i + 1]].tobytes()
        if not escaped[i]:
            assert got == part
        elif b'"' not in part and min(part, default=32) >= 32 and valid[i]:
            try:
                assert got == plain(json.loads(b'"' + part + b'"'))
            except ValueError:
                assert len(got) <= len(part)


@pytest.mark.parametrize(
    ("names", "offsets"), [(b"", []), (b"a", [0, 2]), (b"ab", [0, 2, 1]), (b"a", [-1, 1]), (b"", [1])]
)
def test_names_out_of_range_are_refused(kernels: ModuleType, names: bytes, offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets must not"):
        kernels.records(np.zeros(0, np.uint8), np.frombuffer(names, np.uint8), np.array(offsets, np.int64))


def test_ranges_out_of_the_text_are_refused(kernels: ModuleType) -> None:
    text, two, one = np.zeros(3, np.uint8), np.array([0, 2], np.int64), np.array([1], np.int64)
    for starts, ends in ((two, two + 2), (two, two - 1), (two - 1, two), (two, one)):
        with pytest.raises(ValueError, match=r"text range|same length"):
            kernels.unescape(text, starts, ends, np.zeros(2, np.uint8))
        with pytest.raises(ValueError, match=r"text range|same length"):
            kernels.valid_utf8(text, starts, ends)
    with pytest.raises(ValueError, match="buffer"):
        kernels.unescape(text, two, two, np.zeros(1, np.uint8))


# --- the reader, with the kernel and with the standard parser alone

FIELDS = [Fields(), Fields(("text",), "id"), Fields(("文", "text"), "id", "text")]


def unsure(text: np.ndarray, names: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, ...]:
    """As `records` is, but sure of nothing."""
    found, members, kinds, ranges = records(text, names, offsets)
    return found, np.full_like(members, -1), np.zeros_like(kinds), np.zeros_like(ranges)


records = jsonl.kernels.records


def all_read(path: Path, fields: Fields) -> object:
    try:
        reader = open_source(Source(0, str(path), path.name, "jsonl"), fields, 1 << 20)
        batches = list(reader.read())
    except Exception as error:
        return str(error)
    rows = [
        (record, place, text, bounds)
        for batch in batches
        for record, place, text, bounds in zip(
            batch.records.tolist(), batch.positions.tolist(), batch.text, batch.bounds.tolist(), strict=True
        )
    ]
    meta = [(name, value) for batch in batches for name, column in batch.meta.items() for value in column]
    return (
        reader.fields,
        rows,
        meta,
        [bad for batch in batches for bad in batch.bad],
        sum(batch.consumed for batch in batches),
    )


def check_reader(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for fields in FIELDS:
        fast = all_read(path, fields)
        with mock.patch.object(jsonl.kernels, "records", unsure):
            assert all_read(path, fields) == fast


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@given(block=BLOCKS)
@example(
    block=b'{"id": 1, "text": null}\n{"text": "a\\ud800", "id": "\\n"}\n{"text": 7}\n{"text": [1], "\\u6587": "b"}\n{}'
)
def test_the_reader_is_the_same_without_the_kernel(folder: Path, block: bytes) -> None:
    check_reader(folder / "a.jsonl", block)


def test_real_files_are_the_same_without_the_kernel(folder: Path, kernels: ModuleType) -> None:
    for path in sorted(real_texts("data", "formats").iterdir()):
        data = path.read_bytes()[: 1 << 18]
        check_reader(folder / "b.jsonl", data)
        names = Strings.of([b"text", b"id", b"url", b"metadata"])
        block = np.frombuffer(data[: 1 << 16], np.uint8)
        both = [module.records(block, names.values, names.offsets) for module in (kernels, portable)]
        assert all(np.array_equal(one, two) for one, two in zip(*both, strict=True))


@given(block=BLOCKS, most=st.integers(1, 6))
def test_fields_are_those_of_the_standard_parser(block: bytes, most: int) -> None:
    seen: dict[str, set[str]] = {}
    kinds = {
        type(None): "null",
        bool: "true or false",
        Pairs: "object",
        list: "list",
        str: "string",
        float: "number",
        int: "number",
    }
    for line in [line for line in block.split(b"\n") if line.strip()][:most]:
        try:
            found = json.loads(line.decode("utf-8", "surrogateescape"), object_pairs_hook=Pairs)
        except ValueError:
            continue
        for name, value in dict(found).items() if isinstance(found, Pairs) else ():
            seen.setdefault(name, set()).add(kinds[type(value)])
    told = kinds_of(np.frombuffer(block, np.uint8), most)
    assert list(told) == list(seen)
    for name, kind in told.items():
        wanted = {"string"} if "string" in seen[name] else seen[name] - {"null"} or {"null"}
        assert kind in wanted
