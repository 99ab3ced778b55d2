"""Regions of foreground as one box an object: groups cut apart, fragments joined, by the size objects usually have."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.objects.boxes import Boxes, as_boxes

Sizes = NDArray[np.float32]

_LARGER = 1.25
"""A region this many times wider or higher than an object may be several."""
_SOFT = ((0.12, 0.18), (0.3, 0.12))
"""Standard deviations of the smoothings that show where bodies are, in widths and heights of an object: one for those
side by side and, where it shows one alone, one for those above one another."""
_APART_X, _APART_Y = 0.7, 0.6
"""Least distance of two bodies, likewise."""
_VALLEY = 0.92
"""Between two bodies there is a place less filled than this share of the weaker one."""
_FILLED = 0.25
_MOST_PARTS = 32
_WORKING_WIDTH = 16
"""Pixels an object is made narrow to, so that large pictures take no longer."""
_JOINED_X, _JOINED_Y = 1.3, 1.35
_GAP_X, _GAP_Y = 0.1, 0.5
"""Fragments no farther apart than this, and together no larger than that, are one object."""


def region_boxes(mask: NDArray[np.uint8], sizes: Sizes, smallest: float, share: float, split: bool) -> Boxes:
    """Boxes `float32 (n, 4)` of the foreground in `mask`, without margin.

    Args:
        mask: `uint8 (H, W)`, foreground is not 0.
        sizes: `float32 (H, 2)`, width and height of an object whose centre is in that row; 0 where unknown.
        smallest: square pixels of a box.
        share: the same as a share of an object's area.
        split: whether to cut and join by `sizes`.
    """
    _, labels, found, _ = cv2.connectedComponentsWithStats(mask)
    found = found[1:]
    corners = found[:, :2]
    boxes = np.concatenate([corners, corners + found[:, 2:4]], axis=1).astype(np.float32)
    if split:
        usual = _sizes_at(boxes, sizes)
        large = (found[:, 2:4] > _LARGER * usual).any(axis=1) & (usual > 0).all(axis=1)
        large &= found[:, 4] <= mask.size / 2  # where nearly everything differs, there are no single objects
        parts = [
            _parts(labels[y : y + h, x : x + w] == number + 1, *usual[number]) + np.array([x, y, x, y], np.float32)
            for number, (x, y, w, h, _) in enumerate(found.tolist())
            if large[number]
        ]
        boxes = _joined(as_boxes(np.concatenate([boxes[~large], *parts])), sizes)
    sides = boxes[:, 2:] - boxes[:, :2]
    kept = sides.prod(axis=1) >= np.maximum(smallest, share * _sizes_at(boxes, sizes).prod(axis=1))
    return as_boxes(boxes[kept])


def usual_sizes(boxes: Boxes, height: int, weight: float) -> Sizes:
    """Width and height that objects have, by the row of their centre: `float32 (height, 2)`; 0 where too few are known.

    Medians in up to eight bands of rows, each object weighted by its area to the power of `weight`, then a straight
    line through them (median of slopes): objects look larger the nearer they are, which a row tells.
    """
    if len(boxes) < 20:
        return np.zeros((height, 2), np.float32)
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, 1] + boxes[:, 3]) / 2
    weights = sides.prod(axis=1) ** weight
    bands = np.array_split(np.argsort(centres, kind="stable"), np.clip(len(boxes) // 40, 1, 8))
    medians = []
    for band in bands:
        tall = _median(sides[band, 1], weights[band])
        alike = band[np.abs(sides[band, 1] - tall) <= 0.35 * tall]
        medians.append((np.median(centres[alike]), _median(sides[alike, 0], weights[alike]), tall))
    rows, wide, tall_ones = np.array(medians).T
    return np.stack([_line(rows, wide, height), _line(rows, tall_ones, height)], axis=1).astype(np.float32)


def _parts(region: NDArray[np.bool_], width: float, height: float) -> Boxes:
    """Boxes of the objects in one region, relative to it."""
    width, height = max(float(width), 1.0), max(float(height), 1.0)  # nothing is smaller than a pixel
    shrink = max(1, round(width / _WORKING_WIDTH))
    rows, columns = region.shape
    if shrink > 1:
        small = (max(1, -(-columns // shrink)), max(1, -(-rows // shrink)))
        region = cv2.resize(region.astype(np.float32), small, interpolation=cv2.INTER_AREA) >= 0.5
        width, height = width / shrink, height / shrink
    tries = (_bodies(region, width, height, *soft) for soft in _SOFT)
    bodies = next((found for found in tries if len(found) > 1), [])
    if len(bodies) < 2:
        return np.array([[0, 0, columns, rows]], np.float32)
    owner, nearest = np.zeros(region.shape, np.uint8), np.full(region.shape, np.inf, np.float32)
    y, x = np.ogrid[: region.shape[0], : region.shape[1]]
    for number, (row, column) in enumerate(bodies):
        distance = (((x - column) / width) ** 2 + ((y - row) / height) ** 2).astype(np.float32)
        closer = distance < nearest
        owner[closer], nearest[closer] = number, distance[closer]
    owner[~region] = _MOST_PARTS
    found = [cv2.boundingRect((owner == number).view(np.uint8)) for number in range(len(bodies))]
    x, y, w, h = np.array(found, np.float32).T
    boxes = np.stack([x, y, x + w, y + h], axis=1) * shrink
    return as_boxes(np.minimum(boxes, [columns, rows, columns, rows]))


def _bodies(
    region: NDArray[np.bool_], width: float, height: float, soft_x: float, soft_y: float
) -> list[tuple[int, int]]:
    """Places (row, column) where the region is thickest, with a valley between each two."""
    pad_x, pad_y = int(np.ceil(width / 2)), int(np.ceil(height / 2))
    padded = cv2.copyMakeBorder(region.astype(np.float32), pad_y, pad_y, pad_x, pad_x, cv2.BORDER_CONSTANT)
    deviations = max(soft_x * width, 0.5), max(soft_y * height, 0.5)
    soft = cv2.GaussianBlur(padded, (0, 0), sigmaX=deviations[0], sigmaY=deviations[1])
    soft = soft[pad_y : pad_y + region.shape[0], pad_x : pad_x + region.shape[1]]
    reach = int(_APART_Y * height / 2) * 2 + 1, int(_APART_X * width / 2) * 2 + 1
    rows, columns = np.nonzero((soft >= cv2.dilate(soft, np.ones(reach, np.uint8))) & (soft > _FILLED) & region)
    order = np.argsort(-soft[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    # of a level top, one place suffices
    _, firsts = np.unique(np.stack([rows // reach[0], columns // reach[1]]), axis=1, return_index=True)
    firsts.sort()
    kept: list[tuple[int, int]] = []
    for row, column in zip(rows[firsts].tolist(), columns[firsts].tolist()):
        if all(_valley(soft, (row, column), other) for other in kept):
            kept.append((row, column))
    return kept[:_MOST_PARTS]


def _valley(soft: NDArray[Any], weaker: tuple[int, int], other: tuple[int, int]) -> bool:
    way = np.linspace(weaker, other, 17)
    rows, columns = np.rint(way).astype(int).T
    return bool(soft[rows, columns].min() < _VALLEY * soft[weaker])


def _joined(boxes: Boxes, sizes: Sizes) -> Boxes:
    """Boxes with fragments joined: pairs that lie close and together are no larger than an object."""
    for _ in range(3):
        ones, others = boxes[:, None], boxes[None]
        low, high = np.minimum(ones[..., :2], others[..., :2]), np.maximum(ones[..., 2:], others[..., 2:])
        gaps = np.maximum(ones[..., :2], others[..., :2]) - np.minimum(ones[..., 2:], others[..., 2:])
        unions, both = np.concatenate([low, high], axis=2), high - low
        usual = _sizes_at(unions.reshape(-1, 4), sizes).reshape(both.shape)
        fits = np.all((both <= usual * [_JOINED_X, _JOINED_Y]) & (gaps <= usual * [_GAP_X, _GAP_Y]), axis=2)
        fits &= ~np.eye(len(boxes), dtype=np.bool_)
        if not fits.any():
            break
        partner = np.where(fits, both.prod(axis=2), np.inf).argmin(axis=1)
        here = np.arange(len(boxes))
        mutual = fits[here, partner] & (partner[partner] == here)
        first = here[mutual & (here < partner)]
        boxes = np.concatenate([boxes[~mutual], unions[first, partner[first]]])
    return boxes


def _sizes_at(boxes: Boxes, sizes: Sizes) -> Sizes:
    rows = ((boxes[:, 1] + boxes[:, 3]) / 2).astype(int)
    return np.asarray(sizes[np.clip(rows, 0, len(sizes) - 1)], np.float32)


def _median(values: Boxes, weights: Boxes) -> float:
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])


def _line(rows: NDArray[np.float64], values: NDArray[np.float64], height: int) -> NDArray[np.float64]:
    first, second = np.triu_indices(len(rows), 1)
    apart = rows[second] - rows[first] > 1
    slopes = (values[second] - values[first])[apart] / (rows[second] - rows[first])[apart]
    slope = np.median(slopes) if len(slopes) else 0.0
    line = np.median(values - slope * rows) + slope * np.arange(height)
    return np.clip(line, values.min(), values.max())
