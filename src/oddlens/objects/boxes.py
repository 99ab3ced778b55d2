"""Boxes as arrays: areas, what covers what, clipping to the frame, and non-maximum suppression."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes: TypeAlias = NDArray[np.float32]
"""`float32 (n, 4)`: left, top, right, bottom in pixels of the frame."""
_MOST_CANDIDATES = 1000
"""Detections of highest score that non-maximum suppression looks at, as LBR-SPR's detector does ("nms_pre")."""


def as_boxes(boxes: ArrayLike) -> Boxes:
    """`boxes` as `float32 (n, 4)`; nothing at all becomes `(0, 4)`."""
    return np.ascontiguousarray(boxes, dtype=np.float32).reshape(-1, 4)


def areas(boxes: ArrayLike) -> NDArray[np.float64]:
    """Areas `(n,)` in whole pixels, both edges counted, 0 where a box is inside out.

    Example:
        >>> areas([[0, 0, 9, 9], [5, 5, 5, 9]]).tolist()
        [100.0, 5.0]
    """
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sides = np.maximum(corners[:, 2:] - corners[:, :2] + 1, 0)
    return np.asarray(sides.prod(axis=1), dtype=np.float64)


def intersections(boxes: ArrayLike, others: ArrayLike, edge: float = 1.0) -> NDArray[np.float64]:
    """Common area `(n, m)` of each of `boxes` with each of `others`; `edge` 1 counts both edges, 0 is geometry."""
    first = np.asarray(boxes, dtype=np.float64).reshape(-1, 1, 4)
    second = np.asarray(others, dtype=np.float64).reshape(1, -1, 4)
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2]) + edge
    return np.asarray(np.maximum(sides, 0).prod(axis=2), dtype=np.float64)


def overlaps(boxes: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union `(n, m)`, in geometry (no edge counted); 0 for boxes without area.

    Example:
        >>> overlaps([[0, 0, 4, 4]], [[2, 0, 6, 4], [9, 9, 10, 10]]).round(3).tolist()
        [[0.333, 0.0]]
    """
    common = intersections(boxes, others, edge=0.0)
    first, second = (np.asarray(b, dtype=np.float64).reshape(-1, 4) for b in (boxes, others))
    sizes = [np.maximum(b[:, 2:] - b[:, :2], 0).prod(axis=1) for b in (first, second)]
    union = sizes[0][:, None] + sizes[1][None, :] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0), dtype=np.float64)


def without_covered(boxes: ArrayLike, ratio: float = 0.6) -> NDArray[np.intp]:
    """Which boxes remain when those that a larger or equal one covers are removed (LBR-SPR, official code).

    In ascending order of area, a box goes if any later box, removed or not, covers more than `ratio` of its area; of
    equal boxes one remains.

    Returns:
        Indices of the boxes that remain, smallest first.

    Example:
        >>> without_covered([[0, 0, 100, 100], [10, 10, 50, 50], [200, 200, 220, 220]]).tolist()
        [2, 0]
    """
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sizes = areas(corners)
    order = np.argsort(sizes, kind="stable")
    corners, sizes = corners[order], sizes[order]
    later = np.triu(np.ones((len(order), len(order)), np.bool_), k=1)
    covered = (intersections(corners, corners) / np.maximum(sizes, 1)[:, None] > ratio) & later
    return np.asarray(order[~covered.any(axis=1)], dtype=np.intp)


def covered_by(boxes: ArrayLike, others: ArrayLike, ratio: float = 0.6) -> NDArray[np.bool_]:
    """Whether a single one of `others` covers more than `ratio` of each of `boxes`' area, `(n,)`."""
    shares = intersections(boxes, others) / np.maximum(areas(boxes), 1)[:, None]
    return np.asarray((shares > ratio).any(axis=1), dtype=np.bool_)


def clipped(boxes: ArrayLike, height: int, width: int) -> tuple[Boxes, NDArray[np.bool_]]:
    """Boxes cut at the edges of a frame, and which of them still hold a pixel.

    A box holds the pixels from its rounded-up left and top to before its rounded-up right and bottom, as patches are
    cut. Boxes that are inside out or not finite hold none.

    Returns:
        `float32 (n, 4)` and `bool (n,)`.

    Example:
        >>> clipped([[-3, 2, 8, 99], [12, 0, 15, 4]], height=10, width=10)
        (array([[ 0.,  2.,  8., 10.],
               [10.,  0., 10.,  4.]], dtype=float32), array([ True, False]))
    """
    whole = as_boxes(boxes)
    limits = np.array([width, height, width, height], np.float32)
    cut = np.clip(np.nan_to_num(whole, nan=0.0, posinf=np.inf, neginf=-np.inf), 0, limits)
    edges = np.ceil(cut)
    kept = np.isfinite(whole).all(axis=1) & (edges[:, 2:] > edges[:, :2]).all(axis=1)
    return cut, np.asarray(kept, dtype=np.bool_)


def suppressed(
    boxes: ArrayLike, scores: ArrayLike, classes: ArrayLike | None = None, overlap: float = 0.45
) -> NDArray[np.intp]:
    """Indices that class-wise non-maximum suppression keeps, highest score first.

    A box goes if one of higher score that stays, of the same class, overlaps it by more than `overlap` (intersection
    over union). At most the 1000 boxes of highest score are looked at.

    Args:
        boxes: `(n, 4)`.
        scores: `(n,)`.
        classes: `(n,)`; without it all boxes are of one class.
        overlap: the greatest that is allowed, 0...1.

    Example:
        >>> suppressed([[0, 0, 9, 9], [1, 0, 10, 9], [20, 0, 29, 9]], [0.5, 0.9, 0.7]).tolist()
        [1, 2]
    """
    points = np.asarray(scores, dtype=np.float64).reshape(-1)
    order = np.argsort(-points, kind="stable")[:_MOST_CANDIDATES]
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)[order]
    rivals = overlaps(corners, corners) > overlap
    if classes is not None:
        kinds = np.asarray(classes).reshape(-1)[order]
        rivals &= kinds[:, None] == kinds[None, :]
    alive = np.ones(len(order), np.bool_)
    for k in range(len(order)):
        if alive[k]:
            alive[k + 1 :] &= ~rivals[k, k + 1 :]
    return np.asarray(order[alive], dtype=np.intp)
