"""The order of the stages, in one place: pass after pass until nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dedup import kernels
from dedup.backends.base import Backend
from dedup.config import Config
from dedup.desk import Stretches
from dedup.learning import learn
from dedup.ledger.book import Book
from dedup.ledger.left import Left
from dedup.ledger.removals import BOILERPLATE, LABEL, LOOP, TEMPLATE, Removals, host_names, hosts_of
from dedup.matching import GrainMatcher, Matches
from dedup.model import (
    FIXED,
    GRAINS,
    I64,
    LABEL_TOKENS,
    NEAR_MISS,
    PLACE,
    PLAIN,
    Batch,
    Corpus,
    Furniture,
    Phrase,
    SiteText,
    concat,
    distinct,
    rows_of,
    take,
)
from dedup.model import LABEL as LABEL_KIND
from dedup.repeating import RepeatFinder
from dedup.showing import said_once, shown_matches, shown_repeats, untouched
from dedup.sparing import lost_since, says_something
from dedup.stages.cluster import cluster
from dedup.stages.decide import decide
from dedup.stages.describe import describe
from dedup.stages.furnish import SHORT_TOKENS, SURE_SHARE, furnish
from dedup.stages.label import label
from dedup.stages.loop import LEAST_TOKENS, loop
from dedup.stages.phrase import most_spread, phrase
from dedup.stages.prefer import prefer
from dedup.stages.resemble import SIMILARITY, resemble
from dedup.stages.segment import segment
from dedup.stages.sketch import key_name
from dedup.stages.verify import allowed_edits

BATCH_ROWS = 1 << 15
"""Paragraphs in a batch that is searched for loops or set phrases."""


@dataclass(slots=True)
class Outcome:
    """What a run found and decided, before anything is written.

    Attributes:
        corpus: the documents.
        left: what is left of them.
        removals: what was proposed, and what stands of it.
        shown: pairs that match and both stay, as read: `grain`, `document`, `start`, `end`, `kept_document`, `kept_start`, `kept_end`,
            `similarity`, `measure`, `match`, `why`; of near misses `match` is false.
        boilerplate: what the first pass found to be the sites'; phrases: clauses below the weight of a repeat that many documents share.
        passes: passes run.
        settled: whether the last pass proposed nothing; if not, a second run may find more.
        counts: `candidates`, `skipped`, `taken_back`, `segments` (of the finest grain).
    """

    corpus: Corpus
    left: Left
    removals: Removals
    shown: Batch = field(default_factory=dict)
    boilerplate: list[SiteText] = field(default_factory=list)
    phrases: list[Phrase] = field(default_factory=list)
    passes: int = 0
    settled: bool = False
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("candidates", "skipped", "skipped_places", "taken_back", "segments"), 0)
    )


class Run:
    """One run over a corpus.

    Args:
        corpus: the documents.
        config: what to compare and what to do about it.
        backend: where the work runs.
        progress: called with a phase's name and the share of the run that is done.
    """

    def __init__(
        self, corpus: Corpus, config: Config, backend: Backend, progress: Callable[[str, float], None] | None = None
    ) -> None:
        self._config = config
        self._progress = progress or _silent
        self._preference = prefer(corpus, config)
        self.matchers = {grain: GrainMatcher(config, grain, backend) for grain in config.grains}
        # without the rules of sites only the hosts of clusters are wanted, and looked up then
        is_auto = config.grain == "auto"
        self._host_names = host_names(corpus, config.host_from) if is_auto else []
        self._hosts = hosts_of(self._host_names)
        self._repeat_finder = RepeatFinder(config, backend)
        self._backend = backend
        self.book = Book(
            corpus, config, (*config.grains, "repeat", "loop"), partial(says_something, least=config.repeat_weight)
        )
        self.book.removals.hosts = self._hosts if is_auto else None
        self.outcome = Outcome(corpus, self.book.left, self.book.removals)

    def cover(self, grain: str, rows: Batch, covered: NDArray[np.bool_]) -> None:
        """Take the segments of documents from elsewhere; only the others are sketched."""
        if rows_of(rows):
            self.matchers[grain].load(rows)
            self.book.changed[grain] = np.flatnonzero(~covered)

    def decide(self) -> Outcome:
        """Run passes until nothing changes, or as many as the configuration allows."""
        outcome = self.outcome
        while not outcome.settled and outcome.passes < self._config.passes:
            outcome.passes = self.book.turn = outcome.passes + 1
            is_last = outcome.passes == self._config.passes
            proposed = 0
            found: dict[str, Matches] = {}
            shown: list[Batch] = []
            seen: list[I64] = []
            outcome.counts["skipped"] = 0  # of this pass: it comes to what earlier ones left out
            if self._config.grain == "auto":
                proposed += self._remove_boilerplate()
            for grain in self._config.grains:
                self._progress(f"pass {outcome.passes}: {grain}s", (outcome.passes - 1) / self._config.passes)
                found[grain] = self._found(grain)
                if is_last:  # what it shows must be placed before what it removes is gone
                    shown.append(shown_matches(self.book, grain, found[grain]))
                    seen.append(outcome.left.starts.copy())
                proposed += self._remove(grain, found[grain])
            if self._looks_for_repeats:
                repeats = self._repeats(shows=is_last)
                if is_last:
                    shown.append(shown_repeats(self.book, repeats))
                    seen.append(outcome.left.starts.copy())
                proposed += self._remove_repeats(repeats) + self._remove_loops() + self._remove_labels()
            lost = (
                lost_since(self.book, config=self._config, backend=self._backend)
                if self._config.grain == "auto"
                else None
            )
            self.book.settle(lost)
            outcome.counts["taken_back"] = self.book.taken_back
            outcome.settled = proposed == 0
            if outcome.settled and not is_last:
                shown = [shown_matches(self.book, grain, matches) for grain, matches in found.items()]
                if self._looks_for_repeats:
                    staying = self._repeat_finder.staying(outcome.left, self.matchers["paragraph"].rows)
                    shown.append(shown_repeats(self.book, staying))
            elif is_last:
                shown = [untouched(outcome.left, part, starts) for part, starts in zip(shown, seen, strict=True)]
            if shown:
                outcome.shown = concat(said_once(shown))
        if self._looks_for_repeats:
            outcome.phrases = self._phrases()
        return outcome

    @property
    def _looks_for_repeats(self) -> bool:
        return self._config.grain == "auto" and self._config.cut != "none"

    def _phrases(self) -> list[Phrase]:
        """Clauses that many documents share, in what is left of them."""
        left = self.outcome.left
        rows = self.matchers["paragraph"].rows
        if not rows_of(rows):
            return []
        rows = {name: rows[name] for name in ("document", "start", "end", "kind")}
        mine = take(rows, (rows["kind"] == PLAIN) & ~left.dropped[rows["document"]])
        work = partial(phrase, arena=left.arena, weight=self._config.repeat_weight)
        return most_spread(
            concat(self._backend.map_batches(work, _in_batches(mine))), arena=left.arena, n=len(left.starts)
        )

    def _remove_boilerplate(self) -> int:
        """Cut what is the site's; of long boilerplate that is not on a third of the pages the first copy stays."""
        outcome, config = self.outcome, self._config
        known = bool((self._hosts >= 0).any())
        if (not known or config.boilerplate == "keep") and outcome.passes > 1:
            return 0
        matcher = self.matchers["paragraph"]
        matcher.refresh(outcome.left, self.book.to_read("paragraph"))
        rows = matcher.rows
        usable = (
            np.flatnonzero((rows["tokens"] > 0) & (rows["kind"] != FIXED)) if rows_of(rows) else np.zeros(0, np.int64)
        )
        if not len(usable):
            return 0
        segments = take({name: rows[name] for name in (*PLACE, "hash", "tokens")}, usable)
        segments["row"] = usable
        # where no host is known, what stands on many pages is shown, and nothing is cut for it
        hosts = self._hosts if known else np.zeros_like(self._hosts)
        found = furnish(segments, hosts, learn=partial(learn, arena=outcome.left.arena, backend=self._backend))
        lead = np.full(len(found.spread), -1, np.int64)
        lead[found.group[::-1]] = found.rows[::-1]
        if outcome.passes == 1:
            names = self._host_names if known else [""] * len(hosts)
            outcome.boilerplate = describe(found, lead, segments, names, arena=outcome.left.arena)
        if not known or config.boilerplate == "keep":
            return 0
        return self._cut_boilerplate(segments, found, lead)

    def _cut_boilerplate(self, segments: Batch, found: Furniture, lead: I64) -> int:
        keeps = (found.tokens > SHORT_TOKENS) & (found.share < SURE_SHARE) | (self._config.boilerplate == "keep-first")
        near, like = resemble(
            segments, self._hosts, found.rows, found.group, arena=self.outcome.left.arena,
            sketched=self.matchers["paragraph"].rows, keys=[key_name(band) for band in range(self._config.paragraph.bands)],
            allowed=partial(allowed_edits, threshold=SIMILARITY),
        )  # fmt: skip
        rows, group = np.concatenate([found.rows, near]), np.concatenate([found.group, like])
        goes = ~keeps[group] | (lead[group] != rows)
        mine, group = rows[goes], group[goes]
        kept = np.where(keeps, lead, -1)[group]
        first = {name: segments[name][np.where(kept >= 0, kept, mine)] for name in PLACE}
        unequal = found.template[group] | np.isin(mine, near)
        reason = np.where(unequal, TEMPLATE, BOILERPLATE)
        same = {"reason": reason, "grain": np.full(len(mine), GRAINS.index("paragraph"))}
        unkept = np.where(kept >= 0, -1, len(self.outcome.removals) + group)
        cuts = take({name: segments[name] for name in (*PLACE, "tokens")}, mine)
        cuts["similarity"] = _alike(self.outcome.left, cuts, first)
        return self.book.cut_what_is_left({**cuts, **same}, first, unkept=unkept)

    def _found(self, grain: str) -> Matches:
        matcher, outcome = self.matchers[grain], self.outcome
        matcher.refresh(outcome.left, self.book.to_read(grain))
        paragraphs = None
        if grain == "document" and self._config.grain == "auto":
            self.matchers["paragraph"].refresh(outcome.left, self.book.to_read("paragraph"))
            names = ("document", "start", "end", "hash", "tokens")
            rows = self.matchers["paragraph"].rows
            paragraphs = {name: rows[name] for name in names} if rows_of(rows) else None
        found = matcher.matches(outcome.left, self._preference, paragraphs)
        outcome.counts["candidates"] += found.candidates
        outcome.counts["skipped"] += found.skipped
        outcome.counts["segments"] = rows_of(matcher.rows)
        return found

    def _remove(self, grain: str, found: Matches) -> int:
        """Turn matches into removals; returns how many were proposed."""
        pairs, n = found.pairs, len(found.exact)
        edges = take(pairs, pairs["match"] & (pairs["why"] == NEAR_MISS))
        representative, row = cluster(edges["first"], edges["second"], edges["similarity"], n)
        chosen = decide(found.exact, representative, row, edges["similarity"], edges["measure"])
        if not len(chosen["rank"]):
            return 0
        segments, goes, kept = found.segments, chosen["rank"], chosen["kept"]
        rows, pieces = self.book.as_read(segments, goes)
        evidence = self.book.hulls(segments, kept, "kept_")
        told = {name: chosen[name] for name in ("similarity", "measure", "reason")}
        told |= {"grain": np.full(len(goes), GRAINS.index(grain)), "tokens": segments["tokens"][goes]}
        if grain == "document":
            self.book.drop({**rows, **evidence, **told})
        else:
            self.book.cut({**rows, **evidence, **told}, pieces)
        return len(goes)

    def _repeats(self, *, shows: bool) -> Stretches:
        left, matcher = self.outcome.left, self.matchers["paragraph"]
        matcher.refresh(left, self.book.to_read("paragraph"))
        if not rows_of(matcher.rows):
            return Stretches()
        found = self._repeat_finder.find(left, self.book.to_read("repeat"), matcher.rows, shows=shows)
        self.outcome.counts["skipped_places"] = found.skipped
        return found

    def _remove_repeats(self, found: Stretches) -> int:
        cuts = np.array(found.cuts, np.int64).reshape(-1, 6)
        kept = np.array(found.kept, np.int64).reshape(-1, 3)
        more = np.array(found.more, np.int64).reshape(-1, 4)
        evidence = self.book.hulls(dict(zip(PLACE, more[:, 1:].T, strict=True)), np.arange(len(more)))
        table = dict(zip((*PLACE, "reason", "grain", "tokens"), cuts.T, strict=True))
        return self.book.cut_what_is_left(
            table, dict(zip(PLACE, kept.T, strict=True)), {**evidence, "removal": more[:, 0]}
        )

    def _remove_loops(self) -> int:
        """Cut what clauses say again at once."""
        left, matcher = self.outcome.left, self.matchers["paragraph"]
        matcher.refresh(left, self.book.to_read("paragraph"))
        fresh = np.zeros(len(left.starts), bool)
        fresh[self.book.to_read("loop")] = True
        rows = {name: column for name, column in matcher.rows.items() if name in PLACE}
        if not rows_of(rows):
            return 0
        rows = take(
            rows,
            fresh[rows["document"]] & (matcher.rows["kind"] == PLAIN) & (matcher.rows["tokens"] >= 2 * LEAST_TOKENS),
        )
        found = concat(self._backend.map_batches(partial(loop, arena=left.arena), _in_batches(rows)))
        n = rows_of(found)
        if n == 0:
            return 0
        found = take(found, np.lexsort((found["start"], found["document"])))
        same = {"reason": np.full(n, LOOP), "grain": np.full(n, GRAINS.index("passage"))}
        kept = {"document": found["document"], "start": found["kept_start"], "end": found["kept_end"]}
        return self.book.cut_what_is_left({**found, **same}, kept)

    def _remove_labels(self) -> int:
        """Cut labels that stood before and of which all that they headed went."""
        left, corpus = self.outcome.left, self.outcome.corpus
        documents = self._with_equal_labels()
        if not len(documents):
            return 0
        batch = {
            "document": documents,
            "start": corpus.starts[documents],
            "end": corpus.ends[documents],
            "markdown": corpus.markdown[documents],
        }
        none = np.zeros(0, np.uint32)
        segments = segment(batch, arena=left.arena, grain="paragraph")
        segments["hash"], _, segments["tokens"], _ = kernels.scan(
            left.arena, segments["start"], segments["end"], 1, 0, none, none
        )
        segments = take(segments, segments["tokens"] > 0)
        base = corpus.starts[segments["document"]]
        start, end = segments["start"] - base, segments["end"] - base
        gone = left.is_gone(segments["document"], start, end)
        found = np.array(label(segments, gone, _headings(left, segments)), np.int64).reshape(-1, 2)
        if not len(found):
            return 0
        rows = {"document": segments["document"][found[:, 0]], "start": start[found[:, 0]], "end": end[found[:, 0]]}
        kept = {f"kept_{name}": column for name, column in
                (("document", segments["document"][found[:, 1]]), ("start", start[found[:, 1]]), ("end", end[found[:, 1]]))}  # fmt: skip
        n = len(found)
        same = {
            "similarity": np.ones(n),
            "measure": np.zeros(n),
            "reason": np.full(n, LABEL),
            "grain": np.full(n, GRAINS.index("paragraph")),
            "tokens": segments["tokens"][found[:, 0]],
        }
        self.book.cut({**rows, **kept, **same}, {"removal": np.arange(n), **rows}, drops_small=False)
        return n

    def _with_equal_labels(self) -> I64:
        """Documents with cuts in which a label that is left stands twice."""
        left, rows = self.outcome.left, self.matchers["paragraph"].rows
        if not left.edited.any() or not rows_of(rows):
            return np.zeros(0, np.int64)
        mine = left.edited[rows["document"]] & ~left.dropped[rows["document"]] & (rows["kind"] == LABEL_KIND)
        names = np.stack([rows["document"][mine].astype(np.uint64), rows["hash"][mine]], axis=1)
        names = names[np.lexsort((names[:, 1], names[:, 0]))]
        again = (names[1:] == names[:-1]).all(axis=1)
        return distinct(names[1:][again][:, 0].astype(np.int64))


