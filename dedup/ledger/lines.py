"""Removals as lines of the log: what went, from where, for which kept stretch, at which similarity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dedup import kernels
from dedup.ledger.left import Left, Span
from dedup.ledger.removals import DROP, KINDS, LEFT, REASONS, Clusters, Removals, group
from dedup.log import Line, encoded, text_hash
from dedup.model import GRAINS, MEASURES, PLACE, SPLICED, WHYS, Batch

Place = tuple[int, int, int]
"""A document, and start and end of a stretch of its text as read."""

MOST_KEPT = 1 << 16
"""Kept records of which the line's part is held."""


class LogLines:
    """Makes the lines for a run's removals; `raw` and `record_hash` are added by who has the record.

    Args:
        removals: what was removed.
        left: what is left.
        shown: pairs that match and stay, see `pipeline.Outcome.shown`.
    """

    def __init__(self, removals: Removals, left: Left, shown: Batch, host_from: str = "url") -> None:
        self._removals = removals
        self._left = left
        self._shown = shown
        self._corpus = left.corpus
        self._kept: dict[Place, str] = {}
        self._clusters: Clusters = group(removals, left, left.corpus, host_from)
        self._cluster_of = dict(zip(self._clusters.removals.tolist(), self._clusters.cluster.tolist(), strict=True))
        cuts = removals.cuts()
        self._cuts: dict[int, list[int]] = {}
        for document, removal in zip(cuts["document"].tolist(), cuts["removal"].tolist(), strict=True):
            self._cuts.setdefault(document, []).append(removal)
        self._evidence: dict[int, list[tuple[int, int, int]]] = {}
        more = removals.evidence
        for removal, *place in zip(
            *(more[name].tolist() for name in ("removal", "document", "start", "end")), strict=True
        ):
            self._evidence.setdefault(removal, []).append((place[0], place[1], place[2]))
        drops = removals.drops()
        self._drop = dict(zip(removals.rows["document"][drops].tolist(), drops.tolist(), strict=True))

    def drop(self, document: int) -> Line:
        """The line of a record that goes as a whole."""
        removal = self._drop[document]
        size = int(self._corpus.ends[document] - self._corpus.starts[document])
        return self._line(removal, document, (0, size), None)

    def drop_encoded(self, document: int) -> bytes | None:
        """The same as the members of a JSON object; None where there is more to say than of a plain duplicate."""
        removal = self._drop[document]
        reason = self._removals.rows["reason"].item(removal)
        evidence = self._compared(removal)
        start, end = self._corpus.starts.item(document), self._corpus.ends.item(document)
        text = kernels.quoted(self._corpus.arena[start:end].data)
        if reason == LEFT or len(evidence) != 1 or not text:
            return None
        rows, cluster = self._removals.rows, self._cluster_of[removal]
        place = encoded(self._place(document, 0, end - start))[1:-1]
        head = f'"kind":"{KINDS[reason]}","action":"drop","reason":"{REASONS[reason]}",{place},"text":'
        tail = (
            f',"kept":{self._kept_encoded(evidence[0])},"grain":"{GRAINS[rows["grain"].item(removal)]}",'
            f'"measure":"{MEASURES[rows["measure"].item(removal)]}","similarity":{rows["similarity"].item(removal)!r},'
            f'"step":{rows["step"].item(removal)},"cluster":{cluster},"spread":'
            f'{{"documents":{self._clusters.documents.item(cluster)},"hosts":{self._clusters.hosts.item(cluster)}}}'
        )
        return b"".join((head.encode("utf-8"), text, tail.encode("utf-8")))

    def _kept_encoded(self, place: Place) -> str:
        """What speaks for a drop; many records go for one kept one."""
        known = self._kept.get(place)
        if known is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[place] = known = encoded(self._evidence_at(*place))
        return known

    def cuts(self, document: int) -> Iterator[tuple[int, int, Span, Line]]:
        """(removal, text field, span in that field, line) of each cut, in order; the line's `start` and `end` are the span's."""
        for removal, (start, end) in zip(self._cuts.get(document, ()), self._left.spans(document), strict=True):
            number, low = self._field(document, start, end)
            yield removal, number, (start - low, end - low), self._line(removal, document, (start, end), number)

    def kept(self) -> Iterator[Line]:
        """The lines of pairs that match and of which both stay: for the numbers in them, or by the scope."""
        pairs = self._shown
        for row in np.flatnonzero(pairs["match"]) if pairs else ():
            document, start, end = (int(pairs[name][row]) for name in PLACE)
            yield {
                "kind": "repeat" if pairs["why"][row] == SPLICED else "duplicate",
                "action": "keep",
                "reason": WHYS[int(pairs["why"][row])],
                **self._place(document, start, end),
                "text": self._text(document, start, end),
                "kept": self._evidence_at(
                    *(int(pairs[name][row]) for name in ("kept_document", "kept_start", "kept_end"))
                ),
                "grain": GRAINS[int(pairs["grain"][row])],
                "measure": MEASURES[int(pairs["measure"][row])],
                "similarity": float(pairs["similarity"][row]),
            }

    def _line(self, removal: int, document: int, span: Span, number: int | None) -> Line:
        rows = self._removals.rows
        drop = rows["action"].item(removal) == DROP
        reason = rows["reason"].item(removal)
        left = drop and reason == LEFT
        cluster = self._cluster_of.get(removal)
        evidence = self._standing_for(removal)
        line: dict[str, Any] = {
            "kind": KINDS[reason],
            "action": "drop" if drop else "cut",
            "reason": REASONS[reason],
            **self._place(document, *span, number),
            "text": self._text(document, *span),
            "kept": self._evidence_at(*evidence[0]) if evidence else None,
            "grain": GRAINS[rows["grain"].item(removal)],
            "measure": "left" if left else MEASURES[rows["measure"].item(removal)],
            "similarity": rows["similarity"].item(removal),
            "step": rows["step"].item(removal),  # it was found in what the cuts of earlier steps had left
            "cluster": cluster,
        }
        if len(evidence) > 1:
            line["evidence"] = [self._evidence_at(*place) for place in evidence]
        compared = evidence if left else self._compared(removal)
        if evidence != compared:  # later steps cut equal text there, after the measure was taken
            line["compared"] = [self._place(*place) for place in compared]
        if cluster is not None:
            documents, hosts = self._clusters.documents.item(cluster), self._clusters.hosts.item(cluster)
            line["spread"] = {"documents": documents, "hosts": hosts}
        return line

    def _place(self, document: int, start: int, end: int, number: int | None = None) -> Line:
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
            found, low = self._field(document, start, end)
            if number is not None or end <= int(corpus.bounds[document, found, 1]):
                return {**place, "field": names[found], "start": start - low, "end": end - low}
        return {**place, "start": start, "end": end}

    def _compared(self, removal: int) -> list[Place]:
        """What spoke for a removal when it was made; nothing does for boilerplate of which no copy stays."""
        rows = self._removals.rows
        document = rows["kept_document"].item(removal)
        if document < 0:
            return []
        first = (document, rows["kept_start"].item(removal), rows["kept_end"].item(removal))
        return [first, *self._evidence.get(removal, ())]

    def _standing_for(self, removal: int) -> list[Place]:
        """What speaks for a removal and is in OUT: where it was cut itself, later and for equal text, what speaks for that."""
        rows = self._removals.rows
        compared = self._compared(removal)
        if rows["action"].item(removal) == DROP:
            return self._standing_for(self._lead(removal)) if rows["reason"].item(removal) == LEFT else compared
        found: list[Place] = []
        for document, start, end in compared:
            place = start
            for (low, high), cut in zip(self._left.spans(document), self._cuts.get(document, ()), strict=True):
                if (
                    high <= place
                    or low >= end
                    or rows["step"][cut] <= rows["step"][removal]
                    or self._left.dropped[document]
                ):
                    continue
                if low > place:
                    found.append((document, place, low))
                found.extend(self._standing_for(cut))
                place = high
            if place < end:
                found.append((document, place, end))
        return list(dict.fromkeys(found))

    def _lead(self, removal: int) -> int:
        """The cut for whose evidence a record went of which too little was left."""
        rows = self._removals.rows
        mine = ("kept_document", "kept_start", "kept_end")
        cuts = self._cuts[int(rows["document"][removal])]
        return next(cut for cut in cuts if all(rows[name][cut] == rows[name][removal] for name in mine))

    def _evidence_at(self, document: int, start: int, end: int) -> Line:
        place = self._place(document, start, end)
        standing = b"".join(self._standing(document, start, end))
        return {**place, "text_hash": text_hash(standing)}

    def _standing(self, document: int, start: int, end: int) -> Iterator[bytes]:
        """What of a stretch is in OUT."""
        place = start
        for low, high in self._left.spans(document):
            if high > start and low < end:
                yield self._corpus.text(document, place, max(low, place))
                place = min(max(high, place), end)
        yield self._corpus.text(document, place, end)

    def _field(self, document: int, start: int, end: int) -> tuple[int, int]:
        """The text field that a stretch begins in, and where that field begins."""
        bounds: list[list[int]] = self._corpus.bounds[document].tolist()
        for number, (low, high) in enumerate(bounds):
            if low <= start <= high and end <= high:
                return number, low
        return 0, bounds[0][0]

    def _text(self, document: int, start: int, end: int) -> str:
        return self._corpus.text(document, start, end).decode("utf-8", "replace")
