"""Score over time of one video as a picture."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from oddlens.datasets.base import Labels
from oddlens.files import atomic_path
from oddlens.reports.parts import Part, part_ranges
from oddlens.reports.series import bin_starts, ceiling, clock, pool_max, spans
from oddlens.reports.style import ALARM, CURVE, INK, LABEL, MUTED, RULE, hex_colour

_POINTS = 3000
_NAME_LETTERS = 80
_HEIGHT, _LANE = 3.6, 1.1
"""Hundreds of pixels of the main curve, and of the one of each part."""

Spans: TypeAlias = list[tuple[float, float]]


def timeline_png(
    table: pd.DataFrame,
    path: Path,
    threshold: float,
    labels: Labels | None = None,
    events: Iterable[Mapping[str, Any]] = (),
    parts: Sequence[Part] = (),
) -> None:
    """Write the curve of one video's surprise over time, 1200 x 360 pixels, and 110 more for each part of the score.

    Args:
        table: rows of one video with `video, time, calibrated, alarm`.
        path: png to write.
        threshold: alarm threshold on the calibrated score.
        labels: `uint8 (L,)`, 1 = abnormal; shaded violet where given.
        events: with `peak_frame` and `peak_score`; peaks are marked.
        parts: drawn beneath it, one value a frame each.
    """
    times = table["time"].to_numpy(np.float64)
    surprise = table["calibrated"].to_numpy(np.float64)
    figure = Figure(figsize=(12.0, _HEIGHT + _LANE * len(parts)), dpi=100, layout="constrained")
    grid = figure.add_gridspec(1 + len(parts), height_ratios=[_HEIGHT] + [_LANE] * len(parts))
    axes = figure.add_subplot(grid[0])
    starts = bin_starts(len(times), _POINTS)
    alarms = spans(table["alarm"].to_numpy(), times, starts)
    truth = spans(labels, times, starts) if labels is not None else []
    _shade(axes, alarms, truth)
    axes.axhline(threshold, color=hex_colour(ALARM), lw=1.1, ls=(0, (5, 3)))
    axes.plot(times[starts], pool_max(surprise, starts), color=hex_colour(CURVE), lw=1.5)
    for event in events:
        peak = int(event["peak_frame"])
        if 0 <= peak < len(times):
            axes.plot(times[peak], surprise[peak], "o", ms=5, mfc=hex_colour(ALARM), mec="white", mew=1)
    _dress(axes, times, (0.0, ceiling(threshold, surprise)))
    axes.set_ylabel("surprise", color=hex_colour(MUTED), fontsize=10)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    _head(axes, str(table["video"].iloc[0]) if len(table) else "", threshold, bool(alarms), labels is not None)
    ranges = part_ranges([parts])
    for row, part in enumerate(parts, 1):
        axes.tick_params(labelbottom=False)  # the lowest one tells the time
        axes = figure.add_subplot(grid[row])
        _shade(axes, alarms, truth)
        _draw_part(axes, part, times, starts, ranges[part.name])
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in another script is no fault
        FigureCanvasAgg(figure).print_figure(temporary)


def _head(axes: Axes, name: str, threshold: float, alarm: bool, labelled: bool) -> None:
    axes.legend(
        handles=_legend(threshold, alarm, labelled),
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=4,
        frameon=False,
        fontsize=9,
        labelcolor=hex_colour(MUTED),
    )
    short = name if len(name) <= _NAME_LETTERS else name[: _NAME_LETTERS - 1] + "…"
    axes.set_title(short, loc="left", fontsize=12, color=hex_colour(INK), fontweight="bold", parse_math=False)


def _shade(axes: Axes, alarms: Spans, truth: Spans) -> None:
    for span in alarms:
        axes.axvspan(*span, color=hex_colour(ALARM), alpha=0.16, lw=0)
        axes.axvspan(*span, ymin=0.97, color=hex_colour(ALARM), lw=0)
    for span in truth:
        axes.axvspan(*span, color=hex_colour(LABEL), alpha=0.10, lw=0)
        axes.axvspan(*span, ymax=0.03, color=hex_colour(LABEL), lw=0)


def _draw_part(
    axes: Axes, part: Part, times: NDArray[np.float64], starts: NDArray[np.intp], limits: tuple[float, float]
) -> None:
    """A low curve; a grey line where training frames lie, a dashed one where the part alone would raise the alarm."""
    if part.in_deviations:
        axes.axhline(0.0, color=hex_colour(MUTED), lw=0.8, alpha=0.6)
    if part.level is not None and limits[0] < part.level < limits[1]:
        axes.axhline(part.level, color=hex_colour(ALARM), lw=1.0, ls=(0, (5, 3)))
    axes.plot(times[starts], pool_max(part.values, starts), color=hex_colour(CURVE), lw=1.2)
    _dress(axes, times, limits)
    unit = "\n(deviations)" if part.in_deviations else ""
    axes.set_ylabel(part.name + unit, color=hex_colour(MUTED), fontsize=9, parse_math=False)
    axes.yaxis.set_major_locator(MaxNLocator(3))


def _dress(axes: Axes, times: NDArray[np.float64], limits: tuple[float, float]) -> None:
    left = float(times[0]) if len(times) else 0.0
    right = float(times[-1]) if len(times) else 0.0
    axes.set(xlim=(left, right if right > left else left + 1.0), ylim=limits)
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 1.2, 1.5, 2, 3, 6, 10]))
    decimals = 1 if right - left < 10 else 0
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds, decimals)))
    axes.grid(axis="y", color=hex_colour(RULE), lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=hex_colour(MUTED), length=0, labelsize=9)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(hex_colour(RULE))


def _legend(threshold: float, alarm: bool, labelled: bool) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=hex_colour(CURVE), lw=1.5, label="surprise"),
        Line2D([], [], color=hex_colour(ALARM), lw=1.1, ls=(0, (5, 3)), label=f"threshold {threshold:.2f}"),
    ]
    if alarm:
        handles.append(Patch(color=hex_colour(ALARM), alpha=0.25, lw=0, label="alarm"))
    if labelled:
        handles.append(Patch(color=hex_colour(LABEL), alpha=0.4, lw=0, label="labelled abnormal"))
    return handles
