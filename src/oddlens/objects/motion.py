"""Motion boxes: what moves and no detector has boxed (LBR-SPR)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.objects.boxes import Boxes, as_boxes

_SET = 255


def motion_boxes(
    flow: NDArray[np.float32],
    detected: ArrayLike = (),
    *,
    threshold: float = 1.0,
    smallest_area: float = 100.0,
    greatest_aspect: float = 10.0,
    margin: int = 2,
    whole_frame: bool = True,
) -> Boxes:
    """Boxes round the regions of a frame that move and that no box in `detected` has (official code).

    Pixels with `u^2 + v^2 > threshold` move. Those in a detected box or within `margin` of it are cleared. Each region
    that is left, seen from outside (regions in its holes do not count), gives its bounding rectangle, grown by
    `margin` and cut at the frame.

    Args:
        flow: `float32 (H, W, 2)`, for the paper's threshold in `flownet512` units (`oddlens.motion.flow.to_units`).
        detected: boxes `(n, 4)` found before, their coordinates truncated to whole pixels.
        threshold: squared speed.
        smallest_area: `(w + 1) * (h + 1)` of a region's rectangle must be more.
        greatest_aspect: `w / h` and `h / w` must be less.
        margin: pixels.
        whole_frame: a frame in which every pixel moves is one box; otherwise it has none, as in the official code.

    Returns:
        `float32 (n, 4)`, in no particular order.

    Example:
        >>> flow = np.zeros((240, 360, 2), np.float32)
        >>> flow[50:80, 100:120] = 2, 0
        >>> motion_boxes(flow).tolist()
        [[98.0, 48.0, 122.0, 82.0]]
    """
    height, width = flow.shape[:2]
    moving = (np.square(flow).sum(axis=2) > threshold).astype(np.uint8) * np.uint8(_SET)
    first_and_last = as_boxes(detected).astype(np.int32) + np.array([-margin, -margin, margin + 1, margin + 1])
    for left, top, right, bottom in np.maximum(first_and_last, 0).tolist():
        moving[top:bottom, left:right] = 0
    if not whole_frame and moving.all():
        return as_boxes([])
    contours, _ = cv2.findContours(moving, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    x, y, w, h = np.array([cv2.boundingRect(contour) for contour in contours], np.int64).reshape(-1, 4).T
    kept = ((w + 1) * (h + 1) > smallest_area) & (w < greatest_aspect * h) & (h < greatest_aspect * w)
    rectangles = np.stack([x - margin, y - margin, x + w + margin, y + h + margin], axis=1)[kept]
    return as_boxes(np.clip(rectangles, 0, [width, height, width, height]))
