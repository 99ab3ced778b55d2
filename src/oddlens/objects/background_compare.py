"""Which pixels of a frame differ from the background: light, noise and shadow allowed for."""

from __future__ import annotations

from functools import reduce
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.objects.background_settings import BackgroundSettings
from oddlens.types import Image

NOISE_STEPS = 8
"""Noise is kept in this fraction of a grey level."""
_LIGHT_POINTS = 30
"""Rows or columns, whichever are fewer, of the grid on which light is compared."""
_DARKEST = 16
"""Grey level below which a pixel says nothing about the light."""
_WIDEST_GAIN = 2.0
_SPECKLE = 80
"""Speckle is cleared by a majority filter of this fraction of the frame's height."""


def as_grey(image: Image) -> Image:
    """`uint8 (H, W, 1)` of a frame, grey or RGB."""
    if image.shape[2] == 1:
        return image
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey[..., None], np.uint8)


def softened(image: Image) -> Image:
    """A frame with the noise of single pixels averaged away, `uint8` of the same shape."""
    soft = cv2.GaussianBlur(np.ascontiguousarray(image), (3, 3), 0)
    return np.asarray(soft, np.uint8).reshape(image.shape)


def light_gain(image: Image, level: Image) -> float:
    """By what factor `image` is brighter than `level`: the median over a grid of pixels, 0.5...2."""
    step = max(1, min(image.shape[:2]) // _LIGHT_POINTS)
    now = image[::step, ::step].reshape(-1).astype(np.float32)
    usual = level[::step, ::step].reshape(-1).astype(np.float32)
    telling = usual > _DARKEST
    if not telling.any():
        return 1.0
    return float(np.clip(np.median(now[telling] / usual[telling]), 1 / _WIDEST_GAIN, _WIDEST_GAIN))


def foreground(
    image: Image, level: Image, noise: Image, jitter: Image, settings: BackgroundSettings
) -> NDArray[np.uint8]:
    """Pixels that differ from the background: `uint8 (H, W)`, 255 or 0.

    Args:
        image: `uint8 (H, W, C)`.
        level: the background, `uint8 (H, W, C)`, softened; of another C both are compared in grey.
        noise: `uint8 (H, W)`, standard deviation of each pixel in eighths of a grey level.
        jitter: `uint8 (H, W)`, grey levels that a shaking camera or flickering edge explains.
        settings: thresholds.
    """
    if image.shape[2] != level.shape[2]:
        image, level = as_grey(image), as_grey(level)
    image = softened(image)
    gain = light_gain(image, level) if settings.follow_light else 1.0
    now, usual = _plane(image), _scaled(_plane(level), gain)
    limit: Any = cv2.max(_scaled(noise, settings.threshold / NOISE_STEPS), jitter)
    limit = np.maximum(limit, np.uint8(min(settings.least_difference, 255)))
    if now.ndim == 3:
        limit = cv2.merge([limit] * now.shape[2])
    brighter: Any = cv2.compare(cv2.subtract(now, usual), limit, cv2.CMP_GT)
    darker = cv2.compare(cv2.subtract(usual, now), cv2.max(limit, _scaled(usual, settings.shadow)), cv2.CMP_GT)
    off: Any = cv2.bitwise_or(brighter, darker)
    if off.ndim == 3:
        off = reduce(cv2.max, cv2.split(off))
    return _without_speckle(off)


def _without_speckle(off: Any) -> NDArray[np.uint8]:
    side = max(3, off.shape[0] // _SPECKLE // 2 * 2 + 1)
    _, most = cv2.threshold(cv2.blur(off, (side, side)), 127, 255, cv2.THRESH_BINARY)
    # downwards only: what stands above one another is one object more often than what stands side by side
    return np.asarray(cv2.morphologyEx(most, cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8)), np.uint8)


def _plane(image: Image) -> Image:
    return np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image)


def _scaled(levels: Any, factor: float) -> Any:
    return cv2.convertScaleAbs(levels, alpha=factor)
