"""What every metric demands of its input: finite lengths that agree, labels of 0 and 1, no NaN."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError


def check_scores(scores: ArrayLike, subject: str = "scores") -> NDArray[np.float64]:
    """Return `scores` as `float64 (N,)`; infinities pass, because ranks are defined for them.

    Raises:
        DataError: not one-dimensional, or NaN at some position.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise DataError(subject, f"scores have shape {values.shape}", "give one number a frame")
    if np.isnan(values).any():
        position = int(np.flatnonzero(np.isnan(values))[0])
        raise DataError(subject, f"the score at position {position} is NaN", "find out why the method failed there")
    return values


def check_labels(labels: ArrayLike, subject: str = "labels") -> NDArray[np.bool_]:
    """Return `labels` as `bool (N,)`, True = abnormal.

    Raises:
        DataError: not one-dimensional, or a value other than 0 and 1.
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        raise DataError(subject, f"labels have shape {values.shape}", "give one label a frame")
    if values.dtype == np.bool_:
        return values
    wrong = np.flatnonzero((values != 0) & (values != 1))
    if wrong.size:
        position = int(wrong[0])
        raise DataError(
            subject,
            f"the label at position {position} is {values[position]}",
            "use 0 (normal) and 1 (abnormal)",
        )
    return values.astype(np.bool_)


def check_pair(
    labels: ArrayLike, scores: ArrayLike, subject: str = "scores"
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return labels `bool (N,)` and scores `float64 (N,)` of one length.

    Raises:
        DataError: as `check_labels` and `check_scores`, or the lengths differ.

    Example:
        >>> check_pair([0, 1], [0.1, 0.2, 0.3])
        Traceback (most recent call last):
        oddlens.errors.DataError: scores: 2 labels but 3 scores; give one label a scored frame
    """
    truth, values = check_labels(labels, subject), check_scores(scores, subject)
    if len(truth) != len(values):
        raise DataError(subject, f"{len(truth)} labels but {len(values)} scores", "give one label a scored frame")
    return truth, values


def check_videos(
    scores: Sequence[ArrayLike], labels: Sequence[ArrayLike]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.bool_]]]:
    """Return checked scores and labels of V videos; faults name the video by its number from 0.

    Raises:
        DataError: as `check_pair`, or the numbers of videos differ or are 0.
    """
    if len(scores) != len(labels):
        raise DataError(
            "videos",
            f"scores of {len(scores)} but labels of {len(labels)} videos",
            "give both for every video",
        )
    if not len(scores):
        raise DataError("videos", "there are none", "give at least one video")
    pairs = [check_pair(y, s, f"video {v}") for v, (s, y) in enumerate(zip(scores, labels))]
    return [s for _, s in pairs], [y for y, _ in pairs]
