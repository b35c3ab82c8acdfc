"""How many of the pairs that match the candidates miss, by similarity: a run against the same run with `exact`.

`dedup.matches` is asked about the same texts with `exact` and without; a pair that only the first has was no candidate of the
second, for whatever both measure comes out the same. The bucket limit is put so high that it leaves out no pair, or nearly
none: what is asked is what bands and pieces miss. At the default limit, with which a text is held against some of hundreds
that are alike, it is asked how many of the texts that match an earlier one find one that they match. Pairs of equal texts are
left out: all of them are found. Texts up to 64 tokens are a row of their own, for all pairs of those are to be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from labelled import CHINESE, ENGLISH, lctt, records, taiwan_laws
from measure import table
from numpy.typing import NDArray

import dedup
from dedup import kernels
from dedup.config import Config
from dedup.model import I64, Strings
from dedup.pairing import Pairs

PARAGRAPH_BINS = (0.95, 0.9, 0.85)
DOCUMENT_BINS = (0.8, 0.6, 0.5)
"""And the threshold itself."""
SHORT = 64
"""Tokens of the longer text of a pair of short ones."""
NO_LIMIT = 1024
"""The highest bucket limit."""
LEAST_CHARACTERS = 40
"""Of a natural paragraph."""
EDITED = 3000
"""Paragraphs of a language that get edits."""
MOST_EDITS = 0.15
"""Of the tokens of a paragraph: what a threshold of .85 allows."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Of the pairs of texts at a similarity: how many there are, and how many are found.

    Attributes:
        name: the texts; short: whether these are the pairs of texts up to 64 tokens.
        measure, low: the similarity, from this on.
        pairs, found: how many match, and how many of them are found.
        texts, met: how many texts match an earlier one, and how many of them find one at the default limit.
    """

    name: str
    short: bool
    measure: str
    low: float
    pairs: int
    found: int
    texts: int
    met: int

    @property
    def recall(self) -> float:
        """Share of the pairs that is found."""
        return self.found / self.pairs if self.pairs else 1.0

    @property
    def key(self) -> str:
        """The name that floors.json has."""
        return f"candidates.{self.name}{'.short' if self.short else f'.{self.low:g}'}"


def natural_paragraphs() -> list[str]:
    """The distinct lines of all documents and of their other versions."""
    found: dict[str, None] = {}
    files = [("docs", f"{name}.jsonl") for name in (*CHINESE, *ENGLISH, "pdis_transcripts_zh_hant_en")]
    files += [("pairs", f"{name}.jsonl") for name in ("lctt_zh_hans", "twlaw_zh_hant", "bible_en_graded")]
    for place in files:
        for record in records(*place):
            for value in record.values():
                found.update(dict.fromkeys(value.split("\n") if isinstance(value, str) else ()))
    return [text for text in found if len(text) >= LEAST_CHARACTERS]


def edited_paragraphs(n: int = EDITED) -> list[str]:
    """Paragraphs of some 70 to 200 tokens, and of each a copy with up to 15 % of its tokens replaced, added or left out."""
    draw = np.random.default_rng(3)
    texts: list[str] = []
    for language, files in (("zh", CHINESE), ("en", ENGLISH)):
        chinese = language == "zh"
        found: dict[str, list[str]] = {}
        for file in files:
            for record in records("docs", f"{file}.jsonl"):
                for text in record["text"].split("\n"):
                    tokens = list(text) if chinese else text.split()
                    if 70 <= len(tokens) <= 200:
                        found.setdefault(text, tokens)
        chosen = draw.permutation(len(found))[:n]
        sources = list(found.items())
        for text, tokens in (sources[i] for i in chosen):
            edited = list(tokens)
            for _ in range(int(draw.integers(1, max(2, int(MOST_EDITS * len(tokens)))))):
                at = int(draw.integers(len(edited)))
                other = chr(0x4E00 + int(draw.integers(3000))) if chinese else f"zq{draw.integers(3000)}"
                edited[at : at + int(draw.integers(2))] = [other][: int(draw.integers(2))]
            texts += [text, ("" if chinese else " ").join(edited)]
    return texts


def documents() -> list[str]:
    """Articles, laws, transcripts and licences, with the other versions of those that have one."""
    texts = [*lctt().texts, *taiwan_laws().texts]
    for name in ("cnlaw_zh_hans", "twlaw_en", "pdis_transcripts_zh_hant_en", "spdx_licenses_en"):
        texts += [record["text"] for record in records("docs", f"{name}.jsonl")]
    return texts


def reached(name: str, texts: Sequence[str], grain: Literal["document", "paragraph"]) -> list[Reached]:
    """Compare the pairs that are found with all that there are."""
    config = replace(Config(), grain=grain, min_tokens=0)
    truth = dedup.matches(list(texts), replace(config, exact=True))
    found, usual = (
        np.isin(_names(truth), _names(dedup.matches(list(texts), other)))
        for other in (replace(config, bucket_limit=NO_LIMIT), config)
    )
    longest = np.maximum(_tokens(texts, truth, "first"), _tokens(texts, truth, "second"))
    unlike, is_short = truth.similarity < 1, longest <= SHORT
    later = np.unique(np.stack([truth.second, truth.second_span[:, 0]]), axis=1, return_inverse=True)[1]

    def row(short: bool, measure: str, low: float, mine: NDArray[np.bool_]) -> Reached:
        texts_met = [len(set(later[mine & those].tolist())) for those in (unlike, usual)]
        return Reached(name, short, measure, low, int(mine.sum()), int((mine & found).sum()), *texts_met)

    matching = config.matching(grain)
    bins = PARAGRAPH_BINS if grain == "paragraph" else (*DOCUMENT_BINS, matching.threshold)
    similarity = truth.similarity
    rows = [
        row(False, matching.measure, low, unlike & ~is_short & (similarity >= low) & (similarity < high))
        for low, high in zip(bins, (1.0, *bins), strict=False)
    ]
    return [*rows, row(True, "edit", config.paragraph.threshold, unlike & is_short)]


def _names(pairs: Pairs) -> NDArray[np.str_]:
    """A name for each pair, the same in every run over the same texts."""
    rows = np.stack([pairs.first, pairs.first_span[:, 0], pairs.second, pairs.second_span[:, 0]], axis=1)
    names: NDArray[np.str_] = np.array([repr(row) for row in rows.tolist()], dtype=str)
    return names


def _tokens(texts: Sequence[str], pairs: Pairs, side: Literal["first", "second"]) -> I64:
    laid = Strings.of([text.encode() for text in texts])
    documents, spans = (pairs.first, pairs.first_span) if side == "first" else (pairs.second, pairs.second_span)
    starts = laid.offsets[documents]
    _, offsets = kernels.tokens(laid.values, starts + spans[:, 0], starts + spans[:, 1])
    tokens: I64 = offsets[1:] - offsets[:-1]
    return tokens


def all_reached(edited: int = EDITED) -> list[Reached]:
    """Natural paragraphs, edited ones, whole documents."""
    return [
        *reached("natural", natural_paragraphs(), "paragraph"),
        *reached("edited", edited_paragraphs(edited), "paragraph"),
        *reached("documents", documents(), "document"),
    ]


def reached_table(rows: Sequence[Reached]) -> str:
    """A row a bin."""
    head = ("texts", "tokens", "similarity from", "pairs", "found", "recall", "texts met")
    return table(
        head,
        [
            (
                row.name, "up to 64" if row.short else "over 64", f"{row.measure} {row.low:.2f}", f"{row.pairs:,}",
                f"{row.found:,}", f"{row.recall:.4f}", f"{row.met:,} of {row.texts:,}",
            )
            for row in rows
        ],
    )  # fmt: skip
