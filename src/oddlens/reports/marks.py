"""Boxes of objects in a picture: thin and cool where all is ordinary, thick and red where an object is odd."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike

from oddlens.reports.lettering import lettering
from oddlens.reports.style import ALARM, CALM, NIGHT, WARM, WHITE, Rgb
from oddlens.types import Image

_WIDE = 960
"""Pictures from this width on have lines twice as thick."""


def draw_boxes(picture: Image, boxes: ArrayLike, threshold: float, scale: float = 1.0, alarm: bool = False) -> Image:
    """A copy of `picture` with an outline round every object.

    Below the threshold an outline is thin, blue for the ordinary and ever yellower towards it; from the threshold on it
    is thick and red, with the score beside it. The oddest lie on top. In an alarm the oddest of all is thick in any
    case: alarms rest on several frames, and may go on where no single object is over the threshold.

    Args:
        picture: `uint8 (H, W, 3)` RGB.
        boxes: `(n, 5)`: x1, y1, x2, y2, right and bottom excluded, and calibrated score.
        threshold: score from which an object is odd.
        scale: pixels of the picture for one of the boxes.
        alarm: whether the alarm is on.
    """
    marks = np.asarray(boxes, np.float64).reshape(-1, 5)
    picture, line = picture.copy(), 1 if picture.shape[1] < _WIDE else 2
    for left_over, mark in zip(range(len(marks) - 1, -1, -1), marks[np.argsort(marks[:, 4], kind="stable")]):
        left, top, right, bottom = np.rint(mark[:4] * scale).astype(int).tolist()
        right, bottom, score = max(right - 1, left), max(bottom - 1, top), float(mark[4])
        if score >= threshold or (alarm and not left_over):  # outside of the box: small objects stay visible
            gap = line + 2
            start, end = (left - gap, top - gap), (right + gap, bottom + gap)
            cv2.rectangle(picture, start, end, NIGHT, 2 + 2 * line)
            colour, ink = (ALARM, WHITE) if score >= threshold else (WARM, NIGHT)
            cv2.rectangle(picture, start, end, colour, 1 + line)
            _tag(picture, f"{score:.1f}", start, end[1], colour, ink)
        else:
            cv2.rectangle(picture, (left, top), (right, bottom), warmth(score, threshold), line)
    return picture


def warmth(score: float, threshold: float) -> Rgb:
    """Colour of an object below the threshold: blue up to half of it, then towards yellow.

    Example:
        >>> warmth(0.0, 3.0) == CALM, warmth(3.0, 3.0) == WARM
        (True, True)
    """
    share = min(max(2 * score / threshold - 1, 0.0), 1.0) if math.isfinite(threshold) and threshold > 0 else 0.0
    red, green, blue = (round(cool + share * (warm - cool)) for cool, warm in zip(CALM, WARM))
    return red, green, blue


def _tag(picture: Image, text: str, corner: tuple[int, int], bottom: int, colour: Rgb, ink: Rgb) -> None:
    """`text` above a box; below it where there is no room, and never outside the picture."""
    letters = lettering(13, bold=True)
    width, height = letters.width(text) + 8, letters.height + 2
    x = min(max(corner[0] - 1, 0), max(picture.shape[1] - width, 0))
    y = corner[1] - height if corner[1] >= height else min(bottom, max(picture.shape[0] - height, 0))
    picture[y : y + height, x : x + width] = colour
    letters.draw(picture, text, x + 4, y + 1, ink)
