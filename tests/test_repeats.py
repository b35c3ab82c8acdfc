"""Repeats: every repeated token is found, every removal is proven by what stays, and nothing else goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import check_out
import folding
import naive
import naive_repeats
import naive_windows
import numpy as np
import proof
import pytest
from conftest import fewer, real_texts
from corpora import EN, ZH, corpora, documents, tiny_corpora
from hypothesis import example, given
from hypothesis import strategies as st
from proof import Line

from dedup import Config, kernels, repeating
from dedup.backends.local import LocalBackend
from dedup.files import clean_files
from dedup.ledger.left import Left
from dedup.memory import corpus_of
from dedup.model import Batch, Strings, concat
from dedup.stages.segment import segment

Tokens = set[tuple[int, int]]
WEIGHT = 40
MIN_TOKENS = 12
FURNITURE = (
    "首页 | 新闻 | 正文", "责任编辑:{}", "编辑:{} 审核:{} 终审:王强", "阅读 {} 次", "Posted by {} on 2024-05-{}",
    "本网转载其他媒体的稿件,目的在于传递更多信息,不代表本网赞同其观点,第{}号,如有问题请在三十日内与本网联系,我们将尽快处理。",
)  # fmt: skip
FILLINGS = ("李明", "赵小红", "17", "Ann Lee", "5", "31")


def found(texts: Sequence[str], weight: int = WEIGHT, **options: int) -> tuple[Tokens, int]:
    """(text, place) of the tokens in the runs that dedup finds, and how many places the posting limit left out."""
    corpus = corpus_of(list(texts)).corpus
    left, everything = Left(corpus), np.arange(len(texts), dtype=np.int64)
    batch = {"document": everything, "start": corpus.starts, "end": corpus.ends, "markdown": corpus.markdown}
    segments = segment(batch, arena=corpus.arena, grain="paragraph")
    seen: list[Batch] = []

    def extend(batch: Batch, **arguments: object) -> Batch:
        seen.append(inner(batch, **arguments))  # type: ignore[arg-type]
        return seen[-1]

    inner, backend = repeating.extend, LocalBackend(1)
    config = Config(repeat_weight=weight, **options)  # type: ignore[arg-type]
    with patch.object(repeating, "extend", extend):
        skipped = repeating.RepeatFinder(config, backend).find(left, everything, segments, shows=True).skipped
    backend.close()
    runs = concat(seen)
    rows = zip(runs["later"].tolist(), runs["start"].tolist(), runs["length"].tolist(), strict=True) if runs else ()
    return {(later, start + i) for later, start, length in rows for i in range(length)}, skipped


def wanted(texts: Sequence[bytes], weight: int = WEIGHT) -> Tokens:
    """The same by brute force."""
    return naive_windows.repeated_tokens([naive_windows.values(text, folding.han()) for text in texts], weight)


@given(st.lists(st.lists(st.integers(0, 3), max_size=25), max_size=4), st.integers(1, 9))
def test_the_two_oracles_agree(texts: list[list[int]], least: int) -> None:
    assert naive_windows.repeated_tokens(texts, least) == naive_repeats.repeated_tokens(texts, least)


@fewer(0.75)
@given(corpora(), st.sampled_from([22, 40, 41, 90]))
@example([ZH[0] + ZH[1] + ZH[0] * 3, ZH[1] + "。" + EN[0], EN[0] + " " + ZH[0]], 40)
def test_exactly_the_repeated_tokens_are_found(texts: list[str], weight: int) -> None:
    tokens, skipped = found(texts, weight)
    expected = wanted([text.encode() for text in texts], weight)
    assert tokens <= expected
    assert tokens == expected or skipped


@st.composite
def dense(draw: st.DrawFn) -> list[str]:
    """Texts of three characters and two words: everything stands everywhere."""
    pieces = draw(st.lists(st.text("甲乙丙", min_size=8, max_size=40) | st.just("ab cd " * 6), min_size=1, max_size=4))
    return draw(st.lists(st.lists(st.sampled_from(pieces), max_size=5).map("".join), max_size=6))


@given(dense(), st.sampled_from([22, 40]))
def test_exactly_the_repeated_tokens_are_found_where_all_is_repeated(texts: list[str], weight: int) -> None:
    tokens, skipped = found(texts, weight)
    expected = wanted([text.encode() for text in texts], weight)
    assert tokens <= expected
    assert tokens == expected or skipped


REAL = {
    "cnlaw_zh_hans": 80, "twlaw_en": 80, "twlaw_zh_hant": 120, "spdx_licenses_en": 120, "lctt_zh_hans": 120,
    "pdis_transcripts_zh_hant_en": 20,
}  # fmt: skip


def real_documents(name: str) -> list[str]:
    with real_texts("data", "docs", f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


@pytest.mark.parametrize("name", REAL)
def test_exactly_the_repeated_tokens_of_real_documents_are_found(name: str) -> None:
    texts = real_documents(name)[: REAL[name]]
    laid = Strings.of([text.encode() for text in texts])
    values, offsets, _, _ = kernels.tokenize(laid.values, laid.offsets[:-1].copy(), laid.offsets[1:].copy())
    sample = naive_windows.values(texts[3].encode()[:6000], folding.han())
    assert values[offsets[3] :][: len(sample) - 1].tolist() == sample[:-1]  # the oracle's tokens are these
    expected = naive_windows.repeated_tokens([row.tolist() for row in np.split(values, offsets[1:-1])], WEIGHT)
    tokens, skipped = found(texts)
    assert tokens <= expected
    assert len(expected) > (0 if name.startswith("pdis") else 1000)
    assert tokens == expected or skipped
    assert len(tokens) >= 0.99 * len(expected)


@st.composite
def sites(draw: st.DrawFn) -> list[tuple[str, str]]:
    """(text, URL): pages of two hosts, with their furniture, and texts of no host."""
    texts = draw(corpora(9) | st.lists(documents(), min_size=3, max_size=9))
    lines = draw(st.lists(st.sampled_from(FURNITURE), max_size=4, unique=True))
    fill = st.sampled_from(FILLINGS)
    rows = []
    for text in texts:
        host = draw(st.sampled_from(["https://www.a.example/x", "http://a.example:80/y", "https://b.example/", ""]))
        mine = [line.format(draw(fill), draw(fill)) for line in lines] if host else []
        place = draw(st.sampled_from(["before", "behind", "around"]))
        half = {"before": len(mine), "behind": 0, "around": len(mine) // 2}[place]
        rows.append(("\n".join([*mine[:half], text, *mine[half:]]), host))
    return rows


def settings_of_runs() -> st.SearchStrategy[Config]:
    return st.builds(
        Config,
        cut=st.sampled_from(["sentence", "sentence", "clause", "exact", "paragraph", "none"]),
        scope=st.sampled_from(["auto", "auto", "document", "corpus"]),
        boilerplate=st.sampled_from(["cut", "cut", "keep-first", "keep"]),
        repeat_weight=st.sampled_from([40, 22]),
        min_tokens=st.sampled_from([12, 12, 4, 0]),
        passes=st.sampled_from([5, 5, 1, 2, 20]),
        keep=st.sampled_from(["first", "longest"]),
        numbers=st.sampled_from(["distinguish", "ignore"]),
        min_left_share=st.sampled_from([0.2, 0.2, 0, 0.9]),
        short_tokens=st.sampled_from([64, 64, 0, 5]),
    )


def read_lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in check_out.read(path).splitlines()]


@fewer(0.6)
@given(
    rows=sites() | tiny_corpora().map(lambda texts: [(text, "a.example") for text in texts]), config=settings_of_runs()
)
def test_the_laws_of_removal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], config: Config
) -> None:
    folder = tmp_path_factory.mktemp("laws")
    (folder / "in").mkdir()
    texts = [text.encode("utf-8", "replace").decode() for text, _ in rows]
    records = [{"text": text, "url": url} for text, (_, url) in zip(texts, rows, strict=True)]
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (folder / "in/pages.jsonl").write_text(data, "utf-8", newline="")
    result = clean_files([str(folder / "in")], str(folder / "out"), config)
    assert list(check_out.problems(folder / "in", folder / "out")) == []
    # each removal is what the log says, and what speaks for it is in OUT
    assert proof.unproven(folder / "in", folder / "out") == []
    lines = check_out.log(folder / "out", "removed.jsonl.zst")
    assert gone_without_reason([text.encode() for text in texts], lines, config.repeat_weight) == []
    if result.report.settled and not result.report.skipped_pairs and not result.report.skipped_places:
        again = clean_files([str(folder / "out/pages.jsonl")], str(folder / "again"), config)
        assert [line for line in check_out.log(folder / "again", "removed.jsonl.zst") if line["action"] != "keep"] == []
        assert again.report.removed_bytes == 0


def gone_without_reason(texts: Sequence[bytes], lines: Sequence[Line], weight: int) -> list[Line]:
    """Repeats that went though not every token of theirs was repeated in what the steps before had left."""
    source = next((line["source"] for line in lines), "")
    read = proof.Proof({(source, number): text for number, text in enumerate(texts)}, lines, {})
    gone = [line for line in lines if line["action"] == "cut" and line["reason"] == "repeated"]
    dropped = {line["record"]: line["step"] for line in lines if line["action"] == "drop"}
    wrong = []
    for step in sorted({line["step"] for line in gone}):
        before = [
            b"" if dropped.get(number, step) < step else read.standing((source, number), 0, len(text), step)
            for number, text in enumerate(texts)
        ]
        repeated = wanted(before, weight)
        for line in (line for line in gone if line["step"] == step):
            at, (start, end) = proof.place(line), read.span(line)
            first, last = (len(naive.tokens(read.standing(at, 0, edge, step), folding.han())) for edge in (start, end))
            if not {(line["record"], i) for i in range(first, last)} <= repeated:
                wrong.append(line)
    return wrong
