"""The byte ranges of cuts, record by record, for formats that find them in no better way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dedup.formats.base import SourceReader
from dedup.model import I64, U8


def by_record(reader: SourceReader, block: U8, records: I64, owner: I64, spans: I64) -> tuple[I64, I64]:
    """See `SourceReader.ranges`."""
    settled, found = np.empty((len(spans), 2), np.int64), np.empty((len(spans), 2), np.int64)
    bounds = np.append(np.flatnonzero(np.diff(owner, prepend=-1)), len(owner)).tolist()
    for first, last in pairwise(bounds):
        start, end = records[owner[first]].tolist()
        raw = block[start:end].tobytes()
        mine = reader.settle(raw, [(field, low, high) for field, low, high in spans[first:last].tolist()])
        settled[first:last] = [span[1:] for span in mine]
        found[first:last] = np.array(reader.locate(raw, mine), np.int64) + start
    return settled, found
