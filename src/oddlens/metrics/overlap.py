"""AUPRO: how well every defect, large or small, is covered by a map, up to a rate of false pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

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
    every, flawed, weights = [np.empty(0, np.float32)], [np.empty(0, np.float32)], [np.empty(0)]
    for number, (map, mask) in enumerate(map_pairs(maps, masks)):
        scores, truth = aligned(map, mask, number)
        every.append(scores.ravel())
        flawed.append(scores[truth])
        weights.append(region_weights(truth))
    steps = _overlap_steps(np.concatenate(flawed), np.concatenate(weights))
    pixels = np.concatenate(every)
    normal = len(pixels) - int(steps.hits[-1])
    if not normal or not steps.hits[-1]:
        return float("nan")
    fpr, pro = _curve(steps, pixels, normal, limit)
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
    flawed, ranked = scores[truth], np.sort(scores, axis=None).astype(np.float64)
    low, high = ranked[0], ranked[-1]
    levels = low + (high - low) / thresholds * np.arange(thresholds)
    order = np.argsort(flawed)
    passed = np.searchsorted(flawed[order], levels, "right")
    pro = 1.0 - np.append(0.0, np.cumsum(weights[order]))[passed] / weights.sum()
    false = len(ranked) - np.searchsorted(ranked, levels, "right") - (len(flawed) - passed)
    fpr = false / (len(ranked) - len(flawed))
    kept = fpr < limit
    if high == low or not kept.any():
        return 0.0
    fpr, pro = fpr[kept][::-1], pro[kept][::-1]
    if not fpr[-1]:
        return float(pro[-1])
    return float(trapezoid(pro, fpr / fpr[-1]))


class _Steps(NamedTuple):
    """The D distinct scores of truth pixels, descending, and what is reached from each of them upwards."""

    levels: NDArray[np.float32]
    hits: NDArray[np.int64]
    """`(D + 1,)`: truth pixels; 0 first."""
    pro: NDArray[np.float64]
    """`(D + 1,)`: mean share of the regions; 0 first."""


def _overlap_steps(scores: NDArray[np.float32], weights: NDArray[np.float64]) -> _Steps:
    order = np.argsort(scores)[::-1]
    ranked, reached = scores[order], np.append(0.0, np.cumsum(weights[order]))
    hits = np.append(0, np.flatnonzero(ranked != np.append(ranked[1:], np.nan)) + 1)
    return _Steps(ranked[hits[1:] - 1], hits, reached[hits] / max(reached[-1], 1.0))


def _curve(
    steps: _Steps, pixels: NDArray[np.float32], normal: int, limit: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FPR and PRO at the operating points up to the first that is beyond the limit, and (1, 1).

    PRO rises only at the scores of truth pixels, so there is one point right before each of them and one at it. Only
    the highest scores are sorted: the rest lie beyond the limit, even if every truth pixel is among the highest.
    """
    rest = max(normal - math.ceil(limit * normal) - 1, 0)
    pixels.partition(rest)
    ranked = pixels[rest:]
    ranked.sort()
    inside = int((steps.levels > ranked[0]).sum())
    levels = steps.levels[:inside]
    above, reached = (len(ranked) - np.searchsorted(ranked, levels, side) for side in ("right", "left"))
    if inside < len(steps.levels):  # some pixels of this score may be among the rest, so all are counted
        last = steps.levels[inside]
        above, reached = np.append(above, (pixels > last).sum()), np.append(reached, (pixels >= last).sum())
    before, at = slice(0, len(above)), slice(1, len(above) + 1)
    false = np.stack([above - steps.hits[before], reached - steps.hits[at]], axis=1).ravel()
    pro = np.stack([steps.pro[before], steps.pro[at]], axis=1).ravel()
    return np.concatenate([[0.0], false / normal, [1.0]]), np.concatenate([[0.0], pro, [1.0]])


def _checked(limit: float) -> float:
    if not 0 < limit <= 1:
        raise ValueError(f"limit must be above 0 and at most 1, not {limit}")
    return limit
