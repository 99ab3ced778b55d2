"""ROC AUC, average precision and equal error rate of a ranking: higher = odder, ties count half."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.metrics.validation import check_pair

Counts = NDArray[np.float64] | NDArray[np.int64]
"""Number of frames or pixels at each distinct score, in ascending order of score."""


class RocCurve(NamedTuple):
    """Operating points from the strictest threshold (+inf, nothing flagged) to the laxest (all flagged)."""

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def auc_of_counts(positives: Counts, negatives: Counts) -> float:
    """ROC AUC from the numbers of positives and negatives at each distinct score, ascending.

    NaN when a class is empty. Computed in float64, so that products of billions of pixels do not overflow.

    Example:
        >>> auc_of_counts(np.array([0, 1]), np.array([1, 1]))
        0.75
    """
    positive, negative = positives.astype(np.float64), negatives.astype(np.float64)
    pairs = positive.sum() * negative.sum()
    if not pairs:
        return float("nan")
    below = np.cumsum(negative) - 0.5 * negative
    return float(positive @ below / pairs)


def average_precision_of_counts(positives: Counts, negatives: Counts) -> float:
    """Average precision from the numbers of positives and negatives at each distinct score, ascending.

    NaN when there are no positives.
    """
    positive, negative = positives[::-1].astype(np.float64), negatives[::-1].astype(np.float64)
    total = positive.sum()
    if not total:
        return float("nan")
    true = np.cumsum(positive)
    flagged = true + np.cumsum(negative)
    # Empty histogram bins before the first score flag nothing: their precision has weight 0.
    return float(positive @ (true / np.maximum(flagged, 1)) / total)


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: P(s+ > s-) + P(s+ = s-) / 2 over all pairs; NaN when a class is missing.

    Args:
        labels: `(N,)`, 1 = abnormal, 0 = normal.
        scores: `(N,)`, higher = odder.

    Raises:
        DataError: lengths differ, a score is NaN, or a label is neither 0 nor 1.

    Example:
        >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
        0.875
    """
    _, positives, negatives = distinct_counts(labels, scores)
    return auc_of_counts(positives, negatives)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Sum of (R_k - R_k-1) P_k over the distinct thresholds, descending; NaN without positives.

    Arguments and errors as for `roc_auc`.

    Example:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
        0.833333
    """
    _, positives, negatives = distinct_counts(labels, scores)
    return average_precision_of_counts(positives, negatives)


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Every operating point of "flag when score >= threshold"; the rate of a missing class is NaN.

    Arguments and errors as for `roc_auc`; each array has one entry more than there are distinct scores.

    Example:
        >>> roc_curve([0, 1], [0.2, 0.7]).tpr.tolist()
        [0.0, 1.0, 1.0]
    """
    values, positives, negatives = distinct_counts(labels, scores)
    return RocCurve(
        fpr=_cumulative_rate(negatives),
        tpr=_cumulative_rate(positives),
        thresholds=np.concatenate([[np.inf], values[::-1]]),
    )


def equal_error_rate(labels: ArrayLike, scores: ArrayLike) -> float:
    """FPR where FPR = 1 - TPR, linear between operating points; NaN when a class is missing.

    Arguments and errors as for `roc_auc`.

    Example:
        >>> equal_error_rate([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8])
        0.5
    """
    fpr, tpr, _ = roc_curve(labels, scores)
    excess = fpr + tpr - 1.0  # strictly rises from -1 to 1, so it crosses 0 exactly once
    if np.isnan(excess).any():
        return float("nan")
    return float(np.interp(0.0, excess, fpr))


def distinct_counts(
    labels: ArrayLike, scores: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct scores, ascending, and the numbers of positives and negatives at each; errors as for `roc_auc`."""
    truth, values = check_pair(labels, scores)
    distinct, group = np.unique(values, return_inverse=True)
    total = np.bincount(group, minlength=len(distinct))
    positives = np.bincount(group[truth], minlength=len(distinct))
    return distinct, positives, total - positives


def _cumulative_rate(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    reached = np.concatenate([[0], np.cumsum(counts[::-1])])
    if not reached[-1]:
        return np.full(len(reached), np.nan)
    rate: NDArray[np.float64] = reached / reached[-1]
    return rate
