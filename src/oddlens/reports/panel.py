"""The panel of a scored photograph: input, deformed input, map and overlay side by side, the verdict below."""

from __future__ import annotations

import cv2
import numpy as np

from oddlens.reports.colour import as_rgb
from oddlens.reports.lettering import lettering
from oddlens.reports.photographs import MapScale, PhotographView, framed, heat_picture, marked
from oddlens.reports.style import NIGHT, NIGHT_ALARM, NIGHT_GOOD, NIGHT_LABEL, NIGHT_MUTED, NIGHT_TEXT, Rgb
from oddlens.types import Image

SIDE = 320
"""Pixels of the longer side of each picture in a panel."""

_GAP, _MARGIN, _NAME_ROOM = 8, 12, 160
_ELLIPSIS = "…"


def panel_picture(view: PhotographView, threshold: float, scale: MapScale | None = None, side: int = SIDE) -> Image:
    """All there is to see of one photograph, in one picture.

    Left to right: the photograph; what the network made of it before looking, where given; the map; the photograph
    with heat, a white outline round what is odd and a violet one round the known defect. The latter two need a map or
    mask.

    Args:
        view: what to show.
        threshold: score from which a photograph is rejected.
        scale: of the map; without it the map is scaled by itself and nothing is outlined.
        side: pixels of the longer side of each picture.

    Returns:
        `uint8 (height, width, 3)` RGB.

    Raises:
        MediaError: the photograph's file cannot be read.
    """
    scale = scale or MapScale()
    picture = view.picture()
    size = _fitted(picture.shape[1], picture.shape[0], side)
    picture = _resized(picture, size)
    columns = [("input", picture)]
    if view.deformed is not None:
        columns.append(("deformed input", _resized(as_rgb(view.deformed), size)))
    if view.heat_map is not None:
        columns.append(("map", heat_picture(view.heat_map, scale, size)))
    if view.heat_map is not None or view.mask is not None:
        columns.append(("overlay", marked(picture, view.heat_map, view.mask, scale)))
    if view.rejected:
        columns[-1] = (columns[-1][0], framed(columns[-1][1]))
    return _composed(columns, size, _told(view, threshold))


Words = list[tuple[str, Rgb]]


def _composed(columns: list[tuple[str, Image]], size: tuple[int, int], told: Words) -> Image:
    small, large = lettering(12), lettering(14, bold=True)
    top = small.height + _GAP
    height, bottom = top + size[1], large.height + 2 * _GAP
    (name, ink), *rest = told
    spoken = sum(large.width(f"   {text}") for text, _ in rest)
    width = max(len(columns) * (size[0] + _GAP) - _GAP, spoken + _NAME_ROOM) + 2 * _MARGIN
    canvas = np.empty((height + bottom, width, 3), np.uint8)
    canvas[:] = NIGHT
    for number, (title, picture) in enumerate(columns):
        left = _MARGIN + number * (size[0] + _GAP)
        small.draw(canvas, title, left, _GAP // 2, NIGHT_MUTED)
        canvas[top:height, left : left + size[0]] = picture
    left = _MARGIN
    name = _shortened(name, width - 2 * _MARGIN - spoken)
    for text, colour in [(name, ink), *((f"   {text}", colour) for text, colour in rest)]:
        large.draw(canvas, text, left, height + _GAP, colour)
        left += large.width(text)
    return canvas


def _told(view: PhotographView, threshold: float) -> Words:
    verdict = ("rejected", NIGHT_ALARM) if view.rejected else ("passed", NIGHT_GOOD)
    words: Words = [
        (view.name, NIGHT_TEXT),
        verdict,
        (f"{view.score:.2f} (rejected from {threshold:.2f})", NIGHT_TEXT),
    ]
    if view.label is not None:
        words.append((f"truth: {view.kind or 'defective'}" if view.label else "truth: good", NIGHT_LABEL))
    return words


def _shortened(text: str, room: int) -> str:
    """`text`, its head cut away where it takes more than `room` pixels."""
    letters = lettering(14, bold=True)
    if letters.width(text) <= room:
        return text
    while text and letters.width(_ELLIPSIS + text) > room:
        text = text[1:]
    return _ELLIPSIS + text


def _fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height with the longer one of `side` pixels.

    Example:
        >>> _fitted(4000, 3000, 320)
        (320, 240)
    """
    longer = max(width, height)
    return max(round(width * side / longer), 1), max(round(height * side / longer), 1)


def _resized(picture: Image, size: tuple[int, int]) -> Image:
    way = cv2.INTER_AREA if picture.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=way), dtype=np.uint8)
