"""AUPIMO: how much of each image's defect is found at a false positive rate so low that normal images stay clean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oddlens.metrics.pixel import Mask, aligned, map_pairs, score_bins
from oddlens.types import FloatArray

LOWER, UPPER = 1e-5, 1e-4
"""Shared false positive rates that AUPIMO integrates between."""


class PerImageOverlap(NamedTuple):
    """AUPIMO of a set of images."""

    mean: float
    """Over the abnormal images; NaN without any, or without a normal one."""
    images: NDArray[np.float64]
    """`(M,)`: each abnormal image's own, 0..1, in the order given; its distribution is half the message."""


class ImageOverlap:
    """Pools any number of images: a histogram (8 MiB) of normal images' pixels, the bins of others' truth pixels.

    Only images without a truth pixel count as normal. Bins are those of `PixelAUC`.

    Args:
        bits: leading bits kept of each score, 10 to 22.

    Example:
        >>> images = ImageOverlap()
        >>> images.update(np.array([[0.9, 0.1]]), np.array([[True, False]]))
        >>> images.update(np.array([[0.2, 0.3]]), np.array([[False, False]]))
        >>> images.aupimo().mean
        1.0
    """

    def __init__(self, bits: int = 20) -> None:
        if not 10 <= bits <= 22:
            raise ValueError(f"bits must be 10 to 22, not {bits}")
        self.bits = bits
        self.images = 0
        self.shared = np.zeros(1 << bits, dtype=np.float64)
        self._flawed: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []

    def update(self, map: FloatArray, mask: Mask) -> None:
        """Add one image; the map `(h, w)` is resized bilinearly to the mask's `(H, W)`.

        Raises:
            DataError: the map is not finite, or map or mask is not two-dimensional.
        """
        scores, truth = aligned(map, mask, self.images)
        self.add(score_bins(scores, self.bits), truth)

    def add(self, bins: NDArray[np.int64], truth: Mask) -> None:
        """Add one image whose bins `(H, W)` are known already."""
        self.images += 1
        if truth.any():
            found, counts = np.unique(bins[truth], return_counts=True)
            self._flawed.append((found.astype(np.int32), counts.astype(np.int32)))
            return
        low = int(bins.min())
        counts = np.bincount(bins.ravel() - low)
        self.shared[low : low + len(counts)] += counts / bins.size

    def aupimo(self, lower: float = LOWER, upper: float = UPPER) -> PerImageOverlap:
        """AUPIMO of all images so far between the shared false positive rates `lower` and `upper`."""
        levels = np.flatnonzero(self.shared)
        return _overlaps(self._flawed, levels, self.shared[levels], lower, upper)


def aupimo(
    maps: Iterable[FloatArray], masks: Iterable[Mask], lower: float = LOWER, upper: float = UPPER
) -> PerImageOverlap:
    """Area under each abnormal image's recall of truth pixels over the logarithm of the shared false positive rate.

    The shared rate F at a threshold is the mean over normal images of the share of their pixels that reach it; recall
    at a rate x is that of the lowest threshold with `F <= x`, so a tie that would exceed x is not flagged. The integral
    over `d log x` is divided by `log(upper / lower)` (evaluation.md, 1). Exact over the distinct scores; the truth
    pixels and the normal images' pixels are held in memory, `ImageOverlap` does without.

    Args:
        maps: one `(h, w)` an image, higher = odder, resized bilinearly to the mask.
        masks: one `bool (H, W)` an image, True = abnormal.
        lower: above 0, below `upper`.
        upper: at most 1.

    Raises:
        DataError: a map is not finite, shapes do not fit, or the numbers of maps and masks differ.
    """
    normal, sizes, flawed = [np.empty(0, np.float32)], [0], []
    for number, (map, mask) in enumerate(map_pairs(maps, masks)):
        scores, truth = aligned(map, mask, number)
        if truth.any():
            flawed.append(np.unique(scores[truth], return_counts=True))
        else:
            normal.append(scores.ravel())
            sizes.append(scores.size)
    levels, position = np.unique(np.concatenate(normal), return_inverse=True)
    weights = np.repeat(1 / np.maximum(sizes, 1), sizes)
    shared: NDArray[np.float64] = np.bincount(position, weights=weights, minlength=len(levels)).astype(np.float64)
    return _overlaps(flawed, levels, shared, lower, upper)


def log_widths(shared: NDArray[np.float64], lower: float, upper: float) -> NDArray[np.float64]:
    """How much of the integral falls to each of B thresholds, `(R, B)`; rows sum to 1 where there is a normal pixel.

    Threshold k flags what is above level k. It is the lowest allowed for shared rates from its own up to that of
    threshold k - 1.

    Args:
        shared: `(R, B)`: weight of the normal pixels at each of B levels, ascending, in R resamples.
        lower: shared rate where the integral begins.
        upper: shared rate where it ends.
    """
    if not 0 < lower < upper <= 1:
        raise ValueError(f"0 < lower < upper <= 1 must hold, not {lower} and {upper}")
    from_level = np.cumsum(shared[:, ::-1], axis=1)[:, ::-1]
    above = np.concatenate([from_level[:, 1:], np.zeros((len(shared), 1))], axis=1)
    whole = np.maximum(from_level[:, :1], np.finfo(np.float64).tiny)
    start, end = (np.log(np.clip(rates / whole, lower, upper)) for rates in (above, from_level))
    widths: NDArray[np.float64] = (end - start) / (np.log(upper) - np.log(lower))
    return widths


def recalls(
    values: NDArray[np.generic], counts: NDArray[np.generic], levels: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Share of one image's truth pixels above each of B levels.

    Args:
        values: `(n,)`: distinct scores or bins of its truth pixels, ascending.
        counts: `(n,)`: how many pixels have each.
        levels: `(B,)`, ascending.
    """
    reached = np.append(0, np.cumsum(counts))
    shares: NDArray[np.float64] = 1.0 - reached[np.searchsorted(values, levels, "right")] / reached[-1]
    return shares


def _overlaps(
    flawed: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    levels: NDArray[Any],
    shared: NDArray[np.float64],
    lower: float,
    upper: float,
) -> PerImageOverlap:
    widths = log_widths(shared[None], lower, upper)[0]
    useful = np.flatnonzero(widths)  # the few thresholds that flag hardly any normal pixel
    floors, steps = levels[useful], widths[useful]
    areas = [min(float(recalls(values, counts, floors) @ steps), 1.0) for values, counts in flawed]
    overlaps = np.array(areas if levels.size else np.full(len(flawed), np.nan), dtype=np.float64)
    return PerImageOverlap(float(overlaps.mean()) if overlaps.size else float("nan"), overlaps)
