"""The array functions that do the work: arrays in, arrays out, one meaning in two implementations.

`native` is the compiled core, `portable` the same in numpy: the readable truth, the fallback and the second opinion.
The environment variable DEDUP_KERNELS (`native` or `portable`) forces one; unset means the best that is there.
"""

from __future__ import annotations

import os

from dedup.errors import UsageError

_wanted = os.environ.get("DEDUP_KERNELS", "")
if _wanted not in ("", "native", "portable"):
    raise UsageError(f"DEDUP_KERNELS must be native or portable, not {_wanted!r}.")
if _wanted == "portable":
    from dedup.kernels import portable as _chosen
else:
    try:
        from dedup.kernels import native as _chosen  # type: ignore[no-redef]
    except ImportError as missing:
        if _wanted == "native":
            raise UsageError(
                f"DEDUP_KERNELS=native, but the compiled core is not installed ({missing}). "
                "Install a C compiler and reinstall dedup, or unset the variable."
            ) from missing
        from dedup.kernels import portable as _chosen

IMPLEMENTATION = _chosen.__name__.rpartition(".")[2]
"""`native` or `portable`."""

tokenize = _chosen.tokenize
tokens = _chosen.tokens
scan = _chosen.scan
shingle = _chosen.shingle
text_shingles = _chosen.text_shingles
sketch = _chosen.sketch
band_keys = _chosen.band_keys
bucket_pairs = _chosen.bucket_pairs
agreements = _chosen.agreements
number = _chosen.number
edit_distances = _chosen.edit_distances
overlaps = _chosen.overlaps
matching_blocks = _chosen.matching_blocks
independent_set = _chosen.independent_set
lines = _chosen.lines
pieces = _chosen.pieces
partition = _chosen.partition
piece_pairs = _chosen.piece_pairs
skeletons = _chosen.skeletons
winnow = _chosen.winnow
extend = _chosen.extend
loops = _chosen.loops
equal_bytes = _chosen.equal_bytes
records = _chosen.records
unescape = _chosen.unescape
delimited = _chosen.delimited
unquote = _chosen.unquote
valid_utf8 = _chosen.valid_utf8
json_places = _chosen.json_places
compose = _chosen.compose
widen = _chosen.widen
gather = _chosen.gather
