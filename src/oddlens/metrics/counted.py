"""Metrics of counts at ascending scores, for many resamples at once, as a bootstrap needs them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.float64] | NDArray[np.int64]
"""`(R, B)`: how many images or pixels (or how much weight) each of B distinct scores has, ascending, in R resamples."""


def auroc_of_rows(positives: Rows, negatives: Rows) -> NDArray[np.float64]:
    """ROC AUC `(R,)`, ties half; NaN where a class is empty.

    Example:
        >>> auroc_of_rows(np.array([[0, 1]]), np.array([[1, 1]])).tolist()
        [0.75]
    """
    positive, negative = positives.astype(np.float64), negatives.astype(np.float64)
    below = np.cumsum(negative, axis=1) - 0.5 * negative
    won = np.einsum("rb,rb->r", positive, below)
    return _ratio(won, positive.sum(axis=1) * negative.sum(axis=1))


def average_precision_of_rows(positives: Rows, negatives: Rows) -> NDArray[np.float64]:
    """Average precision `(R,)`, not interpolated; NaN without positives."""
    positive = positives[:, ::-1].astype(np.float64)
    true, flagged = _flagged(positives, negatives)
    precision = np.divide(true, flagged, out=np.zeros_like(true), where=flagged > 0)
    return _ratio(np.einsum("rb,rb->r", positive, precision), true[:, -1])


def f1_of_rows(positives: Rows, negatives: Rows) -> NDArray[np.float64]:
    """F1 `(R, B)` when everything from each score upwards is flagged; 0 where nothing is positive.

    Example:
        >>> f1_of_rows(np.array([[0, 1]]), np.array([[1, 1]])).tolist()
        [[0.5, 0.6666666666666666]]
    """
    true, flagged = _flagged(positives, negatives)
    both = flagged + true[:, -1:]
    f1: NDArray[np.float64] = 2 * np.divide(true, both, out=np.zeros_like(true), where=both > 0)
    return f1[:, ::-1]


def f1_max_of_rows(positives: Rows, negatives: Rows) -> NDArray[np.float64]:
    """Highest F1 `(R,)` over all thresholds, chosen on the labels (an oracle); NaN without positives."""
    best = f1_of_rows(positives, negatives).max(axis=1)
    return np.where(positives.sum(axis=1) > 0, best, np.nan)


def overlap_of_rows(weights: Rows, negatives: Rows, limit: float = 0.3) -> NDArray[np.float64]:
    """AUPRO `(R,)` from the weight of truth pixels (1 / size of their region) and the number of normal ones.

    NaN without a region or without a normal pixel.
    """
    fpr, overlap = _shares(negatives), _shares(weights)
    return area_up_to(fpr, overlap, limit)


def area_up_to(fpr: NDArray[np.float64], rate: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Mean of `rate` over false positive rates from 0 to `limit`: trapezoids, interpolated at the limit.

    Args:
        fpr: `(R, P)`, rising from 0 to 1.
        rate: `(R, P)` at the same operating points.
        limit: above 0, at most 1.

    Example:
        >>> area_up_to(np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]]), 0.3).tolist()
        [0.15]
    """
    step = np.diff(fpr, axis=1)
    inside = np.diff(np.minimum(fpr, limit), axis=1)
    share = np.divide(inside, step, out=np.zeros_like(step), where=step > 0)
    height = rate[:, :-1] + 0.5 * share * np.diff(rate, axis=1)
    area: NDArray[np.float64] = np.einsum("rp,rp->r", inside, height) / limit
    return area


def _flagged(positives: Rows, negatives: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True positives and all flagged `(R, B)`, from the strictest threshold to the laxest."""
    true = np.cumsum(positives[:, ::-1], axis=1, dtype=np.float64)
    return true, true + np.cumsum(negatives[:, ::-1], axis=1, dtype=np.float64)


def _shares(counts: Rows) -> NDArray[np.float64]:
    """Share `(R, B + 1)` reached from no threshold to the laxest; NaN in rows without any."""
    reached = np.cumsum(counts[:, ::-1], axis=1, dtype=np.float64)
    reached = np.concatenate([np.zeros((len(reached), 1)), reached], axis=1)
    return _ratio(reached, reached[:, -1:])


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
