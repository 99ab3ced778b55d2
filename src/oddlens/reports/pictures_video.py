"""Video of what a method drew of each frame, side by side, with the running curve below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from oddlens.datasets.base import Labels
from oddlens.reports.composed import ComposedVideo
from oddlens.reports.overlay import Row
from oddlens.reports.panels import GAP, fitted, side_by_side
from oddlens.reports.parts import stood_out
from oddlens.reports.series import ceiling, clock
from oddlens.reports.strip import ScoreStrip
from oddlens.reports.style import NIGHT_ALARM, NIGHT_TEXT
from oddlens.types import Image

_NARROWEST, _WIDEST = 240, 480
"""Pixels a single picture is wide."""
_WHOLE = 1920
"""Pixels all of them are wide at most."""
_STRIP_HEIGHT = 96
_MINUTE = 60.0


class PicturesVideo(ComposedVideo):
    """Context manager that writes the pictures of each frame it is given; nothing is kept on failure.

    Args:
        path: mp4 to write.
        fps: frames a second of the result.
        frames_total: expected number of frames, `None` for a stream; wrong values only change the time axis.
        threshold: alarm threshold on the calibrated score.
        labels: `uint8 (L,)`, 1 = abnormal; shaded in the curve where given.

    Raises:
        MediaError: the video cannot be written.
    """

    def __init__(
        self, path: Path, fps: float, frames_total: int | None, threshold: float, labels: Labels | None = None
    ) -> None:
        super().__init__(path, fps)
        self._threshold = threshold
        self._frames_total, self._labels = frames_total or max(round(_MINUTE * fps), 1), labels
        self._strip: ScoreStrip | None = None

    def write(self, tiles: Mapping[str, Image], row: Row, deviations: Mapping[str, float] | None = None) -> None:
        """Append one frame.

        Args:
            tiles: pictures `uint8 (H, W, 3)` by caption, always the same ones; all take the shape of the first.
            row: holds `time` (s), `calibrated` and `alarm`.
            deviations: of the parts of the score, written beside the time.
        """
        pictures = strip_of(tiles)
        if self._strip is None:
            top = ceiling(self._threshold)
            width = pictures.shape[1]
            self._strip = ScoreStrip(width, _STRIP_HEIGHT, self._threshold, top, self._frames_total, self._labels)
        surprise, alarm = float(row["calibrated"]), bool(row["alarm"])
        self._strip.push(surprise, alarm)
        told = f"  ·  {stood_out(deviations)[1]}" if deviations else ""
        shown = f"{surprise:.2f}" if math.isfinite(surprise) else "-"
        below = self._strip.render(
            clock(float(row["time"]), 1) + told,
            f"surprise {shown}  ·  alarm from {self._threshold:.2f}",
            NIGHT_ALARM if alarm else NIGHT_TEXT,
        )
        self._writer.write(np.concatenate([pictures, below]))


def strip_of(tiles: Mapping[str, Image], widest: int = _WHOLE) -> Image:
    """Pictures side by side, all in the proportions of the first, 240 to 480 pixels wide each where there is room.

    Args:
        tiles: `uint8 (H, W, 3)` by caption.
        widest: pixels all of them are wide at most.

    Example:
        >>> strip_of({"true": np.zeros((20, 40, 3), np.uint8), "predicted": np.zeros((8, 8, 3), np.uint8)}).shape[1]
        504
    """
    height, width = next(iter(tiles.values())).shape[:2]
    room = min(max(width, _NARROWEST), _WIDEST, (widest - GAP) // len(tiles) - GAP)
    size = room // 2 * 2, max(round(height * room / width), 1)
    return side_by_side({caption: fitted(picture, *size) for caption, picture in tiles.items()})
