"""Metrics of photographs under resampling: whole images are drawn, so what is kept of each is a small histogram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oddlens.evaluation.bootstrap import Interval, percentile_interval
from oddlens.metrics.counted import (
    Rows,
    auroc_of_rows,
    average_precision_of_rows,
    f1_max_of_rows,
    overlap_of_rows,
)
from oddlens.metrics.pimo import LOWER, UPPER, log_widths, recalls

BITS = 16
"""Leading bits of the scores kept for each image: bins of less than 1 % of a score."""
_MOST_BINS = 8192
_AT_ONCE = 64
"""Resamples held at a time."""

Draws = NDArray[np.int64]
"""`(R, N)`: how often each of N images is drawn in R resamples."""


class ImageHistogram(NamedTuple):
    """One image's pixels at the bins that hold any, ascending."""

    bins: NDArray[np.int32]
    negatives: NDArray[np.int32]
    positives: NDArray[np.int32]
    weights: NDArray[np.float32]
    """Truth pixels by 1 / size of their region."""

    @classmethod
    def of(cls, bins: NDArray[np.int64], truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> ImageHistogram:
        """From the bins `(H, W)`, the mask and the `region_weights` of its truth pixels."""
        low = int(bins.min())
        total = np.bincount(bins.ravel() - low)
        flawed = bins[truth] - low
        positives = np.bincount(flawed, minlength=len(total))
        overlap = np.bincount(flawed, weights, minlength=len(total))
        filled = np.flatnonzero(total)
        return cls(
            (filled + low).astype(np.int32),
            (total - positives)[filled].astype(np.int32),
            positives[filled].astype(np.int32),
            overlap[filled].astype(np.float32),
        )


@dataclass(frozen=True)
class PixelResamples:
    """Histograms of N images over the same B bins, ready to be drawn from."""

    negatives: NDArray[np.float64]
    positives: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, images: Sequence[ImageHistogram]) -> PixelResamples:
        """Over the bins that any of the images fills; neighbours share one where these are too many."""
        filled = np.unique(np.concatenate([image.bins for image in images]))
        shift = 0
        while len(filled) > _MOST_BINS:
            shift, filled = shift + 1, np.unique(filled >> 1)
        dense = np.zeros((3, len(images), len(filled)))
        for number, image in enumerate(images):
            place = np.searchsorted(filled, image.bins >> shift)
            for kind, values in enumerate((image.negatives, image.positives, image.weights)):
                dense[kind, number] = np.bincount(place, values, minlength=len(filled))
        return cls(*dense)

    def intervals(self, draws: Draws) -> dict[str, Interval]:
        """95 % intervals of `pixel_auroc`, `pixel_ap`, `pixel_f1_max`, `aupro` and `aupimo`."""
        values: dict[str, list[NDArray[np.float64]]] = {}
        for start in range(0, len(draws), _AT_ONCE):
            some = draws[start : start + _AT_ONCE].astype(np.float64)
            negatives, positives, weights = some @ self.negatives, some @ self.positives, some @ self.weights
            for name, metric in RANKINGS.items():
                values.setdefault(f"pixel_{name}", []).append(metric(positives, negatives))
            values.setdefault("aupro", []).append(overlap_of_rows(weights, negatives))
        found = {name: percentile_interval(np.concatenate(parts)) for name, parts in values.items()}
        return found | {"aupimo": percentile_interval(self._aupimo(draws))}

    def _aupimo(self, draws: Draws) -> NDArray[np.float64]:
        """Mean AUPIMO `(R,)`; NaN without a normal or an abnormal image."""
        flawed = self.positives.any(axis=1)
        pixels = self.negatives[~flawed]
        shared = pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)
        levels = np.arange(shared.shape[1])
        found = [recalls(levels, counts, levels) for counts in self.positives[flawed]]
        reached = np.stack(found) if found else np.zeros((0, len(levels)))
        values = np.full(len(draws), np.nan)
        for start in range(0, len(draws), _AT_ONCE):
            some = draws[start : start + _AT_ONCE]
            good, bad = some[:, ~flawed], some[:, flawed]
            steps = log_widths(good @ shared, LOWER, UPPER)
            areas = np.einsum("rn,rn->r", bad, steps @ reached.T)
            known = (good.sum(axis=1) > 0) & (bad.sum(axis=1) > 0)
            values[start : start + len(some)] = np.where(known, areas / np.maximum(bad.sum(axis=1), 1), np.nan)
        return values


RANKINGS: dict[str, Callable[[Rows, Rows], NDArray[np.float64]]] = {
    "auroc": auroc_of_rows,
    "ap": average_precision_of_rows,
    "f1_max": f1_max_of_rows,
}
"""Metrics of a ranking, by the end of their name; `f1_max` chooses its threshold on the labels."""


def image_intervals(labels: NDArray[np.bool_], scores: NDArray[np.float64], draws: Draws) -> dict[str, Interval]:
    """95 % intervals of `image_auroc`, `image_ap` and `image_f1_max` (the oracle).

    Args:
        labels: `(N,)`, True = abnormal.
        scores: `(N,)`, higher = odder, no NaN.
        draws: `(R, N)`.
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    drawn, truth = draws[:, order], labels[order]
    positives = np.add.reduceat(drawn * truth, starts, axis=1)
    negatives = np.add.reduceat(drawn * ~truth, starts, axis=1)
    return {f"image_{name}": percentile_interval(metric(positives, negatives)) for name, metric in RANKINGS.items()}
