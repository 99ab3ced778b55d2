"""What every picture of a score over time needs: runs, decimation, clock times, a fixed scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LOWEST_CEILING = 4.0
_HEADROOM = 2.0


def runs(flags: ArrayLike) -> list[tuple[int, int]]:
    """Maximal runs of true values as `(first, one past the last)`.

    Example:
        >>> runs([0, 1, 1, 0, 1])
        [(1, 3), (4, 5)]
    """
    padded = np.concatenate([[False], np.asarray(flags).astype(bool), [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2])]


def bin_starts(length: int, most: int) -> NDArray[np.intp]:
    """First index of each of at most `most` bins of nearly equal size that cover `length` values.

    Example:
        >>> bin_starts(10, 4).tolist()
        [0, 2, 5, 7]
    """
    bins = min(length, most)
    return (np.arange(bins, dtype=np.intp) * length) // max(bins, 1)


def pool_max(values: ArrayLike, starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Largest value of every bin, so that no peak is lost; NaN only where a bin holds nothing else.

    Example:
        >>> pool_max([1.0, 5.0, 2.0, 3.0], bin_starts(4, 2)).tolist()
        [5.0, 3.0]
    """
    whole = np.asarray(values, dtype=np.float64)
    if not len(starts):
        return whole[:0]
    return np.asarray(np.fmax.reduceat(whole, starts), dtype=np.float64)


def spans(flags: ArrayLike, times: NDArray[np.float64], starts: NDArray[np.intp]) -> list[tuple[float, float]]:
    """Runs of true flags as `(from, to)` in seconds, told apart no finer than the bins.

    A run ends where the next frame begins; one that reaches the end of the video ends with its last frame.

    Example:
        >>> spans([0, 1, 1, 0], np.array([0.0, 0.5, 1.0, 1.5]), bin_starts(4, 4))
        [(0.5, 1.5)]
    """
    edges = np.append(times[starts], times[-1:])
    binned = pool_max(np.asarray(flags)[: len(times)].astype(bool), starts[starts < len(np.asarray(flags))])
    return [(float(edges[first]), float(edges[last])) for first, last in runs(binned)]


def clock(seconds: float, decimals: int = 0) -> str:
    """Time as `mm:ss` or, from one hour on, `h:mm:ss`.

    Example:
        >>> clock(75.26, 1), clock(3725), clock(59.97, 1)
        ('01:15.3', '1:02:05', '01:00.0')
    """
    ticks = round(max(seconds, 0.0) * 10**decimals)
    whole, rest = divmod(ticks, 10**decimals)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    tail = f".{rest:0{decimals}d}" if decimals else ""
    return (f"{hours}:" if hours else "") + f"{minute:02d}:{second:02d}{tail}"


def rarity(surprise: float) -> str:
    """Surprise (minus log10 of a share of normal frames) in plain words, up to a million: no footage tells more.

    Example:
        >>> rarity(3.0), rarity(0.0), rarity(1.3), rarity(14.0)
        ('1 in 1,000', '1 in 1', '1 in 20', 'under 1 in 1,000,000')
    """
    if not math.isfinite(surprise):
        return "-"
    if surprise > 6:
        return "under 1 in 1,000,000"
    ratio = 10.0 ** max(surprise, 0.0)
    digits = 10.0 ** max(math.floor(math.log10(ratio)) - 1, 0)
    return f"1 in {round(ratio / digits) * digits:,.0f}"


def ceiling(threshold: float, values: ArrayLike = ()) -> float:
    """Top of a fixed surprise scale: room above the threshold and above the highest finite value.

    Example:
        >>> ceiling(2.0), ceiling(3.0, [7.0])
        (4.0, 7.35)
    """
    array = np.asarray(values, dtype=np.float64)
    finite = array[np.isfinite(array)]
    highest = float(finite.max()) if finite.size else 0.0
    floor = _HEADROOM * threshold if math.isfinite(threshold) else 0.0
    return round(max(_LOWEST_CEILING, floor, 1.05 * highest), 6)
