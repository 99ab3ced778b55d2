"""A scored photograph as reports know it, and its picture: heat, an outline round what is odd, the truth's outline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.media.images import read_image
from oddlens.reports.colour import as_rgb, levels, overlay
from oddlens.reports.style import ALARM, LABEL, NIGHT, WHITE, Rgb
from oddlens.types import Image

_FINE = 400
"""Pixels of a picture's longer side for each pixel of an outline's width."""


class MapScale(NamedTuple):
    """What map values mean; None: each map is scaled by itself, or nothing is outlined."""

    low: float | None = None
    """Value of the coldest colour."""
    high: float | None = None
    """Value of the hottest colour."""
    outline: float | None = None
    """Value from which a place is odd and gets an outline."""


@dataclass(frozen=True, kw_only=True)
class PhotographView:
    """One scored photograph."""

    name: str
    """Unique in a report."""
    score: float
    """Higher = odder."""
    rejected: bool
    """The verdict."""
    image: Image | Path
    """`uint8 (H, W, C)` as decoded, or its file."""
    heat_map: ArrayLike | None = None
    """`(h, w)`, higher = odder."""
    deformed: Image | None = None
    """What the network made of it before looking, `uint8 (h', w', C)`."""
    mask: ArrayLike | None = None
    """`(H', W')`, true where it is known to be defective."""
    label: int | None = None
    """1 = defective, 0 = good, None = nobody said."""
    kind: str = ""
    """Name of the defect."""

    def picture(self) -> Image:
        """The photograph, `uint8 (H, W, 3)`.

        Raises:
            MediaError: its file cannot be read.
        """
        return as_rgb(read_image(self.image) if isinstance(self.image, Path) else self.image)


def marked(picture: Image, heat_map: ArrayLike | None, mask: ArrayLike | None, scale: MapScale) -> Image:
    """A copy of `picture` with heat where the map is warm, a white outline round what is odd and a violet one of truth.

    Args:
        picture: `uint8 (H, W, 3)`.
        heat_map: `(h, w)`, stretched over it.
        mask: `(h', w')`, stretched over it.
        scale: of the map.
    """
    shown = picture if heat_map is None else overlay(picture, heat_map, scale.low, scale.high)
    shown = shown.copy()
    if mask is not None:
        outline(shown, np.asarray(mask, np.float32), 0.5, LABEL)
    if heat_map is not None and scale.outline is not None:
        outline(shown, np.asarray(heat_map, np.float32), scale.outline, WHITE)
    return shown


def outline(picture: Image, values: NDArray[np.float32], level: float, colour: Rgb) -> None:
    """Draw into `picture` `(H, W, 3)` the border of where `values`, stretched over it, reach `level`."""
    height, width = picture.shape[:2]
    stretched = cv2.resize(np.nan_to_num(values, nan=-np.inf), (width, height), interpolation=cv2.INTER_LINEAR)
    lines, _ = cv2.findContours((stretched >= level).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    thin = max(round(max(height, width) / _FINE), 1)
    if thin == 1:  # a dark edge would hide what the line surrounds, and smoothing would dull it
        cv2.drawContours(picture, lines, -1, colour, 1, cv2.LINE_8)
        return
    cv2.drawContours(picture, lines, -1, NIGHT, thin + 2, cv2.LINE_AA)
    cv2.drawContours(picture, lines, -1, colour, thin, cv2.LINE_AA)


def framed(picture: Image, colour: Rgb = ALARM, width: int = 4) -> Image:
    """A copy of `picture` `(H, W, 3)` with a coloured edge."""
    edged = picture.copy()
    for edge in (edged[:width], edged[-width:], edged[:, :width], edged[:, -width:]):
        edge[:] = colour
    return edged


def heat_picture(heat_map: ArrayLike, scale: MapScale, size: tuple[int, int]) -> Image:
    """The map alone in colours, `uint8 (height, width, 3)` of `size` (width, height)."""
    level = cv2.resize(levels(heat_map, scale.low, scale.high), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.applyColorMap(cv2.convertScaleAbs(level, alpha=255.0), cv2.COLORMAP_INFERNO)[..., ::-1])
