"""ROC curves as plain numbers, as far as their shape needs them."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike

from oddlens.metrics.ranking import equal_error_rate, roc_auc, roc_curve

_DIGITS = 6


class Roc(TypedDict):
    """One curve, from (0, 0) to (1, 1), ready for JSON."""

    fpr: list[float]
    tpr: list[float]
    auc: float
    eer: float


def roc_record(labels: ArrayLike, scores: ArrayLike) -> Roc | None:
    """The corners of a ROC curve, its area and its equal error rate; None where a class is missing.

    Args:
        labels: `(N,)`, 1 = abnormal.
        scores: `(N,)`, higher = odder.

    Raises:
        DataError: lengths differ, a score is NaN, or a label is neither 0 nor 1.

    Example:
        >>> curve = roc_record([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8])
        >>> curve["fpr"], curve["tpr"], curve["eer"]
        ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0], 0.5)
    """
    fpr, tpr, _ = roc_curve(labels, scores)
    if np.isnan(fpr).any() or np.isnan(tpr).any():
        return None
    # a point between two others on one line shows nothing
    across, up = np.diff(fpr), np.diff(tpr)
    bends = np.abs(across[:-1] * up[1:] - across[1:] * up[:-1]) > 1e-12
    kept = np.concatenate([[True], bends, [True]])
    return {
        "fpr": [round(float(rate), _DIGITS) for rate in fpr[kept]],
        "tpr": [round(float(rate), _DIGITS) for rate in tpr[kept]],
        "auc": roc_auc(labels, scores),
        "eer": equal_error_rate(labels, scores),
    }
