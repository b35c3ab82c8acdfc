"""`tune` against corpora of which all is known: what it estimates is what is true, within .03."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import WHOLE
from hypothesis import given
from hypothesis import strategies as st
from planted_corpus import Planted, edit_similarity, jaccard, planted
from rich.cells import cell_len

import dedup
from dedup.backends.local import LocalBackend
from dedup.cli import main
from dedup.config import Config
from dedup.errors import UsageError
from dedup.ledger.left import Left
from dedup.matching import GrainMatcher
from dedup.memory import corpus_of
from dedup.terminal.console import make_console
from dedup.terminal.tune_screen import print_tuning
from dedup.tuning import tune as tuning
from dedup.tuning.likeness import FLOORS, Texts, likeness
from dedup.tuning.mixture import fit
from dedup.tuning.natural import templates
from dedup.tuning.planted import edited, shortened
from dedup.tuning.result import Tuning

WITHIN = 0.03
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def joined(made: Planted, config: Config, threshold: float) -> set[tuple[int, int]]:
    """The pairs of texts that a run joins, equal ones left out: the matches of the grain at a threshold."""
    grain = config.grains[0]
    at: dict[str, Any] = {grain: replace(config.matching(grain), threshold=threshold)}
    left = Left(corpus_of(made.lines()).corpus)
    documents = np.arange(len(made.texts), dtype=np.int64)
    matcher = GrainMatcher(replace(config, **at), grain, LocalBackend())
    matcher.refresh(left, documents)
    found = matcher.matches(left, documents)
    owner, match = found.segments["document"], found.pairs["match"]
    pairs = np.sort(np.stack([owner[found.pairs[side][match]] for side in ("first", "second")], axis=1), axis=1)
    return set(map(tuple, pairs.tolist()))


def at(found: Tuning, threshold: float) -> Any:
    return next(point for point in found.points if abs(point.threshold - threshold) < 1e-9)


def compare(made: Planted, config: Config, measure: Any) -> list[str]:
    """Where the estimate is further off than it may be."""
    found = dedup.tune(made.lines(), config)
    right = made.alike()
    alike = np.array([measure(made.texts[i], made.texts[j]) for i, j in right])
    other = np.array([measure(made.texts[i], made.texts[j]) for i, j in made.unlike])
    wrong = []
    for threshold in THRESHOLDS:
        point, pairs = at(found, threshold), joined(made, config, threshold)
        reached = [int((values >= threshold - 1e-9).sum()) for values in (alike, other)]
        truth = {
            "precision": reached[0] / max(sum(reached), 1),
            "recall": float(np.mean([pair in pairs for pair in right])),
        }
        for name, value in truth.items():
            estimate = getattr(point, name) or 0.0
            if abs(estimate - value) > WITHIN:
                wrong.append(f"{name} from {threshold}: estimated {estimate:.3f}, in truth {value:.3f}")
        if abs(point.pairs / max(sum(reached), 1) - 1) > 0.05:
            wrong.append(f"pairs from {threshold}: estimated {point.pairs:.0f}, in truth {sum(reached)}")
    return wrong


CORPORA: list[dict[str, Any]] = [
    {"seed": 1},
    {"seed": 2, "chinese": True},
    {"seed": 5, "members": 2, "templates": 200},
    {"seed": 3, "copies": 600, "templates": 80, "fillers": 60},
    {"seed": 4, "copies": 1500, "templates": 10, "splices": 400},
    {"seed": 6, "chinese": True, "templates": 0, "splices": 0},
]


@pytest.mark.parametrize("corpus", CORPORA if WHOLE else CORPORA[:3], ids=str)
def test_estimates_of_paragraphs_are_true(corpus: dict[str, Any]) -> None:
    made = planted(**corpus)
    assert compare(made, Config(grain="paragraph"), edit_similarity) == []


def test_estimates_of_documents_are_true() -> None:
    made = planted(7, texts=1200, copies=400, lengths=(70, 300), members=5)
    assert compare(made, Config(grain="document"), jaccard) == []


@pytest.mark.parametrize("chinese", [False, True])
def test_recall_of_copies_edited_at_a_rate_is_true(chinese: bool) -> None:
    rates = (0.01, 0.05, 0.1)
    made = planted(8, chinese=chinese, texts=3000, copies=4500, templates=0, splices=0, rates=rates)
    config = Config(grain="paragraph")
    found = dedup.tune(made.lines(), config)
    for threshold in (0.7, 0.85, 0.9, 0.95):
        pairs = joined(made, config, threshold)
        for rate in rates:
            hits = [
                (i, j) in pairs for i, j, at_rate in made.copies if at_rate == rate and made.texts[i] != made.texts[j]
            ]
            estimate = at(found, threshold).planted[f"{rate:g}"]
            assert estimate == pytest.approx(np.mean(hits), abs=WITHIN), (threshold, rate)


def test_of_few_copies_it_says_that_they_are_few() -> None:
    found = dedup.tune(planted(9, copies=0, fillers=60).lines())
    assert found.too_few
    assert found.copies < 20
    assert at(found, 0.8).precision < WITHIN
    assert (found.proposed.threshold, found.proposed.options) == (Config().paragraph.threshold, ())


@pytest.fixture(scope="module")
def plain() -> Tuning:
    """What the defaults make of the first corpus."""
    return dedup.tune(planted(1).lines(), top=6)


def test_the_proposed_line_is_as_good_as_the_best(plain: Tuning) -> None:
    found = plain
    assert found.at.f1 >= max(point.f1 for point in found.points) - tuning.NEAR_BEST - 1e-9
    assert found.at.threshold == found.proposed.threshold
    assert found.at.candidates >= found.now.candidates - 1e-9


def test_what_is_proposed_is_what_the_options_say() -> None:
    found = dedup.tune(planted(3, copies=120, templates=80, fillers=60).lines())
    options = dict(zip(found.proposed.options[::2], found.proposed.options[1::2], strict=True))
    assert options["--threshold"] == f"paragraph={found.proposed.threshold:g}"


def test_a_sample_stands_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    made = planted(10, texts=2500, copies=1900, templates=40)
    whole = dedup.tune(made.lines())
    monkeypatch.setattr(tuning, "SAMPLE_BYTES", whole.text_bytes // 2)
    half = dedup.tune(made.lines())
    assert half.sampled_documents < 0.6 * half.documents == 0.6 * whole.documents
    for threshold in (0.7, 0.85, 0.95):
        one, other = at(whole, threshold), at(half, threshold)
        assert other.pairs == pytest.approx(one.pairs, rel=0.1)
        assert other.precision == pytest.approx(one.precision, abs=0.05)


def test_threads_change_nothing() -> None:
    lines = planted(11, texts=500, copies=150, templates=10).lines()
    assert dedup.tune(lines, threads=1) == dedup.tune(lines, threads=2)


def test_pairs_at_the_line_are_the_nearest(plain: Tuning) -> None:
    found = plain
    assert len(found.borderline) == 6
    gaps = [abs(pair.similarity - found.proposed.threshold) for pair in found.borderline]
    assert gaps == sorted(gaps)
    for pair in found.borderline:
        tokens = [place.text.split() for place in (pair.first, pair.second)]
        assert pair.similarity == pytest.approx(edit_similarity(*tokens))


def test_buckets_with_more_pairs_than_there_are_texts() -> None:
    """What the limit leaves out comes as a row that counts, and names no text."""
    pages = [f"read more of what the harbour office said on the ferry to the town number w{i} x{i}" for i in range(900)]
    found = dedup.tune([*planted(11, texts=500, copies=150, templates=10).lines(), *pages])
    assert found.segments > len(pages)
    assert not found.too_few


def test_too_little_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"3 different paragraphs .* too few"):
        dedup.tune([" ".join(f"word{i}x{j}" for j in range(20)) for i in range(3)])
    with pytest.raises(UsageError, match="--grain paragraph"):
        dedup.tune(["a short text of few words"] * 400, Config(grain="document"))


# Its parts


TOKENS = st.lists(st.integers(0, 40), min_size=1, max_size=40)


def laid(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([token * 4 for text in texts for token in text], np.uint64)
    return values, np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)


def parts(values: np.ndarray, offsets: np.ndarray) -> list[list[int]]:
    return [values[low:high].tolist() for low, high in pairwise(offsets.tolist())]


@given(st.lists(TOKENS, min_size=1, max_size=6), st.floats(0.01, 0.3), st.integers(0, 99))
def test_copies_have_the_edits_that_were_asked_for(texts: list[list[int]], rate: float, seed: int) -> None:
    values, offsets = laid(texts)
    pool = np.array([1000 * 4], np.uint64)
    made = parts(*edited(values, offsets, rate, pool, np.random.default_rng(seed), keep_numbers=True))
    for text, copy in zip(parts(values, offsets), made):
        wanted = max(1, round(rate * len(text)))
        distance = round((1 - edit_similarity(text, copy)) * max(len(text), len(copy)))
        assert 1 <= len(copy) <= len(text) + wanted
        # a token of the pool is in no text, so that each edit counts, but that one may stand in for two neighbours
        assert 1 <= distance <= wanted
        assert abs(len(copy) - len(text)) <= wanted


def test_numerals_stay() -> None:
    values = np.array([4, 6, 8, 10] * 50, np.uint64)  # 6 and 10 have the bit of a numeral
    made, _ = edited(
        values, np.array([0, 200]), 0.5, np.array([400], np.uint64), np.random.default_rng(0), keep_numbers=True
    )
    assert [v for v in made.tolist() if v & 2] == [6, 10] * 50
    made, _ = edited(
        values, np.array([0, 200]), 0.9, np.array([400], np.uint64), np.random.default_rng(0), keep_numbers=False
    )
    assert [v for v in made.tolist() if v & 2] != [6, 10] * 50


@given(st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=40), min_size=1, max_size=6), st.integers(0, 99))
def test_a_dropped_stretch_is_one(texts: list[list[int]], seed: int) -> None:
    values, offsets = laid(texts)
    for text, copy in zip(parts(values, offsets), parts(*shortened(values, offsets, np.random.default_rng(seed)))):
        gone = len(text) - len(copy)
        assert 1 <= gone <= max(1, 0.35 * len(text))
        assert any(copy == text[:i] + text[i + gone :] for i in range(len(copy) + 1))


@given(TOKENS, TOKENS, st.sampled_from(sorted(FLOORS)))
def test_pairs_are_measured_on_the_text(one: list[int], two: list[int], measure: str) -> None:
    texts = Texts.of(*laid([one, two]), 3, 1)
    found = likeness(texts, np.array([[0, 1]]), measure)
    sets = [{tuple(text[i : i + 3]) for i in range(max(len(text) - 2, 1))} for text in (one, two)]
    shared = len(sets[0] & sets[1])
    truth = {
        "edit": edit_similarity(one, two),
        "jaccard": shared / len(sets[0] | sets[1]),
        "containment": shared / min(map(len, sets)),
    }
    assert found.jaccard[0] == pytest.approx(truth["jaccard"])
    wanted = truth[measure] if truth[measure] >= FLOORS[measure] - 1e-12 else 0.0
    assert found.similarity[0] == pytest.approx(wanted)


def test_runs_are_told_from_scattered_edits() -> None:
    text = list(range(60))
    scattered, run, shorter = list(text), list(text), text[:20] + text[30:]
    for i in range(6):
        scattered[5 + 9 * i] = 1000 + i
        run[20 + i] = 1000 + i
    found = likeness(Texts.of(*laid([text, scattered, run, shorter]), 3, 1), np.array([[0, 1], [0, 2], [0, 3]]), "edit")
    assert found.kind.tolist() == [0, 4, 5]


def test_a_third_text_tells_a_template() -> None:
    dice = random.Random(1)
    frame = [f"w{dice.randrange(500)}" for _ in range(40)]

    def with_changes(name: str, places: list[int]) -> str:
        return " ".join(name if i in places else word for i, word in enumerate(frame))

    lines = [with_changes(f"slot{i}", [5, 20, 33]) for i in range(3)]
    lines += [with_changes(f"copy{i}", [3 + 6 * i, 20 + 5 * i]) for i in range(3)]
    corpus = corpus_of(lines).corpus
    segments = {"start": corpus.starts, "end": corpus.ends}
    first, second = np.array([0, 0, 1, 3, 3, 4]), np.array([1, 2, 2, 4, 5, 5])
    assert templates(first, second, segments, corpus.arena, 3, 1).tolist() == [True] * 3 + [False] * 3
    assert templates(first[:1], second[:1], segments, corpus.arena, 3, 1).tolist() == [False]
    lines = [" ".join(frame[: 40 - i]) for i in range(3)]  # each ends sooner: none has something of its own
    corpus = corpus_of(lines).corpus
    segments = {"start": corpus.starts, "end": corpus.ends}
    assert not templates(first[:3], second[:3], segments, corpus.arena, 3, 1).any()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_mixture_is_taken_apart(share: float) -> None:
    draw = np.random.default_rng(3)
    places = 0.51 + 0.02 * np.arange(25)
    peak = np.exp(-(((places[:, None] - np.array([0.93, 0.87])) / 0.03) ** 2)).T
    components = np.stack([np.outer(row / row.sum(), [0.7, 0.3]) for row in peak])
    ground = np.outer(np.exp(-6 * places), [0.2, 0.8])
    truth = share * components[0] + (1 - share) * ground / ground.sum()
    counts = draw.multinomial(20_000, truth.ravel() / truth.sum()).reshape(truth.shape).astype(float)
    found = fit(counts, components, np.ones(25), places)
    assert found.shares[0] == pytest.approx(share, abs=0.02)
    assert found.shares[1] == pytest.approx(0, abs=0.02)
    assert found.slope == pytest.approx(6, abs=1.0) or share == 0.9
    assert float((found.copy * counts).sum()) == pytest.approx(20_000 * share, abs=400)


# The command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of 800 lines in two files."""
    made = tmp_path_factory.mktemp("tune")
    lines = planted(12, texts=500, copies=150, templates=15, splices=30).lines()
    (made / "a.txt").write_text("\n".join(lines[:400]) + "\n", "utf-8")
    (made / "b.txt").write_text("\n".join(lines[400:]) + "\n", "utf-8")
    return made


@pytest.fixture(scope="module")
def tuned(folder: Path) -> Tuning:
    """What is found in the folder."""
    return dedup.tune(str(folder))


def run(*args: str) -> Any:
    return CliRunner().invoke(main, list(args), prog_name="dedup")


def test_the_command_writes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    result = run("tune", str(folder), "--json")
    assert result.exit_code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before
    found = json.loads(result.stdout)
    assert found["schema"] == "dedup.tune/1"
    assert found["points"][0]["threshold"] == 0.5
    assert {"precision", "recall", "pairs", "planted"} <= set(found["points"][0])
    assert found["proposed"].keys() == {"threshold", "bands", "rows", "options"}
    assert found == json.loads(run("tune", str(folder), "--json").stdout)


def test_the_page_says_what_was_found(folder: Path) -> None:
    result = run("tune", str(folder), "--top", "3")
    assert result.exit_code == 0
    for said in ("Proposed", "precision", "recall", "Pairs around", "alike: ", "edited copies of"):
        assert said in result.stdout
    assert run("tune", str(folder), "-q").output == ""


def test_too_little_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        "One line of a few words that stands by itself, and says it at some length.\n", "utf-8"
    )
    result = run("tune", str(tmp_path))
    assert result.exit_code == 2
    assert "too few to estimate from" in result.output


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_page_fits(tuned: Tuning, width: int) -> None:
    raw = io.BytesIO()
    console = make_console(io.TextIOWrapper(raw, encoding="utf-8", write_through=True))
    console.size = (width, 25)  # type: ignore[assignment]
    print_tuning(tuned, console)
    assert max(map(cell_len, raw.getvalue().decode().split("\n"))) <= width
