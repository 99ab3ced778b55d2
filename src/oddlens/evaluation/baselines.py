"""Scores that never look at a picture: what they reach is the floor of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.evaluation.protocols import ProtocolScores
from oddlens.evaluation.summary import summarise

RANDOM_SEEDS = tuple(range(10))
"""Seeds over which the random baseline is averaged."""


def clock_scores(lengths: Sequence[int], fps: float | Sequence[float] = 1.0) -> list[NDArray[np.float64]]:
    """Seconds since the video's start (frames, without `fps`), one score a frame.

    Under per-video min-max it becomes the relative position in the clip, which knows the clip's length.

    Example:
        >>> [scores.tolist() for scores in clock_scores([2, 3])]
        [[0.0, 1.0], [0.0, 1.0, 2.0]]
    """
    rates = np.broadcast_to(np.asarray(fps, dtype=np.float64), len(lengths))
    return [np.arange(length, dtype=np.float64) / rate for length, rate in zip(lengths, rates)]


def random_scores(lengths: Sequence[int], seed: int = 0) -> list[NDArray[np.float64]]:
    """Independent uniform scores in 0..1, one a frame."""
    generator = np.random.default_rng(seed)
    return [generator.random(length) for length in lengths]


def trivial_baselines(
    lengths: Sequence[int], seed: int = 0, fps: float | Sequence[float] = 1.0
) -> dict[str, list[NDArray[np.float64]]]:
    """Scores `(T_v,)` a video of `clock` and `random`, to go through the protocols as a method's do.

    Example:
        >>> sorted(trivial_baselines([5, 7]))
        ['clock', 'random']
    """
    return {"clock": clock_scores(lengths, fps), "random": random_scores(lengths, seed)}


def random_baseline(
    labels: Sequence[ArrayLike],
    protocol: Callable[[Sequence[ArrayLike], Sequence[ArrayLike]], ProtocolScores],
    seeds: Sequence[int] = RANDOM_SEEDS,
    resamples: int = 1000,
) -> dict[str, Any]:
    """Mean summary of random scores over `seeds`, each through `protocol`; the key `seeds` names them."""
    summaries = []
    for seed in seeds:
        scored = protocol(random_scores([len(np.asarray(y)) for y in labels], seed), labels)
        summaries.append(summarise(scored.scores, scored.labels, seed=seed, resamples=resamples))
    return {**mean_summary(summaries), "seeds": list(seeds)}


def mean_summary(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean of every key over summaries of the same data; None where any of them has None.

    Example:
        >>> mean_summary([{"ap": 0.5, "interval": [0.0, 1.0]}, {"ap": 1.0, "interval": [0.5, 1.0]}])
        {'ap': 0.75, 'interval': [0.25, 1.0]}
    """
    return {key: _mean([summary[key] for summary in summaries]) for key in summaries[0]}


def _mean(values: list[Any]) -> Any:
    if any(value is None for value in values):
        return None
    if all(isinstance(value, int) for value in values) and len(set(values)) == 1:
        return values[0]  # a count that all share stays a count
    mean: Any = np.mean(values, axis=0).tolist()
    return mean
