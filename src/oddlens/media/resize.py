"""From a decoded frame to the size and channels a method wants, still in uint8."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image as Pillow

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


def fit_photograph(image: Image, height: int, width: int, channels: int) -> Image:
    """Resize a photograph to `(height, width, channels)`, not keeping the aspect ratio.

    Pillow's bilinear filter, which widens with the reduction and so does not alias: thin scratches of large pictures
    survive, and the result is what torchvision's `Resize` makes of the file (DMAD-PPDM, RD4AD).

    Example:
        >>> scratches = np.zeros((32, 32, 1), np.uint8)
        >>> scratches[:, ::8] = 200
        >>> [int(smaller(scratches, 4, 4, 1)[1, 1, 0]) for smaller in (fit_photograph, fit)]
        [25, 0]
    """
    image = with_channels(image, channels)
    if image.shape[:2] == (height, width):
        return image
    picture = Pillow.fromarray(image if channels == 3 else image[:, :, 0])
    resized = picture.resize((width, height), Pillow.Resampling.BILINEAR)
    return np.asarray(resized, np.uint8).reshape(height, width, channels)


def with_channels(image: Image, channels: int) -> Image:
    """Grey (1) or RGB (3) version of `image`: OpenCV's BT.601 weights one way, repetition the other."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.atleast_3d(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.uint8, copy=False)
