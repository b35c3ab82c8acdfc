"""The S-curve of banding: how likely a pair of a given similarity is to become a candidate, and what that misses."""

from __future__ import annotations


def collision_chance(jaccard: float, bands: int, rows: int) -> float:
    """Chance that two shingle sets of this Jaccard share at least one bucket.

    1 - (1 - jaccard**rows)**bands (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4).
    """
    return float(1.0 - (1.0 - jaccard**rows) ** bands)


def edited_jaccard(tokens: int, edits: int, k: int) -> float:
    """Expected Jaccard of the k-shingles of a text of `tokens` tokens and a copy with `edits` substitutions far apart.

    Each substitution changes up to k shingles of S = tokens - k + 1: J = (S - k * edits) / (S + k * edits).
    """
    shingles = tokens - k + 1
    if shingles < 1:
        return 1.0 if edits == 0 else 0.0
    changed = min(k * edits, shingles)
    return (shingles - changed) / (shingles + changed)


def half_point(bands: int, rows: int) -> float:
    """The Jaccard at which half of all pairs become candidates: the middle of the S-curve."""
    return float((1.0 - 0.5 ** (1.0 / bands)) ** (1.0 / rows))


def points(bands: int, rows: int, steps: int = 20) -> list[tuple[float, float]]:
    """(Jaccard, collision chance) at `steps` + 1 even places from 0 to 1."""
    return [(i / steps, collision_chance(i / steps, bands, rows)) for i in range(steps + 1)]
