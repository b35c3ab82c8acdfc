"""The readers: what they read, what they refuse, and that every cut is exact and can be undone."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import FormatError, InputChangedError, UsageError
from dedup.formats import SourceReader, format_of, open_source
from dedup.formats.compression import open_compressed, open_decompressed
from dedup.formats.jsonl import JsonlReader
from dedup.formats.splice import RangeReader, cut, paste
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
    """All documents as (record, position, text), whatever the batches."""
    found = []
    for batch in reader.read():
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
    return [record for batch in reader.read() for record in batch.bad]


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
    data = "\ufeff{\"text\": 1}\nmore".encode(encoding) if encoding[-1] == "e" else '{"text": 1}\nmore'.encode(encoding)
    reader = write(name, data)
    assert documents(reader) == []
    reason = f"{encoding[:6].upper()} text; convert it to UTF-8 first, for example with iconv"
    assert bad(reader) == [BadRecord(0, 0, 0, len(data), reason)]


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
        pairs = list(zip(at, at[1:], strict=False)) if draw(st.booleans()) else list(zip(at[::2], at[1::2], strict=False))
        spans += [(field, start, end) for start, end in pairs]
    return spans


def minus(fields: Sequence[bytes], spans: Sequence[tuple[int, int, int]]) -> list[bytes]:
    """The fields without the spans."""
    return [without(text, [span[1:] for span in spans if span[0] == field]) for field, text in enumerate(fields)]


def decoded_fields(reader: SourceReader, batch: Documents) -> list[bytes]:
    """The text fields of the only document of a batch."""
    return [batch.text[0][start:end] for start, end in batch.bounds[0].tolist()]


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
    out = io.BytesIO()
    pieces = list(zip([start for start, _ in ranges], cut(io.BytesIO(raw), ranges, out), strict=True))
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
    raw = b'{"n": [1, {"text": "]}"}], "t\\u0069tle" : "' + title + b'", "text":"no", "x": 1e400,"text":"' + body + b'"}\r\n'
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
        value = draw(st.sampled_from([b"", b"\n", separator, b"\r\n", b"\r"])) + value + draw(st.sampled_from([b"", b"\n", separator]))
        return b'"' + value.replace(b'"', b'""') + b'"'
    return value.lstrip(b'"')


@given(data=st.data(), head=cells(), title=cells(), body=cells(), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_csv_cuts_are_exact_and_undone(folder: Path, data: st.DataObject, head: bytes, title: bytes, body: bytes, end: bytes) -> None:
    raw = b",".join((head, title, body)) + end
    header = b"n,title,text\n"
    fields = Fields(("title", "text"))
    reread = reread_at(folder / "a.csv", header, fields)
    reader = opened(folder / "a.csv", header + raw, fields)
    spans = data.draw(spans_of(reread(raw)))
    settled = cut_and_check(reader, reread, raw, spans)
    if b'"' not in (title + body):
        assert settled == spans
