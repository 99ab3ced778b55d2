"""Calibration on held-out normal footage: what a raw score means, and where the alarm starts.

Surprise = -log10 of the share of normal frames that score at least so high: 1 is one frame in ten, 3 one in
a thousand. It grows strictly with the raw score, so no ranking changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.config import Settings, build
from oddlens.scoring.events import alarm_runs

LEVELS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999)
"""Shares of normal scores that make the scale, as far up as there are scores enough."""
_TAIL_FRAMES = 30
"""Frames that must lie above the level at which the fitted tail takes over."""
_MEASURED_ALARMS = 5
"""With so many wanted alarms inside the normal footage the threshold is measured, below it extrapolated."""
_LOWEST = 1.0
"""Surprise of one frame in ten: no threshold lies lower."""
_LN10 = float(np.log(10.0))


@dataclass(frozen=True, kw_only=True)
class Calibration(Settings):
    """Scale and threshold of one detector."""

    frames: int
    """Normal frames the calibration rests on; 0 = none, scores stay raw."""
    hours: float = 0.0
    held_out: bool = True
    """Whether those frames were kept from training."""
    levels: tuple[float, ...] = ()
    """Shares of normal frames below each quantile."""
    quantiles: tuple[float, ...] = ()
    """Raw scores at `levels`; the last one starts the tail."""
    tail_scale: float = 1.0
    """Mean excess over the last quantile, in raw units (exponential tail)."""
    threshold: float = float("inf")
    """Surprise at which an alarm opens."""
    raw_threshold: float = float("inf")
    false_alarms_per_hour: float = 1.0
    """The rate the threshold was chosen for."""
    expected_false_alarms_per_hour: float = 0.0
    """The rate counted on (or extrapolated from) the normal footage at this threshold."""
    extrapolated: bool = False
    false_reject_rate: float | None = None
    """Share of good photographs that the threshold was chosen to reject; None for footage."""
    map_threshold: float | None = None
    """Map value that no place of a good photograph reaches, but for that share of them; None without maps."""
    map_low: float = 0.0
    map_high: float = 1.0
    """Heat-map scale: the median and the 99.9 % quantile of normal map values."""
    warnings: tuple[str, ...] = ()

    def is_scale(self) -> bool:
        """Whether the quantiles grow with their levels, as those of any footage do."""
        levels, quantiles = np.asarray(self.levels), np.asarray(self.quantiles)
        grows = len(levels) == len(quantiles) and bool((np.diff(levels) > 0).all() and (np.diff(quantiles) > 0).all())
        return grows and bool(((levels >= 0) & (levels < 1)).all()) and self.tail_scale > 0

    def surprise(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Calibrated scores of raw `scores`; without calibration the raw scores themselves."""
        raw = np.asarray(scores, np.float64)
        if not self.quantiles:
            return raw
        knots = np.asarray(self.quantiles)
        heights = -np.log10(1.0 - np.asarray(self.levels))
        inside = np.interp(raw, knots, heights)
        # few normal frames leave a single quantile: the tail is then the only scale there is
        below = (raw - knots[0]) / max(knots[-1] - knots[0], self.tail_scale)
        above = heights[-1] + (raw - knots[-1]) / (self.tail_scale * _LN10)
        return np.where(raw < knots[0], below, np.where(raw > knots[-1], above, inside))

    def raw(self, surprise: float) -> float:
        """The raw score of a `surprise` (the inverse of `surprise` from the lowest quantile on)."""
        if not self.quantiles:
            return surprise
        heights = -np.log10(1.0 - np.asarray(self.levels))
        if surprise > heights[-1]:
            return float(self.quantiles[-1] + (surprise - heights[-1]) * self.tail_scale * _LN10)
        return float(np.interp(surprise, heights, np.asarray(self.quantiles)))


@dataclass(frozen=True)
class NormalScores:
    """Scores of one run of normal frames, and its frame rate."""

    scores: NDArray[np.float64]
    fps: float


@dataclass(frozen=True)
class AlarmRule:
    """How alarms open and close, see `ScoringSettings`."""

    false_alarms_per_hour: float = 1.0
    open_frames: int = 1
    close_seconds: float = 1.0
    hysteresis: float = 0.2


