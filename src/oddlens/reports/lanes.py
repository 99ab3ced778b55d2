"""Curves of the parts of a score beneath the one of the score itself, on the same time axis."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from oddlens.reports.curve import HEIGHT, TimeAxis, curve_paths, shading
from oddlens.reports.parts import Part
from oddlens.reports.series import pool_max
from oddlens.reports.video import VideoReport


def lanes_html(video: VideoReport, ranges: Mapping[str, tuple[float, float]]) -> str:
    """One low plot for each part of the score, shaded as the main one is.

    Args:
        video: what to show.
        ranges: lower and upper edge by part, see `part_ranges`.
    """
    axis = TimeAxis.of(video)
    shades = shading(video, axis)
    return "".join(_lane(part, axis, shades, *ranges[part.name]) for part in video.parts)


def lanes_data(video: VideoReport) -> list[dict[str, Any]]:
    """What the page's script needs of the parts: their pooled curves."""
    starts = TimeAxis.of(video).starts
    return [{"name": part.name, "values": _numbers(pool_max(part.values, starts))} for part in video.parts]


def _numbers(values: Any) -> list[float | None]:
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values]


def _lane(part: Part, axis: TimeAxis, shades: str, low: float, high: float) -> str:
    def upward(value: float) -> float:
        return HEIGHT * (1.0 - min(max((value - low) / (high - low), 0.0), 1.0))

    values = [upward(float(value)) if np.isfinite(value) else np.nan for value in pool_max(part.values, axis.starts)]
    path, area = curve_paths([axis.across(time) for time in axis.times[axis.starts]], values)
    lines = ""
    if part.in_deviations:
        lines += _line("usual", upward(0.0))
    if part.level is not None and low < part.level < high:
        lines += _line("threshold", upward(part.level))
    finite = part.values[np.isfinite(part.values)]
    top = f" up to {finite.max():.3g}" if finite.size else ""
    name = escape(part.name.replace("_", " "))
    return (
        '<div class="lane"><svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img"'
        f' aria-label="{name} over time">{shades}<path class="area" d="{area}"/>{lines}'
        f'<path class="curve" d="{path}"/></svg><span class="part"><b>{name}</b>{top}</span></div>'
    )


def _line(kind: str, level: float) -> str:
    return f'<line class="{kind}" x1="0" x2="1000" y1="{level:.2f}" y2="{level:.2f}"/>'
