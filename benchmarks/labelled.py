"""The labelled sets of real text, as texts and true pairs.

They are read from `data` in the folder that DEDUP_DATA names (default: `../shared` beside the repository). A record is a
text; the grain of a set is the one at which its texts are compared. Planted sets take paragraphs of `data/docs` and an
edited copy of each: of its letters and words this share, and at least one, is replaced by others of the same text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations, product
from typing import Any, Literal

import numpy as np
from corpora import data_folder

from dedup.config import Config
from dedup.pairing import Pairs

Grain = Literal["document", "paragraph", "sentence"]
Pair = tuple[int, int]

VERSIONS = ("KJVPCE", "Webster", "ASV", "YLT", "BBE")
CHINESE = ("cnlaw_zh_hans", "lctt_zh_hans", "twlaw_zh_hant")
ENGLISH = ("twlaw_en", "spdx_licenses_en")
PLANTED = 8000
"""Paragraphs in a planted set, of all that there are."""
LEAST_TOKENS = 12
"""Shorter paragraphs inside documents are not compared (`Config.min_tokens`), so none are planted."""
MOST_TOKENS = 200
"""Longer ones may be compared in parts."""
NO_PARAGRAPH = ("```", "~~~", "|")
"""Code and tables are not compared either, nor are labels, which end in a colon."""

_TOKENS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+|[\W_]+")
_SENTENCE_ENDS = re.compile(r"(?<=[。！？!?])|(?<=\.)(?=\s)")


@dataclass(frozen=True)
class Labelled:
    """Texts of which it is known which belong together.

    Attributes:
        name: unique, without spaces.
        texts: n texts.
        true: pairs (i, j), i < j, that belong together.
        grain: at which they are compared.
        grades: of some true pairs what they are, such as the two versions; for recall by grade.
        settings: what the truth itself demands to be set, such as the k of its shingles; nothing else is ever set for one set.
        planted: text j is an edited copy of text j - n / 2.
        about: in words.
    """

    name: str
    texts: Sequence[str]
    true: frozenset[Pair]
    grain: Grain
    grades: dict[Pair, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    planted: bool = False
    about: str = ""

    def config(self, config: Config | None = None) -> Config:
        """The configuration that the set is run with: the given one at the set's grain."""
        return replace(config or Config(), grain=self.grain, **self.settings)


def records(*parts: str) -> list[dict[str, Any]]:
    """The records of a JSONL file of the data.

    Raises:
        FileNotFoundError: it is not there.
    """
    path = data_folder().joinpath("data", *parts)
    if not path.exists():
        raise FileNotFoundError(f"no real texts at {path}; name their folder: DEDUP_DATA=FOLDER")
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def digest() -> str:
    """32 hex digits that name the data that the sets are made of."""
    made = hashlib.blake2b(digest_size=16)
    folder = data_folder() / "data"
    for path in sorted([*folder.glob("pairs/*.jsonl"), *folder.glob("docs/*.jsonl"), *folder.glob("docs/*.tsv")]):
        made.update(path.name.encode())
        made.update(path.read_bytes())
    return made.hexdigest()


def two_sided(name: str, sides: tuple[Sequence[str], Sequence[str]], grain: Grain, about: str) -> Labelled:
    """Text i of one side belongs to text i of the other."""
    n = len(sides[0])
    return Labelled(name, [*sides[0], *sides[1]], frozenset((i, n + i) for i in range(n)), grain, about=about)


def lctt() -> Labelled:
    """Drafts of translated articles, and all published ones, those included that no draft is of."""
    published, drafts = records("docs", "lctt_zh_hans.jsonl"), records("pairs", "lctt_zh_hans.jsonl")
    place = {record["id"]: i for i, record in enumerate(published)}
    texts = [record["text"] for record in published] + [record["draft"] for record in drafts]
    true = frozenset((place[record["published_path"]], len(published) + i) for i, record in enumerate(drafts))
    return Labelled("lctt", texts, true, "document", about="published articles and translators' drafts")


def _sides(file: str, one: str, other: str) -> tuple[list[str], list[str]]:
    found = records("pairs", file)
    return [record[one] for record in found], [record[other] for record in found]


def taiwan_laws() -> Labelled:
    """Laws before and after an amendment."""
    return two_sided("taiwan-laws", _sides("twlaw_zh_hant.jsonl", "old", "new"), "document", "laws, two versions each")


def bible_scripts() -> Labelled:
    """Verses in two scripts."""
    return two_sided(
        "bible-scripts", _sides("bible_hant_hans.jsonl", "hant", "hans"), "document", "verses, two scripts"
    )


def poems() -> Labelled:
    """Poems in two editions."""
    return two_sided("poems", _sides("poems_zh_hant.jsonl", "a", "b"), "document", "poems, two editions each")


def poem_paragraphs() -> Labelled:
    """The same poems as paragraphs: their lines are joined."""
    one, other = (["".join(text.split()) for text in side] for side in _sides("poems_zh_hant.jsonl", "a", "b"))
    return two_sided("poem-paragraphs", (one, other), "paragraph", "the same poems, their lines joined")


def ocr() -> Labelled:
    """Newspaper articles as recognised, and as corrected."""
    return two_sided("ocr", _sides("ocr_en.jsonl", "ocr", "gold"), "document", "newspapers, recognised and corrected")


