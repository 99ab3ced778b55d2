"""What the official code makes of the parts of the score of all test videos: its numbers under the protocol `paper`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.stats import rankdata

from oddlens.evaluation.protocols import Pipeline
from oddlens.methods.f2lm.scores import MOTION_HINGE, OFFICIAL_PARTS

Series: TypeAlias = NDArray[np.float64]
"""One value a frame, `float64 (T,)`."""
Clip: TypeAlias = Mapping[str, Series]
"""Series of one video by part of the score, higher = odder."""

DESTROYED = "destroyed"
DESTROYER_PARTS = (*OFFICIAL_PARTS, DESTROYED)
_EPSILON = 1e-8
_TOTAL, _STEP = 5.0, 0.1
_DESTROYED_WEIGHTS = (0.25, 0.5, 0.75, 1.0)
_CHUNK = 2_000_000
"""Scores that are ranked at a time."""


def paper_pipeline(
    parts: Sequence[str] = OFFICIAL_PARTS, weights: Sequence[float] | None = None, smoothing: float = 0.0
) -> Pipeline:
    """The official fusion, for a `PaperProtocol` without normalisation of its own.

    Args:
        parts: of the score.
        weights: of the parts; default: those of the official grid that rank the test videos best by their labels, as
            the official code reports them, with training and test alike. Such numbers are optimistic.
        smoothing: deviation in frames of a Gaussian, which looks into the future; 0 = none.

    Example:
        >>> paper_pipeline(weights=(1, 1, 3)).name
        'f2lm, weights 1, 1, 3'
        >>> paper_pipeline(smoothing=10).name
        'f2lm, weights that rank the test labels best (optimistic), smoothed over 10 frames'
    """
    how = "that rank the test labels best (optimistic)" if weights is None else ", ".join(f"{w:g}" for w in weights)
    name = f"f2lm, weights {how}" + (f", smoothed over {smoothing:g} frames" if smoothing else "")
    if weights is None:
        searched = partial(_searched, parts=tuple(parts), smoothing=smoothing)
        return Pipeline(name, tuple(parts), searched, uses_labels=True)
    return Pipeline(name, tuple(parts), partial(fuse, parts=tuple(parts), weights=tuple(weights), smoothing=smoothing))


def fuse(clips: Sequence[Clip], parts: Sequence[str], weights: Sequence[float], smoothing: float = 0.0) -> list[Series]:
    """Weighted sum of the parts, each in deviations from its mean over the video, stretched to 0..1, then smoothed.

    Args:
        clips: the videos.
        parts: those that count.
        weights: of the parts.
        smoothing: see `paper_pipeline`; smoothed scores no longer reach from 0 to 1.
    """
    return [_stretched(np.asarray(weights) @ _deviations(clip, parts), smoothing) for clip in clips]


def search_weights(
    clips: Sequence[Clip], labels: Sequence[ArrayLike], parts: Sequence[str] = OFFICIAL_PARTS, smoothing: float = 0.0
) -> tuple[tuple[float, ...], float]:
    """Weights of the official grid with the highest micro AUC on these labels, the first of several, and that AUC.

    With labels of one kind alone there is no AUC, and the first weights of the grid are as good as any.
    """
    grid = weight_grid(parts)
    truth = np.concatenate([np.asarray(label, np.bool_) for label in labels])
    if truth.all() or not truth.any():
        return _plain(grid[0]), float("nan")
    values = [_deviations(clip, parts) for clip in clips]
    if all((video == video[0]).all() for video in values):  # one series stands for all of them: any weights do
        grid = grid[:1]
    best, found = -1.0, grid[0]
    step = max(1, _CHUNK // len(truth))
    for start in range(0, len(grid), step):
        some = grid[start : start + step]
        scores = np.concatenate([_stretched(some @ video, smoothing) for video in values], axis=1)
        areas = _areas(scores, truth)
        highest = int(areas.argmax())
        if areas[highest] > best:
            best, found = float(areas[highest]), some[highest]
    return _plain(found), best


def weight_grid(parts: Sequence[str] = OFFICIAL_PARTS) -> NDArray[np.float64]:
    """All weights the official code tries, `(K, parts)`: those of motion, object and appearance add up to 5.

    Where the Destroyer's error counts, each of them with four weights of it.

    Example:
        >>> len(weight_grid()), len(weight_grid(DESTROYER_PARTS)), len(weight_grid(["appearance"]))
        (1179, 4716, 1)
    """
    rows: list[tuple[float, ...]] = [(1.0,)]
    if MOTION_HINGE in parts:
        firsts = np.arange(_STEP, _TOTAL - _STEP, _STEP).tolist()
        # ranges of floats, as the official grid, so that in three rows nothing is left for the appearance
        pairs = [(a, b) for a in firsts for b in np.arange(_STEP, round(_TOTAL - a, 1), _STEP).tolist()]
        rows = [(round(a, 1), round(b, 1), abs(round(_TOTAL - a - b, 1))) for a, b in pairs]
    if DESTROYED in parts:
        rows = [(*row, weight) for row in rows for weight in _DESTROYED_WEIGHTS]
    return np.array(rows)


def _searched(
    clips: Sequence[Clip], labels: Sequence[ArrayLike], parts: Sequence[str], smoothing: float
) -> list[Series]:
    return fuse(clips, parts, search_weights(clips, labels, parts, smoothing)[0], smoothing)


def _deviations(clip: Clip, parts: Sequence[str]) -> NDArray[np.float64]:
    """The parts of one video, each less its mean and divided by its deviation: `(parts, T)`."""
    values = np.stack([np.asarray(clip[part], np.float64) for part in parts])
    centred = values - values.mean(axis=1, keepdims=True)
    deviations: NDArray[np.float64] = centred / (values.std(axis=1, keepdims=True) + _EPSILON)
    return deviations


def _stretched(scores: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """Scores `(..., T)` of one video, stretched to 0..1 and, if wanted, smoothed."""
    low, high = scores.min(axis=-1, keepdims=True), scores.max(axis=-1, keepdims=True)
    stretched: NDArray[np.float64] = (scores - low) / (high - low + _EPSILON)
    if smoothing:
        stretched = gaussian_filter1d(stretched, smoothing, axis=-1, mode="reflect")
    return stretched


def _areas(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """ROC AUC of each row of `(K, N)`; ties count half."""
    positives = int(truth.sum())
    ranks = rankdata(scores, axis=1)[:, truth].sum(axis=1)
    pairs = positives * (len(truth) - positives)
    areas: NDArray[np.float64] = (ranks - positives * (positives + 1) / 2) / pairs
    return areas


def _plain(weights: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(weight) for weight in weights)
