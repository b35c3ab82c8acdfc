"""Parquet: what is read, what is refused, and that rewriting keeps everything but the edits and can be undone."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import FormatError, InputChangedError, IntegrityError, UsageError
from dedup.formats import SourceReader, open_source
from dedup.formats.parquet import row_group_sizes
from dedup.formats.rewrite import Cuts, Drop, Dropped, Pieces, restore, rewrite
from dedup.ledger.left import Left
from dedup.memory import corpus_of, rebuilt
from dedup.model import PLACE, Fields, Source

TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
    pa.dictionary(pa.int32(), pa.binary()),
]


def column(values: Sequence[bytes | None], kind: pa.DataType) -> pa.Array:
    """Bytes as a column of any of the text types, valid or not."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    array = pa.array(values, pa.large_binary())
    array = pa.compute.cast(array, options=pa.compute.CastOptions(plain, allow_invalid_utf8=True))
    if not pa.types.is_dictionary(kind):
        return array
    encoded = array.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(kind.index_type), encoded.dictionary)


def save(path: Path, table: pa.Table, groups: Sequence[int] = (), **options: Any) -> Path:
    """Write a table with row groups of these sizes."""
    first = 0
    with pq.ParquetWriter(path, table.schema, **options) as writer:
        for size in groups or [len(table)]:
            writer.write_table(table.slice(first, size), row_group_size=max(size, 1))
            first += size
    return path


def opened(path: Path, fields: Fields = Fields(), batch_bytes: int = 1 << 20) -> SourceReader:  # noqa: B008
    """Open a Parquet file."""
    return open_source(Source(0, str(path), path.name, "parquet"), fields, batch_bytes)


def texts(reader: SourceReader) -> list[bytes]:
    """All texts in order."""
    return [text for batch in reader.read() for text in batch.text]


VALUES = [b"abc", None, "中文".encode(), b"", b"\xff\xfe", b"abc"]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_text_of_every_type(tmp_path: Path, kind: pa.DataType) -> None:
    path = save(tmp_path / "a.parquet", pa.table({"text": column(VALUES, kind)}), [4, 2])
    reader = opened(path, Fields(("text",)))
    assert texts(reader) == [value or b"" for value in VALUES]
    assert row_group_sizes(str(path)) == [4, 2]
    batches = list(reader.read())
    assert [row for batch in batches for row in batch.positions.tolist()] == [
        [i, len(value or b"")] for i, value in enumerate(VALUES)
    ]
    assert [row for batch in batches for row in batch.records.tolist()] == list(range(6))
    assert sum(batch.consumed for batch in batches) == path.stat().st_size


def test_other_fields_come_as_text(tmp_path: Path) -> None:
    stamp = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "body": ["a", "b"],
            "id": pa.array([7, None], pa.int64()),
            "url": column([b"http://x", b"\xff"], pa.string()),
            "host": pa.array([["h"], None]),
            "date": pa.array([stamp, None], pa.timestamp("us", "UTC")),
            "source": pa.array([True, False]),
        }
    )
    reader = opened(save(tmp_path / "a.parquet", table))
    assert reader.fields == Fields(("body",), "id", "url", "host", "date", "source")
    (batch,) = reader.read()
    assert {name: list(values) for name, values in batch.meta.items()} == {
        "id": [b"7", b""],
        "url": [b"http://x", b"\xff"],
        "host": [b"", b""],
        "date": [b"2024-05-06 07:08:09.000000Z", b""],
        "source": [b"", b""],
    }


def test_several_text_columns_are_joined(tmp_path: Path) -> None:
    table = pa.table({"title": ["T", None], "body": pa.array(["B", "only"], pa.large_string())})
    (batch,) = opened(save(tmp_path / "a.parquet", table), Fields(("title", "body"))).read()
    assert list(batch.text) == [b"T\n\nB", b"\n\nonly"]
    assert batch.bounds.tolist() == [[[0, 1], [3, 4]], [[0, 0], [2, 6]]]
    assert batch.positions.tolist() == [[0, 2], [1, 4]]


