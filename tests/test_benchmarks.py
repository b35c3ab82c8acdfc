"""The benchmarks run and measure what they say: a tiny corpus, one round, every row."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from pathlib import Path

import pytest
from conftest import BENCHMARKS, benchmark, real_texts

pytestmark = pytest.mark.usefixtures("importable_benchmarks")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the corpora; without the real texts there are none."""
    real_texts("data", "docs")
    return tmp_path_factory.mktemp("corpora")


def test_the_command_prints_every_row(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speed, sketchers = benchmark("speed"), benchmark("sketchers")
    assert (
        speed.main(["--mb", "0.3", "--rounds", "1", "--sample-mb", "0.03", "--cache", str(cache), "--threads", "2"])
        == 0
    )
    printed = capsys.readouterr().out
    wanted = [speed.OURS, speed.BYTES_DECODE, speed.SHINGLES, speed.GROUP, "% of them differ after folding"]
    wanted += [f"{layout}s: {what}" for layout in ("paragraph", "document") for what in _wholes()]
    if sketchers.is_installed("datasketch"):
        wanted += [speed.DATASKETCH, speed.DATASKETCH_READY, speed.DATASKETCH_GROUP]
    if sketchers.is_installed("rensa"):
        wanted += [speed.RENSA, speed.RENSA_READY, speed.RENSA_MATRIX, speed.RENSA_GROUP]
    assert [name for name in wanted if name not in printed] == []
    assert speed.DECODE in printed  # as a row, or as what was left out


def _wholes() -> list[str]:
    return ["pyarrow.json reads", "scan near", "scan auto", "scan document", "scan auto, 2 threads", "clean auto"]


def test_every_demand_has_its_line(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demands, speed = benchmark("demands"), benchmark("speed")
    assert (
        demands.main(
            ["--mb", "1", "--rounds", "1", "--sample-mb", "0.05", "--cache", str(cache), "--layout", "paragraph"]
        )
        == 0
    )
    said = capsys.readouterr().out.partition("## All rows")[0]
    wanted = [f"{ratio.over} / {ratio.under}" for ratio in speed.RATIOS if ratio.demand]
    wanted += [f"{ratio.over} / {ratio.under}" for ratio in speed.whole_ratios("paragraph", 2)]
    wanted += [
        "ns a key",
        "load averages",
        "scan auto: memory above modules and text",
        "recall of pairs at Jaccard >= 0.8",
    ]
    assert [name for name in wanted if name not in said] == []
    assert re.search(r"daft.*not run +\| +\|", said)


def test_a_demand_is_met_or_not() -> None:
    demands, measure, speed = benchmark("demands"), benchmark("measure"), benchmark("speed")
    row = measure.Row(
        speed.GROUP, 1e6, "key", lambda: None, costs=[measure.Cost(cpu, 0.0) for cpu in (0.011, 0.013, 0.02)]
    )
    ratio = measure.Ratio("a", "b", at_most=1.5)
    found = [measure.Found(ratio, 1.6, 1.4, 1.7)]
    done = speed.Measured([row], found, {"one": 129.0, "two": 131.0}, "", "")
    assert [line.met for line in demands.ratio_lines(done, [ratio, measure.Ratio("a", "c", at_least=1)])] == [
        False,
        None,
    ]
    line = demands.grouping_line(done)
    assert (line.seen, line.met) == ("13.0 (11.0-20.0)", False)
    assert [line.met for line in demands.segment_lines(done)] == [True, False]


def test_a_corpus_is_drawn_by_its_seed_and_differs_enough(cache: Path, tmp_path: Path) -> None:
    corpora = benchmark("corpora")
    made = corpora.corpus(1, "paragraph", cache)
    again = corpora.corpus(1, "paragraph", tmp_path)
    other = corpora.corpus(1, "paragraph", tmp_path, seed=2)
    assert made.sha256 == again.sha256 != other.sha256
    assert made.text_bytes >= 1_000_000
    assert made.distinct >= 0.9
    assert made.records == made.paragraphs == len(list(corpora.paragraphs(made)))
    assert sum(len(text.encode()) for text in corpora.paragraphs(made)) == made.text_bytes
    assert made == corpora.corpus(1, "paragraph", cache)


def test_both_layouts_hold_the_same_paragraphs(cache: Path) -> None:
    corpora = benchmark("corpora")
    one, other = (corpora.corpus(1, layout, cache) for layout in ("paragraph", "document"))
    assert list(corpora.paragraphs(one)) == list(corpora.paragraphs(other))
    assert other.records < one.records


def test_the_plain_loop_decodes() -> None:
    decode = benchmark("limits").plain_decoder()
    if decode is None:
        pytest.skip("there is no C compiler")
    text = "plain, naïve, 經典, 𠮷野家"
    assert decode(text.encode()) == sum(map(ord, text))
    assert decode(b"") == 0


def test_rivals_shingle_as_we_do() -> None:
    sketchers = benchmark("sketchers")
    assert sketchers.shingles("第二條 The Act，of 1999") == {
        "第 二 條",
        "二 條 the",
        "條 the act",
        "the act of",
        "act of 1999",
    }
    assert sketchers.shingles("Two words") == {"two words"}
    assert sketchers.shingles("。。。") == set()


def test_ratios_are_taken_per_unit_within_each_round() -> None:
    measure = benchmark("measure")
    slow = measure.Row("slow", 1.0, "MB", lambda: None, costs=[measure.Cost(3.0, 3.0), measure.Cost(8.0, 8.0)])
    fast = measure.Row("fast", 10.0, "MB", lambda: None, costs=[measure.Cost(1.0, 1.0), measure.Cost(2.0, 2.0)])
    (found,) = measure.compare(
        [slow, fast], [measure.Ratio("slow", "fast", at_least=36), measure.Ratio("slow", "gone")]
    )
    assert (found.low, found.median, found.high) == pytest.approx((30, 35, 40))
    assert not found.holds
    (whole,) = measure.compare([slow, fast], [measure.Ratio("slow", "fast", at_most=4, per_unit=False)])
    assert (whole.median, whole.holds) == (pytest.approx(3.5), True)


def test_rounds_alternate_their_order() -> None:
    measure = benchmark("measure")
    ran: list[str] = []
    rows = [measure.Row(name, 1.0, "MB", lambda name=name: ran.append(name)) for name in "ab"]
    measure.run_rounds(rows, 3, lambda _: None)
    assert ran == list("abbaab")
    assert [len(row.costs) for row in rows] == [3, 3]


def test_a_kept_run_says_where_it_was_made(tmp_path: Path) -> None:
    measure, record = benchmark("measure"), benchmark("record")
    row = measure.Row("a row", 2.0, "MB", lambda: None, costs=[measure.Cost(1.0, 1.5)])
    about = record.machine()
    first, second = (record.keep(tmp_path, about, [row], "the table") for _ in range(2))
    assert first != second
    lines = [json.loads(line) for line in (first / "raw.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"command", "commit", "cpu", "numpy", "load before", "load after"} <= lines[0]["machine"].keys()
    assert lines[1]["costs"] == [{"cpu_s": 1.0, "wall_s": 1.5, "peak_bytes": None, "bare_bytes": None}]
    assert "the table" in (first / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def crawled(cache: Path) -> tuple[object, Path]:
    """A small crawl in two files, and its folder."""
    crawl = benchmark("crawl")
    return crawl.make(crawl.Plan(1_200_000, files=2), cache / "crawl"), cache / "crawl"


def _records(folder: Path) -> list[dict[str, str]]:
    paths = sorted(folder.glob("crawl-*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def _truth(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


def _tokens(text: str) -> list[str]:
    return re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.lower())


def _story(record: dict[str, str], fact: dict[str, object]) -> str:
    lines = [line for line in record["text"].split("\n") if line.strip()]
    return "\n".join(lines[fact["head"] : len(lines) - fact["tail"]])


def test_a_crawl_is_drawn_by_its_seed_alone(crawled: tuple[object, Path], tmp_path: Path) -> None:
    crawl = benchmark("crawl")
    made, _ = crawled
    crawl.make(crawl.Plan(1_200_000, files=2), tmp_path / "again")
    crawl.make(crawl.Plan(1_200_000, seed=2, files=2), tmp_path / "other")
    for path in [Path(path) for path in (*made.paths, made.truth)]:
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
        assert path.read_bytes() != (tmp_path / "other" / path.name).read_bytes()
    sizes = [Path(path).stat().st_size for path in made.paths]
    assert sum(sizes) == made.file_bytes
    assert 1_200_000 <= made.file_bytes < 1_300_000
    assert abs(sizes[0] - sizes[1]) < 100_000
    # any stretch can be made by itself: the same lines come out
    lines = b"".join(Path(path).read_bytes() for path in made.paths).splitlines(keepends=True)
    assert [raw for raw, *_ in crawl.Crawl(crawl.Plan(1_200_000, files=2)).batch(0)[: len(lines)]] == lines[
        : crawl.BATCH
    ]


def test_the_truth_of_a_crawl_is_what_its_texts_show(crawled: tuple[object, Path]) -> None:
    made, folder = crawled
    records, truth = _records(folder), _truth(folder)
    assert [record["id"] for record in records] == [fact["id"] for fact in truth]
    kinds = {kind: sum(fact["kind"] == kind for fact in truth) for kind in made.kinds}
    assert kinds == made.kinds
    assert min(kinds.values()) > 0
    by_id = {record["id"]: (record, fact) for record, fact in zip(records, truth, strict=True)}
    for record, fact in zip(records, truth, strict=True):
        if fact["kind"] == "other":
            assert fact["story"] is None
            continue
        first, first_fact = by_id[fact["story"]]
        assert first_fact["kind"] == "original"
        assert int(fact["story"]) <= int(fact["id"])
        was, now = _tokens(_story(first, first_fact)), _tokens(_story(record, fact))
        assert len(was) == len(now)
        edited = sum(a != b for a, b in zip(was, now, strict=True))
        assert edited == pytest.approx(fact["edits"] * len(was), abs=1 + 0.1 * edited)
        if fact["kind"] == "exact":
            assert (record["text"], record["url"] != first["url"]) == (first["text"], True)
        if fact["kind"] == "syndicated":
            assert record["url"].split("/")[2] != first["url"].split("/")[2]


def test_stories_of_a_crawl_differ_unless_planted(crawled: tuple[object, Path]) -> None:
    _, folder = crawled
    stories: dict[str, set[tuple[str, ...]]] = {}
    paragraphs: list[str] = []
    for record, fact in zip(_records(folder), _truth(folder), strict=True):
        if fact["kind"] == "original":
            tokens = _tokens(_story(record, fact))
            stories[record["id"]] = set(zip(*(tokens[i:] for i in range(3)), strict=False))
            paragraphs += [" ".join(_tokens(line)) for line in _story(record, fact).split("\n")]
    assert len(set(paragraphs)) == len(paragraphs)
    found = sorted(stories.values(), key=len)[:150]  # the shortest have the most to share by chance
    alike = [len(a & b) / len(a | b) for a, b in itertools.combinations(found, 2)]
    assert max(alike) < 0.1


def test_a_crawl_says_what_it_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crawl = benchmark("crawl")
    assert crawl.size("1.5GB") == 1_500_000_000
    assert crawl.size("20m") == 20_000_000
    for words in (["--size", "many"], ["--size", "1MB", "--share-copies", "0.9"]):
        with pytest.raises(SystemExit):
            crawl.main([*words, "--out", str(tmp_path)])
    assert "at most 80%" in capsys.readouterr().err


def test_a_score_counts_what_is_planted(tmp_path: Path) -> None:
    truth = benchmark("truth")
    plain = {"edits": 0.0, "head": 1, "tail": 0, "noise": False}
    facts = [
        {"id": "0", "kind": "original", "story": "0", **plain},
        {"id": "1", "kind": "exact", "story": "0", **plain},
        {"id": "2", "kind": "near", "story": "0", **plain, "edits": 0.0497},
        {"id": "3", "kind": "original", "story": "3", **plain},
        {"id": "4", "kind": "syndicated", "story": "3", **plain},
        {"id": "5", "kind": "original", "story": "5", **plain},
        {"id": "6", "kind": "other", "story": None, **plain},
    ]
    (tmp_path / "truth.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts), encoding="utf-8")
    records = [{"id": fact["id"], "text": f"menu\nbody {fact['story']}\nend"} for fact in facts]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    # of story 0 the copy at 5 % stays with the original, of 3 the copy stays alone, 5 is gone altogether
    out = [{"id": "0", "text": "body 0"}, {"id": "2", "text": "menu\nbody 0\nend"}, {"id": "4", "text": "body 3\nend"}]
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(one) + "\n" for one in out), encoding="utf-8")
    found = truth.score(tmp_path / "truth.jsonl", [tmp_path / "in.jsonl"], [tmp_path / "out.jsonl"])
    assert (found.lost, found.removed) == (1, 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.precision == pytest.approx(2 / 3)
    assert found.by_kind == {"exact": 1.0, "near 0.05": 0.0, "syndicated": 1.0}
    assert found.furniture == pytest.approx(2 / 3)
    assert found.cut == pytest.approx(1 / 2)


def test_a_command_is_watched_with_its_children() -> None:
    watch = benchmark("watch").watch
    held = "import time; held = bytearray(60_000_000); time.sleep({})"
    child = held.format(2)  # a busy machine looks at it seldom
    parent = f"import subprocess, sys; print('said'); sys.exit(subprocess.run([sys.executable, '-c', {child!r}]).returncode + 3)"
    done = watch([sys.executable, "-c", parent])
    assert (done.code, done.stdout.strip(), done.stopped) == (3, "said", "")
    assert done.cost.wall_s > 2
    assert done.cost.cpu_s > 0
    if Path("/proc/self/smaps_rollup").exists():
        assert done.cost.peak_bytes > 60_000_000
    late = watch([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.5)
    assert (late.stopped, late.code < 0) == ("after 0.5 s", True)
    assert late.cost.wall_s < 10
    if Path("/proc/self/smaps_rollup").exists():
        large = watch([sys.executable, "-c", held.format(60)], memory=30_000_000)
        assert (large.stopped.endswith(" GB of memory"), large.code < 0) == (True, True)


@pytest.mark.parametrize("name", ["datasketch", "rensa"])
def test_an_adapter_leaves_one_of_each_story(name: str, crawled: tuple[object, Path], tmp_path: Path) -> None:
    if not benchmark("sketchers").is_installed(name):
        pytest.skip(f"{name} is not installed")
    made, _ = crawled
    truth, watch = benchmark("truth"), benchmark("watch").watch
    out = tmp_path / "out.jsonl"
    done = watch([sys.executable, str(BENCHMARKS / "rivals" / f"run_{name}.py"), str(out), *made.paths])
    assert done.code == 0, done.stderr
    phases = json.loads(done.stdout)["phases"]
    assert {"read", "shingles", "own", "write"} <= phases.keys()
    found = truth.score(Path(made.truth), [Path(path) for path in made.paths], [out])
    assert found.by_kind["exact"] == 1.0
    assert found.precision > 0.9
    lines = {line for path in made.paths for line in Path(path).read_bytes().splitlines()}
    assert set(out.read_bytes().splitlines()) <= lines


def test_every_rival_has_its_adapter_and_its_pins(tmp_path: Path) -> None:
    rivals = benchmark("rivals")
    for rival in rivals.RIVALS:
        assert rival.note
        pins = (rivals.ADAPTERS / f"{rival.adapter}.txt").read_text(encoding="utf-8").splitlines()
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.+]*", pin) for pin in pins)
        assert rival.missing(tmp_path) == "not installed"
    (tmp_path / "daft.failed.txt").write_text("no wheel\n", encoding="utf-8")
    assert {rival.name: rival for rival in rivals.RIVALS}["daft"].missing(tmp_path) == "no wheel"


def test_pipelines_prints_and_keeps_what_it_ran(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipelines, ways = benchmark("pipelines"), benchmark("ways")
    monkeypatch.setattr(pipelines, "__file__", str(tmp_path / "pipelines.py"))
    words = ["--size", "150KB", "--rounds", "1", "--cache", str(cache), "--only", "dedup ", "limit", "daft", "--keep"]
    assert pipelines.main(words) == 0
    printed = capsys.readouterr().out
    for name in (*(f"dedup {words}" for words in ways.OURS), "limit: pyarrow.json", "limit: memory read", "near 0.01"):
        assert name in printed
    assert "left out: daft: no environments are named" in printed
    assert "left out: gaoya" not in printed
    (folder,) = (tmp_path / "results").iterdir()
    assert (folder / "plot.svg").read_text(encoding="utf-8").startswith("<svg")
    lines = [json.loads(line) for line in (folder / "raw.jsonl").read_text(encoding="utf-8").splitlines()]
    clean = [line for line in lines[1:] if line["name"].startswith("dedup clean")]
    assert [line["score"]["by_kind"]["exact"] for line in clean] == [1.0, 1.0]
    assert all(line["costs"][0]["peak_bytes"] for line in clean) or sys.platform != "linux"


def test_ways_are_chosen_by_name_or_by_word(tmp_path: Path) -> None:
    ways = benchmark("ways")

    def chosen(*words: str) -> list[str]:
        given = argparse.Namespace(rivals=None, threads=1, memory="", only=list(words))
        return [way.name for way in ways.chosen(given)[0]]

    assert chosen("dedup clean") == ["dedup clean"]
    assert chosen("grain document") == ["dedup scan --grain document", "dedup clean --grain document"]
    assert chosen("dedup ") == [f"dedup {words}" for words in ways.OURS]
    command = ways.dedup("clean --grain document", ["in"], "out", 2, "512M")
    assert command[2:] == ["clean", "--grain", "document", "in", "--threads", "2", "-o", "out", "--memory", "512M"]
    assert ways.cap_of("512M") == (512 + 256) << 20


def test_the_verdict_needs_recall_as_well_as_speed() -> None:
    pipelines, ways, truth, measure = (benchmark(name) for name in ("pipelines", "ways", "truth", "measure"))

    def result(name: str, cpu: float, recall: float | None) -> object:
        score = None if recall is None else truth.Score(recall, 1.0, 0, 0)
        return ways.Result(name, 1.0, [measure.Cost(cpu, cpu, 1)], score)

    rivals = [ways.Way("slow", list, counted=True), ways.Way("fast", list, counted=True), ways.Way("in Python", list)]
    theirs = [result("slow", 90.0, 0.99), result("fast", 30.0, 0.9), result("in Python", 1.0, 0.9)]
    for cpu, recall, said in ((1.0, 0.9, "met"), (1.0, 0.89, "NOT MET"), (2.0, 0.95, "NOT MET")):
        ours = [result(ways.LIKE, cpu, recall), result("dedup scan", 1.0, None)]
        lines = pipelines.verdict([*theirs, *ours], rivals).splitlines()[2:]
        assert [line.split("|")[-2].strip() for line in lines] == [said, "", said, ""]
        assert all(" fast " in line for line in lines)


def test_growth_goes_on_where_it_was(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    growth, ways = benchmark("growth"), benchmark("ways")
    words = [
        "--into",
        str(tmp_path),
        "--cache",
        str(cache),
        "--only",
        "limit: pyarrow.json",
        "dedup scan --grain document",
        "--size",
    ]
    assert growth.main([*words, "300KB"]) == 0
    ran: list[str] = []
    once = ways.run_once
    monkeypatch.setattr(ways, "run_once", lambda way, *more: (ran.append(way.name), once(way, *more)))
    assert growth.main([*words, "300KB", "600KB"]) == 0
    assert ran == ["limit: pyarrow.json", "dedup scan --grain document"]
    machines, rows = growth.kept(tmp_path)
    assert (len(machines), len(rows)) == (2, 4)
    assert all(row.costs and not row.left_out for row in rows)
    assert growth.main(["--into", str(tmp_path)]) == 0  # only draws
    assert capsys.readouterr().out.count("dedup scan --grain document") == 2 * 2 + 1
    assert len(growth.kept(tmp_path)[0]) == 2
    for name in ("cpu", "wall"):
        assert (tmp_path / f"{name}.svg").read_text(encoding="utf-8").count("<circle") == 4


def test_growth_leaves_out_what_takes_too_long() -> None:
    growth, ways, measure = benchmark("growth"), benchmark("ways"), benchmark("measure")
    rows = [
        ways.Result("a", 10.0, [measure.Cost(1.0, 2.0)]),
        ways.Result("b", 10.0, left_out="exit 1: no"),
        ways.Result("b", 100.0, left_out="not at 10 MB: exit 1: no"),
    ]
    assert growth.not_run("a", 100.0, rows, 20.0) == ""
    assert growth.not_run("a", 101.0, rows, 20.0) == "would take some 20 s, more than --limit"
    assert growth.not_run("b", 1000.0, rows, 20.0) == "not at 10 MB: exit 1: no"
    assert growth.not_run("c", 1000.0, rows, 20.0) == ""


def test_sameness_compares_every_file(cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sameness = benchmark("sameness")
    words = ["--size", "300KB", "--portable", "100KB", "--memory", "", "--threads", "1", "2", "--cache", str(cache)]
    assert sameness.main(words) == 0
    printed = capsys.readouterr().out
    assert "All is as asked" in printed
    assert printed.count("portable") == 1
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1", encoding="utf-8")
    first = sameness.digest(tmp_path)
    (tmp_path / "a" / "x").write_text("2", encoding="utf-8")
    assert sameness.digest(tmp_path) != first
    cost, plain = sameness.Cost(1.0, 1.0, 500 << 20), sameness.Variant("128M", 1)
    runs = [sameness.Cleaned(plain, 1.0, cost, "x"), sameness.Cleaned(sameness.Variant("512M", 1), 1.0, cost, "y")]
    assert [why.partition(": ")[2][:12] for why in sameness.broken(runs)] == ["it took more", "OUT differs "]


def test_plots_hold_what_they_are_given() -> None:
    plot = benchmark("plot")
    bars = plot.bars("speed", "MB/s", {"dedup clean": 20.0, "a < b": 2.0, "none": 0.0})
    assert bars.count("<rect") == 3
    assert "a &lt; b" in bars
    lines = plot.lines("growth", "MB", "s", {"one": [(10, 1), (100, 10)], "two": [(10, 2)]})
    assert (lines.count("<circle"), lines.count("<polyline")) == (3, 2)
    with pytest.raises(ValueError, match="no value"):
        plot.bars("speed", "MB/s", {"none": 0.0})


def test_extremes_runs_its_cases_and_stops_what_is_too_large(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extremes = benchmark("extremes")
    words = ["--share", "0.00002", "--cache", str(cache), "--only", "one-line", "tiny"]
    assert extremes.main(words) == 0
    assert "All is as asked" in capsys.readouterr().out
    if sys.platform == "linux":  # elsewhere memory is not known
        assert extremes.main([*words, "--ceiling", "1"]) == 1
        assert "a run over one record failed: stopped at 0." in capsys.readouterr().err


def test_extremes_say_what_is_not_as_asked() -> None:
    extremes = benchmark("extremes")
    start = extremes.Cost(1.0, 1.0)
    costs = [extremes.Cost(2.0, 2.0, 100 << 20), extremes.Cost(16.0, 16.0, 400 << 20)]
    same = [extremes.Ran(name, [10, 100], [1, 1], costs, [0, 0]) for name in ("identical", "distinct")]
    assert extremes.broken(same, start, None, 2.0) == []
    assert [why.partition(":")[0] for why in extremes.broken(same, start, 399 << 20)] == ["identical"] * 2 + [
        "distinct"
    ] * 2
    same[0].pairs, same[1].refused = [0, 6401], "distinct: stopped"
    assert len(extremes.broken(same, start, None, 2.0)) == 2
    twice = extremes.Ran("identical", [100], [1], [extremes.Cost(31.1, 0.0)], [0])
    assert "2.01x" in extremes.broken([twice, same[1]], start, None, 1.5)[-1]


@pytest.mark.parametrize(
    "name", ["one-line", "few-clauses", "empty-lines", "tiny", "one-band", "distinct", "identical"]
)
def test_extremes_are_what_they_are_called(name: str, cache: Path) -> None:
    extremes, line = benchmark("extremes"), ("one-line", "few-clauses")
    (case,) = (case for case in extremes.CASES if case.name == name)
    raw = b"".join(case.write(30_000 if name in line else 200))
    lines = raw.decode().splitlines()
    if name == "empty-lines":
        assert raw == b"\n" * 200
        return
    texts = [json.loads(line)["text"] for line in lines]
    assert len(texts) == (1 if name in line else 200)
    assert len(set(texts)) == (1 if name in (*line, "identical") else 200)
    if name in line:
        assert 29_900 < len(texts[0].encode()) <= 30_000
        assert "\n" not in texts[0]
    if name == "one-band":
        one, other = (set(_tokens(text)) for text in texts[:2])
        assert len(one & other) / len(one | other) == pytest.approx(60 / 140)


def test_growth_leaves_the_start_out() -> None:
    extremes = benchmark("extremes")
    costs = [extremes.Cost(1 + spent, 0.0) for spent in (0.1, 2.0, 6.0)]
    start = extremes.Cost(1.0, 0.0)
    assert extremes.growth(extremes.Ran("a", [1, 10, 20], [0] * 3, costs, [0] * 3), start) == pytest.approx(1.5)
    assert extremes.growth(extremes.Ran("a", [1, 10], [0] * 2, costs[:2], [0] * 2), start) is None


def test_the_time_of_tune_is_printed(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark("tuning").main(["--mb", "0.5", "--cache", str(cache), "--grain", "paragraph"]) == 0
    assert "| paragraph |" in capsys.readouterr().out
