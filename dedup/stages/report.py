"""Decisions -> a report: the numbers of a run and its biggest clusters, as plain values; nothing is printed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from dedup import kernels
from dedup.ledger.left import Left
from dedup.ledger.removals import CUT, DROP, KINDS, LEFT, REASONS, Clusters, Removals, group
from dedup.model import (
    APART,
    CONTAINED,
    GRAINS,
    I64,
    MEASURES,
    NUMBERS,
    PLACE,
    SAYS_MORE,
    SPLICED,
    WHYS,
    Batch,
    Corpus,
    Phrase,
    SiteText,
    distinct,
    take,
)  # fmt: skip

SCHEMA = "dedup.report/1"


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of an input: bytes [start, end) of the text of a record, as read; in a text file its first line, from 1."""

    source: str
    record: int
    doc_id: str | None
    start: int
    end: int
    text: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A duplicate of a cluster, or a pair's second half."""

    place: Place
    similarity: float
    measure: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A kept stretch and what was removed for it; `members` are the first ones, `size` counts all, the kept one included."""

    id: int
    grain: str
    kept: Place
    members: tuple[Member, ...]
    size: int
    removed_bytes: int
    documents: int
    hosts: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One input: its records and text bytes, and what of them goes."""

    name: str
    documents: int
    text_bytes: int
    dropped: int
    cut: int
    removed_bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of a run.

    Attributes:
        documents, text_bytes: read.
        dropped: documents dropped; cut: stretches cut from documents that stay; removed_bytes: text bytes of both.
        clusters: kept stretches for which something went; largest: the biggest of them, by bytes removed.
        kept_for_numbers, kept_apart, kept_for_more: pairs that match and stay because a numeral differs, by the scope, or because the
            later document has a paragraph of its own; near_misses: pairs just below the threshold; spliced: repeats inside longer
            sentences, which stay; contained: documents most of which stands in another one.
            shown: examples of these.
        bad_records: records that could not be read; invalid_utf8: documents with bytes that are not UTF-8.
        kinds: removals by kind: duplicate, repeat, loop, boilerplate. boilerplate: of the sites, the most spread first; phrases: clauses
            below the weight of a repeat that stand in many documents, never cut.
        skipped_places: places that the posting limit left out when repeats were looked for.
        skipped_pairs: candidates that a bucket's limit left out in the last pass; taken_back: removals whose evidence went.
        passes: passes run; settled: whether a second run would find nothing.
    """

    config: dict[str, object]
    digest: str
    documents: int
    text_bytes: int
    segments: int
    dropped: int
    cut: int
    removed_bytes: int
    clusters: int
    largest: tuple[Cluster, ...]
    sources: tuple[SourceReport, ...]
    kept_for_numbers: int
    kept_apart: int
    kept_for_more: int
    spliced: int
    contained: int
    near_misses: int
    kinds: dict[str, int]
    boilerplate: tuple[SiteText, ...]
    phrases: tuple[Phrase, ...]
    shown: tuple[tuple[Place, Member], ...]
    bad_records: int
    invalid_utf8: int
    candidates: int
    skipped_pairs: int
    skipped_places: int
    taken_back: int
    passes: int
    settled: bool
    notes: tuple[str, ...] = ()
    schema: str = field(default=SCHEMA)

    @property
    def removed_share(self) -> float:
        """Share of the text that goes, 0 to 1."""
        return self.removed_bytes / self.text_bytes if self.text_bytes else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, under the schema `dedup.report/1`."""
        plain = asdict(self)
        return {"schema": plain.pop("schema"), **plain, "removed_share": self.removed_share}


def report(
    *, removals: Removals, left: Left, shown: Batch, counts: dict[str, int], passes: int, settled: bool,
    boilerplate: Sequence[SiteText], phrases: Sequence[Phrase], config: dict[str, object], digest: str,
    top: int = 10, examples: int = 5, notes: Sequence[str] = (),
) -> Report:  # fmt: skip
    """Sum a run up.

    Args:
        removals, left, shown, counts, passes, settled: what the run decided.
        boilerplate, phrases: what it found of these.
        config, digest: what it was told.
        top: clusters to describe; examples: members of each, and pairs kept apart, to describe.
        notes: remarks that go into the report.
    """
    corpus = left.corpus
    found = group(removals, left, corpus, str(config["host_from"]))
    mine = take(removals.rows, found.removals)
    size = np.where(mine["action"] == DROP, corpus.ends[mine["document"]] - corpus.starts[mine["document"]], 0)
    size = size + np.where(mine["action"] == CUT, mine["end"] - mine["start"], 0)
    kept_pairs = take(shown, shown["match"]) if shown else {}
    lost = (corpus.ends - corpus.starts) - np.where(left.dropped, 0, left.ends - left.starts)
    return Report(
        config=config,
        digest=digest,
        documents=len(corpus),
        text_bytes=int((corpus.ends - corpus.starts).sum()),
        segments=counts["segments"],
        dropped=int(left.dropped.sum()),
        cut=int((mine["action"] == CUT).sum()),
        removed_bytes=int(lost.sum()),
        clusters=len(distinct(found.cluster[mine["kept_document"] >= 0])),
        largest=tuple(_largest(found, mine, size, corpus, top, examples)),
        sources=tuple(_sources(corpus, left, mine, lost)),
        kept_for_numbers=_count(kept_pairs, NUMBERS),
        kept_apart=_count(kept_pairs, APART),
        kept_for_more=_count(kept_pairs, SAYS_MORE),
        spliced=_count(kept_pairs, SPLICED),
        contained=_count(kept_pairs, CONTAINED),
        near_misses=int((~shown["match"]).sum()) if shown else 0,
        kinds={
            kind: int(sum((mine["reason"] == i).sum() for i, k in enumerate(KINDS) if k == kind))
            for kind in dict.fromkeys(KINDS)
        },
        boilerplate=tuple(boilerplate),
        phrases=tuple(phrases),
        shown=tuple(_pairs(kept_pairs, corpus, examples)),
        bad_records=len(corpus.bad),
        invalid_utf8=_invalid(corpus),
        candidates=counts["candidates"],
        skipped_pairs=counts["skipped"],
        skipped_places=counts["skipped_places"],
        taken_back=counts["taken_back"],
        passes=passes,
        settled=settled,
        notes=tuple(notes),
    )