@pytest.mark.parametrize("batch_bytes", [1, 3000, 1 << 20])
def test_batches_are_only_groups(tmp_path: Path, batch_bytes: int) -> None:
    table = pa.table({"text": ["x" * (i % 90) for i in range(500)], "id": list(range(500))})
    path = save(tmp_path / "a.parquet", table, [100, 0, 399, 1])
    batches = list(opened(path, Fields(), batch_bytes).read())
    assert [text.decode() for batch in batches for text in batch.text] == table["text"].to_pylist()
    assert [int(value) for batch in batches for value in batch.meta["id"]] == list(range(500))
    assert sum(batch.consumed for batch in batches) == path.stat().st_size


def test_file_without_rows(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", pa.table({"text": pa.array([], pa.string())}))
    (batch,) = opened(path).read()
    assert len(batch) == 0
    assert batch.bounds.shape == (0, 1, 2)
    assert batch.consumed == path.stat().st_size


def test_columns_that_are_no_text_are_refused(tmp_path: Path) -> None:
    table = pa.table({"text": [["a"]], "n": [1], "title": ["abcd"], "raw": pa.array([b"x"])})
    path = save(tmp_path / "a.parquet", table)
    with pytest.raises(UsageError) as error:
        opened(path, Fields(("text",)))
    assert str(error.value) == (
        f"{path}: the column 'text' has the type list<element: string>, which is not text. Name a column of strings "
        "with --text-field, or turn this one into strings first."
    )
    with pytest.raises(
        UsageError, match=r"It has title \(string, 4 bytes on average\), text \(list<.*n \(number\), raw"
    ):
        opened(path)
    with pytest.raises(UsageError, match="no record has the field 'body' that --text-field names"):
        opened(path, Fields(("body",)))
    assert texts(opened(path, Fields(("raw",)))) == [b"x"]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    with pytest.raises(UsageError, match="not exactly one column 'text'"):
        opened(save(tmp_path / "a.parquet", table))


@pytest.mark.parametrize("keep", [0, 4, 12, 0.5, -1, -8])
def test_cut_files_are_refused(tmp_path: Path, keep: float) -> None:
    path = save(tmp_path / "a.parquet", pa.table({"text": ["some text"] * 100}))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if keep == 0.5 else int(keep)])
    with pytest.raises(FormatError, match=r"a\.parquet: this is not a whole Parquet file \(.*\)\. It is damaged"):
        opened(path)


def test_other_content_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b'{"text": "a"}\n')
    with pytest.raises(FormatError, match="not a whole Parquet file"):
        opened(path)
    path.unlink()
    with pytest.raises(InputChangedError, match="is gone now"):
        opened(path)


