"""Which scored boxes match which truth boxes, for all frames of a video at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError

_PAIRS = 1 << 20
"""Pairs of boxes compared at a time, which bounds the memory."""


class TruthBoxes(NamedTuple):
    """Truth of one video: M boxes, the frame each lies in, and the track each belongs to.

    A box is x1, y1, x2, y2: the first and last column and row it covers, both included.
    """

    boxes: NDArray[np.float64]
    """`(M, 4)`."""
    frames: NDArray[np.int64]
    """`(M,)`, ascending."""
    tracks: NDArray[np.int64]
    """`(M,)`: equal for the boxes of one track."""

    def within(self, start: int, stop: int) -> TruthBoxes:
        """The boxes of frames `start` to `stop` (excluded) alone."""
        kept = slice(*np.searchsorted(self.frames, [start, stop]))
        return TruthBoxes(self.boxes[kept], self.frames[kept], self.tracks[kept])


class Matches(NamedTuple):
    """What the predictions of one video find."""

    hit: NDArray[np.bool_]
    """`(N,)`: whether a prediction matches any truth box."""
    scores: NDArray[np.float64]
    """`(M,)`: the highest score that matches each truth box, minus infinity without any."""


def intersection_over_union(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Overlap `(P,)` of pairs of boxes `(P, 4)`, areas in inclusive pixels: (x2 - x1 + 1)(y2 - y1 + 1).

    Example:
        >>> intersection_over_union(np.array([[0.0, 0, 9, 9]]), np.array([[5.0, 0, 14, 9]])).round(3).tolist()
        [0.333]
    """
    start, end = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    common = np.maximum(end - start + 1, 0).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1) for boxes in (first, second)]
    overlap: NDArray[np.float64] = common / (areas[0] + areas[1] - common)
    return overlap


def match(predictions: NDArray[np.float64], frames: NDArray[np.int64], truth: TruthBoxes, overlap: float) -> Matches:
    """Match every prediction with every truth box of its frame that it overlaps by at least `overlap`.

    Args:
        predictions: `(N, 5)`: x1, y1, x2, y2, score.
        frames: `(N,)`.
        truth: truth boxes.
        overlap: least intersection over union.
    """
    hit = np.zeros(len(predictions), np.bool_)
    scores = np.full(len(truth.boxes), -np.inf)
    for prediction, box in _pairs(frames, truth.frames):
        close = intersection_over_union(predictions[prediction, :4], truth.boxes[box]) >= overlap
        prediction, box = prediction[close], box[close]
        hit[prediction] = True
        np.maximum.at(scores, box, predictions[prediction, 4])
    return Matches(hit, scores)


def track_scores(scores: NDArray[np.float64], tracks: NDArray[np.int64], share: float) -> NDArray[np.float64]:
    """Highest threshold at which at least `share` of each track's boxes are detected, in order of the tracks.

    Args:
        scores: `(M,)`, the threshold at which each box is.
        tracks: `(M,)`.
        share: above 0, at most 1.

    Example:
        >>> track_scores(np.array([0.2, 0.9, 0.5]), np.array([7, 7, 8]), share=1.0).tolist()
        [0.2, 0.5]
    """
    order = np.lexsort((-scores, tracks))
    _, starts, counts = np.unique(tracks[order], return_index=True, return_counts=True)
    needed = np.maximum(np.ceil(share * counts - 1e-9), 1).astype(np.int64)  # 0.1 of 30 is 3, whatever floats say
    reached: NDArray[np.float64] = scores[order[starts + needed - 1]]
    return reached


def check_predictions(predictions: ArrayLike, frames: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return `float64 (N, 5)` and `int64 (N,)`.

    Raises:
        DataError: the shapes do not agree, a value is not finite, or a box ends before it starts.

    Example:
        >>> check_predictions([[0, 0, 4, 4, 0.5]], [0, 1])
        Traceback (most recent call last):
        oddlens.errors.DataError: boxes: 1 boxes in 2 frame numbers; give one frame number a box
    """
    boxes, where = np.asarray(predictions, np.float64), np.asarray(frames, np.int64)
    boxes = boxes.reshape(0, 5) if not boxes.size else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 5:
        raise DataError("boxes", f"have shape {boxes.shape}", "give x1, y1, x2, y2 and score of each")
    if where.shape != boxes.shape[:1]:
        raise DataError("boxes", f"{len(boxes)} boxes in {where.size} frame numbers", "give one frame number a box")
    wrong = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:4] <= boxes[:, :2] - 1).any(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        fault = f"box {boxes[row, :4].tolist()} with score {boxes[row, 4]} is no box"
        raise DataError(f"frame {where[row]}", fault, "find out why the method failed there")
    return boxes, where


def _pairs(
    frames: NDArray[np.int64], truth_frames: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Indices of all (prediction, truth box) of one frame, some predictions at a time."""
    first = np.searchsorted(truth_frames, frames, "left")
    counts = np.searchsorted(truth_frames, frames, "right") - first
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(_PAIRS, ends[-1] if len(ends) else 0, _PAIRS)).tolist()
    for start, stop in zip([0, *cuts], [*cuts, len(frames)]):
        number = counts[start:stop]
        prediction = np.repeat(np.arange(start, stop), number)
        within = np.arange(len(prediction)) - np.repeat(np.cumsum(number) - number, number)
        yield prediction, first[prediction] + within
