"""A second reading of a run: are its removals proven by the texts as they were read and by the log alone?

No code of dedup is used but what the log says; similarity is measured anew by the oracle of the kernels.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import naive
import pyarrow.parquet as pq
from check_out import log, read

Line = Mapping[str, Any]
Place = tuple[str, int]
"""Source and record."""
LAST = 1 << 15
"""A step after all steps."""
CONSTANT_SHARE = 1 / 3
"""How much of each two segments of a template must stand in both, in one order."""
LOOP = 6
"""Tokens of the shortest loop: what speaks for a removal may have loops that were cut afterwards."""


def place(line: Line) -> Place:
    """The record that a line, or its evidence, is in."""
    return line["source"], line["record"]


class Proof:
    """Checks the lines of a log against the texts.

    Args:
        texts: the text of each record as it was read, several fields joined as the log counts them.
        lines: the log.
        config: the run's, as the manifest has it.
        bases: where a named field begins in the text of its record.
    """

    def __init__(
        self, texts: Mapping[Place, bytes], lines: Sequence[Line], config: Mapping[str, Any],
        bases: Mapping[tuple[str, int, str], int] | None = None,
    ) -> None:  # fmt: skip
        self.texts, self.config, self.bases = texts, config, bases or {}
        self.lines = lines
        self.dropped = {place(line) for line in lines if line["action"] == "drop"}
        self.cuts: dict[Place, list[tuple[int, int, int]]] = {}
        for line in lines:
            if line["action"] == "cut":
                self.cuts.setdefault(place(line), []).append((*self.span(line), line["step"]))

    def span(self, line: Line) -> tuple[int, int]:
        """The stretch in the text of the record."""
        base = self.bases.get((line["source"], line["record"], line.get("field", "")), 0)
        return base + line["start"], base + line["end"]

    def standing(self, at: Place, start: int, end: int, before: int = LAST) -> bytes:
        """What the steps below `before` left of a stretch; which white space went with a cut, later cuts beside it may have changed."""
        result, here = b"", start
        for low, high, _ in sorted(cut for cut in self.cuts.get(at, ()) if cut[2] < before):
            if high > start and low < end:
                result += self.texts[at][here : max(low, here)] + (b" " if before < LAST else b"")
                here = min(max(high, here), end)
        return result + self.texts[at][here:end]

    def rest(self, at: Place) -> bytes:
        """What is left of a record that stays."""
        return self.standing(at, 0, len(self.texts[at]))

    def problems(self) -> Iterator[str]:
        """All that is wrong."""
        heads: dict[str, list[Line]] = {}
        for line in self.lines:
            heads.setdefault(line.get("of") or line["id"], []).append(line)
        for name, lines in heads.items():
            for what in self._problems(lines):
                yield f"{name}: {what}: {lines}"

    def _problems(self, lines: list[Line]) -> Iterator[str]:
        first, keep = lines[0], lines[0]["action"] == "keep"
        for line in lines:
            start, end = self.span(line)
            if line["text"] != self.texts[place(line)][start:end].decode("utf-8", "replace"):
                yield "the text is another one"
        if keep and place(first) in self.dropped:
            yield "it was dropped in spite of this"
        evidence = first.get("evidence", [first["kept"]] if first["kept"] else [])
        if not evidence and first["kind"] != "boilerplate":
            yield "nothing speaks for it"
        for kept in evidence:
            if place(kept) in self.dropped and place(kept) != place(first):
                yield "the evidence was dropped"
            stands = self.standing(place(kept), *self.span(kept))
            if hashlib.blake2b(stands, digest_size=16).hexdigest() != kept["text_hash"]:
                yield "the evidence stands otherwise"
        if evidence:
            yield from self._unequal(lines, evidence)

    def _unequal(self, lines: list[Line], evidence: list[Line]) -> Iterator[str]:
        first = lines[0]
        step = LAST if first["action"] == "keep" else first["step"]
        starts, ends = zip(*map(self.span, lines), strict=True)
        gone = _tokens(self.standing(place(first), min(starts), max(ends), step))
        compared = self._tokens_at(first.get("compared", evidence), step)
        if first["measure"] == "left":
            yield from self._little(first)
        else:
            yield from self._unlike(gone, compared, first)
        most = max(len(evidence), len(first.get("compared", ()))) + len(compared) // LOOP
        if place(first["kept"]) in self.dropped:  # a part of the drop, which has its own evidence
            return
        if first["grain"] != "document" and not 0 < _runs(compared, self._tokens_at(evidence)) <= most:
            yield "the evidence is not in OUT"

    def _tokens_at(self, lines: Sequence[Line], step: int = LAST) -> list[str]:
        return [token for line in lines for token in _tokens(self.standing(place(line), *self.span(line), step))]

    def _unlike(self, one: list[str], two: list[str], line: Line) -> Iterator[str]:
        if line["reason"] == "template":
            if abs(naive.edit_similarity(one, two) - line["similarity"]) > 1e-9:
                yield "the similarity is another one"
            if not _in_common(one, two) >= CONSTANT_SHARE * max(_weight(one), _weight(two)) > 0:
                yield "it is not of one template"
            return
        if line["reason"] not in ("near", "numbers differ", "another document", "says more"):
            two = two * (len(one) // max(len(two), 1)) if line["reason"] == "loop" else two
            contained = line["action"] == "keep" and line["reason"] == "contained"  # a share of it
            if not contained and (line["similarity"] != 1 or not one or one != two):
                yield "it is not equal"
            return
        longer = max(len(one), len(two))
        matching = self.config["paragraph" if longer <= self.config["short_tokens"] else line["grain"]]
        found = similarity(one, two, line["measure"], self.config["k"])
        if line["measure"] != matching["measure"] or abs(found - line["similarity"]) > 1e-9:
            yield f"the similarity is {found} by {matching['measure']}"
        if found < matching["threshold"] - 1e-9:
            yield "it does not reach the threshold"

    def _little(self, line: Line) -> Iterator[str]:
        whole, rest = (len(naive.tokens(text, {})) for text in (self.texts[place(line)], self.rest(place(line))))
        share = 1 - rest / whole
        if abs(share - line["similarity"]) > 1e-9:
            yield f"the share that is gone is {share}"
        if rest >= self.config["min_left_tokens"] or rest >= self.config["min_left_share"] * whole:
            yield "enough was left"


def similarity(one: list[str], two: list[str], measure: str, k: int) -> float:
    """What `naive` says of two texts in tokens; sets are of shingles."""
    if measure == "edit":
        return naive.edit_similarity(one, two)
    sets = [{tuple(text[i : i + k]) for i in range(max(len(text) - k, 0) + 1)} for text in (one, two)]
    whole = sets[0] | sets[1] if measure == "jaccard" else min(sets, key=len)
    return len(sets[0] & sets[1]) / len(whole)


def _weight(text: Sequence[str]) -> int:
    return sum(1 if len(token) == 1 and ord(token) >= 0x2E80 else 2 for token in text)


def _in_common(one: list[str], two: list[str]) -> int:
    """The most weight of tokens that stand in both texts in one order."""
    row = [0] * (len(two) + 1)
    for token in one:
        corner = 0
        for j, other in enumerate(two, 1):
            corner, row[j] = row[j], corner + _weight([token]) if token == other else max(row[j], row[j - 1])
    return row[-1]


def _runs(one: list[str], two: list[str]) -> int:
    """In how many runs, each as long as can be, the first text stands in the second one word for word; 0 if it does not."""
    at = runs = 0
    while at < len(one):
        length = max((_common(one, at, two, i) for i in range(len(two)) if two[i] == one[at]), default=0)
        if not length:
            return 0
        at, runs = at + length, runs + 1
    return runs


def _common(one: list[str], at: int, two: list[str], there: int) -> int:
    n = 0
    while at + n < len(one) and there + n < len(two) and one[at + n] == two[there + n]:
        n += 1
    return n


def _tokens(text: bytes) -> list[str]:
    return [token.text for token in naive.tokens(text, {})]


def values(entry: Mapping[str, Any], path: Path) -> Iterator[list[str] | None]:
    """The text fields of each record; None for a bad one."""
    data = read(path)
    if entry["format"] in ("text", "markdown"):
        yield [data.decode("utf-8", "surrogateescape")]
    elif entry["format"] == "jsonl":
        for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            try:
                row = json.loads(line) if line.strip() else ...
            except ValueError:
                row = None
            if row is not ...:
                found = [row.get(name) or "" for name in entry["fields"]["text"]] if isinstance(row, dict) else []
                yield found if all(isinstance(value, str) for value in found) else None
    else:
        if entry["format"] == "parquet":
            rows = pq.read_table(path).to_pylist()
        else:
            text = io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline="")
            rows = [row for row in csv.DictReader(text, delimiter="\t" if entry["format"] == "tsv" else ",") if row]
        for row in rows:
            yield [row[name] or "" for name in entry["fields"]["text"]]


def unproven(folder: Path, out: Path) -> list[str]:
    """What OUT's log does not prove of the texts in FOLDER."""
    manifest = json.loads((out / "dedup/manifest.json").read_text("utf-8"))
    texts, bases, problems = {}, {}, []
    for entry in manifest["sources"]:
        name, names = entry["name"], entry["fields"]["text"]
        found = list(values(entry, folder / name))
        if len(found) != entry["records_in"]:
            problems.append(f"{name}: {len(found)} records came in")
        for number, fields in enumerate(found):
            parts = [value.encode("utf-8", "surrogateescape") for value in fields or ()]
            texts[name, number] = b"\n\n".join(parts)
            bases.update({(name, number, field): sum(map(len, parts[:i])) + 2 * i for i, field in enumerate(names)})
    return problems + list(Proof(texts, log(out, "removed.jsonl.zst"), manifest["config"], bases).problems())
