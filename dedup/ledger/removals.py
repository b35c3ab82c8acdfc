"""Removals as columns: what was proposed, what stands of it, and which of it goes for the same kept stretch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from dedup.ledger.left import Left
from dedup.model import I64, Batch, Corpus, concat, distinct, take

DROP, CUT = 0, 1
"""Actions: a whole record goes, or a stretch of it."""

REASONS = ("exact", "near", "left", "repeated", "contained", "loop", "label", "boilerplate", "template")
EXACT, NEAR, LEFT, REPEATED, CONTAINED, LOOP, LABEL, BOILERPLATE, TEMPLATE = range(9)
"""Why a removal was made: the folded texts are equal; they match; too little of the record was left; every token stood before; it is
contained in a longer paragraph of its document; it says again what stands right before it; it is the label of what went; it stands on
many pages of its host, word for word, or but for what varies."""

KINDS = ("duplicate", "duplicate", "duplicate", "repeat", "repeat", "loop", "repeat", "boilerplate", "boilerplate")
"""What kind of removal each reason makes."""

_COLUMNS = {
    "document": np.int64, "start": np.int64, "end": np.int64, "action": np.uint8, "grain": np.uint8, "reason": np.uint8,
    "kept_document": np.int64, "kept_start": np.int64, "kept_end": np.int64, "similarity": np.float64, "measure": np.uint8,
    "tokens": np.int64, "turn": np.uint8, "step": np.int16,
}  # fmt: skip

UNSEEN = -2
"""The number of a host that nobody has looked up."""

_AUTHORITY = re.compile(rb"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
"""The beginning of a URL, which says its host and is the same for all pages of one."""


def no_stretches() -> Batch:
    """An empty table of stretches."""
    return {name: np.zeros(0, np.int64) for name in ("removal", "document", "start", "end")}


@dataclass(slots=True)
class Removals:
    """All removals that a run proposed.

    Attributes:
        rows: columns as in `_COLUMNS`; `start`, `end`, `kept_start`, `kept_end` are byte offsets into the document's text as read;
            a stretch over earlier cuts spans them.
            `kept_document` is -1 for boilerplate of which no copy stays, `kept_start` then a number for each boilerplate.
            `turn` is the pass, `step` counts the calls of `add`: what was added later saw the text without it.
        steps: calls of `add`.
        alive: bool[n]; a removal whose evidence went is taken back.
        pieces: `removal`, `document`, `start`, `end`: the stretches of each cut, several where it spans earlier cuts.
        evidence: the same for the kept stretches that speak for a removal beside the first one.
        hosts: int64[documents], a number for each document's host, -1 unknown, `UNSEEN` where nobody has looked yet; None for all of these.
    """

    rows: Batch = field(default_factory=lambda: {name: np.zeros(0, dtype) for name, dtype in _COLUMNS.items()})
    steps: int = 0
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    pieces: Batch = field(default_factory=no_stretches)
    evidence: Batch = field(default_factory=no_stretches)
    hosts: I64 | None = None

    def __len__(self) -> int:
        return len(self.alive)

    def add(self, rows: Batch, pieces: Batch, evidence: Batch | None = None) -> None:
        """Append removals; `removal` of the pieces and of the evidence counts from 0 within `rows`."""
        moved = {**pieces, "removal": pieces["removal"] + np.int64(len(self))}
        if evidence is not None:
            more = {**evidence, "removal": evidence["removal"] + np.int64(len(self))}
            self.evidence = concat([self.evidence, more])
        rows = {**rows, "step": np.full(len(rows["document"]), self.steps, np.int16)}
        self.steps += 1
        cast = {name: np.asarray(rows[name]).astype(dtype) for name, dtype in _COLUMNS.items()}
        self.rows = concat([self.rows, cast])
        self.alive = np.concatenate([self.alive, np.ones(len(cast["document"]), bool)])
        self.pieces = concat([self.pieces, moved])

    def cuts(self) -> Batch:
        """The pieces of the cuts that stand, sorted by document and start."""
        standing = take(self.pieces, self.alive[self.pieces["removal"]])
        return take(standing, np.lexsort((standing["start"], standing["document"])))

    def drops(self) -> NDArray[np.int64]:
        """The removals that stand and drop a whole record."""
        return np.flatnonzero(self.alive & (self.rows["action"] == DROP))


@dataclass(frozen=True, slots=True)
class Clusters:
    """The removals that stand, grouped by the stretch they go for.

    Attributes:
        removals: int64[m], rows of the removals, sorted by document and start.
        cluster: int64[m], number of the cluster of each, from 1 in canonical order of the kept stretches.
        documents, hosts: int64[clusters + 1], distinct documents, and known hosts, of a cluster.
    """

    removals: I64
    cluster: I64
    documents: I64
    hosts: I64


def group(removals: Removals, left: Left, corpus: Corpus, host_from: str = "url") -> Clusters:
    """Group the removals that stand; cuts of a record that is dropped as a whole are part of that drop."""
    rows = removals.rows
    inside = (rows["action"] == CUT) & left.dropped[rows["document"]]
    standing = np.flatnonzero(removals.alive & ~inside)
    standing = standing[np.lexsort((rows["start"][standing], rows["document"][standing]))]
    mine = take(rows, standing)
    whole = (mine["action"] == DROP).astype(np.int64)
    names = (
        np.where(whole == 1, -1, mine["kept_end"]),
        np.where(whole == 1, -1, mine["kept_start"]),
        mine["kept_document"],
    )
    order = np.lexsort(names)
    fresh = np.logical_or.reduce([np.diff(name[order], prepend=-2) != 0 for name in names])
    number = np.empty(len(order), np.int64)
    number[order] = np.cumsum(fresh)
    n = int(number.max(initial=0)) + 1
    has = mine["kept_document"] >= 0
    members = np.concatenate([mine["document"], mine["kept_document"][has]])
    hosts = _hosts(removals, corpus, host_from, distinct(members))
    both = np.concatenate([number, number[has]])
    known = hosts[members] >= 0
    return Clusters(standing, number, _distinct(both, members, n), _distinct(both[known], hosts[members[known]], n))


def _hosts(removals: Removals, corpus: Corpus, host_from: str, documents: I64) -> I64:
    """Numbers of hosts, of which those of the given documents tell them apart."""
    if removals.hosts is None:
        removals.hosts = np.full(len(corpus), UNSEEN, np.int64)
    if (removals.hosts[documents] == UNSEEN).any():
        removals.hosts[documents] = hosts_of(host_names(corpus, host_from, documents))
    return removals.hosts


def _distinct(groups: I64, values: I64, n: int) -> I64:
    pairs = distinct(groups << np.int64(32) | values)
    return np.bincount(pairs >> np.int64(32), minlength=n).astype(np.int64)


@lru_cache(maxsize=1 << 16)
def _host_in(url: str) -> str:
    """The host of a URL: lower case, no port, no leading `www.`; empty where there is none."""
    try:
        name = (urlsplit(url if "//" in url else f"//{url}").hostname or "").lower().rstrip(".")
    except ValueError:
        return ""
    return name.removeprefix("www.")


def hosts_of(names: list[str]) -> I64:
    """A number for each document's host, by its place among the host names; -1 where it is unknown."""
    place = {name: i for i, name in enumerate(sorted(set(names) - {""}))}
    return np.array([place.get(name, -1) for name in names], np.int64)


def host_names(corpus: Corpus, host_from: str, documents: I64 | None = None) -> list[str]:
    """The host of each document, or of the given ones; empty where it is unknown."""
    rows = np.arange(len(corpus)) if documents is None else documents
    if host_from == "folder":
        folders = [source.name.rpartition("/")[0] for source in corpus.sources]
        return [folders[i] for i in corpus.source[rows].tolist()]
    column = corpus.meta.get("host") or corpus.meta.get("url")
    if column is None:
        return [""] * len(rows)
    urls = column.values.tobytes()
    names: list[str] = []
    known: dict[bytes, str] = {}
    for start, end in zip(column.offsets[rows].tolist(), column.offsets[rows + 1].tolist(), strict=True):
        found = _AUTHORITY.match(urls, start, end)
        url = found.group() if found else urls[start:end]
        name = known.get(url)
        if name is None:
            name = _host_in(url.decode("utf-8", "replace"))
            if found:  # what has no authority may be another text for each document
                known[url] = name
        names.append(name)
    return names