def _count(pairs: Batch, why: int) -> int:
    return int((pairs["why"] == why).sum()) if pairs else 0


def place_of(corpus: Corpus, document: int, start: int, end: int) -> Place:
    """Describe a stretch of a document's text as read."""
    source = corpus.sources[int(corpus.source[document])]
    doc_id = corpus.meta["id"][document].decode("utf-8", "replace") if "id" in corpus.meta else None
    text = corpus.text(document, start, end).decode("utf-8", "replace")
    line = corpus.text(document, 0, start).count(b"\n") + 1 if source.format in ("text", "markdown") else None
    return Place(source.name, int(corpus.record[document]), doc_id or None, start, end, text, line)


def _largest(found: Clusters, mine: Batch, size: I64, corpus: Corpus, top: int, examples: int) -> list[Cluster]:
    weight = np.bincount(found.cluster, size, len(found.documents)).astype(np.int64)
    number = np.bincount(found.cluster, minlength=len(found.documents))
    kept = np.zeros(len(weight), bool)
    kept[found.cluster[mine["kept_document"] >= 0]] = True  # boilerplate of which no copy stays is told for itself
    chosen = np.lexsort((np.arange(len(weight)), -weight))
    result = []
    for cluster in chosen[(number[chosen] > 0) & kept[chosen]][:top]:
        rows = np.flatnonzero(found.cluster == cluster)
        lead = rows[0]
        place = place_of(corpus, *(int(mine[name][lead]) for name in ("kept_document", "kept_start", "kept_end")))
        members = tuple(_member(corpus, take(mine, rows[i : i + 1])) for i in range(min(examples, len(rows))))
        grain = GRAINS[int(mine["grain"][lead])]
        result.append(
            Cluster(int(cluster), grain, place, members, len(rows) + 1, int(weight[cluster]),
                    int(found.documents[cluster]), int(found.hosts[cluster]))
        )  # fmt: skip
    return result


def _member(corpus: Corpus, row: Batch) -> Member:
    place = place_of(corpus, *(int(row[name][0]) for name in PLACE))
    reason = int(row["reason"][0])
    measure = "left" if reason == LEFT and row["action"][0] == DROP else MEASURES[int(row["measure"][0])]
    action = "drop" if row["action"][0] == DROP else "cut"
    return Member(place, float(row["similarity"][0]), measure, action, REASONS[reason])


def _pairs(pairs: Batch, corpus: Corpus, examples: int) -> list[tuple[Place, Member]]:
    if not pairs:
        return []
    order = np.lexsort((pairs["start"], pairs["document"], pairs["why"]))
    result = []
    for row in (row for why in range(len(WHYS)) for row in order[pairs["why"][order] == why][:examples]):
        kept = place_of(corpus, *(int(pairs[name][row]) for name in ("kept_document", "kept_start", "kept_end")))
        place = place_of(corpus, *(int(pairs[name][row]) for name in PLACE))
        reason = WHYS[int(pairs["why"][row])]
        result.append(
            (kept, Member(place, float(pairs["similarity"][row]), MEASURES[int(pairs["measure"][row])], "keep", reason))
        )
    return result


def _sources(corpus: Corpus, left: Left, mine: Batch, lost: I64) -> list[SourceReport]:
    n = len(corpus.sources)
    documents = np.bincount(corpus.source, minlength=n)
    size = np.bincount(corpus.source, corpus.ends - corpus.starts, n)
    dropped = np.bincount(corpus.source, left.dropped, n)
    cut = np.bincount(corpus.source[mine["document"][mine["action"] == CUT]], minlength=n)
    removed = np.bincount(corpus.source, lost, n)
    return [
        SourceReport(source.name, int(documents[i]), int(size[i]), int(dropped[i]), int(cut[i]), int(removed[i]))
        for i, source in enumerate(corpus.sources)
    ]


def _invalid(corpus: Corpus) -> int:
    """Documents with bytes that are not UTF-8."""
    rows = slice(None) if corpus.utf8 is None else ~corpus.utf8
    return int((kernels.valid_utf8(corpus.arena, corpus.starts[rows], corpus.ends[rows]) == 0).sum())
