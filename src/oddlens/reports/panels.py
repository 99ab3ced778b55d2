"""One photograph as a strip of pictures: as taken, what the method drew, its map, and the map laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.reports.colour import as_rgb, colourise, overlay
from oddlens.reports.lettering import lettering
from oddlens.reports.style import ALARM, GOOD, LABEL, NIGHT, NIGHT_MUTED, NIGHT_TEXT, WHITE, Rgb
from oddlens.types import Image

_HEIGHT = 256
GAP = 8
"""Pixels between pictures."""
_HOT = 0.8
"""Place of the level on the scale of heat: from there on heat is strongest."""
_COOL, _HEAT = 0.45, 0.3
"""Place on the scale of heat below which a photograph shows none, and the greatest share of heat in its colours."""
_LETTERS = 13


@dataclass(frozen=True)
class HeatScale:
    """How the maps of one detector are drawn."""

    low: float
    """Value of the coldest colour."""
    level: float | None
    """Value from which a place is odd: outlined, and hot."""
    high: float
    """Value of the hottest colour where there is no level."""

    @property
    def top(self) -> float:
        """Value of the hottest colour."""
        if self.level is None or self.level <= self.low:
            return self.high
        return self.low + (self.level - self.low) / _HOT


def photograph_panel(
    picture: Image,
    heat_map: ArrayLike | None,
    scale: HeatScale,
    *,
    title: str,
    verdict: str,
    reject: bool,
    drawn: Mapping[str, Image] | None = None,
    close_ups: Mapping[str, Image] | None = None,
    truth: NDArray[np.bool_] | None = None,
) -> Image:
    """Pictures side by side under a title, 256 pixels high each.

    Args:
        picture: the photograph, `uint8 (H, W, C)`.
        heat_map: `(h, w)`, higher = odder, or `None`.
        scale: of the map.
        title: to the left above.
        verdict: to the right above, red where it is a reject.
        reject: whether it is.
        drawn: further pictures of the whole photograph, `uint8 (h, w, C)` by their caption.
        close_ups: pictures of a part of it, which keep their shape.
        truth: mask `bool (H, W)` of any size, outlined in violet.

    Returns:
        `uint8 (h, w, 3)` RGB.
    """
    width = max(round(picture.shape[1] * _HEIGHT / picture.shape[0]), 1)
    small = fitted(as_rgb(picture), width)
    tiles = {"photograph": small, **{name: as_rgb(image) for name, image in (drawn or {}).items()}}
    if heat_map is not None:
        tiles["map"] = colourise(heat_map, scale.low, scale.top, "inferno")
        tiles["odd" if truth is None else "odd, and marked (violet)"] = outlined(small, heat_map, scale, truth)
    parts = {name: fitted(image, width) for name, image in tiles.items()}
    strip = side_by_side(parts | {name: _in_shape(image) for name, image in (close_ups or {}).items()})
    return np.concatenate([_head(strip.shape[1], title, verdict, ALARM if reject else GOOD), strip])


def outlined(
    picture: Image,
    heat_map: ArrayLike,
    scale: HeatScale,
    truth: NDArray[np.bool_] | None = None,
    smallest: int = _HEIGHT,
) -> Image:
    """A photograph with heat, and outlines round what reaches the level (red) and what is marked (violet).

    Args:
        picture: `uint8 (H, W, C)`; enlarged where it is less than `smallest` pixels high.
        heat_map: `(h, w)` of any size.
        scale: of the map.
        truth: mask `bool (h', w')` of any size.
        smallest: pixels.
    """
    image = as_rgb(picture)
    if image.shape[0] < smallest:
        image = fitted(image, max(round(image.shape[1] * smallest / image.shape[0]), 1), smallest)
    # what is far from odd keeps its looks, and what is odd can still be made out under its heat
    start = scale.low + _COOL * (scale.top - scale.low)
    result = overlay(image, heat_map, start, scale.top, alpha=_HEAT).copy()
    height, width = image.shape[:2]
    line = max(round(height / _HEIGHT), 1)
    if truth is not None:
        marked = cv2.resize(truth.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        _outline(result, marked > 0, LABEL, line)
    if scale.level is not None:
        large = cv2.resize(np.asarray(heat_map, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        _outline(result, np.asarray(large >= scale.level), ALARM, line)
    return result


def _outline(picture: Image, inside: NDArray[np.bool_], colour: Rgb, line: int) -> None:
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, NIGHT, line + 1, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, colour, line)


def fitted(picture: Image, width: int, height: int = _HEIGHT) -> Image:
    """Picture stretched to a size in pixels."""
    if picture.shape[:2] == (height, width):
        return picture
    way = cv2.INTER_AREA if picture.shape[0] > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8)


def _in_shape(picture: Image) -> Image:
    return fitted(as_rgb(picture), max(round(picture.shape[1] * _HEIGHT / picture.shape[0]), 1))


def side_by_side(tiles: Mapping[str, Image]) -> Image:
    """Pictures of one height in a row on black, each under its caption.

    Args:
        tiles: `uint8 (h, w, 3)` by caption.

    Returns:
        `uint8 (h', w', 3)`.

    Example:
        >>> row = side_by_side({"true": np.zeros((20, 40, 3), np.uint8), "predicted": np.zeros((20, 40, 3), np.uint8)})
        >>> row.shape[1], row.shape[0] > 20  # the letters' height is the machine's
        (104, True)
    """
    letters = lettering(_LETTERS)
    height = next(iter(tiles.values())).shape[0]
    parts = []
    for caption, image in tiles.items():
        canvas = np.full((letters.height + 4 + height + GAP, image.shape[1] + GAP, 3), NIGHT, np.uint8)
        canvas[letters.height + 4 : letters.height + 4 + height, : image.shape[1]] = image
        letters.draw(canvas[:, : image.shape[1]], caption, 1, 1, NIGHT_MUTED)
        parts.append(canvas)
    edge = np.full((parts[0].shape[0], GAP, 3), NIGHT, np.uint8)
    return np.concatenate([edge, *parts], axis=1)


def _head(width: int, title: str, verdict: str, colour: Rgb) -> Image:
    letters = lettering(_LETTERS, bold=True)
    head = np.full((letters.height + 12, width, 3), NIGHT, np.uint8)
    left = max(width - GAP - 16 - letters.width(verdict), 0)
    letters.draw(head[:, : max(left - GAP, 0)], title, GAP, 6, NIGHT_TEXT)
    head[4:-4, left : width - GAP] = colour
    letters.draw(head, verdict, left + 8, 6, WHITE)
    return head
