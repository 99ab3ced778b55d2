"""F1-max: the best F1 that any threshold reaches. It is chosen on test labels, hence an oracle, no promise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from oddlens.metrics.counted import f1_of_rows
from oddlens.metrics.pixel import PixelAUC, bin_value
from oddlens.metrics.ranking import Counts, distinct_counts


class OracleF1(NamedTuple):
    """The highest F1 and the threshold that reaches it ("flag when score >= threshold"), chosen on the labels."""

    value: float
    threshold: float


def f1_max(labels: ArrayLike, scores: ArrayLike) -> OracleF1:
    """Highest F1 over all thresholds; of several that reach it, the strictest. NaN without positives.

    Args:
        labels: `(N,)`, 1 = abnormal, 0 = normal.
        scores: `(N,)`, higher = odder.

    Raises:
        DataError: lengths differ, a score is NaN, or a label is neither 0 nor 1.

    Example:
        >>> f1_max([0, 1, 0, 1], [0.1, 0.4, 0.6, 0.8])
        OracleF1(value=0.8, threshold=0.4)
    """
    values, positives, negatives = distinct_counts(labels, scores)
    best = _best(positives, negatives)
    return OracleF1(best[0], float(values[best[1]])) if best else OracleF1(float("nan"), float("nan"))


def pixel_f1_max(pixels: PixelAUC) -> OracleF1:
    """Highest F1 over all pixels pooled so far; the threshold is the lower end of its bin. NaN without positives."""
    best = _best(pixels.positives, pixels.negatives)
    return OracleF1(best[0], bin_value(best[1], pixels.bits)) if best else OracleF1(float("nan"), float("nan"))


def _best(positives: Counts, negatives: Counts) -> tuple[float, int] | None:
    """Highest F1 and the index of its score; None without positives."""
    if not positives.sum():
        return None
    filled = np.flatnonzero(positives + negatives)
    f1 = f1_of_rows(positives[None, filled], negatives[None, filled])[0]
    strictest = len(f1) - 1 - int(np.argmax(f1[::-1]))
    return float(f1[strictest]), int(filled[strictest])
