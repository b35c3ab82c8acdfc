"""No paragraph of the real documents is lost: what was said once is in OUT, word for word, in parts, or nearly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import naive
import naive_repeats
import naive_windows
import numpy as np
import pytest
from conftest import real_texts
from folding import han

import dedup
from dedup import Config, kernels
from dedup.api import Cleaned
from dedup.log import Line
from dedup.model import I64, U64, Strings
from dedup.stages.segment import FIXED, segment

WEIGHT = 40
LEAST = 40
"""Letters and digits of a paragraph that is asked for."""
THRESHOLD = 0.85
NAMES = ("cnlaw_zh_hans", "lctt_zh_hans", "twlaw_zh_hant", "twlaw_en", "pdis_transcripts_zh_hant_en", "spdx_licenses_en")
QUICK = {"twlaw_en", "twlaw_zh_hant"}
MOST_LOST_WITH_DOCUMENTS = {"cnlaw_zh_hans": 2, "twlaw_zh_hant": 45, "spdx_licenses_en": 1400}
"""Paragraphs that differ, of documents that went as a whole because half of their shingles stand in another one: the price of that
threshold. Licences are versions of one another."""

Piece = tuple[int, int, int]
"""Document, start, end."""


@cache
def documents(name: str) -> tuple[str, ...]:
    with real_texts("data", "docs", f"{name}.jsonl").open(encoding="utf-8") as lines:
        return tuple(json.loads(line)["text"] for line in lines)


@cache
def cleaned(name: str) -> Cleaned:
    result = dedup.clean(list(documents(name)))
    assert isinstance(result, Cleaned)
    return result


@dataclass(frozen=True)
class Parts:
    """Texts in paragraphs and in tokens: `values` and token places by text, `pieces` with their token values."""

    pieces: list[Piece]
    kinds: list[int]
    values: list[U64]
    token_starts: list[I64]
    of: list[U64]


def parts(texts: Sequence[str]) -> Parts:
    laid = Strings.of([text.encode() for text in texts])
    starts, ends = laid.offsets[:-1].copy(), laid.offsets[1:].copy()
    batch = {"document": np.arange(len(texts)), "start": starts, "end": ends, "markdown": np.zeros(len(texts), bool)}
    found = segment(batch, arena=laid.values, grain="paragraph")
    values, offsets, at, _ = kernels.tokenize(laid.values, starts, ends)
    own, bounds, _, _ = kernels.tokenize(laid.values, found["start"], found["end"])
    base = starts[found["document"]]
    places = [(found[name] - base).tolist() for name in ("start", "end")]
    return Parts(
        list(zip(found["document"].tolist(), *places, strict=True)),
        found["kind"].tolist(),
        np.split(values, offsets[1:-1]),
        [row - start for row, start in zip(np.split(at, offsets[1:-1]), starts, strict=True)],
        np.split(own, bounds[1:-1]),
    )


def distinct(read: Parts, texts: Sequence[str]) -> Iterator[int]:
    """The first of each folded text that is long enough."""
    seen = set()
    for number, (document, start, end) in enumerate(read.pieces):
        key = read.of[number].tobytes()
        if key not in seen and len(re.findall(r"[^\W_]", texts[document].encode()[start:end].decode())) >= LEAST:
            yield number
        seen.add(key)


@dataclass
class Survival:
    """Asks whether paragraphs are in OUT."""

    name: str

    def __post_init__(self) -> None:
        self.texts, self.result = documents(self.name), cleaned(self.name)
        self.read, self.left = parts(self.texts), parts(self.result.data)
        self.whole = {values.tobytes() for values in self.left.of}
        self.windows = {
            hash(tuple(row[start:end]))
            for row in (values.tolist() for values in self.left.values)
            for start, end in naive_windows.windows(row, WEIGHT)
        }
        self.lines: dict[int, list[Line]] = {}
        for line in self.result.removed:
            if line["action"] != "keep":
                self.lines.setdefault(line["record"], []).append(line)
        self.dropped = {record for record, lines in self.lines.items() if lines[0]["action"] == "drop"}
        self.near: list[tuple[str, str, float]] = []

    def lost(self) -> list[int]:
        """Pieces that are neither in OUT, nor in parts, nor nearly."""
        asked = list(distinct(self.read, self.texts))
        gone = [number for number in asked if self.read.of[number].tobytes() not in self.whole and not self._stands_in_parts(number)]
        return self._without_near_ones(gone)

    def _stands_in_parts(self, number: int) -> bool:
        """Whether each token stays where it was, or is part of a repeat that is in OUT, or goes with a loop, or with what is
        nearly the same (which is noted, to be measured)."""
        document, start, end = self.read.pieces[number]
        row = self.read.of[number].tolist()
        first = int(np.searchsorted(self.read.token_starts[document], start))
        places = self.read.token_starts[document][first : first + len(row)]
        there = np.zeros(len(row), bool)
        for low, high in naive_windows.windows(row, WEIGHT):
            there[low:high] |= hash(tuple(row[low:high])) in self.windows
        if document not in self.dropped:
            stays = np.ones(len(row), bool)
            for line in self.lines.get(document, ()):
                inside = (places >= line["start"]) & (places < line["end"])
                stays &= ~inside
                there |= inside & self._is_spoken_for(line)
            there |= stays
        return bool(there.all())

    def _is_spoken_for(self, line: Line) -> bool:
        if line["reason"] == "near":
            self.near.append((line["text"], self._at(line["kept"]), line["similarity"]))
        return line["reason"] in ("near", "exact", "repeated", "contained", "loop", "label")

    def _at(self, place: Line) -> str:
        return self.texts[place["record"]].encode()[place["start"] : place["end"]].decode()

    def _without_near_ones(self, gone: list[int]) -> list[int]:
        """Those to which no paragraph of OUT is similar: matched by dedup first, then, what is left, measured against all."""
        texts = [self.texts[d].encode()[start:end].decode() for d, start, end in (self.read.pieces[n] for n in gone)]
        out = [self.result.data[d].encode()[start:end].decode() for d, start, end in self.left.pieces]
        config = Config(grain="paragraph", numbers="ignore", min_tokens=0)
        matched = dedup.clean([*out, *texts], config) if texts else None
        rest = set(range(len(texts)))
        for line in matched.removed if isinstance(matched, Cleaned) else ():
            if line["record"] >= len(out) > line["kept"]["record"]:
                rest.discard(line["record"] - len(out))
                self.near.append((texts[line["record"] - len(out)], out[line["kept"]["record"]], line["similarity"]))
        return [gone[i] for i in sorted(rest) if self._best(self.read.of[gone[i]]) < THRESHOLD]

    def _best(self, values: U64) -> float:
        """The similarity of the paragraph of OUT that is the nearest."""
        sizes = np.array([len(row) for row in self.left.of])
        fits = np.flatnonzero((sizes >= THRESHOLD * len(values)) & (sizes <= len(values) / THRESHOLD))
        if not len(fits):
            return 0.0
        rows = [values, *(self.left.of[i] for i in fits)]
        offsets = np.cumsum([0, *map(len, rows)])
        pairs = np.stack([np.zeros(len(fits), np.int64), np.arange(1, len(rows))], axis=1)
        distances = kernels.edit_distances(np.concatenate(rows), offsets, pairs, np.full(len(fits), -1, np.int64))
        return float((1 - distances / np.maximum(sizes[fits], len(values))).max())


@cache
def survival(name: str) -> tuple[Survival, list[int]]:
    asked = Survival(name)
    return asked, asked.lost()


each = pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in NAMES])


@each
def test_every_paragraph_of_a_document_that_stays_survives(name: str) -> None:
    asked, lost = survival(name)
    wrong = [asked.read.pieces[number] for number in lost if asked.read.pieces[number][0] not in asked.dropped]
    assert [documents(name)[d].encode()[start:end].decode() for d, start, end in wrong] == []


@each
def test_few_paragraphs_go_with_a_document_that_is_half_another_one(name: str) -> None:
    asked, lost = survival(name)
    gone = [number for number in lost if asked.read.pieces[number][0] in asked.dropped]
    assert len(gone) <= MOST_LOST_WITH_DOCUMENTS.get(name, 0)


@each
def test_what_is_nearly_there_is_so_by_the_oracle(name: str) -> None:
    asked, _ = survival(name)
    for one, two, similarity in asked.near[:: max(len(asked.near) // 12, 1)]:
        left, right = ([token.text for token in naive.tokens(text.encode(), han())] for text in (one, two))
        if max(len(left), len(right)) <= 300:
            assert naive.edit_similarity(left, right) == pytest.approx(similarity)
            assert similarity >= THRESHOLD


@each
def test_nothing_of_the_oracle_is_left_to_say(name: str) -> None:
    """A second clean changes nothing; fenced code and tables are what they were."""
    result = cleaned(name)
    assert result.report.settled
    read, left = parts(documents(name)), parts(result.data)
    kept = set(result.kept.tolist())
    fixed = [texts[d].encode()[a:b] for pieces, texts, among in ((read, documents(name), kept), (left, result.data, None))
             for (d, a, b), kind in zip(pieces.pieces, pieces.kinds, strict=True) if kind == FIXED and (among is None or d in among)]  # fmt: skip
    assert fixed[: len(fixed) // 2] == fixed[len(fixed) // 2 :]
    again = dedup.clean(result.data)
    assert isinstance(again, Cleaned)
    if not result.report.skipped_pairs and not result.report.skipped_places:
        assert again.data == result.data


CROSS = re.compile(r"依前[一二三四五六七八九十]?[條項]|前[一二三四五]?[條項]之?規定")


def test_laws_keep_their_cross_references() -> None:
    """What a kept law says of its own articles is there as often as before, but for sentences that it says twice."""
    texts, result = documents("twlaw_zh_hant"), cleaned("twlaw_zh_hant")
    for place, left in zip(result.kept.tolist(), result.data, strict=True):
        cuts = [line for line in result.removed if line["record"] == place and line["action"] == "cut"]
        cut_text = sum(len(CROSS.findall(line["text"])) for line in cuts)
        assert len(CROSS.findall(left)) == len(CROSS.findall(texts[place])) - cut_text
    short = [line for line in result.removed if line["action"] == "cut" and CROSS.search(line["text"])]
    assert all(len(naive.tokens(line["text"].encode(), han())) >= 12 for line in short if line["reason"] != "label")


def test_transcripts_keep_their_speakers_and_their_laughter() -> None:
    texts, result = documents("pdis_transcripts_zh_hant_en"), cleaned("pdis_transcripts_zh_hant_en")
    assert result.report.dropped == 0
    speaker = re.compile(r"^#+ [^：:\n]{1,30}[：:][ \t]*$|^（(?:笑|與會者)[^）]*）|\((?:laughter|Laughter)\)", re.M)
    said = [speaker.findall(text) for text in texts]
    assert sum(map(len, said)) > 100
    assert [speaker.findall(text) for text in result.data] == said
    assert result.report.removed_share < 0.001
    assert naive_repeats.weight([1, 2]) == 3