def _alike(left: Left, one: Batch, other: Batch) -> NDArray[np.float64]:
    """The edit similarity of each two segments; segments of one template differ in their slots."""
    places = (part[name] for part in (one, other) for name in ("start", "end"))
    unequal = np.flatnonzero(kernels.equal_bytes(left.arena, *places) == 0)
    n = len(unequal)
    starts, ends = (np.concatenate([one[name][unequal], other[name][unequal]]) for name in ("start", "end"))
    values, offsets = kernels.tokens(left.arena, starts, ends)
    pairs = np.stack([np.arange(n), np.arange(n, 2 * n)], axis=1)
    distances = kernels.edit_distances(values, offsets, pairs, np.full(n, -1, np.int64))
    sizes = np.diff(offsets)
    similarity = np.ones(rows_of(one))
    similarity[unequal] = 1.0 - distances / np.maximum(sizes[:n], sizes[n:])
    return similarity


def _silent(_phase: str, _share: float) -> None:
    """Progress that nobody follows."""


def _headings(left: Left, segments: Batch) -> NDArray[np.bool_]:
    """Short lines that are no sentence: what stands below them is another matter."""
    last = left.arena[segments["end"] - 1]
    # the last bytes of 。！？；” and what ends an English sentence
    stop = np.isin(last, np.frombuffer(b'.!?;,"\x82\x81\x9f\x9b\x9d\x8c', np.uint8))
    short: NDArray[np.bool_] = (segments["kind"] == PLAIN) & (segments["tokens"] <= LABEL_TOKENS) & ~stop
    return short


def _in_batches(rows: Batch) -> Iterator[Batch]:
    for low in range(0, rows_of(rows), BATCH_ROWS):
        yield {name: column[low : low + BATCH_ROWS] for name, column in rows.items()}
