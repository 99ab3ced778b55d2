"""Frames at the size a detector takes, and frames cut into overlapping tiles for objects that are small in them."""

from __future__ import annotations

import cv2
import numpy as np

from oddlens.types import Image

PADDING = 114
"""Grey level that YOLOs are trained to see round a picture."""
_OVERLAP = 0.25
"""Share of a tile that it has in common with its neighbour."""


def letterbox(image: Image, height: int, width: int) -> tuple[Image, float]:
    """`image` at the top left of a picture of that size, its aspect ratio kept, and the scale it got.

    Example:
        >>> picture, scale = letterbox(np.zeros((240, 360, 3), np.uint8), 416, 416)
        >>> picture.shape, round(scale, 3), int(picture[276, 415, 0]), int(picture[277, 0, 0])
        ((416, 416, 3), 1.156, 0, 114)
    """
    scale = min(height / image.shape[0], width / image.shape[1])
    new_height = min(height, max(1, round(image.shape[0] * scale)))
    new_width = min(width, max(1, round(image.shape[1] * scale)))
    picture = np.full((height, width, image.shape[2]), PADDING, np.uint8)
    resized = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    picture[:new_height, :new_width] = resized.reshape(new_height, new_width, image.shape[2])
    return picture, scale


def tiles(height: int, width: int, columns: int, rows: int) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom of `columns` x `rows` tiles that cover a frame; neighbours share a quarter.

    Example:
        >>> tiles(240, 360, 2, 1)
        [(0, 0, 206, 240), (154, 0, 360, 240)]
    """
    across, down = _spans(width, columns), _spans(height, rows)
    return [(left, top, right, bottom) for top, bottom in down for left, right in across]


def _spans(length: int, parts: int) -> list[tuple[int, int]]:
    part = min(length, round(length / (1 + (parts - 1) * (1 - _OVERLAP))))
    starts = np.linspace(0, length - part, parts).round().astype(int).tolist()
    return [(start, start + part) for start in starts]
