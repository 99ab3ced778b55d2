"""Where in the frame: a box around the hottest part of a map."""

from __future__ import annotations

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
    _, parts = cv2.connectedComponents((heat >= low + _SHARE * (high - low)).astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(parts == parts[row, column])
    left, right = _scaled(columns, heat.shape[1], size[1])
    top, bottom = _scaled(rows, heat.shape[0], size[0])
    return left, top, right, bottom


def _scaled(cells: NDArray[np.intp], count: int, pixels: int) -> tuple[int, int]:
    """First pixel and the one past the last of map cells; whole numbers, as rounding must not leave the frame."""
    return int(cells.min()) * pixels // count, -(-(int(cells.max()) + 1) * pixels // count)