def test_damaged_pages_are_an_error(tmp_path: Path) -> None:
    table = pa.table({"text": [f"text {i * i}" for i in range(5000)]})
    path = save(tmp_path / "a.parquet", table, write_page_checksum=True, use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x10
    path.write_bytes(data)
    reader = opened(path)
    with pytest.raises(FormatError, match="not a whole Parquet file"):
        list(reader.read())


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", pa.table({"text": ["abc", "def"]}))
    strange = path.rename(tmp_path / "\udcff\n.parquet")
    assert texts(opened(strange)) == [b"abc", b"def"]
    out, back = tmp_path / "\udcfeout", tmp_path / "\udcfeback"
    ((_, raw),) = rewrite(str(strange), str(out), ["text"], {0: Drop()})
    restore(str(out), str(back), ["text"], {0: Dropped(raw)}, [2])
    assert texts(opened(back)) == [b"abc", b"def"]


# --- rewriting

Edits = Mapping[int, Drop | Cuts]


def rewritten(path: Path, edits: Edits, names: Sequence[str] = ("text",)) -> tuple[Path, dict[int, Dropped | Pieces]]:
    """Rewrite a file; give the new one, and the edits as the log would have them."""
    out = path.with_name("out.parquet")
    found: dict[int, list[bytes]] = {row: [] for row in edits}
    order = []
    for row, raw in rewrite(str(path), str(out), names, edits):
        found[row].append(raw)
        order.append(row)
    assert order == sorted(order)
    logged: dict[int, Dropped | Pieces] = {}
    for row, edit in edits.items():
        if isinstance(edit, Drop):
            logged[row] = Dropped(found[row][0])
        else:
            spans = zip(edit.spans, found[row], strict=True)
            logged[row] = Pieces(tuple((field, start, raw) for (field, start, _), raw in spans))
    return out, logged


def restored(path: Path, edits: Edits, names: Sequence[str] = ("text",)) -> Path:
    """Rewrite a file, restore it, and check that what came back is equal."""
    out, logged = rewritten(path, edits, names)
    back = path.with_name("back.parquet")
    restore(str(out), str(back), names, logged, row_group_sizes(str(path)))
    assert row_group_sizes(str(back)) == row_group_sizes(str(path))
    before, after = pq.read_table(path), pq.read_table(back)
    assert after.schema.equals(before.schema, check_metadata=True)
    for name in before.column_names:
        assert plain(after[name]) == plain(before[name])
    return out


def plain(values: pa.ChunkedArray) -> list[Any]:
    """A column as Python values, text as bytes."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if kind in (pa.string(), pa.large_string(), pa.string_view()):
        values = values.cast(pa.large_binary())
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.int64())
    found: list[Any] = values.to_pylist()
    return found


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_rewriting_keeps_all_but_the_edits(tmp_path: Path, kind: pa.DataType) -> None:
    values = [None if i % 7 == 0 else "中文 text %d".encode() % i for i in range(50)]
    values[5] = b"ab\xffcd\xfe"
    table = pa.table(
        {
            "id": pa.array(range(50), pa.uint32()),
            "text": column(values, kind),
            "tags": [["a", str(i)] for i in range(50)],
            "nested": [{"x": {"y": i}} for i in range(50)],
            "when": pa.array([i * 10**15 + 1 for i in range(50)], pa.timestamp("ns", "Asia/Shanghai")),
            "price": pa.array(range(50)).cast(pa.decimal128(22, 3)),
            "label": pa.array(["x", "y"] * 25).dictionary_encode(),
        },
        metadata={"huggingface": '{"info": 1}'},
    )
    field = table.schema.field("id").with_metadata({"note": "kept"})
    table = table.cast(table.schema.set(0, field))
    path = save(tmp_path / "in.parquet", table, [10, 3, 0, 37])
    edits: Edits = {
        1: Cuts(((0, 0, 3), (0, 6, 7))),
        5: Cuts(((0, 0, 3), (0, 5, 6))),
        **dict.fromkeys((10, 11, 12, 13, 20, 49), Drop()),
        30: Cuts(((0, 0, 14),)),
    }
    out = restored(path, edits)
    assert row_group_sizes(str(out)) == [10, 0, 34]
    after = pq.read_table(out)
    assert after.schema.equals(pq.read_table(path).schema, check_metadata=True)
    left = [i for i in range(50) if i not in (10, 11, 12, 13, 20, 49)]
    assert after["id"].to_pylist() == left
    expected = [*values[:1], "文text 1".encode(), *values[2:5], b"cd", *values[6:30], b"", *values[31:]]
    assert plain(after["text"]) == [expected[i] for i in left]
    assert after["nested"].to_pylist() == [{"x": {"y": i}} for i in left]


def test_what_is_taken_out_is_small(tmp_path: Path) -> None:
    values = [b"%d" % i * 50 for i in range(1000)]
    for kind in (pa.string_view(), pa.dictionary(pa.int32(), pa.string()), pa.string()):
        table = pa.table({"text": column(values, kind)}, metadata={"large": "x" * 10_000})
        path = save(tmp_path / "in.parquet", table)
        ((_, raw),) = rewrite(str(path), str(tmp_path / "out.parquet"), ["text"], {500: Drop()})
        assert len(raw) < 1000


@pytest.mark.parametrize("codec", ["NONE", "SNAPPY", "GZIP", "ZSTD", "BROTLI", "LZ4"])
def test_codecs_and_encodings_are_kept(tmp_path: Path, codec: str) -> None:
    table = pa.table({"text": ["a" * 100] * 10, "a.b": [1] * 10, "s": [{"x": 1}] * 10})
    codecs = {"text": codec, "a.b": "ZSTD", "s.x": "GZIP"}
    path = save(tmp_path / "in.parquet", table, compression=codecs, use_dictionary=["text"])
    out = restored(path, {3: Drop()})
    before, after = (pq.ParquetFile(name).metadata.row_group(0) for name in (path, out))
    for i in range(3):
        assert after.column(i).compression == before.column(i).compression
        assert after.column(i).encodings == before.column(i).encodings


def test_old_timestamps_and_files_without_an_arrow_schema(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "b", "c"], "when": pa.array([1, None, 10**18], pa.timestamp("ns"))})
    options = {"use_deprecated_int96_timestamps": True, "store_schema": False}
    path = save(tmp_path / "in.parquet", table, **options)
    out = restored(path, {1: Drop()})
    assert pq.ParquetFile(out).metadata.row_group(0).column(1).physical_type == "INT96"
    assert plain(pq.read_table(out)["when"]) == [1, 10**18]


def test_sorting_is_kept_unless_the_text_is_sorted(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2, 3], "text": ["a", "b", "c"]})
    for name, kept in (("id", True), ("text", False)):
        order = pq.SortingColumn.from_ordering(table.schema, [(name, "ascending")])
        path = save(tmp_path / "in.parquet", table, sorting_columns=order)
        out = restored(path, {0: Cuts(((0, 0, 1),))})
        assert bool(pq.ParquetFile(out).metadata.row_group(0).sorting_columns) == kept


def test_whole_groups_and_all_rows_can_go(tmp_path: Path) -> None:
    path = save(tmp_path / "in.parquet", pa.table({"text": ["a", "b", "c", "d"]}), [1, 2, 1])
    assert row_group_sizes(str(restored(path, {1: Drop(), 2: Drop()}))) == [1, 1]
    assert row_group_sizes(str(restored(path, dict.fromkeys(range(4), Drop())))) == []
    assert row_group_sizes(str(restored(path, {}))) == [1, 2, 1]


def test_no_rows_at_all(tmp_path: Path) -> None:
    empty = pa.table({"text": pa.array([], pa.string())})
    assert row_group_sizes(str(restored(save(tmp_path / "in.parquet", empty), {}))) == [0]


rows = st.lists(
    st.tuples(st.none() | st.text("ab中é", max_size=5), st.none() | st.text("xy", max_size=3), st.integers(0, 3)),
    max_size=12,
)


@given(data=st.data(), table=rows, cuts=st.lists(st.integers(0, 12), max_size=3))
def test_restoring_undoes_any_rewriting(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, table: list[Any], cuts: list[int]
) -> None:
    texts_, titles, kinds = ([row[i] for row in table] for i in range(3))
    path = tmp_path_factory.mktemp("p") / "in.parquet"
    borders = [0, *sorted(min(cut, len(table)) for cut in cuts), len(table)]
    sizes = [end - start for start, end in itertools.pairwise(borders)]
    save(path, pa.table({"text": pa.array(texts_, pa.string()), "title": pa.array(titles, pa.large_string())}), sizes)
    edits: dict[int, Drop | Cuts] = {}
    for i, kind in enumerate(kinds):
        if kind == 1:
            edits[i] = Drop()
        if kind == 2:
            spans = []
            for field, value in enumerate((titles[i], texts_[i])):
                size = len(value or "")
                at = sorted(data.draw(st.lists(st.integers(0, size), max_size=4)))
                at = [len((value or "")[:place].encode()) for place in at]
                spans += [(field, start, end) for start, end in zip(at[::2], at[1::2], strict=False) if start < end]
            if spans:
                edits[i] = Cuts(tuple(spans))
    restored(path, edits, ("title", "text"))


def test_edits_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "in.parquet", pa.table({"text": ["abc", "def"]}))
    out = str(tmp_path / "out.parquet")
    with pytest.raises(InputChangedError, match="row 2 was there"):
        list(rewrite(str(path), out, ["text"], {2: Drop()}))
    with pytest.raises(InputChangedError, match="byte 4 of 'text' in row 1 was there"):
        list(rewrite(str(path), out, ["text"], {1: Cuts(((0, 0, 4),))}))
    with pytest.raises(UsageError, match="one column 'body'"):
        list(rewrite(str(path), out, ["body"], {}))


def test_restoring_from_another_file_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "in.parquet", pa.table({"text": ["abc", "def", "ghi"]}), [2, 1])
    out, logged = rewritten(path, {0: Drop()})
    back = str(tmp_path / "back.parquet")
    for groups, edits in (
        ([2], logged),
        ([2, 2], logged),
        ([2, 1, 1], logged),
        ([2, 1], {}),
        ([2, 1], {**logged, 9: Pieces(())}),
    ):
        with pytest.raises(IntegrityError, match="not those that the log of removals was written for"):
            restore(str(out), back, ["text"], edits, groups)


def test_a_row_has_no_byte_ranges(tmp_path: Path) -> None:
    reader = opened(save(tmp_path / "in.parquet", pa.table({"text": ["abc"]})))
    assert reader.settle(b"", [(0, 1, 2)]) == [(0, 1, 2)]
    with pytest.raises(ValueError, match="no byte ranges"):
        reader.locate(b"", [(0, 1, 2)])


def test_a_schema_that_does_not_come_back_is_never_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "in.parquet", pa.table({"text": ["abc"], "n": [1]}))
    other = save(tmp_path / "other.parquet", pa.table({"text": ["abc"], "n": ["1"]}))
    real = pq.ParquetWriter
    schema = pq.read_schema(other)
    monkeypatch.setattr(pq, "ParquetWriter", lambda sink, _, **options: real(sink, schema, **options))
    with pytest.raises(IntegrityError, match="read back as others than the input's"):
        list(rewrite(str(path), str(tmp_path / "out.parquet"), ["text"], {0: Drop()}))


# --- tables in memory


KINDS_IN_MEMORY = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
TEXTS = ["x", "中文", None, "", "ab\n\nc"]


def column_of(values: list[str | None], kind: pa.DataType) -> pa.ChunkedArray:
    """The values twice, in two chunks."""
    plain_values = pa.array(values, pa.string())
    chunk = plain_values.dictionary_encode() if pa.types.is_dictionary(kind) else plain_values.cast(kind)
    return pa.chunked_array([chunk, chunk])


@pytest.mark.parametrize("kind", KINDS_IN_MEMORY, ids=str)
@pytest.mark.parametrize(("first", "length"), [(0, 10), (3, 4), (7, 3), (2, 0)])
def test_a_table_in_memory_is_read_from_its_buffers(kind: pa.DataType, first: int, length: int) -> None:
    title, text = column_of(TEXTS, kind), column_of(TEXTS[::-1], kind)
    table = pa.table({"title": title, "text": text, "id": range(10)}).slice(first, length)
    corpus = corpus_of(table, Fields(("title", "text"))).corpus
    rows = list(zip(*(table[name].to_pylist() for name in ("title", "text")), strict=True))
    assert [corpus.text(i) for i in range(len(corpus))] == [f"{a or ''}\n\n{b or ''}".encode() for a, b in rows]
    assert [corpus.text(i, *corpus.bounds[i, 1].tolist()) for i in range(length)] == [
        (b or "").encode() for _, b in rows
    ]
    assert list(corpus.meta["id"]) == [b"%d" % i for i in range(first, first + length)]


@pytest.mark.parametrize("kind", KINDS_IN_MEMORY, ids=str)
def test_a_table_in_memory_keeps_its_types_and_what_is_not_cut(kind: pa.DataType) -> None:
    table = pa.table({"title": column_of(TEXTS, kind), "n": range(10), "text": column_of(TEXTS[::-1], kind)})
    memory = corpus_of(table, Fields(("title", "text")))
    left = Left(memory.corpus)
    left.dropped[[0, 7]] = True
    pieces = np.array([[1, 0, 3], [4, 0, 2], [4, 7, 8], [5, 3, 5]])
    left.set_cuts(np.array([1, 4, 5]), dict(zip(PLACE, pieces.T, strict=True)))
    found = rebuilt(memory, left)
    assert found.schema == table.schema
    assert found["n"].to_pylist() == [1, 2, 3, 4, 5, 6, 8, 9]
    assert found["title"].to_pylist() == ["文", None, "", "c", "x", "中文", "", "ab\n\nc"]
    assert found["text"].to_pylist() == ["", None, "中文", "", "c", "", "中文", "x"]
