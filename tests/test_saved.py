"""Saved runs: what they hold, that they merge, and that they refuse what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dedup import Config
from dedup.errors import IncompatibleSignaturesError, OutputExistsError
from dedup.files import scan_files

PARAGRAPHS = [
    "松河市水务局今天通报,连日降雨使城北水位上涨,抢险队已在三处堤段加高沙袋。",
    "局长说,所有值守人员将留在岗位,直到水位回落到警戒线以下为止,居民可拨打热线求助。",
    "The harbour council said that the ferry to the island will run every twenty minutes until the end of the month.",
    "记者在现场看到,志愿者把饮用水和被褥送到临时安置点,孩子们在那里写作业。",
]


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.txt"
    texts = [PARAGRAPHS[0] + "\n" + PARAGRAPHS[2], PARAGRAPHS[1], PARAGRAPHS[1].replace("今", "明"), PARAGRAPHS[3] * 2]
    one.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(texts)), "utf-8")
    two.write_text("\n".join([PARAGRAPHS[2], PARAGRAPHS[3] + "。", PARAGRAPHS[0]]), "utf-8")
    return [str(one), str(two)]


@pytest.mark.parametrize("grain", ["auto", "document", "paragraph", "sentence"])
def test_saved_runs_merge_to_the_scan_of_all(tmp_path: Path, inputs: list[str], grain: str) -> None:
    config = Config(grain=grain)  # type: ignore[arg-type]
    runs = []
    for i, path in enumerate(inputs):
        runs.append(str(tmp_path / f"{i}.run"))
        scan_files([path], config, save=runs[-1])
    whole = scan_files(inputs, config)
    assert scan_files(runs, config) == whole
    assert scan_files([runs[0], inputs[1]], config) == whole
    twice = scan_files([runs[0], *runs], config)  # which it notes
    assert replace(twice, notes=()) == replace(whole, notes=())


def test_a_run_holds_what_was_found(tmp_path: Path, inputs: list[str]) -> None:
    report = scan_files(inputs, save=str(tmp_path / "run"))
    run = tmp_path / "run"
    tables = {path.stem: pq.read_table(path) for path in run.glob("*.parquet")}
    assert set(tables) == {"documents", "segments-document", "segments-paragraph", "matches", "clusters", "spread"}
    assert {table.schema.metadata[b"dedup.digest"].decode() for table in tables.values()} == {Config().digest()}
    assert tables["documents"].num_rows == report.documents
    assert sorted(tables["matches"]["action"].to_pylist()).count("drop") == report.dropped
    assert tables["spread"].num_rows == report.clusters
    again = scan_files(inputs, save=str(tmp_path / "again"))
    assert again == report
    for path in run.glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_segment_ids_do_not_depend_on_the_other_inputs(tmp_path: Path, inputs: list[str]) -> None:
    scan_files([inputs[0]], save=str(tmp_path / "alone"))
    scan_files(inputs, save=str(tmp_path / "both"))
    alone, both = (
        set(pq.read_table(tmp_path / run / "segments-paragraph.parquet")["id"].to_pylist()) for run in ("alone", "both")
    )
    assert alone < both


def test_what_does_not_fit_is_refused(tmp_path: Path, inputs: list[str]) -> None:
    run = str(tmp_path / "run")
    scan_files([inputs[0]], save=run)
    with pytest.raises(OutputExistsError):
        scan_files([inputs[0]], save=run)
    with pytest.raises(IncompatibleSignaturesError, match=r"k 3 \(now 4\)"):
        scan_files([run], Config(k=4))
    with pytest.raises(IncompatibleSignaturesError, match="no segments of the grain sentence"):
        scan_files([run], Config(grain="sentence"))
    with Path(inputs[0]).open("a") as stream:
        stream.write('{"text": "more"}\n')
    with pytest.raises(IncompatibleSignaturesError, match="changed since"):
        scan_files([run])
