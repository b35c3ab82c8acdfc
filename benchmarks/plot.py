"""Plots as plain SVG: bars on a logarithmic scale, and lines on two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_COLOURS = (
    "#1b6ca8",
    "#d1495b",
    "#3a7d44",
    "#edae49",
    "#6a4c93",
    "#00798c",
    "#8d6a4f",
    "#5c677d",
    "#b5179e",
    "#2b2d42",
)
_FONT = 'font-family="sans-serif" font-size="12"'


def bars(title: str, unit: str, values: Mapping[str, float]) -> str:
    """A bar for each value above 0, on a logarithmic scale that begins at a power of ten."""
    shown = {name: value for name, value in values.items() if value > 0}
    if not shown:
        raise ValueError("there is no value above 0 to plot")
    least = 10 ** (math.ceil(math.log10(min(shown.values()))) - 1)
    decades = max(1.0, math.log10(max(shown.values()) / least))
    left, width, step = 220, 420, 24
    height = 60 + step * len(shown)
    parts = [_text(left, 20, title)]
    for n, (name, value) in enumerate(shown.items()):
        top = 34 + step * n
        long = width * math.log10(value / least) / decades
        colour = _COLOURS[0] if name.startswith("dedup") else "#9aa5b1"
        parts.append(f'<rect x="{left}" y="{top}" width="{long:.1f}" height="16" fill="{colour}"/>')
        parts += [_text(left - 8, top + 13, name, "end"), _text(left + long + 6, top + 13, f"{value:.3g} {unit}")]
    return _svg(left + width + 130, height, parts)


def lines(title: str, across: str, up: str, curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A line for each curve of (x, y), both above 0, both scales logarithmic."""
    points = [point for curve in curves.values() for point in curve if min(point) > 0]
    if not points:
        raise ValueError("there is no point above 0 to plot")
    (x0, x1), (y0, y1) = (_range([point[axis] for point in points]) for axis in (0, 1))
    left, top, width, height = 70, 40, 460, 340

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + width * (math.log10(x) - x0) / (x1 - x0),
            top + height * (1 - (math.log10(y) - y0) / (y1 - y0)),
        )

    parts = [
        _text(left, 20, title),
        _text(left + width / 2, top + height + 40, across, "middle"),
        _text(8, top - 8, up),
    ]
    for power in range(x0, x1 + 1):
        at = place(10.0**power, 10.0**y0)[0]
        parts += [_rule(at, top, at, top + height), _text(at, top + height + 18, f"{10.0**power:g}", "middle")]
    for power in range(y0, y1 + 1):
        at = place(10.0**x0, 10.0**power)[1]
        parts += [_rule(left, at, left + width, at), _text(left - 6, at + 4, f"{10.0**power:g}", "end")]
    for n, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[n % len(_COLOURS)]
        spots = [place(*point) for point in curve if min(point) > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
        parts.append(f'<rect x="{left + width + 16}" y="{top + 20 * n}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(left + width + 34, top + 20 * n + 11, name))
    return _svg(left + width + 220, top + height + 56, parts)


def _range(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _text(x: float, y: float, said: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {_FONT}>{escape(said)}</text>'


def _rule(x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="#dde1e6"/>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    ground = f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', ground, *parts, "</svg>"]) + "\n"
