"""Where in the frame: a box around the hottest part of a map."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
_SHARE = 0.5


def peak_box(heat: NDArray[np.float32], size: tuple[int, int]) -> Box | None:
    """Box around the highest place of a map: the connected part above half of its maximum.

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
    high = float(heat.max())
    if not high > float(heat.min()):
        return None
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    _, parts = cv2.connectedComponents((heat >= _SHARE * high).astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(parts == parts[row, column])
    y, x = size[0] / heat.shape[0], size[1] / heat.shape[1]
    left, right = int(columns.min() * x), int(np.ceil((columns.max() + 1) * x))
    return left, int(rows.min() * y), right, int(np.ceil((rows.max() + 1) * y))
