"""What a run will take: from samples of any format, near what it then takes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from dedup.cli import main
from dedup.config import Config
from dedup.errors import UsageError
from dedup.model import Fields
from dedup.planning import _Cost, _forecast, _parts, _plain_size, _take, plan

MB = 1 << 20


def lines(n: int) -> str:
    rng = np.random.default_rng(7)
    words = [f"w{number}" for number in range(3000)]
    return "".join(
        json.dumps({"text": " ".join(rng.choice(words, 120)), "id": str(number)}) + "\n" for number in range(n)
    )


def test_a_plan_says_what_scan_and_clean_take(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(lines(4000), encoding="utf-8")
    size = (tmp_path / "in.jsonl").stat().st_size
    found = plan([str(tmp_path / "in.jsonl")], Config(grain="document"), memory=512 * MB)
    assert found.as_dict()["schema"] == "dedup.plan/1"
    assert (found.sources, found.input_bytes, found.plain_bytes) == (1, size, size)
    assert found.sampled_bytes == pytest.approx(size / 4, rel=0.05)
    assert 0 < found.scan.cpu_s <= found.clean.cpu_s < 60
    assert 30 * MB < found.scan.memory <= 512 * MB
    assert found.clean.written == pytest.approx(size, rel=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


def test_the_command_prints_it(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(gzip.compress(lines(300).encode()))
    plain = CliRunner().invoke(main, ["plan", str(source), "--grain", "document"], catch_exceptions=False)
    assert plain.exit_code == 0
    assert "unpacked" in plain.stdout
    assert "clean" in plain.stdout


def test_what_is_wrong_with_the_input_is_told_as_by_the_run_itself(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(lines(20), encoding="utf-8")
    with pytest.raises(UsageError, match="body"):
        plan([str(tmp_path / "in.jsonl")], fields=Fields(text=("body",)))


@pytest.mark.parametrize("kind", ["jsonl", "csv", "txt", "parquet", "jsonl.gz"])
def test_samples_are_whole_records(tmp_path: Path, kind: str) -> None:
    from dedup.formats.discover import discover

    path = tmp_path / f"in.{kind}"
    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"text": [f"row {number} " * 20 for number in range(2000)]}), path)
    elif kind == "csv":
        path.write_text("text,id\n" + "".join(f"row {number},{number}\n" for number in range(20_000)), encoding="utf-8")
    elif kind == "txt":
        path.write_text("one line after the other\n" * 20_000, encoding="utf-8")
    else:
        raw = lines(500).encode()
        path.write_bytes(gzip.compress(raw) if kind.endswith("gz") else raw)
    source = discover([str(path)]).sources[0]
    home = tmp_path / "sample"
    home.mkdir()
    taken = _take(source, 100_000, home)
    assert 0 < taken <= 200_000
    copy = discover([str(home)]).sources
    assert [one.format for one in copy] == [source.format]
    assert copy[0].compression == "none"
    if kind.startswith("jsonl"):
        assert all(json.loads(line) for line in Path(copy[0].path).read_text("utf-8").splitlines())
    assert _plain_size(source, path.stat().st_size) >= path.stat().st_size


def test_samples_stand_evenly_over_many_sources() -> None:
    from dedup.model import Source

    many = [Source(i, f"{i}.txt", f"{i}.txt", "text", "none") for i in range(1000)]
    chosen = list(_parts(many, [1000] * 1000, 50_000))
    assert len(chosen) == 50
    assert [source.index for source, _ in chosen] == list(range(0, 1000, 20))
    large = list(_parts(many[:20], [10**9] * 20, 32 * MB))
    assert [(source.index, bytes_) for source, bytes_ in large][:2] == [(0, 4 * MB), (2, 4 * MB)]


def test_time_that_grows_faster_than_the_input_is_foreseen() -> None:
    costs = [
        _Cost(0, 1.0, 1.0, 100 * MB, 0),
        _Cost(10 * MB, 2.0, 2.0, 150 * MB, 60 * MB),
        _Cost(40 * MB, 6.66, 6.66, 300 * MB, 240 * MB),
    ]
    found = _forecast(costs, 160 * MB, None)
    assert found.cpu_s == pytest.approx(1 + 5.66 * 5.66, rel=0.01)
    assert found.memory == 900 * MB
    kept = _forecast(costs, 160 * MB, 512 * MB)
    assert kept.memory == 512 * MB
    assert kept.spilled == 960 * MB
    assert _forecast(costs, 160 * MB, 3 * 960 * MB).spilled == 0
