"""Removals as lines of the log: what went, from where, for which kept stretch, at which similarity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.arrays import NAME
from dedup.ledger.left import Left
from dedup.ledger.removals import DROP, KINDS, LEFT, REASONS, Clusters, Removals, group
from dedup.ledger.standing import INVOLVED, NOTHING, PLAIN, Place, Standing
from dedup.log import Line, Sheet, encoded
from dedup.model import GRAINS, I64, MEASURES, PLACE, SPLICED, U8, WHYS, Batch, Strings, rows_of, take

AT_ONCE = 1 << 13
"""Lines of pairs that stay that are made at a time."""

_NONE = np.zeros(0, np.uint8)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken out of the inputs for rows of `LogLines.rows`, which all of them have but those of cuts inside dropped records.

    Attributes:
        raw: uint8[...], the raw bytes of all.
        ranges: int64[n, 2], those of each row; they end before they start where a row has none.
        offset: int64[n], where they stood in the source (Parquet: the row); -1 where a row has none.
        record_hash: the hash of each row's raw record (Parquet: of its text), as JSON; None where a row has none.
        column: the column that a row of Parquet was cut in, None for all others.
        of: int64[n], for a stretch of a cut that an earlier one divides the number of the line of its first one, else -1.
        within: int64[n], for a cut inside a record that was dropped the number of the record's line, else -1.
    """

    raw: U8
    ranges: I64
    offset: I64
    record_hash: list[bytes | None]
    column: list[bytes | None]
    of: I64
    within: I64


