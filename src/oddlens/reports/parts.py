"""The parts of a score over time: what the curves beneath it show, and which part stood out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LOWEST, _HIGHEST = -1.0, 4.0
"""Deviations that curves of parts show at least."""
_DEEPEST = -4.0
_ROOM = 1.05


@dataclass(frozen=True)
class Part:
    """One part of the score, one value a frame."""

    name: str
    values: NDArray[np.float64]
    """`(T,)`, higher = odder; NaN leaves a gap."""
    in_deviations: bool = False
    """Whether 0 is the mean of training frames and 1 their standard deviation."""
    level: float | None = None
    """Where this part alone would raise the alarm, the others being as usual."""


def part_ranges(videos: Iterable[Sequence[Part]]) -> dict[str, tuple[float, float]]:
    """Lower and upper edge of the curves of each part, the same in all `videos`.

    Parts in deviations share one range, so that heights can be compared; each of the others has its own.

    Example:
        >>> odd = Part("motion", np.array([0.0, 10.0]), True), Part("object", np.array([0.0, 1.0]), True)
        >>> part_ranges([odd])
        {'motion': (-1.0, 10.5), 'object': (-1.0, 10.5)}
    """
    ends: dict[str, tuple[float, float]] = {}
    comparable = set()
    for part in (part for parts in videos for part in parts):
        finite = part.values[np.isfinite(part.values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (np.inf, -np.inf)
        before = ends.get(part.name, (np.inf, -np.inf))
        ends[part.name] = min(before[0], low), max(before[1], high)
        if part.in_deviations:
            comparable.add(part.name)
    low = max(min([_LOWEST, *(ends[name][0] for name in comparable)]), _DEEPEST)
    high = max([_HIGHEST, *(_ROOM * ends[name][1] for name in comparable)])
    return {name: (low, high) if name in comparable else _own_range(*pair) for name, pair in ends.items()}


def _own_range(low: float, high: float) -> tuple[float, float]:
    if not low <= high:
        return 0.0, 1.0
    room = (high - low) * (_ROOM - 1) or max(abs(high), 1.0) * (_ROOM - 1)
    return low - room, high + room


def stood_out(deviations: Mapping[str, float]) -> tuple[str, str]:
    """Which part of a frame's score lies farthest above its usual value, and by how much each does.

    Args:
        deviations: of each part, from its mean over training frames.

    Returns:
        The part's name, empty where none is above its mean, and all parts, highest first.

    Example:
        >>> stood_out({"appearance": 2.24, "motion": 5.08, "object": 0.4})
        ('motion', 'motion 5.1, appearance 2.2, object 0.4')
    """
    ranked = sorted(deviations, key=lambda name: -deviations[name])
    highest = ranked[0] if ranked and deviations[ranked[0]] > 0 else ""
    return highest, ", ".join(f"{name} {deviations[name]:.1f}" for name in ranked)
