"""What DMAD-PDM's official code does to series of scores: normality, smoothing, a Kalman filter. Arrays alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError

Series: TypeAlias = NDArray[np.float64]
"""One value a frame, `float64 (T,)`."""

_EPSILON = 1e-8
PROCESS_VARIANCE = 1e-5
MEASUREMENT_VARIANCE = 1e-4


def inverted_min_max(errors: ArrayLike) -> Series:
    """Normality of each frame of a clip: 1 at its smallest error, (almost) 0 at its largest.

    Example:
        >>> inverted_min_max([2, 5, 3, 9]).round(4).tolist()
        [1.0, 0.5714, 0.8571, 0.0]
    """
    values = np.asarray(errors, dtype=np.float64)
    if not len(values):
        return values
    low, high = values.min(), values.max()
    normality: Series = 1 - (values - low) / (high - low + _EPSILON)
    return normality


def by_video(videos: Sequence[Series], change: Callable[[Series], Series], across: bool = False) -> list[Series]:
    """Every series changed by itself, or all of them end to end as one (`across`), which sees past their borders.

    Example:
        >>> [part.tolist() for part in by_video([np.array([2.0]), np.array([4.0])], np.cumsum, across=True)]
        [[2.0], [6.0]]
    """
    if not across:
        return [change(series) for series in videos]
    return np.split(change(np.concatenate(videos)), np.cumsum([len(series) for series in videos])[:-1])


def robust_smooth(
    values: ArrayLike,
    window: int = 11,
    kept: int = 5,
    weights: Sequence[float] | None = None,
    left: float | None = None,
    right: float | None = None,
) -> Series:
    """Mean of the values round each that lie nearest to the mean of its window.

    Values whose window does not fit get a constant; a series shorter than the window stays as it is.

    Args:
        values: `(T,)`.
        window: values looked at, odd.
        kept: values of a window that count.
        weights: how much each place of a window counts, `(window,)`; default: all alike.
        left: what the first `window // 2` values become; default: the first smoothed value.
        right: what the last ones become; default: the last smoothed value.

    Raises:
        DataError: an even window, more values kept than it has, or another number of weights.

    Example:
        >>> robust_smooth([0, 0, 9, 0, 0, 0], window=3, kept=2, left=1).tolist()
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    series = np.asarray(values, dtype=np.float64)
    if window % 2 == 0 or (weights is not None and len(weights) != window):
        fault = f"a window of {window} values with {len(weights) if weights is not None else window} weights"
        raise DataError("smoothing", fault, "give an odd window and a weight for each of its places")
    if len(series) < window:
        return series.copy()
    half = window // 2
    means = _means_of_nearest(series, window, kept, weights)
    first, last = (means[0] if left is None else left), (means[-1] if right is None else right)
    return np.pad(means, half, constant_values=(first, last))


def late_smooth(values: ArrayLike, window: int, kept: int) -> Series:
    """ShanghaiTech's smoothing of normalities: the mean of a window stands one frame after its centre.

    Frames that get no mean become 1, "most normal": all of them in a series shorter than the window.

    Args:
        values: `(T,)`.
        window: values looked at.
        kept: values of a window that count, those nearest to its mean.

    Raises:
        DataError: more values kept than the window has.

    Example:
        >>> late_smooth([0.5, 0.4, 0.3, 0.4, 0.5], window=3, kept=3).round(3).tolist()
        [1.0, 1.0, 0.4, 0.367, 0.4]
    """
    series = np.asarray(values, dtype=np.float64)
    smooth = np.ones(len(series))
    if len(series) >= window:
        means = _means_of_nearest(series, window, kept, None)
        start = window // 2 + 1
        smooth[start : start + len(means)] = means[: len(series) - start]
    return smooth


def kalman_filter(
    values: ArrayLike, process_variance: float = PROCESS_VARIANCE, measurement_variance: float = MEASUREMENT_VARIANCE
) -> Series:
    """Causal scalar Kalman filter of a level that wanders, from 0 with variance 1; the first value passes as it is.

    Args:
        values: `(T,)`.
        process_variance: by which the level may wander from frame to frame.
        measurement_variance: of the values about the level.

    Example:
        >>> kalman_filter([0.5, 0.5, 0.6]).round(4).tolist()
        [0.5, 0.5, 0.5524]
    """
    series = np.asarray(values, dtype=np.float64)
    gains = kalman_gains(len(series), process_variance, measurement_variance)
    filtered = series.copy()
    level = 0.0
    for number, (value, gain) in enumerate(zip(series[1:].tolist(), gains[1:].tolist()), start=1):
        level += gain * (value - level)
        filtered[number] = level
    return filtered


def kalman_gains(
    count: int, process_variance: float = PROCESS_VARIANCE, measurement_variance: float = MEASUREMENT_VARIANCE
) -> Series:
    """How far each of `count` values moves the level towards it, `(count,)`; the same for all series.

    Example:
        >>> kalman_gains(3).round(4).tolist()
        [1.0, 0.9999, 0.5238]
    """
    gains = np.ones(count)
    variance = 1.0
    for number in range(1, count):
        expected = variance + process_variance
        gains[number] = expected / (expected + measurement_variance)
        variance = (1 - gains[number]) * expected
    return gains


def _means_of_nearest(series: Series, window: int, kept: int, weights: Sequence[float] | None) -> Series:
    """For every whole window, the weighted mean of its `kept` values nearest to its plain mean: `(T - window + 1,)`."""
    if not 0 < kept <= window:
        raise DataError("smoothing", f"{kept} of {window} values are kept", f"keep 1 to {window}")
    windows = np.lib.stride_tricks.sliding_window_view(series, window)
    distances = np.abs(windows - windows.mean(axis=1, keepdims=True))
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :kept]
    values = np.take_along_axis(windows, nearest, axis=1)
    places = np.ones(window) if weights is None else np.asarray(weights, dtype=np.float64)
    mean: Series = (values * places[nearest]).sum(axis=1) / places[nearest].sum(axis=1)
    return mean
