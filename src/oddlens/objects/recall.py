"""How much of what a data set's masks mark has a box of its own."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.objects.boxes import areas, as_boxes

SMALLEST_REGION = 60
"""Pixels: smaller regions of a mask are crumbs."""
SHARE = 0.6
"""Of a region's pixels that a box must hold."""
LARGEST = 4.0
"""Times the area of a region's bounding rectangle that a box may have: a box over everything finds nothing."""


def regions_found(mask: NDArray[np.bool_], boxes: ArrayLike) -> tuple[int, int]:
    """Regions of a mask, and how many of them a box finds.

    A region is an 8-connected component of 60 pixels or more. It is found if a single box holds at least 60 % of its
    pixels and is at most four times as large as the region's bounding rectangle.

    Args:
        mask: `bool (H, W)`.
        boxes: `(n, 4)`.

    Example:
        >>> mask = np.zeros((40, 60), bool)
        >>> mask[10:30, 10:20] = mask[10:30, 40:50] = True
        >>> regions_found(mask, [[9, 9, 21, 31], [0, 0, 60, 40]])
        (2, 1)
    """
    corners = np.ceil(as_boxes(boxes))
    count, labels, figures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    regions = [k for k in range(1, count) if figures[k, cv2.CC_STAT_AREA] >= SMALLEST_REGION]
    found = 0
    for region in regions:
        width, height = figures[region, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].tolist()
        small = corners[areas(corners) <= LARGEST * width * height]
        rows, columns = np.nonzero(labels == region)
        inside = (columns >= small[:, :1]) & (rows >= small[:, 1:2]) & (columns < small[:, 2:3]) & (rows < small[:, 3:])
        found += bool((inside.mean(axis=1) >= SHARE).any())
    return len(regions), found
