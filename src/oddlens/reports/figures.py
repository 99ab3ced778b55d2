"""The figures of the original code bases: reconstruction, error map, and the composed demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from oddlens.datasets.base import Labels
from oddlens.media.writer import write_image
from oddlens.reports.colour import as_rgb, colourise, to_uint8
from oddlens.reports.composed import ComposedVideo
from oddlens.reports.series import runs
from oddlens.types import Image

FULL_SIZE = (1920, 1440)
"""Size of the composed figure as published, width and height."""

_INCHES = (6.4, 4.8)
_PINK, _BLUE = "#ffc0cb", (31, 60, 200)
_SCORE_LIMITS = (-0.01, 1.01)
_SUBPIXEL = 4
_PANELS = ("Frame", "Reconstruction", "Reconstruction Error")


def network_picture(values: ArrayLike, low: float = -1.0, high: float = 1.0) -> Image:
    """Network values `(C, h, w)` between `low` and `high` as `uint8 (h, w, C)`, rounded.

    Example:
        >>> network_picture(np.zeros((1, 2, 3))).shape
        (2, 3, 1)
    """
    return to_uint8(np.moveaxis(np.asarray(values), 0, -1), low, high)


def write_pictures(
    folder: Path,
    index: int,
    *,
    frame: Image,
    reconstruction: Image,
    error_map: ArrayLike,
    low: float | None = None,
    high: float | None = None,
) -> None:
    """Write `GT_NNNN.png`, `out_NNNN.png` and `MSE_NNNN.png` (JET) of one scored frame.

    Args:
        folder: made if missing.
        index: number NNNN in the names.
        frame: `uint8 (H, W, C)`.
        reconstruction: `uint8 (h, w, C)`.
        error_map: `(h, w)`.
        low: error of the coldest colour; `None` scales this frame by itself, as the original does.
        high: error of the hottest colour.
    """
    write_image(folder / f"GT_{index:04d}.png", frame)
    write_image(folder / f"out_{index:04d}.png", reconstruction)
    write_image(folder / f"MSE_{index:04d}.png", colourise(error_map, low, high, "jet"))


class Demonstration:
    """Three panels above, the score so far below; axes are drawn once, every frame only adds to them.

    Args:
        frames_total: scored frames of the video; the curve's fixed width.
        labels: `uint8 (frames_total,)`, 1 = abnormal; pink rectangles, all visible from the start.
        size: width and height in pixels, even.
        low: error of the coldest colour; `None` scales each frame by itself.
        high: error of the hottest colour.
    """

    def __init__(
        self,
        frames_total: int,
        labels: Labels | None = None,
        size: tuple[int, int] = FULL_SIZE,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        self._last = max(frames_total - 1, 1)
        self._bounds = low, high
        self._width = max(size[0] // 480, 1)
        self._canvas, self._panels, self._plot = _draw_axes(size, self._last, labels)
        self._count = 0
        self._point: tuple[int, int] | None = None

    def push(self, frame: Image, reconstruction: Image, error_map: ArrayLike, score: float) -> Image:
        """Picture `uint8 (height, width, 3)` after one more frame.

        Args:
            frame: `uint8 (H, W, C)`.
            reconstruction: `uint8 (h, w, C)`.
            error_map: `(h, w)`.
            score: anomaly score scaled to 0...1; NaN leaves a gap.
        """
        self._extend_curve(score)
        picture = self._canvas.copy()
        shown = (as_rgb(frame), as_rgb(reconstruction), colourise(error_map, *self._bounds, "jet"))
        for panel, box in zip(shown, self._panels):
            _paste(picture, panel, box, as_rgb(frame).shape[1] / frame.shape[0])
        return picture

    def _extend_curve(self, score: float) -> None:
        left, top, right, bottom = self._plot
        share = (score - _SCORE_LIMITS[0]) / (_SCORE_LIMITS[1] - _SCORE_LIMITS[0])
        x = left + (right - left) * min(self._count / self._last, 1.0)
        self._count += 1
        if np.isnan(share):
            self._point = None
            return
        y = bottom - (bottom - top) * min(max(share, 0.0), 1.0)
        point = round(x * 2**_SUBPIXEL), round(y * 2**_SUBPIXEL)
        cv2.line(self._canvas, self._point or point, point, _BLUE, self._width, cv2.LINE_AA, _SUBPIXEL)
        self._point = point


class DemonstrationVideo(ComposedVideo):
    """Context manager that writes the composed demonstration as a video; nothing is kept on failure.

    Args:
        path: mp4 to write.
        frames_total: scored frames of the video.
        labels: as in `Demonstration`.
        fps: frames a second.
        size: width and height in pixels, even.
        low: as in `Demonstration`.
        high: as in `Demonstration`.

    Raises:
        MediaError: the video cannot be written.
    """

    def __init__(
        self,
        path: Path,
        frames_total: int,
        labels: Labels | None = None,
        *,
        fps: float = 10.0,
        size: tuple[int, int] = FULL_SIZE,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        super().__init__(path, fps)
        self._figure = Demonstration(frames_total, labels, size, low, high)

    def write(self, frame: Image, reconstruction: Image, error_map: ArrayLike, score: float) -> None:
        """Append one frame; arguments as in `Demonstration.push`."""
        self._writer.write(self._figure.push(frame, reconstruction, error_map, score))


_Box = tuple[int, int, int, int]


def _draw_axes(size: tuple[int, int], last: int, labels: Labels | None) -> tuple[Image, list[_Box], _Box]:
    """Canvas with everything that does not move, boxes of the three panels, box of the plot."""
    figure = Figure(figsize=_INCHES, dpi=size[0] / _INCHES[0], facecolor="white")
    figure.set_size_inches(_INCHES[0], _INCHES[0] * size[1] / size[0])
    grid = figure.add_gridspec(2, 3, left=0.09, right=0.97, top=0.93, bottom=0.11, hspace=0.32, wspace=0.06)
    panels = [figure.add_subplot(grid[0, column]) for column in range(3)]
    for axes, title in zip(panels, _PANELS):
        axes.set_title(title, fontsize=8)
        axes.set_axis_off()
    plot = figure.add_subplot(grid[1, :])
    plot.set(xlim=(0, last), ylim=_SCORE_LIMITS, xlabel="Frames", ylabel="Anomaly Score")
    plot.set_title("Anomaly Score Over Time", fontsize=10)
    for first, end in runs(labels) if labels is not None else []:
        plot.axvspan(first, min(end, last), color=_PINK, lw=0)
    canvas: Any = FigureCanvasAgg(figure)  # matplotlib leaves these two methods untyped
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3]
    boxes = [_pixels(np.asarray(axes.get_window_extent().extents), drawn.shape[0]) for axes in [*panels, plot]]
    picture = cv2.resize(np.ascontiguousarray(drawn), size) if drawn.shape[1::-1] != size else drawn.copy()
    return np.asarray(picture, dtype=np.uint8), boxes[:3], boxes[3]


def _pixels(extents: NDArray[np.float64], height: int) -> _Box:
    left, low, right, high = extents
    return round(left), round(height - high), round(right), round(height - low)


def _paste(picture: Image, panel: Image, box: _Box, aspect: float) -> None:
    """Fit `panel` into the top of `box`, at the footage's aspect (networks work on squeezed frames)."""
    left, top, right, bottom = box
    width = min(right - left, round((bottom - top) * aspect))
    height = max(round(width / aspect), 1)
    x, y = (left + right - width) // 2, top  # close to its title
    picture[y : y + height, x : x + width] = cv2.resize(panel, (width, height), interpolation=cv2.INTER_LINEAR)
