"""Where in the frame: the oddest object, or a box around the hottest part of a map."""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
_SHARE = 0.5


def peak_box(heat: NDArray[np.float32], size: tuple[int, int]) -> Box | None:
    """Box around the highest place of a map: the connected part above the middle of its range.

    Args:
        heat: `float32 (h, w)`, higher = odder.
        size: height and width of the frame as decoded.

    Returns:
        Left, top, right, bottom in pixels of the frame, right and bottom excluded; `None` for a flat map.

    Example:
        >>> heat = np.zeros((4, 4), np.float32)
        >>> heat[1, 2] = 1
        >>> peak_box(heat, (8, 8))
        (4, 2, 6, 4)
    """
    low, high = float(heat.min()), float(heat.max())
    if not high > low:
        return None
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    hot = np.ascontiguousarray(heat >= low + _SHARE * (high - low)).view(np.uint8)
    *_, (left, top, width, height) = cv2.floodFill(hot, None, (int(column), int(row)), 2, flags=8)
    across, down = heat.shape[1], heat.shape[0]
    ends = _scaled(left, left + width, across, size[1]), _scaled(top, top + height, down, size[0])
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def oddest_box(boxes: NDArray[np.float32], size: tuple[int, int]) -> Box | None:
    """The box of the highest score, in whole pixels.

    Args:
        boxes: `float32 (n, 5)`: x1, y1, x2, y2 and score.
        size: height and width of the frame.

    Returns:
        Left, top, right, bottom inside the frame, right and bottom excluded; `None` without any box.

    Example:
        >>> oddest_box(np.array([[0, 0, 9, 9, 0.5], [2.4, 3, 5.2, 99, 0.7]], np.float32), (8, 8))
        (2, 3, 6, 8)
    """
    if not len(boxes):
        return None
    left, top, right, bottom = boxes[int(boxes[:, 4].argmax()), :4].tolist()
    height, width = size
    return max(floor(left), 0), max(floor(top), 0), min(ceil(right), width), min(ceil(bottom), height)


def _scaled(first: int, end: int, count: int, pixels: int) -> tuple[int, int]:
    """First pixel and the one past the last of map cells; whole numbers, as rounding must not leave the frame."""
    return first * pixels // count, -(-end * pixels // count)
