"""Recall and precision by threshold, estimated on the data, and the setting that they speak for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dedup.backends.base import Backend
from dedup.config import Config, Matching
from dedup.errors import UsageError
from dedup.ledger.left import Left
from dedup.matching import GrainMatcher
from dedup.model import I64, Batch, Corpus, rows_of, take
from dedup.stages.report import place_of
from dedup.tuning.copies import SHOWN_KINDS, Copies, found_at, met, plant
from dedup.tuning.estimate import Estimate, estimate
from dedup.tuning.natural import BANDS, ROWS, Natural, by_chance, natural
from dedup.tuning.result import Borderline, Point, Setting, Tuning

F64 = NDArray[np.float64]

LEAST_SEGMENTS = 200
SAMPLE_BYTES = 128 << 20
"""Text that is read closer; of more, whole documents are drawn."""
STEPS = tuple(step / 100 for step in range(50, 101))
NEAR_BEST = 0.002
"""Thresholds whose F1 is this near the best one are as good: the middle of them stands furthest from a fall on either side."""
CANDIDATES = 0.98
"""Share of the copies at the line that the bands are to find, where one of `SHAPES` does."""
SHAPES = ((16, 4), (24, 4), (32, 4), (16, 3), (24, 3), (32, 3), (48, 3), (64, 3))
"""Bands and rows to propose, by what they cost in candidates that are no matches."""


def tune(
    corpus: Corpus, config: Config, backend: Backend, top: int = 10, phase: Callable[[str], None] = lambda _: None
) -> Tuning:
    """Estimate recall and precision by threshold on a corpus, and propose a setting.

    No label says which pairs of the data are copies. So copies are planted: the data's own texts, edited at 1 to 15 % of their
    tokens, or short of a stretch. How alike they come out, by length, is held against how alike the pairs of the data are; what
    the copies do not explain is background (`mixture.fit`), and so is what a third text shows to be a template
    (`natural.templates`). Recall is how many of these copies reach the threshold, times the share of the planted ones that the
    very bands find. The answer is an estimate: texts that say the same in other words are background to it, and two texts of
    a template that has but these two, or of which they differ in a word, may pass for copies.

    Args:
        corpus: the documents.
        config: k, seed, and the matching of its grain; `auto` stands for paragraphs.
        backend: where segments are sketched and paired.
        top: borderline pairs to describe.
        phase: is told what is being done.

    Raises:
        UsageError: there are too few segments to estimate anything from.
    """
    grain = "paragraph" if config.grain == "auto" else config.grain
    matching = config.matching(grain)
    draw = np.random.default_rng(config.seed)
    phase("sketching")
    left = Left(corpus)
    documents = _sample(corpus, draw)
    segments = _segments(left, documents, config, grain, matching, backend)
    _check_enough(rows_of(segments), grain, config)
    keep_numbers = config.numbers == "distinguish" and grain != "document"
    phase("pairing")
    share = len(documents) / max(len(corpus), 1)
    pairs = natural(segments, left.arena, backend, matching.measure, config.k, config.seed, share, draw)
    phase("planting")
    copies = plant(segments, left.arena, config, matching.measure, draw, keep_numbers=keep_numbers)
    counted = ~pairs.numbers if keep_numbers else np.ones(len(pairs.first), bool)
    found = estimate(pairs, counted, copies, matching.measure)
    in_bucket = met(copies, matching.bands, matching.rows, config.seed)

    def points(steps: Sequence[float], flags: Sequence[NDArray[np.bool_]] = in_bucket) -> tuple[Point, ...]:
        return tuple(_point(step, pairs, counted, copies, flags, found, config, matching.measure) for step in steps)

    curve = points(STEPS)
    line, shape = matching.threshold, (matching.bands, matching.rows)
    flags: Sequence[NDArray[np.bool_]] = in_bucket
    if not found.too_few:  # where hardly any copies stand, nothing speaks for another setting
        line = _line(curve)
        shape, flags = _shape(line, copies, in_bucket, found, config, matching)
    sizes = corpus.ends - corpus.starts
    return Tuning(
        grain=grain, measure=matching.measure, k=config.k, threshold=matching.threshold, bands=matching.bands,
        rows=matching.rows, documents=len(corpus), sampled_documents=len(documents), text_bytes=int(sizes.sum()),
        sampled_bytes=int(sizes[documents].sum()), segments=rows_of(segments), originals=len(copies.lengths),
        pairs=int(counted.sum()), templates=int((pairs.template & counted).sum()), numbers=int((~counted).sum()),
        copies=found.copies, too_few=found.too_few,
        by_chance=by_chance(segments, left.arena, matching.measure, config.k, config.seed, draw),
        points=curve, proposed=_setting(line, shape, grain, config), at=points([line], flags)[0],
        now=points([matching.threshold])[0],
        borderline=_borderline(line, pairs, counted, found, segments, left, top),
    )  # fmt: skip


def _sample(corpus: Corpus, draw: np.random.Generator) -> I64:
    """All documents, or so many drawn at random as hold `SAMPLE_BYTES` of text."""
    order = draw.permutation(len(corpus))
    sizes = (corpus.ends - corpus.starts)[order]
    return np.sort(order[np.cumsum(sizes) - sizes < SAMPLE_BYTES])


def _segments(left: Left, documents: I64, config: Config, grain: str, matching: Matching, backend: Backend) -> Batch:
    """The distinct texts of a grain that a run would compare, with broad band keys."""
    broad = {grain: replace(matching, bands=BANDS, rows=ROWS)}
    matcher = GrainMatcher(replace(config, grain=grain, **broad), grain, backend)  # type: ignore[arg-type]
    matcher.refresh(left, documents)
    rows = matcher.comparable(left)
    if not rows:
        return rows
    fit = rows["tokens"] >= max(config.k, 2)
    if grain == "document":
        fit &= rows["tokens"] > config.short_tokens  # shorter ones are matched as paragraphs are
    rows = take(rows, fit)
    return take(matcher.rows, rows["row"][np.sort(np.unique(rows["hash"], return_index=True)[1])])


def _check_enough(n: int, grain: str, config: Config) -> None:
    if n < LEAST_SEGMENTS:
        least = f"more than {config.short_tokens}" if grain == "document" else f"{config.min_tokens} or more"
        others = "--grain paragraph" if grain == "document" else "--grain sentence, or a lower --min-tokens"
        raise UsageError(
            f"{n:,} different {grain}s of {least} tokens are too few to estimate from; it takes {LEAST_SEGMENTS}. "
            f"Give more input, or try {others if grain != 'sentence' else 'a lower --min-tokens'}."
        )


def _point(
    threshold: float, pairs: Natural, counted: NDArray[np.bool_], copies: Copies, in_bucket: Sequence[NDArray[np.bool_]],
    found: Estimate, config: Config, measure: str,
) -> Point:  # fmt: skip
    above = counted & (pairs.likeness.similarity >= threshold - 1e-9)
    total = float(pairs.weight[above].sum())
    right = float((pairs.weight * found.copy)[above].sum())
    caught, reached = _caught(threshold, copies, in_bucket, found, config, measure)
    planted = {
        name: float(found_at(threshold, copies.likeness[i], in_bucket[i], measure, config.short_tokens)[1].mean())
        for name, i in SHOWN_KINDS
    }
    candidates = caught / reached if reached else 1.0
    # the pairs themselves say more finely than the mix does how far copies reach
    recall = caught if found.too_few else min(right / found.copies, 1.0) * candidates
    return Point(threshold, total, right / total if total else None, recall, planted, candidates)


def _caught(
    threshold: float, copies: Copies, in_bucket: Sequence[NDArray[np.bool_]], found: Estimate, config: Config, measure: str
) -> tuple[float, float]:  # fmt: skip
    """The shares of the mix that the bands find and that reach the threshold, and that reach it, found or not."""
    caught = reached = 0.0
    # the copies that are only shown come last, and are no part of the mix
    for alike, flags, mix in zip(copies.likeness, in_bucket, found.mix, strict=False):
        reaches, is_found = found_at(threshold, alike, flags, measure, config.short_tokens)
        caught += float(mix @ is_found)
        reached += float(mix @ reaches)
    return caught, reached


def _line(curve: Sequence[Point]) -> float:
    """The threshold of the best F1, in the middle of those that are as good."""
    scores = np.array([point.f1 for point in curve])
    best = int(scores.argmax())
    good = scores >= scores[best] - NEAR_BEST
    low = high = best
    while low > 0 and good[low - 1]:
        low -= 1
    while high + 1 < len(good) and good[high + 1]:
        high += 1
    return curve[(low + high) // 2].threshold


def _shape(
    line: float, copies: Copies, in_bucket: Sequence[NDArray[np.bool_]], found: Estimate, config: Config, matching: Matching
) -> tuple[tuple[int, int], Sequence[NDArray[np.bool_]]]:  # fmt: skip
    """The bands that find the copies at the line, those of the configuration if they do; and which copies they find."""
    best, best_share = ((matching.bands, matching.rows), in_bucket), -1.0
    for number, (bands, rows) in enumerate(((matching.bands, matching.rows), *SHAPES)):
        flags = in_bucket if number == 0 else met(copies, bands, rows, config.seed)
        caught, reached = _caught(line, copies, flags, found, config, matching.measure)
        share = caught / reached if reached else 1.0
        if share > best_share:
            best, best_share = ((bands, rows), flags), share
        if share >= CANDIDATES:
            break
    return best


def _setting(line: float, shape: tuple[int, int], grain: str, config: Config) -> Setting:
    matching, plain = config.matching(grain), Config()
    options: list[str] = []
    # short sentences are matched as paragraphs are
    for one in ("paragraph", "sentence") if grain == "sentence" else (grain,):
        default = plain.matching(one)
        if line != default.threshold:
            options += ["--threshold", f"{one}={line:g}"]
        if matching.measure != default.measure:
            options += ["--measure", f"{one}={matching.measure}"]
        if shape != (default.bands, default.rows):
            options += ["--bands", f"{one}={shape[0]}x{shape[1]}"]
    if config.k != plain.k:
        options += ["-k", str(config.k)]
    return Setting(line, *shape, tuple(options))


def _borderline(
    line: float, pairs: Natural, counted: NDArray[np.bool_], found: Estimate, segments: Batch, left: Left, top: int
) -> tuple[Borderline, ...]:  # fmt: skip
    """Pairs around the line, the nearest first, no text twice."""
    similarity = pairs.likeness.similarity
    rows = np.flatnonzero(counted)
    seen: set[int] = set()
    result: list[Borderline] = []
    for row in rows[np.argsort(np.abs(similarity[rows] - line), kind="stable")].tolist():
        if len(result) >= top:
            break
        ends = int(pairs.first[row]), int(pairs.second[row])
        if not seen & set(ends):
            seen |= set(ends)
            places = []
            for end in ends:
                document = int(segments["document"][end])
                base = int(left.corpus.starts[document])
                places.append(
                    place_of(
                        left.corpus, document, int(segments["start"][end]) - base, int(segments["end"][end]) - base
                    )
                )
            result.append(
                Borderline(float(similarity[row]), float(found.copy[row]), bool(pairs.template[row]), *places)
            )
    return tuple(result)
