"""What holds for every corpus and every setting: proofs, books, a second run, and what must make no difference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import naive
import numpy as np
import pytest
from conftest import fewer
from corpora import EN, ZH, corpora, knotted_corpora, tiny_corpora
from hypothesis import given
from hypothesis import strategies as st
from proof import Line, Proof

from dedup import Config, Matching, pipeline
from dedup.backends.local import LocalBackend
from dedup.ledger.lines import LogLines
from dedup.memory import corpus_of, rebuilt
from dedup.model import rows_of
from dedup.pipeline import Outcome

SOURCE = "texts"


@dataclass(frozen=True)
class Cleaned:
    """What a run made of texts: what is left, the records that stay, the log with the cuts inside dropped records."""

    data: list[str]
    kept: list[int]
    lines: list[Line]
    outcome: Outcome

    @property
    def removed(self) -> list[Line]:
        """The lines of what went."""
        return [line for line in self.lines if line["action"] != "keep"]


def clean(texts: Sequence[str], config: Config | None = None) -> Cleaned:
    """Clean texts."""
    memory = corpus_of(list(texts))
    outcome = pipeline.Run(memory.corpus, config or Config(), LocalBackend()).decide()
    log = LogLines(outcome.removals, outcome.left, outcome.shown)
    rows = log.rows(np.arange(len(texts)))
    n = rows_of(rows)
    told = log.told(rows, np.arange(n)).tobytes() + b"".join(lines.tobytes() for lines, _ in log.kept(n))
    lines: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines()]
    assert [line["id"] for line in lines] == [f"r{name:06d}" for name in range(len(lines))]
    first: dict[int, str] = {}
    for removal, line in zip(rows["removal"].tolist(), lines[:n], strict=True):
        if line["action"] == "cut":
            line["of"] = first.setdefault(removal, line["id"])
    kept = [document for document in range(len(texts)) if not outcome.left.dropped[document]]
    return Cleaned(rebuilt(memory, outcome.left), kept, lines, outcome)


def tokens(text: str | bytes) -> list[str]:
    """The tokens of a text; no corpus here mixes Han variants."""
    return [token.text for token in naive.tokens(text.encode() if isinstance(text, str) else text, {})]


def check_laws(texts: list[str], config: Config) -> Cleaned:
    """All that holds whatever the settings."""
    result = clean(texts, config)
    proof = Proof({(SOURCE, i): text.encode() for i, text in enumerate(texts)}, result.lines, config.as_dict())
    assert list(proof.problems()) == []
    assert [proof.rest((SOURCE, i)).decode() for i in result.kept] == result.data
    for document, left in zip(result.kept, result.data, strict=True):
        assert tokens(left) == _around(texts[document].encode(), proof.cuts.get((SOURCE, document), []))
    if result.outcome.settled and not any(value for name, value in result.outcome.counts.items() if "skipped" in name):
        again = clean(result.data, config)
        assert again.removed == []
        assert again.data == result.data
    return result


def _around(text: bytes, cuts: list[tuple[int, int, int]]) -> list[str]:
    """The tokens of a text outside of the cuts: what a cut takes is whole tokens, and it glues none together."""
    return [
        token.text
        for token in naive.tokens(text, {})
        if not any(low <= token.start and token.end <= high for low, high, _ in cuts)
    ]


def matchings() -> st.SearchStrategy[Matching]:
    """Every measure, from loose to strict."""
    thresholds = st.sampled_from([0.3, 0.5, 0.7, 0.85, 1.0])
    measures = st.sampled_from(["edit", "jaccard", "containment"])
    return st.builds(Matching, bands=st.just(12), rows=st.sampled_from([1, 2]), measure=measures, threshold=thresholds)


def configs(loose: bool) -> st.SearchStrategy[Config]:
    """Settings that make rules meet; `loose` for texts of a few tokens, where nearly all match."""
    choices: dict[str, Sequence[Any]] = {
        "grain": ["auto", "auto", "auto", "document", "paragraph", "sentence"],
        "keep": ["first", "longest"],
        "scope": ["auto", "document", "corpus"],
        "cut": ["sentence", "sentence", "paragraph", "clause", "exact", "none"],
        "repeat_weight": [22, 40],
        "numbers": ["ignore", "distinguish"],
        "min_tokens": [0, 3] if loose else [12, 0],
        "short_tokens": [64, 0, 5],
        "min_left_share": [0.2, 0, 0.9],
        "min_left_tokens": [40, 3],
        "bucket_limit": [64, 1, 2],
        "passes": [5, 1, 2, 20],
        "exact": [False, False, True],
    }
    drawn = {name: st.sampled_from(values) for name, values in choices.items()}
    if loose:
        drawn |= {name: matchings() for name in ("document", "paragraph", "sentence")} | {
            "k": st.sampled_from([1, 2, 3])
        }
    return st.builds(Config, **drawn)


@given(corpora())
def test_the_laws_hold_as_the_defaults_are(texts: list[str]) -> None:
    assert check_laws(texts, Config()).outcome.settled or len(texts) > 3


@given(corpora(), configs(loose=False))
def test_the_laws_hold_for_every_setting(texts: list[str], config: Config) -> None:
    check_laws(texts, config)


@given(tiny_corpora() | knotted_corpora(), configs(loose=True))
def test_the_laws_hold_where_everything_matches(texts: list[str], config: Config) -> None:
    check_laws(texts, config)


@fewer(0.5)
@given(corpora())
def test_no_two_equal_texts_stay(texts: list[str]) -> None:
    result = clean(texts)
    said = [folded for text in result.data if (folded := tuple(tokens(text)))]
    assert not result.outcome.settled or len(said) == len(set(said))


@fewer(0.5)
@given(corpora())
def test_lines_go_whole_or_stay_byte_for_byte(texts: list[str]) -> None:
    result = clean(texts, Config(cut="none"))
    for document, left in zip(result.kept, result.data, strict=True):
        if len(tokens(texts[document])) > 200:
            continue  # a page that lost its breaks is cut at its sentences
        lines, place = [line.strip() for line in texts[document].splitlines()], 0
        for line in filter(None, (line.strip() for line in left.splitlines())):
            place = lines.index(line, place) + 1


@fewer(0.5)
@given(corpora(6), st.integers(0, 6))
def test_a_text_of_its_own_changes_no_other_ones_fate(texts: list[str], place: int) -> None:
    alone = "".join(chr(0x7000 + 31 * i) for i in range(60)) + "。\n" + "".join(chr(0x6500 + 17 * i) for i in range(60))
    result, more = clean(texts), clean([*texts[:place], alone, *texts[place:]])
    gone = sum(document < place for document in range(len(texts)) if document not in result.kept)
    spot = min(place, len(texts)) - gone
    assert more.data == [*result.data[:spot], alone, *result.data[spot:]]


@fewer(0.5)
@given(corpora(6))
def test_what_folding_ignores_makes_no_difference(texts: list[str]) -> None:
    plain = [text.lower() for text in texts]
    shouted = [text.upper() for text in plain]
    assert clean(shouted).data == [text.upper() for text in clean(plain).data]


@fewer(0.5)
@given(corpora(6))
def test_the_kind_of_line_break_makes_no_difference(texts: list[str]) -> None:
    plain = ["\n".join(text.replace("\v", "").splitlines()) for text in texts]
    broken = clean([text.replace("\n", "\r\n") for text in plain])
    assert [text.replace("\r\n", "\n") for text in broken.data] == clean(plain).data


AMOUNTS = [ZH[0] + "\n" + ZH[4] + "\n" + ZH[1], ZH[2] + "\n" + ZH[4].replace("5000", "6000") + "\n" + ZH[3]]
SHARED = [ZH[0] + "\n" + ZH[1] + "\n" + ZH[2], EN[0] + "\n" + ZH[1] + "\n" + EN[1] + "\n" + EN[2] + "\n" + EN[3]]
SMALL = "雨停以后请把沙袋送回仓库登记入册\n值班电话二十四小时都有人接听\n饮用水今晚送到每个安置点"
GROWN = ["\n".join(ZH[:5]), "\n".join([*ZH[:5], SMALL])]
BRIEF = [
    "\n".join([*EN, ZH[0]]),
    "\n".join([ZH[5], ZH[3], "See the notice", ZH[1], ZH[2]]),
    "\n".join([ZH[4], "See the notice", EN[0]]),
]
SPLICE = [ZH[0] + ZH[1] + "\n" + EN[0], EN[2] + "\n" + ZH[0][:-1] + "," + ZH[1][:-1] + "。" + ZH[3]]


@pytest.mark.parametrize(
    ("texts", "settings"),
    [
        (AMOUNTS, {"numbers": "ignore"}),
        (SHARED, {"scope": "document"}),
        (SHARED, {"grain": "document"}),
        (SHARED, {"min_tokens": 60}),
        (GROWN, {"keep": "longest"}),
        (GROWN, {"grain": "paragraph"}),
        (GROWN, {"document": Matching(bands=32, rows=3, measure="jaccard", threshold=0.99)}),
        ([*SHARED, EN[1] + "\n别的话"], {"min_left_share": 0}),
        ([*SHARED, EN[1] + "\n别的话"], {"min_left_tokens": 2}),
        (BRIEF, {"min_tokens": 0}),
        ([*SPLICE, SPLICE[1][-90:] + ZH[0] + "\n" + EN[1] + "\n" + EN[3]], {"scope": "corpus", "repeat_weight": 22}),
        ([ZH[0] + ZH[1] + ZH[3], EN[0] + " " + EN[0] + " " + EN[1]], {"cut": "none"}),
        (
            [EN[0] + "\n" + ZH[5] + ZH[1] + "\n" + EN[1], ZH[0] + ZH[5][:-1] + "," + ZH[2]],
            {"cut": "exact", "repeat_weight": 22},
        ),
    ],
)
def test_each_setting_has_an_effect_and_keeps_the_laws(texts: list[str], settings: dict[str, Any]) -> None:
    assert check_laws(texts, Config(**settings)).data != check_laws(texts, Config()).data


def test_sentences_are_cut_across_documents_only_if_asked() -> None:
    own, all_over = (check_laws(SHARED, Config(grain="sentence", scope=scope)) for scope in ("auto", "corpus"))  # type: ignore[arg-type]
    assert own.data == SHARED
    assert [line["reason"] for line in own.lines] == ["another document"]
    assert all_over.data == [SHARED[0], SHARED[1].replace(ZH[1] + "\n", "")]


def test_what_the_bucket_limit_leaves_out_is_counted() -> None:
    texts = [EN[0] + " " + EN[1] + " " + ZH[i] for i in range(6)]
    strict = Matching(bands=32, rows=3, measure="jaccard", threshold=0.9)
    assert clean(texts, Config(bucket_limit=1, document=strict)).outcome.counts["skipped"] > 0
    assert clean(texts, Config(bucket_limit=64, document=strict)).outcome.counts["skipped"] == 0


def test_a_document_that_goes_after_it_was_cut_is_settled() -> None:
    """Its own paragraphs spoke for its cuts; that was once taken back, done again and taken back, without end."""
    texts = [f"{ZH[0]}\n{ZH[0]}", f"{ZH[0]}\n{ZH[0]}\n{ZH[0]}"]
    strict = Matching(bands=32, rows=3, measure="edit", threshold=1.0)
    result = check_laws(texts, Config(scope="document", document=strict, min_left_share=0))
    assert result.outcome.settled
    assert result.data == [ZH[0]]


def test_a_pass_without_pairs_is_followed_by_one_with_them() -> None:
    texts = [f"{ZH[3]}\n{ZH[3][1:]}", f"{ZH[3]}\n分享到:\n{ZH[3][1:]}", f"{ZH[3][1:]}\n{ZH[3]}", ZH[3], ZH[3][1:]]
    check_laws(texts, Config(scope="document"))
