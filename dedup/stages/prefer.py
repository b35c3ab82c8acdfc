"""Documents -> an order of preference: whose copy stays."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from dedup.config import Config
from dedup.model import I64, Corpus

_EPOCH_MILLISECONDS = 1e11
"""An epoch above this counts milliseconds: in seconds it would be the year 5138."""


def prefer(corpus: Corpus, config: Config) -> I64:
    """For each document its place in the order of preference, int64[n], smaller is preferred; ties are broken by position.

    `earliest`: by date (ISO 8601, epoch, RFC 2822), undated last. `prefer`: by the place of its source (the source field, else
    the input's name) among the preferred ones, others last. `first`, and `longest` which looks at segments: no preference.
    """
    n = len(corpus)
    if config.keep == "earliest" and "date" in corpus.meta:
        moments = np.array([_moment(value.decode("utf-8", "replace")) for value in corpus.meta["date"]], np.float64)
        return (
            np.argsort(np.argsort(moments, kind="stable"), kind="stable").astype(np.int64)
            if n
            else np.zeros(0, np.int64)
        )
    if config.keep == "prefer":
        place = {name: i for i, name in enumerate(config.prefer)}
        return np.array([place.get(_source(corpus, i), len(place)) for i in range(n)], np.int64)
    return np.zeros(n, np.int64)


def _source(corpus: Corpus, document: int) -> str:
    named = corpus.meta["source"][document].decode("utf-8", "replace") if "source" in corpus.meta else ""
    return named or corpus.sources[int(corpus.source[document])].name


def _moment(text: str) -> float:
    """Seconds since 1970 in UTC; infinity where there is no date. A time without a zone is taken as UTC."""
    from email.utils import parsedate_to_datetime  # a dear import, for this rule alone

    text = text.strip()
    try:
        number = float(text)
        if math.isnan(number) or abs(number) < 1e5 or len(text.lstrip("-").split(".")[0]) == 8:
            raise ValueError  # 20240131 is a date, not an epoch
        return number / 1000 if abs(number) > _EPOCH_MILLISECONDS else number
    except ValueError:
        pass
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.replace("/", "-") if parse is datetime.fromisoformat else text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return float("inf")
