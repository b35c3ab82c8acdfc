"""No record goes whole with a paragraph that only it has: against the oracle, case by case, and where later passes cut."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

import naive
import numpy as np
import pytest
from corpora import EN, ZH, documents
from folding import han
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup import Config, kernels
from dedup.api import Cleaned
from dedup.ledger.left import letters
from dedup.model import Batch, Strings
from dedup.stages.segment import segment
from dedup.stages.spare import spare
from dedup.stages.verify import allowed_edits

LEAST = 40
THRESHOLD = 0.85
NOTE = "水文站的老站长在雨里守着大坝不肯离开,他说自己从没有见过河水涨得这样快,也没有见过这么多的年轻人扛着沙袋。"
SMALL = "雨停以后请把沙袋送回仓库登记入册"


def laid_out(texts: Sequence[str]) -> tuple[Strings, Batch]:
    """The texts, and their paragraphs as the stage wants them."""
    laid = Strings.of([text.encode() for text in texts])
    batch = {
        "document": np.arange(len(texts)),
        "start": laid.offsets[:-1],
        "end": laid.offsets[1:],
        "markdown": np.zeros(len(texts), bool),
    }
    found = segment(batch, arena=laid.values, grain="paragraph")
    none = np.zeros(0, np.uint32)
    found["hash"], _, found["tokens"], _ = kernels.scan(laid.values, found["start"], found["end"], 1, 0, none, none)
    return laid, found


def says_more(texts: Sequence[str], pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    laid, paragraphs = laid_out(texts)
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    found = spare(
        {"row": np.arange(len(pairs)), "first": first, "second": second},
        arena=laid.values,
        paragraphs=paragraphs,
        allowed=partial(allowed_edits, threshold=THRESHOLD),
        least=LEAST,
    )
    return {pairs[row] for row in found["row"].tolist()}


def wanted(texts: Sequence[str], pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The same by brute force, for the paragraphs that `segment` finds."""
    laid, found = laid_out(texts)
    said: list[list[tuple[tuple[str, ...], int]]] = [[] for _ in texts]
    for document, start, end in zip(*(found[name].tolist() for name in ("document", "start", "end")), strict=True):
        said[document].append(read(laid.values[start:end].tobytes()))
    return {
        (first, second)
        for first, second in pairs
        if any(
            count >= LEAST and not any(alike(mine, other) for other, _ in said[first]) for mine, count in said[second]
        )
    }


@cache
def read(data: bytes) -> tuple[tuple[str, ...], int]:
    """The tokens of a paragraph, and how many letters and digits they have."""
    tokens = naive.tokens(data, han())
    count = sum(len(data[token.start : token.end].decode()) for token in tokens)
    return tuple(token.text for token in tokens), count


@cache
def alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return naive.edit_similarity(one, other) >= THRESHOLD - 1e-9


@given(st.lists(documents().filter(lambda text: any(map(str.isalnum, text))), min_size=2, max_size=4))
def test_it_is_the_oracles(texts: list[str]) -> None:
    pairs = [(i, j) for i in range(len(texts)) for j in range(len(texts)) if i != j]
    assert says_more(texts, pairs) == wanted(texts, pairs)


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("。 ,", 0), ("雨 rain 42!", 7), ("Ёж и é", 4), ("質(zhì)量", 2), ("ｒａｉｎ", 4)]
)
def test_letters_are_code_points_of_tokens(text: str, count: int) -> None:
    data = np.frombuffer(b"x" + text.encode(), np.uint8)
    assert letters(data, np.array([1]), np.array([len(data)])).tolist() == [count]


def line(number: int) -> str:
    """Some forty characters, those of no other number."""
    return "".join(chr(0x4E00 + (number * 40 + i) * 7 % 0x5000) for i in range(40)) + "。"


def test_paragraphs_are_found_behind_a_long_insertion() -> None:
    one = [line(number) for number in range(400)]
    other = [text.replace(text[9], "另") if number % 3 else text for number, text in enumerate(one)][150:]
    assert says_more(["\n".join(one), "\n".join(other), "\n".join([*other, NOTE])], [(0, 1), (0, 2)]) == {(0, 2)}


def test_paragraphs_are_found_in_another_order() -> None:
    one = [line(number) for number in range(40)]
    other = [text.replace(text[9], "另") for text in reversed(one)]
    assert says_more(["\n".join(one), "\n".join(other)], [(0, 1), (1, 0)]) == set()


def clean(texts: list[str], **settings: object) -> Cleaned:
    result = dedup.clean(texts, Config(**settings))  # type: ignore[arg-type]
    assert isinstance(result, Cleaned)
    return result


def test_a_document_with_a_paragraph_of_its_own_loses_what_it_shares_and_stays() -> None:
    texts = ["\n".join(ZH[:5]), "\n".join([*ZH[:5], NOTE])]
    assert clean(texts).data == [texts[0], NOTE]
    assert clean(texts, grain="document").data == [texts[0]]
    assert clean([texts[1], texts[0]]).data == [texts[1]]
    assert clean(["\n".join(ZH[:5]), "\n".join([*ZH[:5], SMALL])]).data == [texts[0]]


def test_alike_documents_that_share_no_paragraph_are_shown() -> None:
    one = "".join(ZH[:4])
    result = clean([one, one.replace(ZH[1], NOTE)], cut="none")
    assert len(result.data) == 2
    assert [(line["action"], line["reason"], line["grain"]) for line in result.removed] == [
        ("keep", "says more", "document")
    ]
    assert result.report.kept_for_more == 1


def test_a_numeral_alone_does_not_make_a_document_stay() -> None:
    texts = ["\n".join(ZH[:5]), "\n".join(ZH[:5]).replace("5000", "6000")]
    assert clean(texts).data == texts[:1]


def test_a_record_is_not_dropped_with_the_line_that_is_left_of_it() -> None:
    own = "The ferryman Ode Brack kept the only key to the tower."
    texts = ["\n".join(EN), "\n".join([*EN, own])]
    assert clean(texts).data == [texts[0], own]
    assert clean([texts[0], "\n".join([*EN, "Read more"])]).data == texts[:1]


def changed(text: str, *places: int) -> str:
    return "".join("另" if i in places else c for i, c in enumerate(text))


def test_a_drop_is_taken_back_where_the_match_of_its_paragraph_goes_for_another() -> None:
    """NOTE matches its edited copy, and that one the copy of a copy, but the ends of the chain do not match."""
    middle, far = changed(NOTE, 1, 3, 5, 8, 10), changed(NOTE, 1, 3, 5, 8, 10, 12, 14, 16, 19, 22)
    texts = [EN[0] + "\n" + far, "\n".join([*ZH[:5], middle]), "\n".join([*ZH[:5], NOTE])]
    result = clean(texts)
    assert result.report.taken_back > 0
    assert result.data == [texts[0], "\n".join(ZH[:5]), NOTE]
