"""AUC over several videos: micro (all frames pooled), macro (mean of videos), and both under resampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.metrics.ranking import roc_auc
from oddlens.metrics.validation import check_videos


class MacroAUC(NamedTuple):
    """Mean AUC over videos and how many videos it was taken over."""

    value: float
    videos: int


@dataclass(frozen=True)
class PairwiseWins:
    """All that the micro and macro AUC of any resample of V videos depend on.

    With multiplicities w the micro AUC is exactly `w.U.w / ((w.P)(w.N))`, so a bootstrap costs two small
    matrix products instead of sorting every frame again.
    """

    wins: NDArray[np.float64]
    """U `(V, V)`: pairs of a positive of video i and a negative of video j that it outscores, ties half."""
    positives: NDArray[np.float64]
    """P `(V,)`: abnormal frames a video."""
    negatives: NDArray[np.float64]
    """N `(V,)`: normal frames a video."""

    def __len__(self) -> int:
        return len(self.positives)

    def micro_auc(self, weights: ArrayLike | None = None) -> NDArray[np.float64]:
        """Micro AUC `(R,)` of R resamples; `weights` `(R, V)` are how often each video counts (default 1).

        NaN where a resample has only one class.
        """
        w = self._weights(weights)
        won = ((w @ self.wins) * w).sum(axis=1)
        return _ratio(won, (w @ self.positives) * (w @ self.negatives))

    def macro_auc(self, weights: ArrayLike | None = None) -> NDArray[np.float64]:
        """Macro AUC `(R,)` over the videos with both classes, weighted alike; NaN where there are none."""
        w = self._weights(weights)
        auc = self.video_auc()
        both = ~np.isnan(auc)
        return _ratio(w @ np.where(both, auc, 0.0), w @ both)

    def video_auc(self) -> NDArray[np.float64]:
        """AUC `(V,)` of every video alone; NaN for those with one class."""
        return _ratio(np.diagonal(self.wins), self.positives * self.negatives)

    def _weights(self, weights: ArrayLike | None) -> NDArray[np.float64]:
        return np.atleast_2d(np.ones(len(self)) if weights is None else np.asarray(weights, dtype=np.float64))


def pairwise_wins(scores: Sequence[ArrayLike], labels: Sequence[ArrayLike]) -> PairwiseWins:
    """Count, for every ordered pair of videos, the pairs of frames that are ranked right.

    Args:
        scores: V arrays `(T_v,)`, higher = odder.
        labels: V arrays `(T_v,)` of 0 and 1.

    Raises:
        DataError: numbers of videos or frames differ, a score is NaN, a label is neither 0 nor 1.

    Example:
        >>> pairwise_wins([[0.2, 0.9], [0.5]], [[0, 1], [0]]).wins.tolist()
        [[1.0, 1.0], [0.0, 0.0]]
    """
    values, truth = check_videos(scores, labels)
    positive = np.concatenate([s[y] for s, y in zip(values, truth)])
    counts = np.array([int(y.sum()) for y in truth])
    owner = np.repeat(np.arange(len(values)), counts)
    wins = np.zeros((len(values), len(values)))
    for j, (s, y) in enumerate(zip(values, truth)):
        negative = np.sort(s[~y])
        # "left" counts the negatives strictly below, "right" adds the ties: their mean counts ties half.
        below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
        wins[:, j] = np.bincount(owner, weights=0.5 * below, minlength=len(values))
    frames = np.array([len(y) for y in truth])
    return PairwiseWins(wins, counts.astype(np.float64), (frames - counts).astype(np.float64))


def pairwise_wins_of_counts(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> PairwiseWins:
    """`pairwise_wins` from histograms `(V, B)` over the same ascending bins; a bin's members tie."""
    positive, negative = positives.astype(np.float64), negatives.astype(np.float64)
    below = np.cumsum(negative, axis=1) - 0.5 * negative
    return PairwiseWins(positive @ below.T, positive.sum(axis=1), negative.sum(axis=1))


def micro_auc(scores: Sequence[ArrayLike], labels: Sequence[ArrayLike]) -> float:
    """ROC AUC of all frames of all videos pooled; NaN when a class is missing.

    Arguments and errors as for `pairwise_wins`.

    Example:
        >>> micro_auc([[0.2, 0.9], [0.5]], [[0, 1], [0]])
        1.0
    """
    values, truth = check_videos(scores, labels)
    return roc_auc(np.concatenate(truth), np.concatenate(values))


def macro_auc(
    scores: Sequence[ArrayLike],
    labels: Sequence[ArrayLike],
    single_class: Literal["skip", "padded"] = "skip",
) -> MacroAUC:
    """Mean of the videos' own ROC AUCs.

    Args:
        scores: V arrays `(T_v,)`, higher = odder.
        labels: V arrays `(T_v,)` of 0 and 1.
        single_class: `skip` leaves out videos with one class; `padded` (legacy, as AI-VAD's script) adds to
            every video one made-up normal frame below all scores and an abnormal one above, which flatters.

    Returns:
        The mean (NaN when no video counts) and the number of videos it was taken over.

    Raises:
        DataError: as for `pairwise_wins`.

    Example:
        >>> macro_auc([[0.2, 0.9], [0.5]], [[0, 1], [0]])
        MacroAUC(value=1.0, videos=1)
    """
    values, truth = check_videos(scores, labels)
    if single_class == "padded":
        values = [np.concatenate([s, [-np.inf, np.inf]]) for s in values]
        truth = [np.concatenate([y, [False, True]]) for y in truth]
    aucs = [roc_auc(y, s) for y, s in zip(truth, values) if y.any() and not y.all()]
    return MacroAUC(float(np.mean(aucs)) if aucs else float("nan"), len(aucs))


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
