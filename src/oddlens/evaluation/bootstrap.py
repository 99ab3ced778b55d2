"""Confidence intervals by resampling whole videos: frames of one video are far from independent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError
from oddlens.metrics.video import PairwiseWins

RESAMPLES = 1000


class Interval(NamedTuple):
    """A percentile interval; NaN at both ends where it is undefined."""

    low: float
    high: float


class PairedDifference(NamedTuple):
    """Difference of two micro AUCs on the same videos, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def resample_counts(videos: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.int64]:
    """How often each video is drawn, `(resamples, videos)`; rows sum to `videos`.

    Example:
        >>> resample_counts(3, 2).sum(axis=1).tolist()
        [3, 3]
    """
    return np.random.default_rng(seed).multinomial(videos, np.full(videos, 1 / videos), size=resamples)


def percentile_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Central interval of resampled values; undefined (NaN) resamples are left out.

    Example:
        >>> percentile_interval([0.0, 1.0, 2.0, 3.0, 4.0], confidence=0.5)
        Interval(low=1.0, high=3.0)
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not numbers.size:
        return Interval(float("nan"), float("nan"))
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(numbers, [tail, 100 - tail])
    return Interval(float(low), float(high))


def micro_auc_interval(wins: PairwiseWins, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """95 % interval of the micro AUC over videos; NaN for a single video, which cannot be resampled."""
    if len(wins) < 2:
        return Interval(float("nan"), float("nan"))
    return percentile_interval(wins.micro_auc(resample_counts(len(wins), resamples, seed)))


def paired_difference(
    first: PairwiseWins, second: PairwiseWins, resamples: int = RESAMPLES, seed: int = 0
) -> PairedDifference:
    """Micro AUC of `first` minus that of `second`, both resampled with the same draws of videos.

    Raises:
        DataError: the two were not scored on as many videos.
    """
    if len(first) != len(second):
        fault = f"two methods were scored on {len(first)} and {len(second)} videos"
        raise DataError("videos", fault, "compare them on the same videos")
    value = float(first.micro_auc()[0] - second.micro_auc()[0])
    if len(first) < 2:
        return PairedDifference(value, float("nan"), float("nan"))
    counts = resample_counts(len(first), resamples, seed)
    return PairedDifference(value, *percentile_interval(first.micro_auc(counts) - second.micro_auc(counts)))
