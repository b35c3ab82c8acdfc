"""All matches as pairs: against brute force with the oracle, equal texts, numbers, spans, inputs."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import naive
import numpy as np
import pytest
from folding import han
from hypothesis import example, given
from hypothesis import strategies as st

import dedup
from dedup import Config, Matching
from dedup.errors import UsageError

SURE = Matching(bands=256, rows=1, measure="jaccard", threshold=0.5)
"""Misses next to nothing of what it is to find: what is tested is not the chance of the bands."""
ZH = "松河市水务局今天通报连日降雨使城北水位上涨抢险队已在三处堤段加高沙袋"


def tokens(text: str) -> list[str]:
    return [token.text for token in naive.tokens(text.encode(), han())]


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=12).map(" ".join), max_size=8))
@example(["a b c d e f g x y z", "a b c d e f g u v w"])  # a near miss
def test_every_match_is_a_pair_and_every_pair_a_match(texts: list[str]) -> None:
    config = Config(grain="document", short_tokens=0, document=SURE)
    found = dedup.matches(texts, config)
    folded = [tuple(tokens(text)) for text in texts]
    first = [folded.index(words) for words in folded]
    wanted = {(first[j], j): 1.0 for j in range(len(texts)) if folded[j] and first[j] != j}
    for i, j in combinations(sorted({f for f in first if folded[f]}), 2):
        one, two = ({words[n : n + 3] for n in range(len(words) - 2)} for words in (folded[i], folded[j]))
        similarity = naive.jaccard(one, two)  # type: ignore[arg-type]
        if similarity >= 0.5:
            wanted[i, j] = similarity
    got = dict(zip(zip(found.first.tolist(), found.second.tolist()), found.similarity.tolist()))
    assert got == pytest.approx(wanted)
    assert len(found) == len(wanted)
    assert found.texts == sum(map(bool, folded))


def test_what_differs_in_a_number_matches_and_says_why_both_stay() -> None:
    texts = [f"{ZH}，补助五千元。", f"{ZH}，补助六千元。", f"{ZH}，补助五千元！"]
    found = dedup.matches(texts, Config(grain="paragraph"))
    assert list(zip(found.first.tolist(), found.second.tolist(), found.why.tolist())) == [
        (0, 1, "numbers differ"),
        (0, 2, ""),
    ]
    assert found.measure.tolist() == ["edit", "edit"]
    assert 0.85 <= found.similarity[0] < found.similarity[1] == 1


def test_spans_are_bytes_of_each_text() -> None:
    texts = ["Another matter.\n" + ZH, ZH[:-1] + "包\nThe end of it."]
    found = dedup.matches(texts, Config(grain="paragraph"))
    spans = [found.first_span[0], found.second_span[0]]
    assert [text.encode()[low:high].decode() for text, (low, high) in zip(texts, spans)] == [ZH, ZH[:-1] + "包"]


def test_the_grain_auto_compares_documents() -> None:
    found = dedup.matches([ZH, ZH + "。"])
    assert (found.grain, len(found)) == ("document", 1)


@pytest.mark.parametrize("texts", [[], ["", "。"]])
def test_nothing_matches_nothing(texts: list[str]) -> None:
    found = dedup.matches(texts)
    assert (len(found), found.texts, found.first_span.shape) == (0, 0, (0, 2))


def test_files_are_read_as_texts_are(tmp_path: Path) -> None:
    texts = [ZH, "Something else altogether, which has no like.", ZH[:-2]]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    one, two = dedup.matches(path), dedup.matches(texts)
    assert one.first.tolist() == two.first.tolist() == [0]
    assert np.array_equal(one.second_span, two.second_span)
    with pytest.raises(UsageError, match="standard input"):
        dedup.matches("-")


def test_a_bucket_is_not_cut_short_as_in_a_pass() -> None:
    texts = [f"{ZH}第{chr(0x5000 + i)}" for i in range(20)]
    found = dedup.matches(texts, Config(grain="paragraph", bucket_limit=1))
    assert len(found) == 20 * 19 / 2
    assert found.skipped == 0
