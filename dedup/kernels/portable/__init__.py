"""The kernels in numpy and plain Python: the readable truth, the fallback, and the second opinion on the compiled
core."""

from __future__ import annotations

from dedup.kernels.portable.compose import compose, json_places
from dedup.kernels.portable.delimited import delimited, unquote
from dedup.kernels.portable.pairs import (
    agreements,
    bucket_pairs,
    edit_distances,
    independent_set,
    matching_blocks,
    number,
    overlaps,
)
from dedup.kernels.portable.partition import partition, piece_pairs
from dedup.kernels.portable.pieces import pieces
from dedup.kernels.portable.records import records, unescape, valid_utf8
from dedup.kernels.portable.repeats import equal_bytes, extend, loops, winnow
from dedup.kernels.portable.skeletons import skeletons
from dedup.kernels.portable.sketch import band_keys, scan, shingle, sketch, text_shingles
from dedup.kernels.portable.text import lines, tokenize, tokens
from dedup.kernels.portable.widen import gather, widen

__all__ = [
    "agreements",
    "band_keys",
    "bucket_pairs",
    "compose",
    "delimited",
    "edit_distances",
    "equal_bytes",
    "extend",
    "gather",
    "independent_set",
    "json_places",
    "lines",
    "loops",
    "matching_blocks",
    "number",
    "overlaps",
    "partition",
    "piece_pairs",
    "pieces",
    "records",
    "scan",
    "shingle",
    "skeletons",
    "sketch",
    "text_shingles",
    "tokenize",
    "tokens",
    "unescape",
    "unquote",
    "valid_utf8",
    "widen",
    "winnow",
]
