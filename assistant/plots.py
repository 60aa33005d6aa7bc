"""Line charts and the reliability diagram as inline SVG; colours come from the page that holds them.

Element classes: ``frame``, ``grid``, ``tick`` and ``label`` (with ``middle`` or ``end``, where their text
is anchored), ``line s0`` … ``line s3``, the names at their ends ``name s0`` … ``name s3``, ``ideal``, ``bar``
and its ``count``, ``point``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

__all__ = ["Axis", "Series", "line_chart", "reliability_diagram"]

_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 62, 12, 42
_LINE_GAP = 13.0
"""Least distance of two labels in pixels, so that they do not overprint."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured, from where to where, and the values that are written out."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A named line through points in the units of the axes."""

    name: str
    points: Sequence[tuple[float, float]]


def line_chart(title: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Lines over a grid, each named at its right end; ``title`` is for who cannot see them."""
    parts = [_frame(x, y)]
    for number, line in enumerate(series):
        points = " ".join(f"{_across(x, a):.1f},{_down(y, b):.1f}" for a, b in line.points)
        parts.append(f'<polyline class="line s{number}" points="{points}"/>')
    ends = [(_down(y, line.points[-1][1]), number) for number, line in enumerate(series) if line.points]
    for height, number in _spread(sorted(ends)):
        name = escape(series[number].name)
        parts.append(
            f'<text class="name s{number}" x="{_WIDTH - _RIGHT + 6}" y="{height + 4:.1f}">{name}</text>'
        )
    return _svg(title, parts)


def reliability_diagram(title: str, bins: Sequence[tuple[float, float, int]]) -> str:
    """What was said against what was so: (mean probability, share right, count); counts are bars."""
    x = Axis("confidence", 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), percent=True)
    y = Axis("share answered rightly", 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), percent=True)
    parts, counts = [_frame(x, y)], []
    most = max((count for _, _, count in bins), default=1)
    for said, _, count in bins:
        left = _across(x, min(int(said * 10), 9) / 10)
        height = 0.25 * (_HEIGHT - _TOP - _BOTTOM) * count / most
        top = _HEIGHT - _BOTTOM - height
        parts.append(
            f'<rect class="bar" x="{left + 1:.1f}" y="{top:.1f}" width="{_across(x, 0.1) - _LEFT - 2:.1f}" '
            f'height="{height:.1f}"><title>{count} questions</title></rect>'
        )
        counts.append(f'<text class="count" x="{left + 17:.1f}" y="{top - 4:.1f}">{count}</text>')
    ideal = f"{_across(x, 0):.1f},{_down(y, 0):.1f} {_across(x, 1):.1f},{_down(y, 1):.1f}"
    parts.append(f'<polyline class="ideal" points="{ideal}"/>')
    points = [(_across(x, said), _down(y, was)) for said, was, _ in bins]
    parts.append(f'<polyline class="line s0" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>')
    for (a, b), (said, was, count) in zip(points, bins, strict=True):
        told = f"said {said:.0%}, was {was:.0%}, {count} questions"
        parts.append(f'<circle class="point" cx="{a:.1f}" cy="{b:.1f}" r="4"><title>{told}</title></circle>')
    return _svg(title, [*parts, *counts])


def _frame(x: Axis, y: Axis) -> str:
    """Grid, tick values and the names of both axes."""
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [f'<path class="frame" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>']
    for value in y.ticks:
        height = _down(y, value)
        parts.append(f'<path class="grid" d="M{_LEFT} {height:.1f}H{right}"/>')
        parts.append(f'<text class="tick end" x="{_LEFT - 7}" y="{height + 4:.1f}">{_value(y, value)}</text>')
    for value in x.ticks:
        place = f'x="{_across(x, value):.1f}" y="{bottom + 16}"'
        parts.append(f'<text class="tick middle" {place}>{_value(x, value)}</text>')
    middle = (_LEFT + right) / 2
    parts.append(f'<text class="label middle" x="{middle}" y="{_HEIGHT - 6}">{escape(x.label)}</text>')
    turned = f'transform="translate(12 {(_TOP + bottom) / 2}) rotate(-90)"'
    parts.append(f'<text class="label middle" {turned}>{escape(y.label)}</text>')
    return "".join(parts)


def _across(axis: Axis, value: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value - axis.low) / (axis.high - axis.low)


def _down(axis: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - axis.low) / (axis.high - axis.low)


def _value(axis: Axis, value: float) -> str:
    return f"{value:.0%}" if axis.percent else f"{value:g}"


def _spread(ends: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Heights moved apart, downwards, where they are too close; ``ends`` come from the top."""
    heights = [height for height, _ in ends]
    for above, below in pairwise(range(len(heights))):
        heights[below] = max(heights[below], heights[above] + _LINE_GAP)
    over = max(0.0, heights[-1] - (_HEIGHT - _BOTTOM)) if heights else 0.0
    return [(height - over, number) for height, (_, number) in zip(heights, ends, strict=True)]


def _svg(title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )
