"""Heat colours for anomaly maps, on a fixed scale unless asked otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.types import Image

Palette: TypeAlias = Literal["inferno", "turbo", "jet"]
"""`inferno` grows lighter evenly (maps alone), `turbo` stands out on footage, `jet` is what papers print."""

_OPENCV_MAPS: dict[str, int] = {
    "inferno": cv2.COLORMAP_INFERNO,
    "turbo": cv2.COLORMAP_TURBO,
    "jet": cv2.COLORMAP_JET,
}
_WARM, _HOT = 0.3, 0.8


@cache
def colour_table(palette: Palette) -> Image:
    """Colours of levels 0...255 as `uint8 (256, 3)` RGB.

    Example:
        >>> colour_table("jet")[[0, 255]].tolist()
        [[0, 0, 128], [128, 0, 0]]
    """
    levels = np.arange(256, dtype=np.uint8)[:, None]
    table = cv2.applyColorMap(levels, _OPENCV_MAPS[palette])[:, 0, ::-1].copy()
    table.setflags(write=False)
    return np.asarray(table, dtype=np.uint8)


def map_range(maps: Iterable[ArrayLike]) -> tuple[float, float]:
    """Lowest and highest finite value over all maps of one video: its fixed scale; `(0, 0)` without any.

    Example:
        >>> map_range([np.zeros((2, 2)), np.array([[0.5, np.nan]])])
        (0.0, 0.5)
    """
    low, high = np.inf, -np.inf
    for each in maps:
        values = np.asarray(each)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def levels(heat_map: ArrayLike, low: float | None = None, high: float | None = None) -> NDArray[np.float32]:
    """Map values as `float32 (h, w)` in 0...1 between `low` and `high`, clipped.

    A bound that is `None` is taken from this map alone, which makes colours incomparable between frames. A
    map without a range (constant, or `low >= high`) is 0 everywhere; NaN counts as the lowest value.
    """
    values = np.asarray(heat_map, dtype=np.float32)
    if low is None or high is None:
        own_low, own_high = map_range([values])
        low, high = own_low if low is None else low, own_high if high is None else high
    if not high > low:
        return np.zeros(values.shape, np.float32)
    known = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return np.asarray(np.clip((known - np.float32(low)) / np.float32(high - low), 0.0, 1.0), dtype=np.float32)


def colourise(
    heat_map: ArrayLike, low: float | None = None, high: float | None = None, palette: Palette = "inferno"
) -> Image:
    """Heat colours of a map as `uint8 (h, w, 3)` RGB; bounds as in `levels`.

    Example:
        >>> colourise(np.array([[0.0, 1.0]]), 0, 1, "jet").tolist()
        [[[0, 0, 128], [128, 0, 0]]]
    """
    index = np.rint(levels(heat_map, low, high) * 255.0).astype(np.uint8)
    return np.asarray(colour_table(palette)[index], dtype=np.uint8)


def overlay(
    frame: Image,
    heat_map: ArrayLike,
    low: float | None = None,
    high: float | None = None,
    alpha: float = 0.6,
    palette: Palette = "turbo",
) -> Image:
    """Blend heat into a frame only where the map is warm; cold places keep their pixels exactly.

    The share of heat grows from 0 at 30 % of the scale to `alpha` at 80 % of it.

    Args:
        frame: `uint8 (H, W, C)`, C = 1 or 3, or `(H, W)`.
        heat_map: `(h, w)` of any size, stretched over the frame.
        low: value of the coldest colour, as in `levels`.
        high: value of the hottest colour.
        alpha: greatest share of heat, 0...1.
        palette: heat colours.

    Returns:
        `uint8 (H, W, 3)` RGB.
    """
    picture = as_rgb(frame)
    height, width = picture.shape[:2]
    level = cv2.resize(levels(heat_map, low, high), (width, height), interpolation=cv2.INTER_LINEAR)
    heat = cv2.applyColorMap(cv2.convertScaleAbs(level, alpha=255.0), colour_table(palette)[:, None])
    share = np.clip((level - _WARM) * (alpha / (_HOT - _WARM)), 0.0, alpha)
    blended = cv2.blendLinear(picture, heat, 1.0 - share, share)
    return np.asarray(blended, dtype=np.uint8)


def as_rgb(frame: Image) -> Image:
    """Frame `(H, W)`, `(H, W, 1)` or `(H, W, 3)` as contiguous `uint8 (H, W, 3)`."""
    if frame.ndim == 2 or frame.shape[2] == 1:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    return np.ascontiguousarray(frame)


def to_uint8(values: ArrayLike, low: float = -1.0, high: float = 1.0) -> Image:
    """Network values as levels 0...255, rounded to the nearest and clipped; NaN becomes 0.

    Example:
        >>> to_uint8([-1.0, 0.0039, 1.0, 3.0]).tolist()
        [0, 128, 255, 255]
    """
    scaled = (np.asarray(values, dtype=np.float64) - low) * (255.0 / (high - low))
    return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0), 0.0, 255.0)).astype(np.uint8)
