"""Which fields the first records of JSON Lines have, and of which kinds."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.formats.fields import Column
from dedup.formats.strict import count_fields
from dedup.kernels.arrays import ABSENT, ESCAPED, NUMBER, OTHER, STRING
from dedup.model import I64, U8, Strings

_HEAD_BYTES = 1 << 16
_ROUNDS = (1, 8, 64)
"""Records with fields not met before that are read in full, before the others are looked at again."""
_KINDS = {b"t": "true or false", b"f": "true or false", b"[": "list", b"{": "object"}


def key_of(name: str) -> bytes:
    """A field's name as it stands in a record without escapes."""
    return name.encode("utf-8", "surrogatepass")


def kinds_of(lines: U8, most: int) -> dict[str, str]:
    """Name the fields of the first `most` records, in the order in which they are met, and the kind of each.

    A field that is ever a string is one; else it is what its first value is that is not null.

    Args:
        lines: uint8[...], whole lines.
        most: lines that are looked at.
    """
    columns: dict[str, Column] = {}
    # Mostly the first line has all fields; one that is not JSON adds nothing.
    count_fields(columns, lines[: lines[:_HEAD_BYTES].tobytes().find(b"\n") + 1].tobytes())
    done = np.zeros(0, bool)
    for size in (*_ROUNDS, most):
        names = Strings.of([key_of(name) for name in columns])
        spans, members, kinds, ranges = kernels.records(lines, names.values, names.offsets)
        if not len(spans):
            break
        if len(spans) > most:
            spans, members, kinds, ranges = spans[:most], members[:most], kinds[:most], ranges[:most]
            lines = lines[: spans[-1, 1]]
        done = done if len(done) else np.zeros(len(spans), bool)
        odd = np.flatnonzero(~done & ((members < 0) | (members > (kinds != ABSENT).sum(1))))
        if not len(odd):
            _add_kinds(columns, lines, kinds, ranges)
            break
        for row in odd[:size].tolist():
            count_fields(columns, lines[spans[row, 0] : spans[row, 1]].tobytes())
        done[odd[:size]] = True
    return {name: column.kind for name, column in columns.items()}


def _add_kinds(columns: dict[str, Column], lines: U8, kinds: U8, ranges: I64) -> None:
    for i, column in enumerate(columns.values()):
        mine = kinds[:, i]
        if ((mine == STRING) | (mine == ESCAPED)).any():
            column.kind = "string"
        told = np.flatnonzero((mine == NUMBER) | (mine == OTHER))
        if column.kind == "null" and len(told):
            first = ranges[told[0], i, 0]
            column.kind = "number" if mine[told[0]] == NUMBER else _KINDS[lines[first : first + 1].tobytes()]
