"""Boilerplate -> its texts, slots as `□`, the most spread first."""

from __future__ import annotations

import numpy as np

from dedup import kernels
from dedup.model import I64, U8, Batch, Furniture, SiteText


def describe(found: Furniture, lead: I64, segments: Batch, hosts: list[str], *, arena: U8) -> list[SiteText]:
    """Describe boilerplate, the most spread first.

    Args:
        found: the boilerplate.
        lead: int64[groups], the row of the first segment of each.
        segments: as given to `furnish`.
        hosts: the name of each document's host.
        arena: uint8[...], the text.
    """
    order = np.lexsort((lead, -found.spread))
    place = np.searchsorted(found.rows, lead)
    result = []
    for group in order.tolist():
        row = int(lead[group])
        start, end = (int(segments[name][row]) for name in ("start", "end"))
        slots = int(found.slots[place[group]])
        whole = arena[start:end].tobytes().decode("utf-8", "replace")
        text = _with_slots(arena, start, end, slots) if slots else whole
        host = hosts[int(segments["document"][row])]
        result.append(
            SiteText(host, text, int(found.spread[group]), float(found.share[group]), bool(found.template[group]))
        )
    return result


def _with_slots(arena: U8, start: int, end: int, slots: int) -> str:
    """The text of a segment with `□` for each slot."""
    _, _, starts, ends = kernels.tokenize(arena, np.array([start]), np.array([end]))
    parts, place, is_open = [], start, False
    for number, (low, high) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        slot = bool(slots >> number & 1)
        if slot and is_open:
            place = high
            continue
        parts.append(arena[place:low].tobytes().decode("utf-8", "replace"))
        parts.append("□" if slot else arena[low:high].tobytes().decode("utf-8", "replace"))
        place, is_open = high, slot
    parts.append(arena[place:end].tobytes().decode("utf-8", "replace"))
    return "".join(parts)
