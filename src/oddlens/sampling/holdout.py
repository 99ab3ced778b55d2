"""Normal footage set aside: validation and calibration never see what was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oddlens.sampling.clips import FrameRun
from oddlens.types import SamplingSpec

_FEW_RUNS = 5


def split_holdout(runs: Sequence[FrameRun], share: float, spec: SamplingSpec) -> tuple[list[FrameRun], list[FrameRun]]:
    """Training and held-out runs; about `share` of the frames is held out.

    Five runs and more: whole runs, evenly spread over the footage. Fewer: the last part of each run, with no
    frame in both. Runs too short to be cut stay in training.
    """
    usable = [run for run in runs if len(run) >= spec.span]
    if share <= 0 or not usable:
        return list(usable), []
    if chosen := spread_holdout(len(usable), share):
        held = [run for index, run in enumerate(usable) if index in chosen]
        return [run for index, run in enumerate(usable) if index not in chosen], held
    train, held = [], []
    for run in usable:
        tail = max(spec.span, round(share * len(run)))
        if len(run) - tail < spec.span:
            train.append(run)
            continue
        cut = len(run) - tail
        train.append(run.part(0, cut))
        held.append(run.part(cut, len(run)))
    return train, held


def spread_holdout(number: int, share: float) -> set[int]:
    """Which of `number` things are held out whole, evenly spread; none of fewer than five.

    Example:
        >>> sorted(spread_holdout(20, 0.1)), spread_holdout(4, 0.5)
        ([5, 15], set())
    """
    if share <= 0 or number < _FEW_RUNS:
        return set()
    count = min(max(1, round(share * number)), number - 1)
    return set(((np.arange(count) + 0.5) * number / count).astype(int).tolist())
