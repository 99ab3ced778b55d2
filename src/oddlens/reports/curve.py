"""Interactive timeline of one video in the HTML report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.reports.series import bin_starts, clock, pool_max, spans
from oddlens.reports.video import VideoReport

_POINTS = 2000
WIDTH, HEIGHT = 1000.0, 100.0
"""Units of the picture, whatever it is stretched to."""


def curve_data(video: VideoReport) -> dict[str, Any]:
    """What the page's script needs of one video: the pooled curve and its events."""
    axis = TimeAxis.of(video)
    times, starts = axis.times, axis.starts
    surprise = pool_max(video.table["calibrated"].to_numpy(np.float64), starts)
    return {
        "start": round(axis.origin, 3),
        "span": max(video.duration, 1e-3),
        "times": [round(float(time), 3) for time in times[starts]],
        "surprise": [round(float(value), 2) if math.isfinite(value) else None for value in surprise],
        "events": [_event_data(video, k) for k in video.shown_events()],
    }


def _event_data(video: VideoReport, k: int) -> dict[str, float]:
    event = video.events[k]
    seek = float(event["start_time"])
    if video.overlay_fps:
        seek = float(event["start_frame"]) / video.overlay_fps
    return {
        "start": round(float(event["start_time"]), 3),
        "end": round(float(event["end_time"]), 3),
        "peak": round(video.peak_time(k), 3),
        "seek": round(seek, 3),
    }


@dataclass(frozen=True)
class TimeAxis:
    """Where the frames of one video lie from left to right."""

    times: NDArray[np.float64]
    """Seconds of each frame."""
    starts: NDArray[np.intp]
    """First frame of each of at most 2000 bins."""
    origin: float
    scale: float
    """Units of the picture a second."""

    @classmethod
    def of(cls, video: VideoReport) -> TimeAxis:
        """The axis that all curves of a video share."""
        times = video.table["time"].to_numpy(np.float64)
        origin = float(times[0]) if len(times) else 0.0
        return cls(times, bin_starts(len(times), _POINTS), origin, WIDTH / max(video.duration, 1e-3))

    def across(self, time: float) -> str:
        """Place of a moment."""
        return f"{(time - self.origin) * self.scale:.2f}".rstrip("0").rstrip(".")


def shading(video: VideoReport, axis: TimeAxis) -> str:
    """What is labelled abnormal, and alarms, over the whole height."""

    def shade(kind: str, flags: Any, y: float, height: float) -> str:
        return "".join(
            f'<rect class="{kind}" x="{axis.across(first)}" width="{axis.across(last - first + axis.origin)}"'
            f' y="{y:g}" height="{height:g}"/>'
            for first, last in spans(flags, axis.times, axis.starts)
        )

    labels = video.labels
    truth = shade("label", labels, 0, 100) + shade("truth", labels, 97, 3) if labels is not None else ""
    return truth + shade("alarm", video.table["alarm"].to_numpy(), 0, 100)


def plot_html(video: VideoReport, threshold: float, top: float) -> str:
    """Inline SVG of one curve with alarms, labels and peaks; the page's script adds ticks, zoom and hover."""
    axis = TimeAxis.of(video)

    def upward(surprise: float) -> float:
        return HEIGHT * (1.0 - min(max(surprise / top, 0.0), 1.0))

    surprise = pool_max(video.table["calibrated"].to_numpy(np.float64), axis.starts)
    path, area = curve_paths([axis.across(t) for t in axis.times[axis.starts]], [upward(s) for s in surprise])
    level = upward(threshold)
    peaks = "".join(
        f'<button class="peak" type="button" data-event="{row}" style="left:'
        f'{(video.peak_time(k) - axis.origin) * axis.scale / 10:.2f}%;top:{upward(video.peak_score(k)):.1f}%"'
        f' aria-label="event at {clock(float(video.events[k]["start_time"]))}"></button>'
        for row, k in enumerate(video.shown_events())
    )
    return (
        '<div class="plot">'
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" role="img"'
        f' aria-label="surprise over time">{shading(video, axis)}'
        f'<path class="area" d="{area}"/><line class="threshold" x1="0" x2="{WIDTH:g}" y1="{level:.2f}"'
        f' y2="{level:.2f}"/><path class="curve" d="{path}"/></svg>'
        f'<span class="level" style="top:{level:.1f}%">{threshold:.2f}</span>{peaks}'
        '<div class="tip" hidden></div></div>'
    )


def timeline_html(plot: str, lanes: str = "") -> str:
    """The plot of a video with those of the parts beneath it, over one row of ticks."""
    moving = '<div class="zone" hidden></div><div class="cursor" hidden></div>'
    return f'<div class="timeline"><div class="plots">{plot}{lanes}{moving}</div><div class="ticks"></div></div>\n'


def curve_paths(across: Sequence[str], heights: Sequence[float]) -> tuple[str, str]:
    """Path of the curve and of the area below it; a NaN interrupts both."""
    pieces: list[list[int]] = [[]]
    for k, height in enumerate(heights):
        if math.isfinite(height):
            pieces[-1].append(k)
        elif pieces[-1]:
            pieces.append([])
    lines = [" ".join(f"{across[k]},{heights[k]:.1f}" for k in piece) for piece in pieces if piece]
    ends = [(across[piece[0]], across[piece[-1]]) for piece in pieces if piece]
    curve = "".join(f"M{line}" for line in lines)
    return curve, "".join(f"M{first},100 {line} {last},100Z" for line, (first, last) in zip(lines, ends))
