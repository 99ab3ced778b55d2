"""Boxes with scores from a score map: the connected parts above each of a few levels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError
from oddlens.types import FloatArray

LEVELS = 16
"""Levels between the two ends of a map's scale."""


def map_levels(low: float, high: float, count: int = LEVELS) -> NDArray[np.float32]:
    """Evenly spaced levels `(count,)`, ascending, the lowest one step above `low` and the highest at `high`.

    Example:
        >>> map_levels(0.0, 1.0, 4).tolist()
        [0.25, 0.5, 0.75, 1.0]
    """
    return np.linspace(low, high, count + 1)[1:].astype(np.float32)


def map_boxes(map: FloatArray, levels: ArrayLike, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
    """Bounding boxes of the 8-connected parts of a map at or above each level.

    Parts of different levels with the same box count once. The levels must not come from the map itself, or every
    map would have boxes.

    Args:
        map: `(h, w)`, higher = odder.
        levels: `(L,)`.
        size: height and width the map is resized to first, bilinearly; default: its own.

    Returns:
        `float32 (n, 5)`: first and last column and row covered (x1, y1, x2, y2), and the part's highest value.

    Raises:
        DataError: the map is not two-dimensional or not finite.

    Example:
        >>> heat = np.zeros((6, 8), np.float32)
        >>> heat[1:3, 2:5], heat[1, 3] = 0.5, 0.75
        >>> map_boxes(heat, [0.25, 0.7]).tolist()
        [[2.0, 1.0, 4.0, 2.0, 0.75], [3.0, 1.0, 3.0, 1.0, 0.75]]
    """
    scores = np.ascontiguousarray(map, dtype=np.float32)
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        fault = f"a map of shape {scores.shape} is no finite plane"
        raise DataError("map", fault, "find out why the method failed there")
    if size is not None and scores.shape != size:
        resized = cv2.resize(scores, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        scores = np.asarray(resized, dtype=np.float32)
    found: list[NDArray[np.float32]] = []
    left, top = 0, 0
    for level in np.sort(np.asarray(levels, np.float32).ravel()):
        above = (scores >= level).astype(np.uint8)
        x, y, width, height = cv2.boundingRect(above)
        if not width:
            break
        # what is above a higher level lies inside: from here on only that part is looked at
        scores, above = scores[y : y + height, x : x + width], above[y : y + height, x : x + width]
        left, top = left + x, top + y
        found.append(_parts(scores, above, left, top))
    boxes = np.concatenate(found) if found else np.empty((0, 5), np.float32)
    _, first = np.unique(boxes, axis=0, return_index=True)
    return boxes[np.sort(first)]


def _parts(scores: NDArray[np.float32], above: NDArray[np.uint8], left: int, top: int) -> NDArray[np.float32]:
    # the default algorithm takes two to three times as long
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(above, 8, cv2.CV_32S, cv2.CCL_BBDT)
    inside = above > 0
    highest = np.full(count, -np.inf, np.float32)
    np.maximum.at(highest, labels[inside].astype(np.intp), scores[inside])
    boxes = stats[:, :4].astype(np.float32)
    boxes[:, :2] += (left, top)
    boxes[:, 2:] += boxes[:, :2] - 1
    return np.concatenate([boxes, highest[:, None]], axis=1)[1:]
