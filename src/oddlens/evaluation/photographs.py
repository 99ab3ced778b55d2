"""All numbers of a set of photographs, taken one by one in bounded memory, with intervals over images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oddlens.evaluation.bootstrap import RESAMPLES, Interval, percentile_interval, resample_counts
from oddlens.evaluation.image_resamples import BITS, ImageHistogram, PixelResamples, image_intervals
from oddlens.metrics.f1 import f1_max, pixel_f1_max
from oddlens.metrics.overlap import RegionOverlap, image_pro, region_weights
from oddlens.metrics.pimo import ImageOverlap
from oddlens.metrics.pixel import Mask, PixelAUC, aligned, score_bins
from oddlens.metrics.ranking import average_precision, roc_auc
from oddlens.metrics.validation import check_pair
from oddlens.types import FloatArray


class Measured(NamedTuple):
    """A metric and its 95 % interval over images; NaN where undefined."""

    value: float
    low: float
    high: float


class PhotographMetrics:
    """Takes photographs one by one and keeps some histograms (40 MiB) and a small one of each image (tens of KiB).

    An image without map or mask counts in the image metrics alone. A normal image needs a mask of zeros for its pixels
    to count.

    Example:
        >>> metrics = PhotographMetrics()
        >>> metrics.update(0.9, True, np.array([[0.9, 0.1]]), np.array([[True, False]]))
        >>> metrics.update(0.3, False, np.array([[0.2, 0.3]]), np.array([[False, False]]))
        >>> numbers = metrics.summarise(resamples=10)
        >>> numbers["image_auroc"].value, numbers["aupro"].value
        (1.0, 1.0)
    """

    def __init__(self) -> None:
        self._pixels, self._regions, self._images = PixelAUC(), RegionOverlap(), ImageOverlap()
        self._labels: list[bool] = []
        self._scores: list[float] = []
        self._mapped: list[int] = []
        self._histograms: list[ImageHistogram] = []
        self._paper: dict[int, float] = {}

    def update(self, score: float, label: bool, map: FloatArray | None = None, mask: Mask | None = None) -> None:
        """Add one photograph.

        Args:
            score: of the whole image, higher = odder.
            label: whether it is abnormal.
            map: `(h, w)`, resized bilinearly to the mask.
            mask: `bool (H, W)`, True = abnormal.

        Raises:
            DataError: the score is NaN, the map is not finite, or map or mask is not two-dimensional.
        """
        number = len(self._scores)
        check_pair([label], [score], f"image {number}")
        if map is not None and mask is not None:
            self._add_map(number, *aligned(map, mask, number))
        self._scores.append(float(score))
        self._labels.append(bool(label))

    def summarise(self, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Measured]:
        """Every metric so far, each in 0..1.

        `image_auroc`, `image_ap`, `image_f1_max`; where there are maps with masks also `pixel_auroc`, `pixel_ap`,
        `pixel_f1_max`, `aupro` (data-set level), `aupimo` (mean) and `paper_pro` (each abnormal image alone). The F1
        numbers choose their threshold on the labels: oracles. Intervals are percentiles of a bootstrap over images
        (pixel metrics: over those with a mask), NaN for fewer than two.
        """
        labels, scores = check_pair(self._labels, self._scores)
        values = {
            "image_auroc": roc_auc(labels, scores),
            "image_ap": average_precision(labels, scores),
            "image_f1_max": f1_max(labels, scores).value,
        }
        draws = resample_counts(len(labels), resamples, seed) if len(labels) > 1 else None
        intervals = image_intervals(labels, scores, draws) if draws is not None else {}
        if self._mapped:
            values |= self._pixel_values()
            intervals |= self._pixel_intervals(resamples, seed)
        missing = Interval(float("nan"), float("nan"))
        return {name: Measured(value, *intervals.get(name, missing)) for name, value in values.items()}

    def _add_map(self, number: int, scores: NDArray[np.float32], truth: Mask) -> None:
        bins, weights = score_bins(scores, self._pixels.bits), region_weights(truth)
        self._pixels.update(scores, truth)
        self._regions.add(bins, truth, weights)
        self._images.add(bins, truth)
        self._histograms.append(ImageHistogram.of(bins >> (self._pixels.bits - BITS), truth, weights))
        if truth.any() and not truth.all():
            self._paper[len(self._mapped)] = image_pro(scores, truth, weights)
        self._mapped.append(number)

    def _pixel_values(self) -> dict[str, float]:
        return {
            "pixel_auroc": self._pixels.auc(),
            "pixel_ap": self._pixels.average_precision(),
            "pixel_f1_max": pixel_f1_max(self._pixels).value,
            "aupro": self._regions.aupro(),
            "aupimo": self._images.aupimo().mean,
            "paper_pro": float(np.mean(list(self._paper.values()))) if self._paper else float("nan"),
        }

    def _pixel_intervals(self, resamples: int, seed: int) -> dict[str, Interval]:
        if len(self._mapped) < 2:
            return {}
        draws = resample_counts(len(self._mapped), resamples, seed)
        intervals = PixelResamples.of(self._histograms).intervals(draws)
        if self._paper:
            drawn = draws[:, list(self._paper)]
            means = drawn @ np.array(list(self._paper.values())) / np.maximum(drawn.sum(axis=1), 1)
            intervals["paper_pro"] = percentile_interval(np.where(drawn.sum(axis=1) > 0, means, np.nan))
        return intervals
