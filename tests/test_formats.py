"""The readers of text formats: what they read, what they refuse, and that every cut is exact and can be undone."""

from __future__ import annotations

import csv
import io
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.backends.beside import Ahead
from dedup.errors import FormatError, InputChangedError, UsageError
from dedup.formats import SourceReader, delimited, format_of, jsonl, open_source
from dedup.formats import text as plain_text
from dedup.formats.compression import open_compressed, open_decompressed
from dedup.formats.splice import Splicer, paste
from dedup.model import BadRecord, Documents, Fields, Source

Write = Callable[..., SourceReader]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write bytes to a file of this name and open it."""

    def opened(name: str, data: bytes, fields: Fields = Fields(), batch_bytes: int = 1 << 20) -> SourceReader:  # noqa: B008
        path = tmp_path / name
        path.write_bytes(data)
        kind, compression = format_of(name)
        assert kind is not None
        return open_source(Source(0, str(path), name, kind, compression), fields, batch_bytes)

    return opened


def documents(reader: SourceReader) -> list[tuple[int, tuple[int, int], bytes]]:
    """All documents as (record, position, text), whatever the batches, and whether they are made ahead."""
    found = read(reader)
    assert read(reader, Ahead(2)) == found
    return found


def read(reader: SourceReader, ahead: Ahead | None = None) -> list[tuple[int, tuple[int, int], bytes]]:
    """All documents."""
    found = []
    for batch in reader.read(ahead):
        assert batch.positions.shape == (len(batch), 2)
        assert batch.bounds.shape == (len(batch), len(reader.fields.text), 2)
        found += [
            (record, tuple(position), text)
            for record, position, text in zip(batch.records.tolist(), batch.positions.tolist(), batch.text, strict=True)
        ]
    return found


def texts(reader: SourceReader) -> list[bytes]:
    """All texts in record order."""
    return [text for _, _, text in documents(reader)]


def bad(reader: SourceReader) -> list[BadRecord]:
    """All bad records in record order."""
    found = [record for batch in reader.read() for record in batch.bad]
    assert [record for batch in reader.read(Ahead(2)) for record in batch.bad] == found
    return found


def without(data: bytes, ranges: Sequence[tuple[int, int]]) -> bytes:
    """The data without the ranges, the slow way."""
    gone = {i for start, end in ranges for i in range(start, end)}
    return bytes(byte for i, byte in enumerate(data) if i not in gone)


# --- plain text


def test_text_file_is_one_record(write: Write) -> None:
    data = "\ufeff第一行\r\n第二行".encode()
    (batch,) = write("a.txt", data).read()
    assert list(batch.text) == [data]
    assert batch.positions.tolist() == [[0, len(data)]]
    assert batch.bounds.tolist() == [[[0, len(data)]]]
    assert batch.consumed == len(data)
    assert not batch.markdown


def test_empty_text_file_is_an_empty_document(write: Write) -> None:
    assert documents(write("a.md", b"")) == [(0, (0, 0), b"")]
    assert next(iter(write("a.md", b"x").read())).markdown


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_wide_encodings_are_one_bad_record(write: Write, encoding: str, name: str) -> None:
    data = '\ufeff{"text": 1}\nmore'.encode(encoding) if encoding[-1] == "e" else '{"text": 1}\nmore'.encode(encoding)
    reader = write(name, data)
    assert documents(reader) == []
    reason = f"{encoding[:6].upper()} text; convert it to UTF-8 first, for example with iconv"
    assert bad(reader) == [BadRecord(0, 0, 0, len(data), reason)]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_packed_data_under_a_plain_name_is_one_bad_record(write: Write, compression: str, name: str) -> None:
    data = pack(b'{"text": "a"}\n' * 1000, compression)
    reader = write(name, data)
    assert documents(reader) == []
    (record,) = bad(reader)
    assert (record.offset, record.length) == (0, len(data))
    assert record.reason.startswith(f"{compression} data under a name that does not say so; unpack it, or let the name")


# --- JSON Lines

ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", "/": "\\/"}


@st.composite
def json_strings(draw: st.DrawFn) -> bytes:
    """The inside of a JSON string with every sort of escape, lone surrogates and bytes that are not UTF-8."""
    escape = st.sampled_from([value.encode() for value in ESCAPED.values()])
    plain = st.text(st.characters(min_codepoint=32, exclude_characters='"\\', exclude_categories=["Cs"]), max_size=4)
    unit = st.one_of(
        plain.map(str.encode),
        escape,
        st.integers(0, 0xFFFF).map(lambda code: b"\\u%04x" % code),
        st.integers(0xD7F0, 0xE010).map(lambda code: b"\\u%04X" % code),
        st.integers(0x10000, 0x10FFFF).map(lambda code: json.dumps(chr(code))[1:-1].encode()),
        st.sampled_from([b"\xff", b"\xe4\xb8", b"\xed\xa0\x80", b"\xc0\xaf", b"\x80", b"\x7f", b"'"]),
    )
    return b"".join(draw(st.lists(unit, max_size=12)))


def borders(text: bytes) -> list[int]:
    """Places between the characters of a text; every byte that is not UTF-8 counts as a character."""
    decoded = text.decode("utf-8", "surrogateescape")
    sizes = [len(character.encode("utf-8", "surrogateescape")) for character in decoded]
    return np.cumsum([0, *sizes]).tolist()


@st.composite
def spans_of(draw: st.DrawFn, fields: Sequence[bytes]) -> list[tuple[int, int, int]]:
    """Sorted disjoint spans between characters, some of them touching."""
    spans = []
    for field, text in enumerate(fields):
        at = sorted(draw(st.lists(st.sampled_from(borders(text)), max_size=8)))
        touching = itertools.pairwise(at)
        pairs = touching if draw(st.booleans()) else zip(at[::2], at[1::2], strict=False)
        spans += [(field, start, end) for start, end in pairs]
    return spans


def minus(fields: Sequence[bytes], spans: Sequence[tuple[int, int, int]]) -> list[bytes]:
    """The fields without the spans."""
    return [without(text, [span[1:] for span in spans if span[0] == field]) for field, text in enumerate(fields)]


def decoded_fields(reader: SourceReader, batch: Documents) -> list[bytes]:
    """The text fields of the only document of a batch."""
    return [batch.text[0][start:end] for start, end in batch.bounds[0].tolist()]


def cut(data: bytes, ranges: Sequence[tuple[int, int]], out: io.BytesIO) -> list[bytes]:
    """Copy all but the ranges, and give the bytes of each."""
    splicer = Splicer(io.BytesIO(data), out)
    pieces = [splicer.take(start, end - start) for start, end in ranges]
    splicer.finish()
    return pieces


def check_many(reader: SourceReader, raw: bytes, spans: list[tuple[int, int, int]]) -> None:
    """Many records at once: the same spans in a record twice, and in one between that nothing is cut of."""
    settled, ranges = reader.settle(raw, spans), reader.locate(raw, spans)
    ended = raw if raw.endswith((b"\n", b"\r")) else raw + b"\n"
    starts = np.arange(3) * len(ended)
    block = np.frombuffer(ended * 3, np.uint8)
    owner = np.repeat(np.array([0, 2]), len(spans))
    found = reader.ranges(
        block, np.stack([starts, starts + len(ended)], axis=1), owner, np.array(spans * 2, np.int64).reshape(-1, 3)
    )
    assert found[0].tolist() == [list(span[1:]) for span in settled] * 2
    moved = [[[start + base, end + base] for start, end in ranges] for base in (0, int(starts[2]))]
    assert found[1].tolist() == moved[0] + moved[1]


def cut_and_check(
    reader: SourceReader, reread: Callable[[bytes], list[bytes]], raw: bytes, spans: list[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """Cut the settled spans out of a record, read what is left, and put everything back."""
    fields = reread(raw)
    settled = reader.settle(raw, spans)
    for (field, start, end), (same, begin, stop) in zip(spans, settled, strict=True):
        assert field == same
        assert start <= begin <= stop <= end
    ranges = reader.locate(raw, spans)
    assert ranges == reader.locate(raw, settled)
    check_many(reader, raw, spans)
    out = io.BytesIO()
    pieces = list(zip([start for start, _ in ranges], cut(raw, ranges, out), strict=True))
    assert out.getvalue() == without(raw, ranges)
    assert reread(out.getvalue()) == minus(fields, settled)
    back = io.BytesIO()
    paste(io.BytesIO(out.getvalue()), pieces, back)
    assert back.getvalue() == raw
    return settled


def opened(path: Path, data: bytes, fields: Fields = Fields(("text",))) -> SourceReader:  # noqa: B008
    """Write the data to the path and open it."""
    path.write_bytes(data)
    kind, compression = format_of(path.name)
    return open_source(Source(0, str(path), path.name, str(kind), compression), fields, 1 << 20)


def reread_at(path: Path, before: bytes, fields: Fields) -> Callable[[bytes], list[bytes]]:
    """A function that reads the text fields of one raw record."""

    def reread(raw: bytes) -> list[bytes]:
        reader = opened(path, before + raw, fields)
        (batch,) = reader.read()
        assert not batch.bad
        assert len(batch) == 1
        return decoded_fields(reader, batch)

    return reread


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


@given(data=st.data(), title=json_strings(), body=json_strings())
def test_jsonl_cuts_are_exact_and_undone(folder: Path, data: st.DataObject, title: bytes, body: bytes) -> None:
    start = b'{"n": [1, {"text": "]}"}], "t\\u0069tle" : "'
    raw = start + title + b'", "text":"no", "x": 1e400,"text":"' + body + b'"}\r\n'
    fields = Fields(("title", "text"))
    reread = reread_at(folder / "a.jsonl", b"", fields)
    reader = opened(folder / "a.jsonl", raw, fields)
    spans = data.draw(spans_of(reread(raw)))
    settled = cut_and_check(reader, reread, raw, spans)
    if b"\\ud" not in (title + body).lower():
        assert settled == spans


@given(inside=json_strings())
def test_jsonl_text_is_what_the_standard_parser_reads(folder: Path, inside: bytes) -> None:
    (text,) = reread_at(folder / "b.jsonl", b"", Fields(("text",)))(b'{"text": "' + inside + b'"}')
    try:
        expected = json.loads('"' + inside.decode() + '"')
    except UnicodeDecodeError:
        return
    assert text.decode() == "".join("\ufffd" if "\ud800" <= c < "\ue000" else c for c in expected)


@pytest.mark.parametrize(
    ("raw", "span", "settled", "left"),
    [
        (rb"\ud83dab\ude00", (3, 5), (3, 4), "�b�"),
        (rb"\ud83da\ude01\ude00", (3, 7), (3, 3), "�a��"),
        (rb"\ud83d\u4e2d\ude00", (3, 6), (3, 3), "�中�"),
        (rb"\ud83dab", (3, 5), (3, 5), "�"),
        (rb"\ud83d\ude00!", (0, 4), (0, 4), "!"),
        (rb"\ud83d\ude00!", (1, 3), (4, 4), "😀!"),
        (rb"x\u4e2dy", (2, 5), (4, 5), "x中"),
    ],
)
def test_escapes_are_never_split_nor_joined(
    write: Write, raw: bytes, span: tuple[int, int], settled: tuple[int, int], left: str
) -> None:
    record = b'{"text": "' + raw + b'"}'
    reader = write("a.jsonl", record)
    assert reader.settle(record, [(0, *span)]) == [(0, *settled)]
    ((start, end),) = reader.locate(record, [(0, *span)])
    check_many(reader, record, [(0, *span)])
    assert texts(write("a.jsonl", record[:start] + record[end:])) == [left.encode()]


def test_touching_cuts_between_lone_halves_leave_a_character(write: Write) -> None:
    record = rb'{"text": "\ud83dabcd\ude00"}'
    reader = write("a.jsonl", record)
    assert reader.settle(record, [(0, 3, 5), (0, 5, 7), (0, 7, 7)]) == [(0, 3, 5), (0, 5, 6), (0, 7, 7)]


@pytest.mark.parametrize(
    "spans", [[(0, 0, 9)], [(1, 0, 0)], [(0, 2, 1)], [(0, 1, 3), (0, 2, 4)], [(0, 2, 3), (0, 0, 1)]]
)
@pytest.mark.parametrize(
    ("name", "data"), [("a.txt", b"abcd"), ("a.jsonl", b'{"text":"abcd"}'), ("a.csv", b"text\nabcd")]
)
def test_spans_that_make_no_sense_are_refused(
    write: Write, name: str, data: bytes, spans: list[tuple[int, int, int]]
) -> None:
    reader = write(name, data)
    with pytest.raises(ValueError, match="span"):
        reader.locate(data.removeprefix(b"text\n"), spans)


GOOD_LINES = {
    b'{"text": "a"}': b"a",
    b'{"text": null}': b"",
    b'{"id": 1}': b"",
    b'{"text": "a", "text": "b"}': b"b",
    b'{"text": 1, "text": "b"}': b"b",
    b'{"te\\u0078t": "b"}': b"b",
    b'{"text": "a", "n": NaN, "m": -Infinity, "x": 1e400, "i": 123456789012345678901234567890, "z": -0.0}': b"a",
    b'{"text": "a", "n": ' + b"9" * 5000 + b"}": b"a",
    b' \t{"text": "a"} \r': b"a",
    b'{"text": "\\u0000\x7f"}': b"\0\x7f",
    b'{"text": "\xff\\u00ff\\n"}': b"\xff\xc3\xbf\n",
    b'{"\xff": 1, "text": "a\\ud800"}': b"a\xef\xbf\xbd",
    b'{"text": "\xed\xa0\xb5"}': b"\xed\xa0\xb5",
    b'{"text": "\xe2\x80\xa8\xc2\x85"}': b"\xe2\x80\xa8\xc2\x85",
    b'{"text": "a", "deep": ' + b"[" * 399 + b"]" * 399 + b"}": b"a",
    b'{"text": "' + b"[{" * 500 + b'"}': b"[{" * 500,
}


def test_jsonl_lines_that_are_documents(write: Write) -> None:
    data = b"\n".join(GOOD_LINES)
    assert texts(write("a.jsonl", data)) == list(GOOD_LINES.values())
    assert bad(write("a.jsonl", data)) == []


BAD_LINES = {
    b'{"text": "a"': "not valid JSON: Expecting ',' delimiter at byte 13 of the line",
    b'{"text": "\xe4\xb8\xad\x01"}': "not valid JSON: Invalid control character at byte 14 of the line",
    b'{"text": "a"} {"text": "b"}': "not valid JSON: Extra data at byte 15 of the line",
    b'// {"text": "a"}': "not valid JSON: Expecting value at byte 1 of the line",
    b'{"text": "\xff"': "not valid JSON: Expecting ',' delimiter at byte 13 of the line",
    b'{"text": "\\x"}': "not valid JSON: Invalid \\escape at byte 11 of the line",
    b"[1]": "a list, not a JSON object",
    b'"text"': "a string, not a JSON object",
    b"null": "null, not a JSON object",
    b"12": "a number, not a JSON object",
    b'{"text": 1}': "the text field 'text' is a number, not a string",
    b'{"text": NaN}': "the text field 'text' is a number, not a string",
    b'{"text": true}': "the text field 'text' is true or false, not a string",
    b'{"text": ["a"]}': "the text field 'text' is a list, not a string",
    b'{"text": "a", "text": {}}': "the text field 'text' is an object, not a string",
    b'{"text": 7, "x": "\xff"}': "the text field 'text' is a number, not a string",
    b'{"text": "a", "deep": ' + b"[" * 400 + b"]" * 400 + b"}": "nested deeper than 400 levels",
    b"[" * 100_000: "nested deeper than 400 levels",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: repr(line[:20]))
def test_a_bad_line_changes_no_other(write: Write, line: bytes) -> None:
    good = [b'{"text": "%d"}' % i for i in range(3)]
    plain = texts(write("a.jsonl", b"\n".join(good)))
    for place in range(4):
        lines = [*good[:place], line, *good[place:]]
        reader = write("a.jsonl", b"\n".join(lines))
        assert texts(reader) == plain
        offset = sum(len(before) + 1 for before in lines[:place])
        length = len(line) + (place < 3)
        assert bad(reader) == [BadRecord(0, place, offset, length, BAD_LINES[line])]


def test_jsonl_positions_are_the_lines(write: Write) -> None:
    data = '\ufeff\n{"text": "a"}\r\n  \r\n\t\n{"text": "中"}\n[]\n{"text": "c"}'.encode()
    reader = write("a.jsonl", data)
    found = documents(reader)
    assert [record for record, _, _ in found] == [0, 1, 3]
    assert [data[at : at + n] for _, (at, n), _ in found] == [
        b'{"text": "a"}\r\n', '{"text": "中"}\n'.encode(), b'{"text": "c"}'
    ]  # fmt: skip
    assert [(item.record, data[item.offset : item.offset + item.length]) for item in bad(reader)] == [(2, b"[]\n")]


def test_jsonl_other_fields(write: Write) -> None:
    lines = [
        '{"text": "a", "ID": 7, "link": "http://x/\\ud800", "domain": true, "published": 1e3, "outlet": null}',
        '{"text": "a", "link": ["u"], "published": "2024"}',
    ]
    reader = write("a.jsonl", "\n".join(lines).encode() + b'\n{"text": "\xff", "ID": 010, "link": "\xfe"}')
    assert reader.fields == Fields(("text",), "ID", "link", "domain", "published", "outlet")
    (batch,) = reader.read()
    assert {name: list(column) for name, column in batch.meta.items()} == {
        "id": [b"7", b""],
        "url": [b"http://x/\xef\xbf\xbd", b""],
        "host": [b"", b""],
        "date": [b"1e3", b"2024"],
        "source": [b"", b""],
    }
    assert len(batch.bad) == 1  # 010 is no JSON number
    (batch,) = write("a.jsonl", b'{"text": "\xff", "id": 10, "url": "\xfe\\u4e2d", "date": false}').read()
    assert {name: list(column) for name, column in batch.meta.items()} == {
        "id": [b"10"], "url": [b"\xfe\xe4\xb8\xad"], "date": [b""]
    }  # fmt: skip


def test_several_text_fields_are_joined(write: Write) -> None:
    data = b'{"title": "T", "body": "B"}\n{"body": "only"}\n'
    reader = write("a.jsonl", data, Fields(("title", "body")))
    (batch,) = reader.read()
    assert list(batch.text) == [b"T\n\nB", b"\n\nonly"]
    assert batch.bounds.tolist() == [[[0, 1], [3, 4]], [[0, 0], [2, 6]]]
    assert reader.locate(data[28:], [(0, 0, 0), (1, 0, 4)]) == [(0, 0), (10, 14)]


def test_overlong_records_are_bad_and_not_held(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (jsonl, delimited, plain_text):
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", 1 << 20)
    long = b'{"text": "' + b"a" * (1 << 20) + b'"}\n'
    reader = write("a.jsonl", b'{"text": "a"}\n' + long + b'{"text": "b"}')
    assert texts(reader) == [b"a", b"b"]
    assert bad(reader) == [BadRecord(0, 1, 14, len(long), "longer than 1 MiB")]
    assert bad(write("a.jsonl", b'{"text": "a"}\n' + long[:-1]))[0].length == len(long) - 1
    long = b"a" * (3 << 20) + b"\n"
    for row, n in ((long, len(long)), (b'"' + long + b'"\n', len(long) + 1)):
        reader = write("a.csv", b"text,n\na,1\n" + row + b"b,2\n")
        assert texts(reader) == [b"a", b"b"]
        assert bad(reader)[0] == BadRecord(0, 1, 11, n, "longer than 1 MiB")
    assert bad(write("a.txt", long)) == [BadRecord(0, 0, 0, len(long), "longer than 1 MiB; split the file")]


@pytest.mark.parametrize("batch_bytes", [1, 100, 1000, 1 << 20])
def test_batches_are_only_groups(write: Write, batch_bytes: int) -> None:
    lines = [json.dumps({"text": "x" * (i % 50), "id": i}) if i % 7 else "?" for i in range(200)]
    data = "\n".join(lines).encode()
    reader = write("a.jsonl", data, Fields(), batch_bytes)
    batches = list(reader.read())
    assert documents(reader) == documents(write("a.jsonl", data))
    assert bad(reader) == bad(write("a.jsonl", data))
    assert sum(batch.consumed for batch in batches) == len(data)
    assert (len(batches) > 1) == (batch_bytes < 1 << 20)
    assert all(len(batch.text.values) <= batch_bytes + 50 for batch in batches)
    assert [value for batch in batches for value in batch.meta["id"]] == [b"%d" % i for i in range(200) if i % 7]


# --- finding the fields


def test_given_field_that_no_record_has_is_refused(write: Write, tmp_path: Path) -> None:
    data = b'{"n": 1, "long": "abcdef", "short": "ab"}\n{"short": "abcd", "o": {}}\n'
    with pytest.raises(UsageError) as error:
        write("a.jsonl", data, Fields(("body",)))
    assert str(error.value) == (
        f"{tmp_path / 'a.jsonl'}: no record has the field 'body' that --text-field names. It has long (string, 6 bytes "
        "on average), short (string, 3 bytes on average), n (number), o (object). Give one of these to --text-field."
    )
    with pytest.raises(UsageError, match=r"the field 'day' that --date-field names"):
        write("a.jsonl", data, Fields(("long",), date="day"))


def test_no_text_field_is_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        write("a.csv", b"a,b\nxyz,\n")
    assert str(error.value) == (
        f"{tmp_path / 'a.csv'}: no field looks like the text, for none has a usual name. It has a (string, 3 bytes on "
        "average), b (string, 0 bytes on average). Say which one holds the text with --text-field NAME."
    )
    with pytest.raises(UsageError, match=r"and 88 more\."):
        write("a.jsonl", json.dumps({f"f{i}": i for i in range(100)}).encode())
    with pytest.raises(UsageError, match=r"It has text \(object\)"):
        write("a.jsonl", b'{"text": {}}')
    with pytest.raises(UsageError, match=r"It has no fields"):
        write("a.jsonl", b"{}")


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ('{"body": "b", "Text": "t"}', "Text"),
        ('{"TEXT": "b", "text": "t"}', "text"),
        ('{"text": null, "正文": "b"}', "正文"),
        ('{"text": null}', "text"),
        ('{"content": ["x"], "article": "b"}', "article"),
    ],
)
def test_text_field_is_found(write: Write, record: str, name: str) -> None:
    assert write("a.jsonl", record.encode()).fields.text == (name,)


def test_fields_that_come_late_are_found(write: Write) -> None:
    data = b'{"text": "a"}\n' * 3000 + b'{"text": "a", "late": "b"}\n'
    assert write("a.jsonl", data, Fields(id="late")).fields.id == "late"
    assert write("a.jsonl", data, Fields(("late",))).fields.text == ("late",)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"[]\n"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_source_without_a_record_has_no_fields_to_check(write: Write, name: str, data: bytes) -> None:
    if data == b"[]\n" and name == "a.csv":
        pytest.skip("a header")
    reader = write(name, data, Fields(("body",), id="key"))
    assert reader.fields == Fields(("body",), id="key")
    assert documents(reader) == []
    assert write(name, data).fields == Fields(("text",))
    assert sum(batch.consumed for batch in reader.read()) == len(data)


# --- CSV and TSV

values = st.lists(
    st.one_of(
        st.sampled_from(['"', "，", "中", "é", "x", " ", "\0", "=1", "007", "NA", "\U00020000"]).map(str.encode),
        st.sampled_from([b"\xff", b"\xe4\xb8"]),
    ),
    max_size=8,
).map(b"".join)


@st.composite
def cells(draw: st.DrawFn, separator: bytes = b",") -> bytes:
    """A raw CSV value: in quotes with everything in it, or bare."""
    value = draw(values)
    if draw(st.booleans()):
        mark = st.sampled_from([b"", b"\n", separator, b"\r\n", b"\r"])
        value = draw(mark) + value + draw(mark)
        return b'"' + value.replace(b'"', b'""') + b'"'
    return value.lstrip(b'"')


@given(data=st.data(), head=cells(), title=cells(), body=cells(), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_csv_cuts_are_exact_and_undone(
    folder: Path, data: st.DataObject, head: bytes, title: bytes, body: bytes, end: bytes
) -> None:
    raw = b",".join((head, title, body)) + end
    header = b"n,title,text\n"
    fields = Fields(("title", "text"))
    reread = reread_at(folder / "a.csv", header, fields)
    reader = opened(folder / "a.csv", header + raw, fields)
    spans = data.draw(spans_of(reread(raw)))
    settled = cut_and_check(reader, reread, raw, spans)
    if b'"' not in (title + body):
        assert settled == spans


rows = st.lists(st.lists(st.text(st.sampled_from('ab",;\t\n\r 中é\0'), max_size=6), min_size=3, max_size=3), max_size=8)


@given(table=rows, end=st.sampled_from(["\n", "\r\n", "\r"]), piece=st.integers(1, 9))
def test_csv_is_what_the_standard_parser_writes(folder: Path, table: list[list[str]], end: str, piece: int) -> None:
    out = io.StringIO()
    # The writer quotes no line end but its own, though readers take any for one.
    quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL
    writer = csv.writer(out, lineterminator=end, quoting=quoting)
    writer.writerows([["id", "text", "url"], *table])
    data = out.getvalue().encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "BLOCK_BYTES", piece)
        reader = opened(folder / "c.csv", data, Fields())
        found = documents(reader)
        urls = [url for batch in reader.read() for url in batch.meta["url"]]
    assert [value for _, _, value in found] == [row[1].encode() for row in table]
    assert urls == [row[2].encode() for row in table]
    at = [position for _, position, _ in found]
    assert b"".join(data[start : start + n] for start, n in at) == data[data.index(b"url") :].partition(end.encode())[2]


@pytest.mark.parametrize(
    ("raw", "span", "settled", "left"),
    [
        (b'ab"c', (0, 2), (0, 1), b'b"c'),
        ('中"c'.encode(), (0, 3), (0, 0), '中"c'.encode()),
        (b'a""c', (0, 2), (0, 0), b'a""c'),
        (b'a"c', (0, 2), (0, 2), b"c"),
        (b'a"c', (0, 3), (0, 3), b""),
        (b'"a""c"', (1, 2), (1, 2), b"ac"),
        (b'"a""c"', (0, 1), (0, 1), b'"c'),
    ],
)
def test_quotes_are_never_split_nor_made(
    write: Write, raw: bytes, span: tuple[int, int], settled: tuple[int, int], left: bytes
) -> None:
    row = b"1," + raw + b"\n"
    reader = write("a.csv", b"id,text\n" + row)
    assert reader.settle(row, [(0, *span)]) == [(0, *settled)]
    ((start, end),) = reader.locate(row, [(0, *span)])
    assert texts(write("a.csv", b"id,text\n" + row[:start] + row[end:])) == [left]


BAD_ROWS = {
    b"1\n": "number of fields is 1, the header has 2",
    b"1,2,3\n": "number of fields is 3, the header has 2",
    b'"1\n2",3,4\n': "number of fields is 3, the header has 2",
    b'1,"a" b\n': "text after the closing quote at byte 6 of the row",
    b'1,"he said "hi"\n': "text after the closing quote at byte 13 of the row",
    b'1,"never closed\n': "a quote is opened and never closed",
}


@pytest.mark.parametrize("row", BAD_ROWS)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_bad_row_changes_no_other(write: Write, row: bytes, quoted: bool) -> None:
    good = [b'%d,"good, ""%d""\n"\n' % (i, i) if quoted else b"%d,good %d\n" % (i, i) for i in range(3)]
    header = b"id,text\n"
    plain = texts(write("a.csv", header + b"".join(good)))
    assert len(plain) == 3
    for place in range(4):
        reader = write("a.csv", header + b"".join([*good[:place], row, *good[place:]]))
        assert texts(reader) == plain
        (record,) = bad(reader)
        assert (record.record, record.length) == (place, len(row))
        assert record.offset == len(header) + sum(map(len, good[:place]))
        if not (quoted and "never" in BAD_ROWS[row]):  # there, the next row's quote closes it
            assert record.reason == BAD_ROWS[row]


def test_csv_keeps_values_as_text(write: Write) -> None:
    data = "\ufeffid,text\r\n007,NA\r\n1e5, 2024-01-01 \r\n=cmd,\0\r\n".encode()
    (batch,) = write("a.csv", data).read()
    assert list(batch.text) == [b"NA", b" 2024-01-01 ", b"\0"]
    assert list(batch.meta["id"]) == [b"007", b"1e5", b"=cmd"]


@pytest.mark.parametrize(
    ("name", "header", "row"),
    [
        ("a.csv", b"id;text", b"1;a,b"),
        ("a.csv", b"id\ttext", b"1\ta,b"),
        ("a.csv", b'"id";"text"', b'1;"a,b"'),
        ("a.tsv", b"id\ttext", b"1\ta,b"),
        ("a.tsv", b"id\ttext", b'1\t"a,b"'),
        ("a.csv", b"text", b'"a,b"'),
        ("a.csv", b"text,text,id", b'"a,b",second,1'),
        ("a.csv", b'\n\r\n"i\nd",text', b'1,"a,b"'),
    ],
)
def test_csv_separators_and_headers(write: Write, name: str, header: bytes, row: bytes) -> None:
    data = header + b"\n" + row
    reader = write(name, data)
    assert texts(reader) == [b"a,b"]
    ((_, (offset, length), _),) = documents(reader)
    assert data[offset : offset + length] == row


def test_csv_blank_lines(write: Write) -> None:
    assert texts(write("a.csv", b"id,text\n\n1,a\n\r\n\r2,b\n\n")) == [b"a", b"b"]
    # In a single column a blank line is an empty value, so that a value can be cut whole.
    assert texts(write("a.csv", b"text\na\n\nb\n")) == [b"a", b"", b"b"]


@pytest.mark.parametrize(
    ("data", "why"),
    [(b'id,"text\na,b\n', "a quote is opened and never closed"), (b'"id"x,text\n', "text after the clos")],
)
def test_csv_header_that_cannot_be_read(write: Write, data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=f"byte 0: the header row cannot be read: {why}.*Mend the first row"):
        write("a.csv", data)


def test_csv_of_many_quotes_is_read_in_linear_time(write: Write) -> None:
    data = b'id,text\n1,"open\n' + b'2,""x""\n' * 20_000 + b'3,"a" b\n' * 20_000
    reader = write("a.csv", data)
    assert len(texts(reader)) + len(bad(reader)) == 40_001


# --- splicing


@given(data=st.binary(max_size=60), at=st.lists(st.integers(0, 60), max_size=8).map(sorted))
@example(data=b"", at=[0, 0])
def test_paste_undoes_cut(data: bytes, at: list[int]) -> None:
    at = [min(place, len(data)) for place in at]
    ranges = list(zip(at[::2], at[1::2], strict=False))
    out, back = io.BytesIO(), io.BytesIO()
    pieces = cut(data, ranges, out)
    assert pieces == [data[start:end] for start, end in ranges]
    assert out.getvalue() == without(data, ranges)
    paste(io.BytesIO(out.getvalue()), zip([start for start, _ in ranges], pieces, strict=True), back)
    assert back.getvalue() == data


def test_splices_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="0-2 does not follow byte 3"):
        cut(b"abcdef", [(1, 3), (0, 2)], io.BytesIO())
    with pytest.raises(InputChangedError, match="ends 4 bytes before"):
        cut(b"abc", [(1, 7)], io.BytesIO())
    with pytest.raises(InputChangedError, match="ends 1 bytes before"):
        cut(b"abc", [(4, 7)], io.BytesIO())
    with pytest.raises(ValueError, match="byte 1 overlaps"):
        paste(io.BytesIO(b"abc"), [(0, b"xy"), (1, b"z")], io.BytesIO())
    with pytest.raises(InputChangedError, match="ends 2 bytes before"):
        paste(io.BytesIO(b"abc"), [(5, b"xy")], io.BytesIO())


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_raw_records_are_read_in_one_pass(tmp_path: Path, compression: str) -> None:
    data = bytes(range(256)) * 20_000
    path = str(tmp_path / "data")
    with open_compressed(path, compression) as out:
        out.write(data)
    with open_decompressed(path, compression) as stream:
        out_of_it = io.BytesIO()
        splicer = Splicer(stream, out_of_it)
        for offset, length in ((5, 10), (15, 0), (300, 3_000_000), (5_000_000, 7)):
            assert splicer.take(offset, length) == data[offset : offset + length]
        with pytest.raises(ValueError, match="sorted, disjoint"):
            splicer.take(0, 1)
        splicer.keep(b"kept")
        splicer.finish()
        assert out_of_it.getvalue() == data[:5] + data[15:300] + data[3_000_300:5_000_000] + b"kept" + data[5_000_007:]
    for offset, length in ((len(data) - 1, 2), (len(data) + 1, 1)):
        with open_decompressed(path, compression) as stream, pytest.raises(InputChangedError, match="cut off"):
            Splicer(stream, io.BytesIO()).take(offset, length)


# --- compression


def pack(data: bytes, compression: str) -> bytes:
    """The data as a compressed stream; the file below stays open."""
    out = io.BytesIO()
    with open_compressed(out, compression) as stream:
        stream.write(data)
    return out.getvalue()


PACKED = ["gzip", "zstd"]
DATA = np.random.default_rng(1).integers(0, 200, 300_000, np.uint8).tobytes() + b"\0" * 300_000


@pytest.mark.parametrize("compression", ["none", *PACKED])
def test_compressed_streams_come_back_whole(tmp_path: Path, compression: str) -> None:
    packed = pack(DATA, compression)
    assert pack(DATA, compression) == packed
    path = tmp_path / "data"
    path.write_bytes(packed + packed + pack(b"", compression))
    with open_decompressed(str(path), compression) as stream:
        assert stream.read(1) == DATA[:1]
        assert stream.readline() + stream.read() == (DATA + DATA)[1:]
        assert stream.consumed() == path.stat().st_size


@pytest.mark.parametrize("compression", PACKED)
@pytest.mark.parametrize("keep", [0, 1, 4, 11, 0.5, -8, -1])
@pytest.mark.parametrize("before", [False, True])
def test_cut_streams_are_never_taken_for_whole(tmp_path: Path, compression: str, keep: float, before: bool) -> None:
    packed = pack(DATA, compression)
    part = packed[: int(len(packed) * keep) if keep == 0.5 else int(keep)]
    if before and not keep:
        return
    path = tmp_path / "data"
    path.write_bytes(packed + part if before else part)
    with (
        pytest.raises(FormatError, match=r"byte [\d,]+: the .*(ends early|is damaged|empty)") as error,
        open_decompressed(str(path), compression) as stream,
    ):
        stream.read()
    assert str(path) in str(error.value)


@pytest.mark.parametrize("compression", PACKED)
@pytest.mark.parametrize("tail", [b"x", b"garbage that is no stream", b'{"text": "a"}\n'])
def test_bytes_after_the_stream_are_an_error(tmp_path: Path, compression: str, tail: bytes) -> None:
    path = tmp_path / "data"
    path.write_bytes(pack(b"abc", compression) + tail)
    with open_decompressed(str(path), compression) as stream, pytest.raises(FormatError, match=r"damaged|ends early"):
        stream.read()


@pytest.mark.parametrize("compression", PACKED)
def test_other_content_than_the_name_says_is_an_error(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(b'{"text": "a"}\n' * 100)
    with open_decompressed(str(path), compression) as stream, pytest.raises(FormatError, match="byte 0"):
        stream.read()


def test_flipped_bits_in_gzip_are_an_error(tmp_path: Path) -> None:
    packed = bytearray(pack(DATA, "gzip"))
    packed[len(packed) // 3] ^= 0x10
    path = tmp_path / "data"
    path.write_bytes(packed)
    with open_decompressed(str(path), "gzip") as stream, pytest.raises(FormatError, match="damaged"):
        stream.read()


def test_zero_padding_after_gzip_and_skippable_frames_of_zstd_are_passed_over(tmp_path: Path) -> None:
    for compression, tail in (("gzip", b"\0" * 512), ("zstd", b"\x50\x2a\x4d\x18\x04\0\0\0abcd")):
        path = tmp_path / compression
        path.write_bytes(pack(b"abc", compression) + tail)
        with open_decompressed(str(path), compression) as stream:
            assert stream.read() == b"abc"


@pytest.mark.parametrize("ending", [".gz", ".zst", ""])
def test_compressed_records_are_read_like_plain_ones(write: Write, ending: str) -> None:
    lines = b"".join(b'{"text": "%d"}\n' % i for i in range(30_000))
    data = pack(lines, {".gz": "gzip", ".zst": "zstd", "": "none"}[ending])
    batches = list(write(f"a.jsonl{ending}", data, Fields(), 1 << 18).read())
    assert [value for batch in batches for value in batch.text] == [b"%d" % i for i in range(30_000)]
    assert sum(batch.consumed for batch in batches) == len(data)
    assert batches[-1].positions[-1].tolist() == [len(lines) - 18, 18]


def test_damage_in_the_middle_raises_after_what_came_before(write: Write) -> None:
    lines = b"".join(json.dumps({"text": f"{i} {i * i} {i**3}"}).encode() + b"\n" for i in range(40_000))
    data = pack(lines, "gzip")
    reader = write("a.jsonl.gz", data[: len(data) * 9 // 10], Fields(), 1 << 14)
    batches: list[Documents] = []
    with pytest.raises(FormatError, match=r"a\.jsonl\.gz, byte [\d,]+: the gzip stream ends early\. Fetch"):
        batches.extend(reader.read())
    assert sum(map(len, batches)) > 20_000


def test_paths_are_closed_and_file_objects_stay_open(tmp_path: Path) -> None:
    for compression in ("none", *PACKED):
        out = io.BytesIO()
        stream = open_compressed(out, compression)
        stream.write(b"abc")
        stream.close()
        stream.close()
        assert not out.closed
        with open_compressed(str(tmp_path / "b"), compression) as stream:
            stream.write(b"abc")
        assert (tmp_path / "b").read_bytes() == out.getvalue()


def test_input_that_vanished(write: Write, tmp_path: Path) -> None:
    for name, data in (("a.jsonl", b'{"text": "a"}'), ("a.csv", b"text\na"), ("a.txt", b"a")):
        reader = write(name, data)
        (tmp_path / name).unlink()
        with pytest.raises(InputChangedError, match="is gone now"):
            list(reader.read())
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        open_decompressed(str(tmp_path), "none")


# --- the registry


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", ("text", "none")),
        ("a.b/c.MD", ("markdown", "none")),
        ("a.jsonl.GZ", ("jsonl", "gzip")),
        ("a.csv.zst", ("csv", "zstd")),
        ("a.zst", (None, "zstd")),
        ("txt", (None, "none")),
        (".txt", (None, "none")),
        ("a/.gz", (None, "none")),
        ("a.txt.bak", (None, "none")),
    ],
)
def test_format_of_a_name(name: str, expected: tuple[str | None, str]) -> None:
    assert format_of(name) == expected


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no reader for the format 'doc'\. Name one of these: text, markdown, jsonl"):
        open_source(Source(0, str(tmp_path), "x", "doc"), Fields())


def test_text_formats_do_not_load_pyarrow(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}')
    code = f"""
import sys
from dedup.formats import open_source
from dedup.formats.discover import discover
from dedup.model import Fields
(source,) = discover([{str(tmp_path)!r}]).sources
assert len(list(open_source(source, Fields()).read())) == 1
assert "pyarrow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[1])