class LogLines:
    """Makes the lines for a run's removals.

    Args:
        removals: what was removed.
        left: what is left.
        shown: pairs that match and stay, see `pipeline.Outcome.shown`.
    """

    def __init__(self, removals: Removals, left: Left, shown: Batch, host_from: str = "url") -> None:
        self._removals = removals
        self._left = left
        self._shown = take(shown, shown["match"]) if shown else {}
        self._corpus = left.corpus
        self._standing = Standing(removals, left)
        self._clusters: Clusters = group(removals, left, left.corpus, host_from)
        self._cluster_of = np.full(len(removals), -1, np.int64)
        self._cluster_of[self._clusters.removals] = self._clusters.cluster
        self._several = np.array([len(fields.text) > 1 for fields in left.corpus.fields], bool)
        drops = removals.drops()
        self._drop_of = np.full(len(left.corpus), -1, np.int64)
        self._drop_of[removals.rows["document"][drops]] = drops

    def rows(self, documents: I64) -> Batch:
        """What there is to tell of documents, in order: that a record was dropped, then what was cut of it before; or its cuts.

        Returns:
            `owner`: which of the documents a row is of; `removal`, `document`, `start`, `end`, the span of the text as read;
            `field`: the text field that it begins in, `low`: where that begins; `inside`: whether it is a cut of a dropped record,
            `is_cut`: of one that stays.
        """
        left, bounds = self._left, self._left.bounds
        dropped = left.dropped[documents]
        count = bounds[documents + 1] - bounds[documents] + dropped
        owner = np.repeat(np.arange(len(documents)), count)
        nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        is_drop = dropped[owner] & (nth == 0)
        span = (bounds[documents][owner] + nth - dropped[owner])[~is_drop]
        document = documents[owner]
        removal, start = self._drop_of[document], np.zeros(len(owner), np.int64)
        end = (self._corpus.ends - self._corpus.starts)[documents][owner]
        removal[~is_drop], start[~is_drop] = self._standing.cut[span], left.gone["start"][span]
        end[~is_drop] = left.gone["end"][span]
        field, low = self._fields(document, start, end)
        inside = dropped[owner] & ~is_drop
        return {"owner": owner, "removal": removal, "document": document, "start": start, "end": end, "field": field,
                "low": low, "inside": inside, "is_cut": ~dropped[owner], "told_start": start, "told_end": end}  # fmt: skip

    def told(self, rows: Batch, names: I64, taken: Taken | None = None) -> U8:
        """The lines of rows.

        Args:
            rows: as `rows` gives them; `told_start`, `told_end`: the span as the line has it.
            names: int64[n], the number of each line.
            taken: what was taken out of the inputs.
        """
        sheet, about = Sheet(rows_of(rows)), take(self._removals.rows, rows["removal"])
        sheet.count(b'{"id":', names, NAME)
        reason, is_drop = about["reason"].astype(np.int64), about["action"] == DROP
        sheet.chosen(b',"kind":', reason << 1 | is_drop, _head)
        self._say_place(sheet, b"", rows["document"], rows["told_start"], rows["told_end"], ~is_drop)
        base = self._corpus.starts[rows["document"]]
        sheet.text(b',"text":', self._corpus.arena, base + rows["start"], base + rows["end"])
        more = self._say_kept(sheet, rows["removal"], about)
        measure = np.where(is_drop & (reason == LEFT), len(MEASURES), about["measure"])
        _say_measured(sheet, about["grain"], measure, about["similarity"])
        sheet.count(b',"step":', about["step"].astype(np.int64))
        cluster = self._cluster_of[rows["removal"]]
        sheet.mark(b',"cluster":null', cluster < 0)
        sheet.count(b',"cluster":', cluster)
        sheet.each(b"", more)
        sheet.count(b',"spread":{"documents":', np.where(cluster < 0, -1, self._clusters.documents[cluster]))
        sheet.count(b',"hosts":', np.where(cluster < 0, -1, self._clusters.hosts[cluster]))
        sheet.mark(b"}", cluster >= 0)
        if taken is not None:
            _say_taken(sheet, taken)
        sheet.mark(b"}\n")
        return sheet.lines()

    def kept(self, name: int) -> Iterator[tuple[U8, int]]:
        """The lines of pairs that match and of which both stay, for the numbers in them or by the scope, and how many they are.

        Args:
            name: the number of the first line.
        """
        for first in range(0, rows_of(self._shown), AT_ONCE):
            pairs = {column: values[first : first + AT_ONCE] for column, values in self._shown.items()}
            n = rows_of(pairs)
            document, start, end = (pairs[column] for column in PLACE)
            no_field = np.zeros(n, bool)
            sheet = Sheet(n)
            sheet.count(b'{"id":', np.arange(name + first, name + first + n), NAME)
            sheet.chosen(b',"kind":', pairs["why"].astype(np.int64), _why)
            self._say_place(sheet, b"", document, start, end, no_field)
            base = self._corpus.starts[document]
            sheet.text(b',"text":', self._corpus.arena, base + start, base + end)
            document, start, end = (pairs[f"kept_{column}"] for column in PLACE)
            self._say_place(sheet, b',"kept":{', document, start, end, no_field)
            sheet.each(b',"text_hash":', self._standing.hashes(document, start, end))
            sheet.mark(b"}")
            _say_measured(sheet, pairs["grain"], pairs["measure"], pairs["similarity"])
            sheet.mark(b"}\n")
            yield sheet.lines(), n

    def _say_place(
        self, sheet: Sheet, lead: bytes, document: I64, start: I64, end: I64, is_cut: NDArray[np.bool_]
    ) -> None:
        """Where stretches stand; one of no document is left out. A cut is told by its field where there are several."""
        corpus = self._corpus
        none = document < 0
        source = np.where(none, -1, corpus.source[document])
        sheet.chosen(lead or b",", source, lambda i: b'"source":' + encoded(corpus.sources[i].name).encode("utf-8"))
        sheet.count(b',"record":', np.where(none, -1, corpus.record[document]))
        ids = corpus.meta.get("id") or Strings(_NONE, np.zeros(len(corpus) + 1, np.int64))
        low, high = ids.offsets[document], ids.offsets[document + 1]
        sheet.mark(b',"doc_id":null', ~none & (low == high))
        sheet.text(b',"doc_id":', ids.values, low, np.where(none | (low == high), low - 1, high))
        field, base = self._fields(document, start, end)
        several = self._several[source]
        by_field = ~none & several & (is_cut | (end <= corpus.bounds[document, field, 1]))
        width = corpus.bounds.shape[1]
        sheet.chosen(
            b',"field":',
            np.where(by_field, source * width + field, -1),
            lambda i: encoded(corpus.fields[i // width].text[i % width]).encode("utf-8"),
        )
        base = np.where(by_field, base, 0)
        sheet.count(b',"start":', np.where(none, -1, start - base))
        sheet.count(b',"end":', np.where(none, -1, end - base))

    def _say_kept(self, sheet: Sheet, removals: I64, about: Batch) -> list[bytes | None]:
        """What speaks for removals; returns what is to be said of it further on."""
        kinds = self._standing.kinds(removals)
        plain = kinds == PLAIN
        values: list[bytes | None] = [None] * len(removals)
        more: list[bytes | None] = [None] * len(removals)
        for row in np.flatnonzero(kinds == INVOLVED).tolist():
            values[row], more[row] = self._involved(removals.item(row))
        sheet.mark(b',"kept":null', kinds == NOTHING)
        sheet.each(b',"kept":', values)
        document, start, end = (np.where(plain, about[f"kept_{name}"], -1) for name in PLACE)
        self._say_place(sheet, b',"kept":{', document, start, end, np.zeros(len(plain), bool))
        hashes: list[bytes | None] = [None] * len(removals)
        chosen = np.flatnonzero(plain)
        for row, value in zip(
            chosen.tolist(), self._standing.hashes(document[chosen], start[chosen], end[chosen]), strict=True
        ):
            hashes[row] = value
        sheet.each(b',"text_hash":', hashes)
        sheet.mark(b"}", plain)
        return more

    def _involved(self, removal: int) -> tuple[bytes, bytes]:
        """What speaks for a removal, and what more there is to say of that."""
        standing, compared = self._standing.told(removal)
        places = [self._evidence_at(place) for place in standing]
        more = b""
        if len(places) > 1:
            more += b',"evidence":' + encoded(places).encode("utf-8")
        if standing != compared:  # later steps cut equal text there, after the measure was taken
            more += b',"compared":' + encoded([self._place(*place) for place in compared]).encode("utf-8")
        return encoded(places[0] if places else None).encode("utf-8"), more

    def _evidence_at(self, place: Place) -> Line:
        return {**self._place(*place), "text_hash": self._standing.text_hash(place)}

    def _place(self, document: int, start: int, end: int) -> Line:
        corpus = self._corpus
        source = corpus.source.item(document)
        doc_id = corpus.meta["id"][document].decode("utf-8", "replace") if "id" in corpus.meta else None
        place: Line = {
            "source": corpus.sources[source].name,
            "record": corpus.record.item(document),
            "doc_id": doc_id or None,
        }
        names = corpus.fields[source].text
        if len(names) > 1:
            (found,), (low,) = (
                column.tolist() for column in self._fields(*(np.array([value]) for value in (document, start, end)))
            )
            if end <= int(corpus.bounds[document, found, 1]):
                return {**place, "field": names[found], "start": start - low, "end": end - low}
        return {**place, "start": start, "end": end}

    def _fields(self, document: I64, start: I64, end: I64) -> tuple[I64, I64]:
        """The text field that each stretch lies in, the first one if it lies in none; and where that field begins."""
        bounds = self._corpus.bounds[document]
        low, high = bounds[:, :, 0], bounds[:, :, 1]
        field = ((low <= start[:, None]) & (start[:, None] <= high) & (end[:, None] <= high)).argmax(axis=1)
        return field, low[np.arange(len(field)), field]


def _head(number: int) -> bytes:
    reason, action = number >> 1, "drop" if number & 1 else "cut"
    return f'"{KINDS[reason]}","action":"{action}","reason":"{REASONS[reason]}"'.encode("ascii")


def _why(number: int) -> bytes:
    return f'"{"repeat" if number == SPLICED else "duplicate"}","action":"keep","reason":"{WHYS[number]}"'.encode(
        "ascii"
    )


def _say_measured(sheet: Sheet, grain: U8, measure: I64 | U8, similarity: NDArray[np.float64]) -> None:
    names = (*MEASURES, "left")
    both = grain.astype(np.int64) * len(names) + measure
    sheet.chosen(
        b',"grain":', both, lambda i: f'"{GRAINS[i // len(names)]}","measure":"{names[i % len(names)]}"'.encode("ascii")
    )
    bits = np.ascontiguousarray(similarity, np.float64).view(np.int64)
    sheet.chosen(b',"similarity":', bits, lambda i: repr(np.int64(i).view(np.float64).item()).encode("ascii"))


def _say_taken(sheet: Sheet, taken: Taken) -> None:
    sheet.count(b',"offset":', taken.offset)
    sheet.each(b',"record_hash":', taken.record_hash)
    sheet.each(b',"column":', taken.column)
    sheet.count(b',"of":', taken.of, NAME)
    sheet.count(b',"within":', taken.within, NAME)
    sheet.text(b',"raw":', taken.raw, taken.ranges[:, 0], taken.ranges[:, 1], b',"raw_base64":')
