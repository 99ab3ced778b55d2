"""How many events a scorer finds at a given rate of false alarms, whatever threshold that takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from oddlens.metrics.events import event_curve
from oddlens.scoring.calibration import AlarmRule

RATES = (0.1, 1.0, 10.0)
"""False alarms an hour at which recall is told."""


def recall_at_rates(
    scores: Sequence[ArrayLike], labels: Sequence[ArrayLike], fps: Sequence[float], rule: AlarmRule
) -> dict[str, float | None]:
    """Event recall at each of `RATES`, by the rate as text; None without events or normal footage.

    The threshold is read off the test scores, so this says what ranking alone would allow; what a detector reaches at
    the threshold it chose itself is `event_recall`. Alarms open and close at one threshold, which needs no scale.

    Args:
        scores: V arrays `(T_v,)`, higher = odder.
        labels: V arrays `(T_v,)` of 0 and 1.
        fps: frames a second of each video.
        rule: how many frames open an alarm, and how many seconds close it.
    """
    close = max(1, round(rule.close_seconds * float(np.median(fps))))
    curve = event_curve(scores, labels, fps, open_frames=rule.open_frames, close_frames=close)
    known = not np.isnan(curve.recall).any()
    found = {f"{rate:g}": curve.recall_at(rate) if known else math.nan for rate in RATES}
    return {rate: None if math.isnan(recall) else recall for rate, recall in found.items()}
