"""Every format: OUT and its log give the input back by other code than ours, and every removal is proven once more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import check_out
import pytest
from conftest import fewer, real_texts
from corpora import EN, FORMATS, PACKINGS, SHORT, ZH, corpora, packed, write_corpus
from hypothesis import given
from proof import unproven

from dedup import Config
from dedup.files import clean_files, restore
from dedup.model import Fields

REPETITIVE = [
    "\n".join(ZH[:4]),
    "\n".join([ZH[4], *EN[:3]]),
    "\n".join([ZH[0], ZH[5], ZH[5], SHORT[0], EN[1] + " " + EN[0]]),
    "\n".join(ZH[:4]).replace("今天", "昨天") + "\n(完)",
    "\r\n\r\n".join([EN[3], "\u3000\u3000" + ZH[1], EN[0].upper(), '"Quoted", he said, "\\u4e00\\n"']),
    "",
    "cat",
    "cat",
    "\n".join([ZH[2], ZH[4].replace("5000", "6000"), EN[3]]),
    " ".join([*EN, *ZH, *EN[:2], *ZH[3:]]) * 2,
]
NAMES = [f"{i}/{i}{ending}{packing}" for i, ending in enumerate(FORMATS) for packing in PACKINGS if (ending, packing) not in
         ((".parquet", ".gz"), (".parquet", ".zst"))]  # fmt: skip


def checked(
    folder: Path, out: Path, config: Config | None = None, fields: Fields | None = None, **settings: object
) -> None:
    """Clean, check, prove and restore."""
    result = clean_files([str(folder)], str(out), config, fields=fields, **settings)  # type: ignore[arg-type]
    assert list(check_out.problems(folder, out)) == []
    assert unproven(folder, out) == []
    assert result.accounting["records_in"] == sum(
        result.accounting[f"records_{x}"] for x in ("kept", "removed", "quarantined")
    )
    back = out.with_name(out.name + "-back")
    assert restore(str(out), str(back))["problems"] == []
    for path in folder.rglob("*.*"):
        if path.suffix != ".parquet":
            assert check_out.read(back / path.relative_to(folder)) == check_out.read(path)


def test_fields_are_named_in_another_order_than_records_have_them(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    records = [
        {"title": "\n".join(ZH[i : i + 2]), "n": i, "text": "\n".join([ZH[3], *ZH[i : i + 3], EN[i]])} for i in range(4)
    ]
    (folder / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    clean_files([str(folder)], str(out), fields=Fields(("text", "title")))
    offsets = [line["offset"] for line in check_out.log(out, "removed.jsonl.zst") if line["action"] == "cut"]
    assert offsets == sorted(offsets) != []
    assert restore(str(out), str(tmp_path / "back"))["problems"] == []
    assert (tmp_path / "back" / "a.jsonl").read_bytes() == (folder / "a.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("name", "grain"),
    # how a file is packed has nothing to do with what is compared
    [(name, "auto") for name in NAMES]
    + [(name, grain) for name in NAMES if name.endswith(FORMATS) for grain in ("document", "paragraph", "sentence")],
)
def test_each_format_alone(tmp_path: Path, name: str, grain: str) -> None:
    folder = write_corpus(tmp_path / "in", ["\n".join(REPETITIVE)] if name[0] in "01" else REPETITIVE, [name])
    checked(folder, tmp_path / "out", Config(grain=grain))  # type: ignore[arg-type]
    assert check_out.log(tmp_path / "out", "removed.jsonl.zst") or (name[0] in "01" and grain == "document")


@pytest.mark.parametrize("fields", [("text",), ("title", "text")])
def test_all_formats_in_one_run(tmp_path: Path, fields: tuple[str, ...]) -> None:
    folder = write_corpus(tmp_path / "in", REPETITIVE * 3, NAMES, len(fields))
    checked(folder, tmp_path / "out", fields=Fields(text=fields))


@fewer(0.4)
@given(texts=corpora(20))
def test_made_corpora_in_all_formats(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("made")
    checked(write_corpus(folder / "in", texts, NAMES, 2), folder / "out", fields=Fields(text=("title", "text")))


def test_the_articles(tmp_path: Path) -> None:
    for path in sorted(real_texts("articles").glob("*.txt")):
        write_corpus(tmp_path / "in", [path.read_text("utf-8")], [path.name])
    checked(tmp_path / "in", tmp_path / "out")


def test_bad_records_are_kept_or_quarantined(tmp_path: Path) -> None:
    lines = b'{"text": "cat"}\n{broken\n\xff\xfe\n[1]\n{"text": 5}\n{"text": "cat"}\n{"text": "dog"}'
    for name, ending in (("a.jsonl", ""), ("b.jsonl.gz", ".gz")):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(packed(lines, ending))
    for bad in ("keep", "quarantine"):
        checked(tmp_path / "in", tmp_path / bad, bad_records=bad)
    assert check_out.read(tmp_path / "keep/a.jsonl") == lines.replace(
        b'{"text": "cat"}\n{"text": "dog"}', b'{"text": "dog"}'
    )
    assert check_out.read(tmp_path / "quarantine/a.jsonl") == b'{"text": "cat"}\n{"text": "dog"}'


def test_the_checker_finds_what_is_wrong(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "in", REPETITIVE, ["a.jsonl", "b.csv"])
    clean_files([str(folder)], str(tmp_path / "out"))
    script = [sys.executable, check_out.__file__, str(folder), str(tmp_path / "out")]
    assert subprocess.run(script, check=False).returncode == 0
    log = tmp_path / "out/dedup/removed.jsonl.zst"
    whole = check_out.read(log)
    damages = (
        (b'"raw":"', b'"raw":"x'), (b'"offset":', b'"offset":1'), (b'"text_hash":"', b'"text_hash":"0'),
        (b'"text":"', b'"text":"x'), (b'"similarity":', b'"similarity":0.86,"was":'), (b'"action":"drop"', b'"action":"keep"'),
    )  # fmt: skip
    for old, new in damages:
        log.write_bytes(packed(whole.replace(old, new, 1), ".zst"))
        assert [*check_out.problems(folder, tmp_path / "out"), *unproven(folder, tmp_path / "out")], old
