"""No paragraph of the real documents is lost: what was said once is in OUT, word for word, in parts, or nearly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import check_out
import naive
import naive_windows
import numpy as np
import proof
import pytest
from conftest import WHOLE, real_texts, some_of
from folding import han

import dedup
from dedup import Config, Matching, kernels
from dedup.api import Cleaned
from dedup.log import Line
from dedup.model import FIXED, I64, U64, Strings
from dedup.stages.segment import segment

WEIGHT = 40
LEAST = 40
"""Letters and digits of a paragraph that is asked for."""
THRESHOLD = 0.85
MOST = 320
"""Documents of each file, unless the tests run on the whole."""
PROVEN = 60 if WHOLE else 30
"""Documents of each file of which the log is proven: the oracle is slow."""
NAMES = (
    "cnlaw_zh_hans",
    "lctt_zh_hans",
    "twlaw_zh_hant",
    "twlaw_en",
    "pdis_transcripts_zh_hant_en",
    "spdx_licenses_en",
)
Piece = tuple[int, int, int]
"""Document, start, end."""


@cache
def documents(name: str) -> tuple[str, ...]:
    with real_texts("data", "docs", f"{name}.jsonl").open(encoding="utf-8") as lines:
        return tuple(json.loads(line)["text"] for line in some_of(list(lines), MOST))


@cache
def cleaned(name: str) -> Cleaned:
    result = dedup.clean(list(documents(name)))
    assert isinstance(result, Cleaned)
    return result


@dataclass(frozen=True)
class Parts:
    """Texts in paragraphs and in tokens: `values` and where they begin by text, `pieces` with their own token values."""

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


def distinct(read: Parts, texts: Sequence[bytes]) -> Iterator[int]:
    """The first of each folded text that is long enough."""
    seen = set()
    for number, (document, start, end) in enumerate(read.pieces):
        key = read.of[number].tobytes()
        if key not in seen and len(re.findall(r"[^\W_]", texts[document][start:end].decode())) >= LEAST:
            yield number
        seen.add(key)


@dataclass
class Survival:
    """Asks whether paragraphs are in OUT."""

    name: str

    def __post_init__(self) -> None:
        self.result = cleaned(self.name)
        self.texts, self.data = (
            [text.encode() for text in texts] for texts in (documents(self.name), self.result.data)
        )
        self.read, self.left = parts(documents(self.name)), parts(self.result.data)
        self.whole = {values.tobytes() for values in self.left.of}
        # texts are parted by a value that no token has
        self.out = b"".join(values.tobytes() + b"\xff" * 8 for values in self.left.values)
        self.lines: dict[int, list[Line]] = {}
        for line in self.result.removed:
            if line["action"] != "keep":
                self.lines.setdefault(line["record"], []).append(line)
        self.dropped = {record for record, lines in self.lines.items() if lines[0]["action"] == "drop"}
        self.near: list[tuple[str, str, float]] = []

    def lost(self) -> list[int]:
        """Pieces that are neither in OUT, nor in parts, nor nearly."""
        asked = list(distinct(self.read, self.texts))
        gone = [
            number
            for number in asked
            if self.read.of[number].tobytes() not in self.whole and not self._stands_in_parts(number)
        ]
        return self._without_near_ones(gone)

    def _stands_in_parts(self, number: int) -> bool:
        """Whether each token stays where it was, or is part of a repeat that is in OUT, or of a cut that is said elsewhere."""
        document, start, _ = self.read.pieces[number]
        row = self.read.of[number].tolist()
        first = int(np.searchsorted(self.read.token_starts[document], start))
        while document in self.dropped and self.lines[document][0]["reason"] == "exact":
            document = self.lines[document][0]["kept"]["record"]  # what is equal to it says the same, in other lines
            first = self._place(self.read.of[number], document)
        places = self.read.token_starts[document][first : first + len(row)]
        there = np.zeros(len(row), bool)
        if document not in self.dropped:
            stays = np.ones(len(row), bool)
            for line in self.lines.get(document, ()):
                inside = (places >= line["start"]) & (places < line["end"])
                stays &= ~inside
                if inside.any() and self._stands(line):
                    there |= inside
            there |= stays
        if not there.all():
            for low, high in naive_windows.windows(row, WEIGHT):
                there[low:high] |= hash(tuple(row[low:high])) in self.windows
        return bool(there.all())

    @cached_property
    def windows(self) -> set[int]:
        """Hashes of all stretches of OUT that weigh enough and are as short as can be."""
        rows = (values.tolist() for values in self.left.values)
        return {hash(tuple(row[low:high])) for row in rows for low, high in naive_windows.windows(row, WEIGHT)}

    def _place(self, wanted: U64, document: int) -> int:
        """The token of a document from which on it has these in a row."""
        text, at = self.read.values[document].tobytes(), 1
        while at % 8:
            at = text.index(wanted.tobytes(), 0 if at == 1 else at + 1)
        return at // 8

    def _stands(self, line: Line) -> bool:
        """Whether OUT has all tokens of a cut in a row; or the first copy of a loop; or, in one part or several, what the cut is
        equal or nearly equal to."""
        said = [self._at(place) for place in line.get("evidence", [line["kept"]])]
        one, two = tokens_of(line["text"]), [tokens_of(text) for text in said]
        if self._is_in_out(one):
            return True
        if not all(map(self._is_in_out, two)):
            return False
        other = np.concatenate(two)
        if line["reason"] == "near":
            self.near.append((line["text"], "\n".join(said), similarity(one, [other])))
            return self.near[-1][2] >= THRESHOLD
        return np.array_equal(one, np.resize(other, len(one)) if line["reason"] == "loop" else other)

    def _at(self, place: Line) -> str:
        return self.texts[place["record"]][place["start"] : place["end"]].decode()

    def _is_in_out(self, values: U64) -> bool:
        """Whether a text of OUT has these tokens in a row."""
        wanted = values.tobytes()
        at = self.out.find(wanted)
        while at >= 0 and at % 8:
            at = self.out.find(wanted, at + 1)
        return at >= 0

    def _without_near_ones(self, gone: list[int]) -> list[int]:
        """Those to which no paragraph of OUT is similar: matched by dedup first, then, what is left, measured against all."""
        texts = [self.texts[d][start:end].decode() for d, start, end in (self.read.pieces[n] for n in gone)]
        out = [self.data[d][start:end].decode() for d, start, end in self.left.pieces]
        config = Config(grain="document", document=Matching(bands=16, rows=4, measure="edit", threshold=THRESHOLD))
        matched = dedup.clean([*out, *texts], config) if texts else None
        rest = set(range(len(texts)))
        for line in matched.removed if isinstance(matched, Cleaned) else ():
            if line["record"] >= len(out) > line["kept"]["record"]:
                rest.discard(line["record"] - len(out))
                self.near.append((texts[line["record"] - len(out)], out[line["kept"]["record"]], line["similarity"]))
        return [gone[i] for i in sorted(rest) if similarity(self.read.of[gone[i]], self.left.of) < THRESHOLD]


def tokens_of(text: str) -> U64:
    data = np.frombuffer(text.encode(), np.uint8)
    values: U64 = kernels.tokenize(data, np.array([0]), np.array([len(data)]))[0]
    return values


def similarity(one: U64, others: Sequence[U64]) -> float:
    """The edit similarity of the one among these that is the nearest."""
    sizes = np.array([len(row) for row in others])
    fits = np.flatnonzero((sizes >= THRESHOLD * len(one)) & (sizes <= len(one) / THRESHOLD))
    if not len(fits):
        return 0.0
    rows = [one, *(others[i] for i in fits)]
    offsets = np.cumsum([0, *map(len, rows)])
    pairs = np.stack([np.zeros(len(fits), np.int64), np.arange(1, len(rows))], axis=1)
    distances = kernels.edit_distances(np.concatenate(rows), offsets, pairs, np.full(len(fits), -1, np.int64))
    return float((1 - distances / np.maximum(sizes[fits], len(one))).max())


@cache
def survival(name: str) -> tuple[Survival, list[int]]:
    asked = Survival(name)
    return asked, asked.lost()


each = pytest.mark.parametrize("name", NAMES)


@each
def test_every_paragraph_survives(name: str) -> None:
    asked, lost = survival(name)
    pieces = [asked.read.pieces[number] for number in lost]
    assert [documents(name)[d].encode()[start:end].decode() for d, start, end in pieces] == []


@each
def test_what_is_nearly_there_is_so_by_the_oracle(name: str) -> None:
    asked, _ = survival(name)
    for one, two, measured in asked.near[:: max(len(asked.near) // 12, 1)]:
        left, right = ([token.text for token in naive.tokens(text.encode(), han())] for text in (one, two))
        if max(len(left), len(right)) <= 300:
            assert naive.edit_similarity(left, right) == pytest.approx(measured)
            assert measured >= THRESHOLD


def fixed(read: Parts, texts: Sequence[str]) -> list[tuple[int, bytes]]:
    """Fenced code and tables, with the documents that they are in."""
    data = [text.encode() for text in texts]
    pieces = zip(read.pieces, read.kinds, strict=True)
    return [(document, data[document][start:end]) for (document, start, end), kind in pieces if kind == FIXED]


@each
def test_a_second_clean_changes_nothing_and_code_and_tables_stay(name: str) -> None:
    result = cleaned(name)
    assert result.report.settled
    read, left = parts(documents(name)), parts(result.data)
    stays = set(result.kept.tolist())
    before, after = fixed(read, documents(name)), fixed(left, result.data)
    assert [text for document, text in before if document in stays] == [text for _, text in after]
    again = dedup.clean(result.data)
    assert isinstance(again, Cleaned)
    if not result.report.skipped_pairs and not result.report.skipped_places:
        assert again.data == result.data


@each
def test_the_log_of_real_documents_is_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # characters that are variants of one another are equal here as well
    monkeypatch.setattr(proof, "_tokens", lambda text: [token.text for token in naive.tokens(text, han())])
    source = tmp_path / "in" / f"{name}.jsonl"
    source.parent.mkdir()
    source.write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in documents(name)[:PROVEN]), "utf-8", newline=""
    )
    dedup.clean(source.parent, out=tmp_path / "out")
    assert list(check_out.problems(source.parent, tmp_path / "out")) == []
    assert proof.unproven(source.parent, tmp_path / "out") == []


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