def bible_versions() -> Labelled:
    """Verses in five English versions; the grade is the version that stands beside the first."""
    found = [record for record in records("pairs", "bible_en_graded.jsonl") if all(record[v] for v in VERSIONS)]
    texts = [record[version] for version in VERSIONS for record in found]
    n = len(found)
    spans = {(a * n + i, b * n + i): (a, b) for a in range(5) for b in range(a + 1, 5) for i in range(n)}
    grades = {pair: VERSIONS[b] for pair, (a, b) in spans.items() if a == 0}
    return Labelled(
        "bible-versions", texts, frozenset(spans), "document", grades, about="verses, five English versions"
    )


def spdx(line: float) -> Labelled:
    """Licences, with every pair at a Jaccard of `line` or above by brute force; the truth is of 5-shingles and of no other measure."""
    found = records("docs", "spdx_licenses_en.jsonl")
    place = {record["id"]: i for i, record in enumerate(found)}
    table = (data_folder() / "data" / "docs" / "spdx_exact_pairs_J0.5.tsv").read_text(encoding="utf-8").splitlines()
    true = set()
    for one, other, similarity in (row.split("\t") for row in table):
        if float(similarity) >= line:
            true.add((min(place[one], place[other]), max(place[one], place[other])))
    document = replace(Config().document, measure="jaccard", threshold=line)
    settings = {"k": 5, "short_tokens": 0, "document": document}
    texts = [record["text"] for record in found]
    return Labelled(
        f"spdx-{line:g}", texts, frozenset(true), "document", settings=settings, about="licences, 5-shingles"
    )


def planted(language: Literal["zh", "en"], rate: float, grain: Grain = "paragraph") -> Labelled:
    """Paragraphs (or sentences) of the documents, and a copy of each with this share of its letters and words replaced."""
    sources = _sources(language, grain)
    draw = np.random.default_rng(round(rate * 1000) + 1)
    pool = [token for text in sources for token in _of(_letters(text), language)]
    copies = [_edited(text, rate, pool, draw) for text in sources]
    name = f"{grain}s-{language}-{rate:g}"
    made = two_sided(name, (sources, copies), grain, f"{grain}s, {rate:.0%} of the tokens replaced")
    return replace(made, planted=True)


@cache
def _sources(language: str, grain: Grain) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for file in CHINESE if language == "zh" else ENGLISH:
        for record in records("docs", f"{file}.jsonl"):
            for line in record["text"].split("\n"):
                for text in _SENTENCE_ENDS.split(line) if grain == "sentence" else (line,):
                    if line.rstrip().endswith((":", "：")) or line.lstrip().startswith(NO_PARAGRAPH):
                        continue
                    letters = _letters(text)
                    if LEAST_TOKENS <= len(letters) <= MOST_TOKENS and len(_of(letters, language)) > 1:
                        found.setdefault(text.strip())
    texts = list(found)
    chosen = np.random.default_rng(1).permutation(len(texts))[:PLANTED]
    return tuple(texts[i] for i in chosen)


def _letters(text: str) -> list[str]:
    return [token for token in _TOKENS.findall(text) if token[0].isalnum()]


def _of(letters: list[str], language: str) -> list[str]:
    return [token for token in letters if (token >= "\u3040") == (language == "zh")]


def _edited(text: str, rate: float, pool: Sequence[str], draw: np.random.Generator) -> str:
    tokens = _TOKENS.findall(text)
    letters = [i for i, token in enumerate(tokens) if token[0].isalpha()]
    n = max(1, round(rate * len(letters)))
    for place in draw.choice(letters, min(n, len(letters)), replace=False):
        tokens[place] = pool[int(draw.integers(len(pool)))]
    return "".join(tokens)


SETS: tuple[Callable[[], Labelled], ...] = (
    lctt, taiwan_laws, bible_scripts, poems, poem_paragraphs, ocr, bible_versions,
    lambda: spdx(0.8), lambda: spdx(0.5),
    lambda: planted("zh", 0.01), lambda: planted("zh", 0.05), lambda: planted("en", 0.01), lambda: planted("en", 0.05),
)  # fmt: skip


def with_equals(pairs: Pairs) -> dict[Pair, float]:
    """Matches, and those that follow: what is equal to a text matches what that text matches.

    Returns:
        (i, j), i < j, of documents -> similarity, the greatest where they match in several places.
    """
    one = list(zip(pairs.first.tolist(), pairs.first_span[:, 0].tolist(), strict=True))
    two = list(zip(pairs.second.tolist(), pairs.second_span[:, 0].tolist(), strict=True))
    equals = ((pairs.similarity == 1) & (pairs.measure == "edit")).tolist()
    equal: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j, same in zip(one, two, equals, strict=True):
        if same:
            equal.setdefault(i, [i]).append(j)
    found: dict[Pair, float] = {}
    for members in equal.values():
        found.update({(min(a, b), max(a, b)): 1.0 for (a, _), (b, _) in combinations(members, 2) if a != b})
    for i, j, same, similarity in zip(one, two, equals, pairs.similarity.tolist(), strict=True):
        for (a, _), (b, _) in () if same else product(equal.get(i, [i]), equal.get(j, [j])):
            if a != b:
                found[min(a, b), max(a, b)] = max(similarity, found.get((min(a, b), max(a, b)), 0.0))
    return found
