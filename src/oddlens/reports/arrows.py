"""A displacement field as a sparse grid of arrows, legible on dark and on light footage."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.reports.style import NIGHT, WHITE
from oddlens.types import Image

_CELL, _COLUMNS = 30, 32
"""Pixels a side of an arrow's cell, and the most cells from left to right."""
_SHORTEST = 4.0
"""In pixels of the picture: what is shorter shows no direction and is left out."""
_BARB, _BARB_TURN = 0.4, np.deg2rad(28.0)
"""Length of the barbs for a shaft of 1, and their angle to it."""
_WIDE = 960
"""Pictures from this width on have lines twice as thick."""
_SUBPIXEL = 4


class Arrows:
    """Draws the displacement fields of one video on one scale, in constant memory.

    An arrow stands for the mean of its cell and points the way things are moved. The longest one so far is as long as a
    cell, so arrows never cross; displacements of less than a pixel of the field are not blown up to that.
    """

    def __init__(self) -> None:
        self._longest = 0.0
        self.times = 0.0
        """How many times longer than the displacement an arrow is; falls when a longer one comes."""

    def draw(self, picture: Image, offset: ArrayLike) -> Image:
        """A copy of `picture` with the arrows of one frame.

        Args:
            picture: `uint8 (H, W, 3)` RGB, the same size in all frames.
            offset: `(2, h, w)`: how far right and down of itself each pixel is fetched from, in pixels of the field,
                which is stretched over the picture. What is not finite counts as unmoved.
        """
        height, width = picture.shape[:2]
        side = max(_CELL, width // _COLUMNS)
        rows, columns = max(height // side, 1), max(width // side, 1)
        field = np.nan_to_num(np.asarray(offset, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        stretch = np.array([width / field.shape[2], height / field.shape[1]])
        means = cv2.resize(
            np.ascontiguousarray(np.moveaxis(field, 0, -1)), (columns, rows), interpolation=cv2.INTER_AREA
        )
        moved = -means.reshape(-1, 2).astype(np.float64) * stretch  # from where a pixel was fetched to where it is
        lengths = np.hypot(*moved.T)
        self._longest = max(self._longest, float(lengths.max()), float(stretch.max()))
        self.times = side / self._longest
        across = (np.arange(columns) + 0.5) * width / columns - 0.5
        down = (np.arange(rows) + 0.5) * height / rows - 0.5
        centres = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        long = lengths * self.times >= _SHORTEST
        return _drawn(picture, _outlines(centres[long], moved[long] * self.times))


def _outlines(centres: NDArray[np.float64], shafts: NDArray[np.float64]) -> list[NDArray[np.int32]]:
    """Each arrow as one line: tail, tip, barb, tip, barb."""
    tips, (cosine, sine) = centres + shafts / 2, (np.cos(_BARB_TURN), np.sin(_BARB_TURN))
    turns = [np.array([[cosine, sign * sine], [-sign * sine, cosine]]) for sign in (1, -1)]
    barbs = [tips - _BARB * shafts @ turn for turn in turns]
    lines = np.stack([centres - shafts / 2, tips, barbs[0], tips, barbs[1]], axis=1)
    return list(np.rint(lines * 2**_SUBPIXEL).astype(np.int32))


def _drawn(picture: Image, lines: list[NDArray[np.int32]]) -> Image:
    """A copy of the picture with light lines on dark ones."""
    picture, line = picture.copy(), 1 if picture.shape[1] < _WIDE else 2
    for colour, thickness in ((NIGHT, line + 2), (WHITE, line)):
        cv2.polylines(picture, lines, False, colour, thickness, cv2.LINE_AA, _SUBPIXEL)
    return picture
