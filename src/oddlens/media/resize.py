"""From a decoded frame to the size and channels a method wants, still in uint8."""

from __future__ import annotations

import cv2
import numpy as np

from oddlens.types import Image


def fit(image: Image, height: int, width: int, channels: int) -> Image:
    """Resize to `(height, width, channels)`, not keeping the aspect ratio.

    OpenCV's bilinear interpolation on uint8 without antialiasing, as the published systems do; a picture that
    has the size already is not touched. Colour becomes grey before the resize, grey becomes colour after it.

    Example:
        >>> fit(np.full((4, 6, 1), 7, np.uint8), 2, 2, 3).shape
        (2, 2, 3)
    """
    if channels < image.shape[2]:
        image = with_channels(image, channels)
    if image.shape[:2] != (height, width):
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        image = np.atleast_3d(resized).astype(np.uint8, copy=False)
    return with_channels(image, channels)


def with_channels(image: Image, channels: int) -> Image:
    """Grey (1) or RGB (3) version of `image`: OpenCV's BT.601 weights one way, repetition the other."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.atleast_3d(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.uint8, copy=False)
