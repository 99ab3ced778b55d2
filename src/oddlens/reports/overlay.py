"""Video with heat map or boxes, arrows, alarm frame and running curve, written while the scores come in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import ArrayLike

from oddlens.datasets.base import Labels
from oddlens.reports.arrows import Arrows
from oddlens.reports.colour import as_rgb, overlay
from oddlens.reports.composed import ComposedVideo
from oddlens.reports.lettering import lettering
from oddlens.reports.marks import draw_boxes
from oddlens.reports.series import ceiling, clock
from oddlens.reports.strip import ScoreStrip
from oddlens.reports.style import ALARM, NIGHT_ALARM, NIGHT_TEXT, WHITE
from oddlens.types import Image

_NARROWEST, _WIDEST = 480, 1280
_STRIP_HEIGHT = 96
_BORDER = 4
_MINUTE = 60.0


class Row(Protocol):
    """Anything read by column name: a mapping, a row of a data frame."""

    def __getitem__(self, key: str, /) -> Any:
        """Value of `time`, `calibrated` or `alarm`."""
        ...


class OverlayVideo(ComposedVideo):
    """Context manager that writes one overlay frame for each frame it is given; nothing is kept on failure.

    Footage narrower than 480 pixels is enlarged, wider than 1280 reduced.

    Args:
        path: mp4 to write.
        fps: frames a second of the result.
        frames_total: expected number of frames, `None` for a stream; wrong values only change the time axis.
        threshold: alarm threshold on the calibrated score.
        map_low: value of the coldest colour; `None` scales each frame by itself.
        map_high: value of the hottest colour.
        labels: `uint8 (L,)`, 1 = abnormal; shaded in the curve where given.
        top: surprise at the upper edge of the curve; by default room above the threshold.

    Raises:
        MediaError: the video cannot be written.
    """

    def __init__(
        self,
        path: Path,
        fps: float,
        frames_total: int | None,
        threshold: float,
        *,
        map_low: float | None = None,
        map_high: float | None = None,
        labels: Labels | None = None,
        top: float | None = None,
    ) -> None:
        super().__init__(path, fps)
        self._threshold = threshold
        self._frames_total = frames_total or max(round(_MINUTE * fps), 1)
        self._bounds = map_low, map_high
        self._labels, self._top = labels, ceiling(threshold) if top is None else top
        self._strip: ScoreStrip | None = None
        self._size = (0, 0)
        self._arrows = Arrows()

    def write(
        self,
        frame: Image,
        heat_map: ArrayLike | None,
        row: Row,
        boxes: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> None:
        """Append one frame.

        Args:
            frame: `uint8 (H, W, C)`, C = 1 or 3 (RGB).
            heat_map: `(h, w)`, higher = odder, or `None` where there is none.
            row: holds `time` (s), `calibrated` and `alarm`.
            boxes: `(n, 5)`: x1, y1, x2, y2 in pixels of `frame`, and calibrated score; drawn instead of heat.
            offset: `(2, h, w)`, how far right and down of itself each pixel was fetched from; drawn as arrows on top.
        """
        self._writer.write(self.compose(frame, heat_map, row, boxes, offset))

    def compose(
        self,
        frame: Image,
        heat_map: ArrayLike | None,
        row: Row,
        boxes: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Image:
        """The picture `write` would append, `uint8 (H', W', 3)` with even sides; advances the curve."""
        if self._strip is None:
            self._size = _viewing_size(frame.shape[1], frame.shape[0])
            self._strip = ScoreStrip(
                self._size[0], _STRIP_HEIGHT, self._threshold, self._top, self._frames_total, self._labels
            )
        picture = _resized(as_rgb(frame), self._size)
        told = ""
        if boxes is not None:
            picture = draw_boxes(picture, boxes, self._threshold, picture.shape[1] / frame.shape[1], bool(row["alarm"]))
            told = f"  ·  {_counted(len(np.asarray(boxes)))}"
        elif heat_map is not None:
            picture = overlay(picture, heat_map, *self._bounds)
        if offset is not None:
            picture = self._arrows.draw(picture, offset)
            told += f"  ·  arrows {self._arrows.times:.1f}x"
        surprise, alarm = float(row["calibrated"]), bool(row["alarm"])
        if alarm:
            picture = _alarmed(picture)
        self._strip.push(surprise, alarm)
        shown = f"{surprise:.2f}" if math.isfinite(surprise) else "-"
        strip = self._strip.render(
            clock(float(row["time"]), 1) + told,
            f"surprise {shown}  ·  alarm from {self._threshold:.2f}",
            NIGHT_ALARM if alarm else NIGHT_TEXT,
        )
        return np.concatenate([picture, strip])


def _counted(objects: int) -> str:
    return f"{objects or 'no'} object{'' if objects == 1 else 's'}"


def _viewing_size(width: int, height: int) -> tuple[int, int]:
    scale = max(_NARROWEST / width, 1.0) * min(_WIDEST / max(width, _NARROWEST), 1.0)
    return _even(width * scale), _even(height * scale)


def _even(side: float) -> int:
    return max(2 * round(side / 2), 2)


def _resized(picture: Image, size: tuple[int, int]) -> Image:
    if picture.shape[1::-1] == size:
        return picture
    way = cv2.INTER_AREA if picture.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=way), dtype=np.uint8)


def _alarmed(picture: Image) -> Image:
    """A copy with a red frame and a tag."""
    height, width = picture.shape[:2]
    picture = picture.copy()
    for edge in (
        picture[:_BORDER],
        picture[height - _BORDER :],
        picture[:, :_BORDER],
        picture[:, width - _BORDER :],
    ):
        edge[:] = ALARM
    letters = lettering(14, bold=True)
    right, bottom = _BORDER + letters.width("ALARM") + 18, _BORDER + letters.height + 6
    picture[_BORDER:bottom, _BORDER:right] = ALARM
    letters.draw(picture, "ALARM", _BORDER + 8, _BORDER + 2, WHITE)
    return picture
