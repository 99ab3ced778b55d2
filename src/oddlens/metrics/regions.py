"""RBDC and TBDC: how well scored boxes find truth boxes and their tracks (the criteria of Street Scene)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import trapezoid

from oddlens.errors import DataError
from oddlens.metrics.region_matching import TruthBoxes, check_predictions, match, track_scores

OVERLAP = 0.1
"""Beta: the least intersection over union of a prediction and a truth box that match."""
TRACK_SHARE = 0.1
"""Alpha: the least share of a track's boxes that must be detected for the track to be."""


class RegionCurve(NamedTuple):
    """Operating points from the strictest threshold (+inf, nothing flagged) to the laxest (every box flagged)."""

    fpr: NDArray[np.float64]
    """False positive boxes a frame; may exceed 1."""
    rbdr: NDArray[np.float64]
    """Share of the truth boxes that are detected; NaN without any."""
    tbdr: NDArray[np.float64]
    """Share of the tracks that are detected; NaN without any."""
    thresholds: NDArray[np.float64]


class RegionDetection:
    """Pools the boxes of any number of videos, and keeps but one score a false positive, truth box and track.

    A prediction matches a truth box of its frame where their intersection over union is at least `overlap`. A
    truth box is detected from the highest score that matches it downwards, a track from the score at which
    `share` of its boxes are. A prediction that matches nothing at all is a false positive; one that matches only
    what is detected already is neither. So no threshold needs a matching of its own.

    Args:
        overlap: beta, above 0, at most 1.
        share: alpha, above 0, at most 1.

    Example:
        >>> truth = TruthBoxes(np.array([[10.0, 10, 29, 29]]), np.array([0]), np.array([0]))
        >>> regions = RegionDetection()
        >>> regions.update([[10, 10, 29, 29, 0.9], [60, 60, 79, 79, 0.5]], [0, 0], truth, frames=2)
        >>> regions.rbdc(), regions.tbdc()
        (1.0, 1.0)
    """

    def __init__(self, overlap: float = OVERLAP, share: float = TRACK_SHARE) -> None:
        if not (0 < overlap <= 1 and 0 < share <= 1):
            raise ValueError(f"overlap and share must be above 0 and at most 1, not {overlap} and {share}")
        self.overlap, self.share = overlap, share
        self.frames = 0
        self._false: list[NDArray[np.float64]] = []
        self._boxes: list[NDArray[np.float64]] = []
        self._tracks: list[NDArray[np.float64]] = []

    def update(self, predictions: ArrayLike, frames_of: ArrayLike, truth: TruthBoxes, frames: int) -> None:
        """Add one video.

        Args:
            predictions: `(N, 5)`: x1, y1, x2, y2 in inclusive pixels, and score, higher = odder.
            frames_of: `(N,)`: the frame of each, counted as in `truth`.
            truth: its boxes and tracks.
            frames: how many frames of the video count.

        Raises:
            DataError: a value is not finite, a box ends before it starts, or the lengths differ.
        """
        found, where = check_predictions(predictions, frames_of)
        matches = match(found, where, truth, self.overlap)
        self._false.append(found[~matches.hit, 4])
        self._boxes.append(matches.scores)
        self._tracks.append(track_scores(matches.scores, truth.tracks, self.share))
        self.frames += frames

    def curve(self) -> RegionCurve:
        """The operating points at every score that changes one; boxes of equal score enter together.

        Raises:
            DataError: no frame was added.
        """
        if not self.frames:
            raise DataError("regions", "there are no frames", "add a video with masks")
        false, boxes, tracks = (np.concatenate(values) for values in (self._false, self._boxes, self._tracks))
        steps = np.unique(np.concatenate([false, boxes, tracks]))[::-1]
        thresholds = np.append(np.inf, steps[steps > -np.inf])
        return RegionCurve(
            fpr=_reached(false, thresholds) / self.frames,
            rbdr=_share(boxes, thresholds),
            tbdr=_share(tracks, thresholds),
            thresholds=thresholds,
        )

    def rbdc(self) -> float:
        """Region-based detection criterion, 0..1; NaN without truth boxes."""
        curve = self.curve()
        return area_up_to_one(curve.fpr, curve.rbdr)

    def tbdc(self) -> float:
        """Track-based detection criterion, 0..1; NaN without tracks."""
        curve = self.curve()
        return area_up_to_one(curve.fpr, curve.tbdr)


def area_up_to_one(fpr: NDArray[np.float64], rate: NDArray[np.float64]) -> float:
    """Area under `rate` from a false positive rate of 0 to 1: trapezoids; a rate that ends before 1 is held.

    Example:
        >>> area_up_to_one(np.array([0.0, 0.0, 2.0]), np.array([0.0, 0.5, 1.0]))
        0.625
    """
    inside = int(np.searchsorted(fpr, 1.0, "right"))
    last = rate[inside - 1]
    if inside < len(fpr):
        last += (rate[inside] - last) * (1.0 - fpr[inside - 1]) / (fpr[inside] - fpr[inside - 1])
    return float(trapezoid(np.append(rate[:inside], last), np.append(fpr[:inside], 1.0)))


def _reached(scores: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    return len(scores) - np.searchsorted(np.sort(scores), thresholds, "left")


def _share(scores: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(scores):
        return np.full(len(thresholds), np.nan)
    share: NDArray[np.float64] = _reached(scores, thresholds) / len(scores)
    return share
