"""Calibration on held-out good photographs: what a score means, and from where on a photograph is rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, t

from oddlens.scoring.calibration import LEVELS, Calibration, heat_scale

_TAIL_PHOTOGRAPHS = 8
"""Photographs that must lie above the level at which the fitted tail takes over."""
_LEAST_FREEDOM = 4
"""Degrees of freedom that fewer photographs are taken to have: with two the bound would be out of any reach."""
_CONFIDENCE = 0.95
_MOST_HELD_OUT = 0.5
"""Largest share of the photographs that a warning advises to hold out."""


class Level(NamedTuple):
    """A value that good photographs stay below, but for a given share of them."""

    value: float
    extrapolated: bool


def calibrate_photographs(
    scores: ArrayLike,
    rate: float,
    *,
    held_out: bool = True,
    peaks: ArrayLike | None = None,
    map_values: ArrayLike | None = None,
    available: int = 0,
) -> Calibration:
    """Quantiles and a threshold from the scores of good photographs.

    The threshold is measured where there are photographs enough (`photographs_needed`): of n, floor(rate (n + 1)) lie
    above it, so that the next good photograph is rejected with a probability of at most `rate`, whatever the
    distribution (split conformal prediction). With fewer it is extrapolated, with a warning: see `good_level`.

    Args:
        scores: `(n,)` of the good photographs, at least one.
        rate: wanted share of good photographs that are rejected, 0..1.
        held_out: whether they were kept from training.
        peaks: `(n,)` highest value of each map, where the method localises: for outlines round what is odd.
        map_values: a sample of the values of their maps, for the scale of heat maps.
        available: all good photographs there are, for the advice on how many to hold out.
    """
    values = np.asarray(scores, np.float64)
    level = good_level(values, rate)
    scale = _scale(values, level, rate, held_out)
    # rounding must not let the scale swallow the step from the highest score allowed to the threshold
    allowed = values[values < level.value]
    floor_of_threshold = np.nextafter(scale.surprise(allowed.max()), np.inf) if allowed.size else -np.inf
    threshold = float(max(scale.surprise(level.value), floor_of_threshold))
    low, high = heat_scale(map_values) if map_values is not None else (scale.map_low, scale.map_high)
    return replace(
        scale,
        threshold=threshold,
        raw_threshold=level.value,
        extrapolated=level.extrapolated,
        false_reject_rate=rate,
        map_threshold=None if peaks is None else good_level(peaks, rate).value,
        map_low=low,
        map_high=high,
        warnings=tuple(_warnings(len(values), rate, held_out, available)),
    )


def good_level(values: ArrayLike, rate: float) -> Level:
    """The lowest level that at most a share `rate` of good photographs reaches, from the `values` of some `(n,)`.

    Where they are too few to measure it, it is extrapolated, never below the highest value: from 16 on by an
    exponential tail over the highest quantile that 8 of them exceed, below that as a prediction bound of a normal
    distribution (Student's t).

    Example:
        >>> good_level(range(200), 0.01)
        Level(value=198.00000000000003, extrapolated=False)
        >>> good_level(range(20), 0.01).extrapolated
        True
    """
    ranked = np.sort(np.asarray(values, np.float64))
    count = floor(rate * (len(ranked) + 1) + 1e-9)  # 0.01 of 100 is 1, whatever floats say
    if count:
        return Level(float(np.nextafter(ranked[-count], np.inf)), extrapolated=False)
    share = _highest_level(len(ranked))
    if len(ranked) >= 2 * _TAIL_PHOTOGRAPHS:
        start = float(np.quantile(ranked, share))
        above = ranked[ranked > start] - start
        excess = float(above.mean()) if above.size else 0.0
        value = start + excess * float(np.log((1 - share) / rate))
    else:
        freedom = max(len(ranked) - 1, _LEAST_FREEDOM)
        spread = float(ranked.std(ddof=1)) if len(ranked) > 1 else 0.0
        value = float(ranked.mean() + t.isf(rate, freedom) * spread * np.sqrt(1 + 1 / len(ranked)))
    return Level(max(value, float(np.nextafter(ranked[-1], np.inf))), extrapolated=True)


def photographs_needed(rate: float) -> int:
    """Held-out good photographs that a measured threshold for `rate` takes.

    Example:
        >>> photographs_needed(0.01), photographs_needed(0.05)
        (99, 19)
    """
    return ceil(1 / rate - 1 - 1e-9)


def rate_bounds(photographs: int, rate: float) -> tuple[float, float]:
    """Between which shares (95 %) the true rate of false rejects lies, of a threshold measured on so many.

    Example:
        >>> [round(bound, 4) for bound in rate_bounds(99, 0.01)]
        [0.0003, 0.0366]
    """
    count = floor(rate * (photographs + 1) + 1e-9)
    tail = (1 - _CONFIDENCE) / 2
    low, high = (float(beta.ppf(share, count, photographs + 1 - count)) for share in (tail, 1 - tail))
    return low, high


def reject_source(calibration: Calibration) -> str:
    """One sentence on where the threshold comes from, and how sure its rate is."""
    rate, number = calibration.false_reject_rate or 0.0, calibration.frames
    kind = "held-out good photographs" if calibration.held_out else "photographs it was trained on"
    chosen = f"chosen to reject {percent(rate)} of good photographs"
    if calibration.extrapolated:
        return f"{chosen}, extrapolated from {number} {kind}"
    low, high = (percent(bound) for bound in rate_bounds(number, rate))
    sure = f" (so many leave the true rate between {low} and {high})" if calibration.held_out else ""
    return f"{chosen}, measured on {number} {kind}{sure}"


def _scale(values: NDArray[np.float64], level: Level, rate: float, held_out: bool) -> Calibration:
    """Quantiles, and the tail above them; an extrapolated level gets the surprise of its rate."""
    levels = [share for share in LEVELS if share <= _highest_level(len(values))]
    knots = np.quantile(values, levels)
    knots = np.maximum.accumulate(knots + np.arange(len(knots)) * 1e-9)  # strictly growing
    above = values[values > knots[-1]] - knots[-1]
    tail = float(above.mean()) if len(above) else 0.0
    if level.extrapolated and rate < 1 - levels[-1]:
        tail = (level.value - float(knots[-1])) / float(np.log((1 - levels[-1]) / rate))
    return Calibration(
        frames=len(values),
        held_out=held_out,
        levels=tuple(levels),
        quantiles=tuple(knots.tolist()),
        tail_scale=max(tail, 1e-6),
    )


def _highest_level(photographs: int) -> float:
    """Share of the photographs below the highest quantile: one that enough of them exceed, or the median."""
    enough = [level for level in LEVELS if (1 - level) * photographs >= _TAIL_PHOTOGRAPHS]
    return max([0.5, *enough])


def _warnings(photographs: int, rate: float, held_out: bool, available: int) -> Sequence[str]:
    found = []
    needed = photographs_needed(rate)
    if photographs < needed:
        share = ceil(100 * needed / available) / 100 if available else 1.0
        advice = (
            f"set training.holdout: {share:g}" if share <= _MOST_HELD_OUT else f"of {10 * needed} photographs, a tenth"
        )
        fault = f"extrapolated from {photographs} {'held-out ' if held_out else ''}good photographs"
        best = f"they can vouch for {percent(1 / (photographs + 1))} at best, a measured one needs {needed} ({advice})"
        found.append(f"the threshold for {percent(rate)} of false rejects is {fault}; {best}")
    if not held_out:
        found.append(
            "calibrated on photographs it was trained on, so more good ones will be rejected; set training.holdout"
        )
    return found


def percent(share: float) -> str:
    """A share in per cent, to two digits.

    Example:
        >>> percent(0.01), percent(1 / 33)
        ('1 %', '3 %')
    """
    return f"{100 * share:.2g} %"