def calibrate(
    runs: Sequence[NormalScores],
    rule: AlarmRule,
    held_out: bool = True,
    map_values: ArrayLike | None = None,
    unlabelled: bool = False,
) -> Calibration:
    """Quantiles and an alarm threshold from the scores of normal footage.

    The threshold is the lowest at which the footage itself shows no more alarms an hour than wanted; with too
    little footage for that (fewer than five wanted alarms in it) the peaks of the runs above the 90 % quantile are
    taken as exponentially distributed and the rate is extrapolated, with a warning.

    Args:
        runs: at least one, with at least two different scores in all.
        rule: the wanted rate, and how alarms open and close.
        held_out: whether the runs were kept from training.
        map_values: a sample of the values of normal maps, for the heat-map scale.
        unlabelled: whether the footage, trained on without a look at it, may hold what is searched for; then an
            extrapolated threshold may lie below its highest peak.
    """
    scores = np.concatenate([run.scores for run in runs])
    hours = float(sum(len(run.scores) / run.fps for run in runs) / 3600)
    levels = [level for level in LEVELS if level == 0 or (1 - level) * len(scores) >= _TAIL_FRAMES]
    knots = np.quantile(scores, levels)
    knots = np.maximum.accumulate(knots + np.arange(len(knots)) * 1e-9)  # strictly growing
    excess = scores[scores > knots[-1]] - knots[-1]
    base: dict[str, Any] = {
        "frames": len(scores),
        "hours": hours,
        "held_out": held_out,
        "levels": tuple(levels),
        "quantiles": tuple(knots.tolist()),
        "tail_scale": float(max(excess.mean() if len(excess) else 0.0, 1e-6)),
        "false_alarms_per_hour": rule.false_alarms_per_hour,
    }
    if map_values is not None:
        base["map_low"], base["map_high"] = heat_scale(map_values)
    return _with_threshold(Calibration(**base), runs, rule, unlabelled)


def heat_scale(map_values: ArrayLike) -> tuple[float, float]:
    """Coldest and hottest value of heat maps: the median and the 99.9 % quantile of normal values."""
    low, high = np.quantile(np.asarray(map_values, np.float64), [0.5, 0.999])
    return float(low), float(max(high, low + 1e-9))


def count_alarms(calibration: Calibration, runs: Sequence[NormalScores], rule: AlarmRule, threshold: float) -> int:
    """Alarms in `runs` at a `threshold` on the surprise."""
    count = 0
    for run in runs:
        close = max(1, round(rule.close_seconds * run.fps))
        low = threshold - rule.hysteresis
        count += len(alarm_runs(calibration.surprise(run.scores), threshold, low, rule.open_frames, close))
    return count


def _with_threshold(scale: Calibration, runs: Sequence[NormalScores], rule: AlarmRule, unlabelled: bool) -> Calibration:
    wanted = rule.false_alarms_per_hour * scale.hours
    extrapolated = wanted < _MEASURED_ALARMS
    may_be_odd = unlabelled and not scale.held_out
    threshold, expected = _extrapolate(scale, runs, rule, may_be_odd) if extrapolated else _measure(scale, runs, rule)
    warnings = []
    if extrapolated:
        warnings.append(
            f"the threshold for {per_hour(rule.false_alarms_per_hour)} is extrapolated from "
            f"{_duration(scale.hours)} of normal footage; for a measured one give at least "
            f"{_duration(_MEASURED_ALARMS / rule.false_alarms_per_hour / 0.1)} of it (a tenth is held out)"
        )
    if not scale.held_out:
        warnings.append("calibrated on footage it was trained on, so real rates will be higher; set training.holdout")
    values = scale.to_dict() | {
        "threshold": threshold,
        "raw_threshold": scale.raw(threshold),
        "expected_false_alarms_per_hour": expected,
        "extrapolated": extrapolated,
        "warnings": tuple(warnings),
    }
    return build(Calibration, values, "calibration")


def _measure(scale: Calibration, runs: Sequence[NormalScores], rule: AlarmRule) -> tuple[float, float]:
    """Bisection for the lowest threshold that keeps to the wanted number of alarms.

    It stays above the level of one frame in ten: below, alarms grow few again because they merge into one.
    """
    wanted = rule.false_alarms_per_hour * scale.hours
    top = max(float(scale.surprise(run.scores).max()) for run in runs)
    low, high = _LOWEST, max(top, _LOWEST) + 1e-6
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if count_alarms(scale, runs, rule, middle) <= wanted else (middle, high)
    return high, count_alarms(scale, runs, rule, high) / scale.hours


def _extrapolate(
    scale: Calibration, runs: Sequence[NormalScores], rule: AlarmRule, may_be_odd: bool
) -> tuple[float, float]:
    """Peaks over a threshold: rate(t) = rate(u) exp(-(t - u) / mean excess of the peaks over u)."""
    start = _LOWEST
    peaks = []
    for run in runs:
        surprise = scale.surprise(run.scores)
        close = max(1, round(rule.close_seconds * run.fps))
        for first, last in alarm_runs(surprise, start, start - rule.hysteresis, rule.open_frames, close):
            peaks.append(surprise[first : last + 1].max())
    rate = max(len(peaks), 1) / scale.hours
    excess = float(np.mean(peaks)) - start if peaks else 0.5
    threshold = start + max(excess, 0.1) * float(np.log(max(rate / rule.false_alarms_per_hour, 1.0)))
    if not may_be_odd:  # nothing seen in normal footage is an alarm
        threshold = max(threshold, float(np.nextafter(max(peaks, default=start), np.inf)))
    return threshold, rule.false_alarms_per_hour


def per_hour(rate: float) -> str:
    """A rate of false alarms in words.

    Example:
        >>> per_hour(1), per_hour(0.5)
        ('1 false alarm an hour', '0.5 false alarms an hour')
    """
    return f"{rate:g} false alarm{'' if rate == 1 else 's'} an hour"


def _duration(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} hours"
    return f"{hours * 60:.1f} minutes" if hours * 60 >= 1 else f"{hours * 3600:.1f} seconds"
