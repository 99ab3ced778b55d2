"""Frames with their boxes drawn in, a colour for each source."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from oddlens.media.resize import with_channels
from oddlens.objects.settings import SOURCES, BoxSource
from oddlens.objects.table import FrameBoxes
from oddlens.reports.lettering import lettering
from oddlens.reports.style import NIGHT, NIGHT_ALARM, NIGHT_CURVE, NIGHT_GOOD, NIGHT_LABEL, NIGHT_MUTED, Rgb
from oddlens.types import Image

COLOURS: Mapping[BoxSource, Rgb] = {
    "motion": NIGHT_CURVE,
    "background": NIGHT_GOOD,
    "detector": NIGHT_ALARM,
    "file": NIGHT_LABEL,
}
"""Blue, green, red and violet."""
_NARROWEST = 640
"""Smaller frames are shown larger, by a whole factor, so that thin boxes do not hide small objects."""
_GAP = 14


def box_picture(image: Image, found: FrameBoxes) -> Image:
    """`image` with boxes and, below, how many there are of each source, `uint8 (H', W', 3)`.

    Args:
        image: `uint8 (H, W, C)`.
        found: its boxes.
    """
    height, width = image.shape[:2]
    factor = max(1, round(_NARROWEST / width))
    size = (width * factor, height * factor)
    picture = with_channels(image, 3).copy()
    if factor > 1:
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    for number, source in enumerate(SOURCES):
        for left, top, right, bottom in np.rint(found.boxes[found.sources == number] * factor).astype(int).tolist():
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), COLOURS[source], 1 if factor == 1 else 2)
    return np.concatenate([picture, _caption(found, size[0])])


def _caption(found: FrameBoxes, width: int) -> Image:
    letters = lettering(13)
    strip = np.empty((letters.height + 8, width, 3), np.uint8)
    strip[:] = NIGHT
    x = 8
    counts = {source: len(found.of(source)) for source in SOURCES}
    words = [(f"{source} {count}", COLOURS[source]) for source, count in counts.items() if count]
    for text, colour in words or [("no box", NIGHT_MUTED)]:
        letters.draw(strip, text, x, 4, colour)
        x += letters.width(text) + _GAP
    return strip
