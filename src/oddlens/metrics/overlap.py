"""AUPRO: how well every defect, large or small, is covered by a map, up to a rate of false pixels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from oddlens.metrics.counted import area_up_to, overlap_of_rows
from oddlens.metrics.pixel import Mask, aligned, map_pairs, score_bins
from oddlens.types import FloatArray

LIMIT = 0.3
"""False positive rate up to which the customary AUPRO integrates."""
PAPER_THRESHOLDS = 200


class RegionOverlap:
    """Pools any number of images in two histograms (16 MiB): normal pixels, truth pixels by 1 / size of region.

    PRO at a threshold, the mean over all regions of the share that is flagged, is the weight of the flagged truth
    pixels by the number of regions. So no threshold needs a pass of its own. Bins are those of `PixelAUC`; scores in
    one bin tie, and `error_bound` is the cost.

    Args:
        bits: leading bits kept of each score, 10 to 22.

    Example:
        >>> overlap = RegionOverlap()
        >>> overlap.update(np.array([[0.9, 0.1, 0.2]]), np.array([[True, False, False]]))
        >>> overlap.aupro()
        1.0
    """

    def __init__(self, bits: int = 20) -> None:
        if not 10 <= bits <= 22:
            raise ValueError(f"bits must be 10 to 22, not {bits}")
        self.bits = bits
        self.images = 0
        self.negatives = np.zeros(1 << bits, dtype=np.int64)
        self.weights = np.zeros(1 << bits, dtype=np.float64)

    def update(self, map: FloatArray, mask: Mask) -> None:
        """Add one image; the map `(h, w)` is resized bilinearly to the mask's `(H, W)`.

        Raises:
            DataError: the map is not finite, or map or mask is not two-dimensional.
        """
        scores, truth = aligned(map, mask, self.images)
        self.add(score_bins(scores, self.bits), truth, region_weights(truth))

    def add(self, bins: NDArray[np.int64], truth: Mask, weights: NDArray[np.float64]) -> None:
        """Add one image whose bins `(H, W)` and weights of truth pixels are known already."""
        low = int(bins.min())
        counts = np.bincount(bins.ravel() - low)
        if weights.size:
            flawed = bins[truth] - low
            counts -= np.bincount(flawed, minlength=len(counts))
            self.weights[low : low + len(counts)] += np.bincount(flawed, weights, minlength=len(counts))
        self.negatives[low : low + len(counts)] += counts
        self.images += 1

    def aupro(self, limit: float = LIMIT) -> float:
        """AUPRO of all images so far, 0..1; NaN without a region or without a normal pixel."""
        weights, negatives = self._filled()
        return float(overlap_of_rows(weights[None], negatives[None], _checked(limit))[0])

    def error_bound(self, limit: float = LIMIT) -> float:
        """How far `aupro` can lie from that of the unbinned float32 scores; NaN where it is undefined."""
        weights, negatives = self._filled()
        size = weights.sum() * negatives.sum()
        return float(0.5 * (weights @ negatives) / size / _checked(limit)) if size else float("nan")

    def _filled(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        filled = np.flatnonzero((self.negatives > 0) | (self.weights > 0))
        return self.weights[filled], self.negatives[filled]


def region_weights(truth: Mask) -> NDArray[np.float64]:
    """1 / size of its 8-connected region for every truth pixel, in reading order; they sum to the number of regions.

    Example:
        >>> region_weights(np.array([[True, False, True], [False, False, True]])).tolist()
        [1.0, 0.5, 0.5]
    """
    rows = np.flatnonzero(truth.any(axis=1))
    if not rows.size:
        return np.empty(0)
    columns = np.flatnonzero(truth.any(axis=0))
    part = np.ascontiguousarray(truth[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    _, numbers = cv2.connectedComponents(part.view(np.uint8), connectivity=8)
    inside = numbers[part]
    weights: NDArray[np.float64] = (1.0 / np.maximum(np.bincount(inside), 1))[inside]
    return weights


def aupro(maps: Iterable[FloatArray], masks: Iterable[Mask], limit: float = LIMIT) -> float:
    """Area under the per-region overlap of the whole set, exact over all thresholds.

    `PRO(t)` is the mean over all regions c of `|c and {s >= t}| / |c|`, `FPR(t)` the share of all normal pixels with
    `s >= t`; the area of PRO over FPR from 0 to `limit`, interpolated there, is divided by `limit` (evaluation.md, 1).
    NaN without a region or without a normal pixel. All pixels are held in memory; `RegionOverlap` does without.

    Args:
        maps: one `(h, w)` an image, higher = odder, resized bilinearly to the mask.
        masks: one `bool (H, W)` an image, True = abnormal.
        limit: above 0, at most 1.

    Raises:
        DataError: a map is not finite, shapes do not fit, or the numbers of maps and masks differ.

    Example:
        >>> aupro([np.array([[0.9, 0.1, 0.2]])], [np.array([[True, False, False]])])
        1.0
    """
    _checked(limit)
    normal, flawed, weights = [np.empty(0, np.float32)], [np.empty(0, np.float32)], [np.empty(0)]
    for number, (map, mask) in enumerate(map_pairs(maps, masks)):
        scores, truth = aligned(map, mask, number)
        normal.append(scores[~truth])
        flawed.append(scores[truth])
        weights.append(region_weights(truth))
    below = np.sort(np.concatenate(normal))
    if not below.size:
        return float("nan")
    above, overlap = _overlap_steps(np.concatenate(flawed), np.concatenate(weights))
    if not above.size:
        return float("nan")
    # PRO rises only at the scores of truth pixels: one operating point right before each, and one at it.
    before, at = (len(below) - np.searchsorted(below, above, side) for side in ("right", "left"))
    fpr = np.stack([before, at], axis=1).ravel() / len(below)
    earlier = np.append(0.0, overlap[:-1])
    pro = np.stack([earlier, overlap], axis=1).ravel()
    fpr, pro = np.concatenate([[0.0], fpr, [1.0]]), np.concatenate([[0.0], pro, [1.0]])
    return float(area_up_to(fpr[None], pro[None], limit)[0])


def paper_pro(
    maps: Iterable[FloatArray], masks: Iterable[Mask], thresholds: int = PAPER_THRESHOLDS, limit: float = LIMIT
) -> float:
    """PRO as Reverse Distillation's code has it, *paper*: each abnormal image alone, then the mean of the images.

    200 thresholds step from the image's lowest score towards its highest; a pixel is flagged when it is above. Points
    with FPR below the limit are kept, their FPR is divided by the largest of them, and the area taken without
    interpolation (dmad.md, 6b). Numbers are comparable only with those made alike: every image has its own scale.

    Arguments and errors as for `aupro`. An image whose kept points all have FPR 0 counts with the largest overlap
    there, one with a constant map 0 (the original fails on both); images without truth or without normal pixels are
    left out. NaN where no image is left.
    """
    _checked(limit)
    values = []
    for number, (map, mask) in enumerate(map_pairs(maps, masks)):
        scores, truth = aligned(map, mask, number)
        if truth.any() and not truth.all():
            values.append(image_pro(scores, truth, region_weights(truth), thresholds, limit))
    return float(np.mean(values)) if values else float("nan")


def image_pro(
    scores: NDArray[np.float32],
    truth: Mask,
    weights: NDArray[np.float64],
    thresholds: int = PAPER_THRESHOLDS,
    limit: float = LIMIT,
) -> float:
    """`paper_pro` of one image `(H, W)`, with truth and normal pixels, and the `region_weights` of its truth."""
    low, high = float(scores.min()), float(scores.max())
    levels = low + (high - low) / thresholds * np.arange(thresholds)
    flawed, normal = scores[truth].astype(np.float64), np.sort(scores[~truth]).astype(np.float64)
    order = np.argsort(flawed)
    lost = np.append(0.0, np.cumsum(weights[order]))[np.searchsorted(flawed[order], levels, "right")]
    pro = 1.0 - lost / weights.sum()
    fpr = (len(normal) - np.searchsorted(normal, levels, "right")) / len(normal)
    kept = fpr < limit
    if high == low or not kept.any():
        return 0.0
    fpr, pro = fpr[kept][::-1], pro[kept][::-1]
    if not fpr[-1]:
        return float(pro[-1])
    return float(trapezoid(pro, fpr / fpr[-1]))


def _overlap_steps(
    scores: NDArray[np.float32], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Distinct scores of truth pixels, descending, and PRO from each of them upwards."""
    order = np.argsort(scores)[::-1]
    ranked, reached = scores[order], np.cumsum(weights[order])
    last = np.flatnonzero(np.diff(ranked, append=np.float32(-np.inf)))
    return ranked[last], reached[last] / max(reached[-1], 1.0) if len(reached) else reached


def _checked(limit: float) -> float:
    if not 0 < limit <= 1:
        raise ValueError(f"limit must be above 0 and at most 1, not {limit}")
    return limit
