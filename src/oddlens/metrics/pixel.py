"""Pixel-level ROC AUC and average precision over any number of frames, in constant memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.metrics.ranking import auc_of_counts, average_precision_of_counts, roc_auc
from oddlens.types import FloatArray

Mask: TypeAlias = NDArray[np.bool_]
"""Pixel truth `bool (H, W)`, True = abnormal."""

_SIGN = np.uint32(1 << 31)


class PixelAUC:
    """Pools pixels of all frames in a histogram over the leading bits of their float32 scores.

    The bit pattern of a float32, with the sign bit turned, orders as the number does, so its leading `bits`
    bits make bins that fit any scale: with 20 (the default; 8 MiB a class) two scores share a bin only when
    they differ by less than 2^-11 of their size. Pixels in one bin count as ties; `error_bound` is the cost.

    Args:
        bits: leading bits kept, 10 to 22.

    Example:
        >>> pixels = PixelAUC()
        >>> pixels.update(np.array([[0.1, 0.9]]), np.array([[False, True]]))
        >>> pixels.auc()
        1.0
    """

    def __init__(self, bits: int = 20) -> None:
        if not 10 <= bits <= 22:
            raise ValueError(f"bits must be 10 to 22, not {bits}")
        self.bits = bits
        self.frames = 0
        self.positives = np.zeros(1 << bits, dtype=np.int64)
        self.negatives = np.zeros(1 << bits, dtype=np.int64)

    def update(self, map: FloatArray, mask: Mask) -> None:
        """Add one frame; the map `(h, w)` is resized bilinearly to the mask's `(H, W)`.

        Raises:
            DataError: the map is not finite, or map or mask is not two-dimensional.
        """
        scores, truth = aligned(map, mask, self.frames)
        bins = score_bins(scores, self.bits)
        low = int(bins.min())  # a frame fills a small part of the range: count only there
        total = np.bincount(bins.ravel() - low)
        positive = np.bincount(bins[truth] - low, minlength=len(total))
        self.positives[low : low + len(total)] += positive
        self.negatives[low : low + len(total)] += total - positive
        self.frames += 1

    def merge(self, other: PixelAUC) -> None:
        """Add all that `other` (of the same `bits`) has counted."""
        if other.bits != self.bits:
            raise ValueError(f"cannot merge {other.bits} bits into {self.bits}")
        self.positives += other.positives
        self.negatives += other.negatives
        self.frames += other.frames

    def coarsened(self, bits: int) -> PixelAUC:
        """The same counts in wider bins, small enough to keep one a video for a bootstrap."""
        if bits > self.bits:
            raise ValueError(f"cannot refine {self.bits} bits to {bits}")
        coarse = PixelAUC(bits)
        coarse.positives = self.positives.reshape(1 << bits, -1).sum(axis=1)
        coarse.negatives = self.negatives.reshape(1 << bits, -1).sum(axis=1)
        coarse.frames = self.frames
        return coarse

    def auc(self) -> float:
        """ROC AUC over all pixels so far; NaN when a class is missing."""
        return auc_of_counts(self.positives, self.negatives)

    def average_precision(self) -> float:
        """Average precision over all pixels so far; NaN without abnormal pixels."""
        return average_precision_of_counts(self.positives, self.negatives)

    def error_bound(self) -> float:
        """How far `auc` can lie from the AUC of the unbinned float32 scores; NaN when a class is missing."""
        positive, negative = self.positives.astype(np.float64), self.negatives.astype(np.float64)
        pairs = positive.sum() * negative.sum()
        return float(0.5 * (positive @ negative) / pairs) if pairs else float("nan")


class PixelLevelAUC:
    """AUC of the UCSD pixel-level criterion, frame by frame, see `pixel_level_criterion`; one number a frame is kept.

    Example:
        >>> frames = PixelLevelAUC()
        >>> frames.update(np.array([[0.9, 0.1]]), np.array([[True, False]]))
        >>> frames.update(np.array([[0.2, 0.3]]), np.array([[False, False]]))
        >>> frames.auc()
        1.0
    """

    def __init__(self, share: float = 0.4) -> None:
        self.share = share
        self._labels: list[bool] = []
        self._scores: list[float] = []

    def update(self, map: FloatArray, mask: Mask) -> None:
        """Add one frame; errors as for `PixelAUC.update`."""
        self._labels.append(bool(np.any(mask)))
        self._scores.append(critical_score(map, mask, self.share))

    def auc(self) -> float:
        """The criterion's AUC over all frames so far; NaN when a class is missing."""
        return roc_auc(np.array(self._labels, dtype=np.bool_), self._scores)


def pixel_auc(maps: Iterable[FloatArray], masks: Iterable[Mask]) -> float:
    """ROC AUC over all pixels of all frames; NaN when a class is missing.

    Args:
        maps: one `(h, w)` a frame, higher = odder, resized bilinearly to the mask.
        masks: one `bool (H, W)` a frame.

    Raises:
        DataError: as `PixelAUC.update`, or the numbers of maps and masks differ.
    """
    return _pooled(maps, masks).auc()


def pixel_average_precision(maps: Iterable[FloatArray], masks: Iterable[Mask]) -> float:
    """Average precision over all pixels of all frames; arguments and errors as for `pixel_auc`."""
    return _pooled(maps, masks).average_precision()


def critical_score(map: FloatArray, mask: Mask, share: float = 0.4) -> float:
    """Highest threshold at which the UCSD pixel-level criterion flags this frame.

    In an abnormal frame at least `share` of the truth pixels must reach it; in a normal frame any pixel does.
    """
    scores, truth = aligned(map, mask, 0)
    inside = scores[truth]
    if not inside.size:
        return float(scores.max())
    needed = max(1, math.ceil(share * inside.size - 1e-9))  # 0.4 of 5 pixels is 2, whatever floats say
    return float(np.partition(inside, inside.size - needed)[inside.size - needed])


def pixel_level_criterion(maps: Iterable[FloatArray], masks: Iterable[Mask], share: float = 0.4) -> float:
    """AUC of the old UCSD pixel-level criterion, *legacy*: it does not punish maps that flag everything.

    An abnormal frame is detected where at least `share` of its truth pixels reach the threshold; a normal
    frame with any such pixel is a false positive. Arguments and errors as for `pixel_auc`.

    Example:
        >>> maps = [np.array([[0.9, 0.1]]), np.array([[0.2, 0.3]])]
        >>> pixel_level_criterion(maps, [np.array([[True, False]]), np.array([[False, False]])])
        1.0
    """
    frames = PixelLevelAUC(share)
    for map, mask in map_pairs(maps, masks):
        frames.update(map, mask)
    return frames.auc()


def _pooled(maps: Iterable[FloatArray], masks: Iterable[Mask]) -> PixelAUC:
    pixels = PixelAUC()
    for map, mask in map_pairs(maps, masks):
        pixels.update(map, mask)
    return pixels


def map_pairs(maps: Iterable[FloatArray], masks: Iterable[Mask]) -> Iterable[tuple[FloatArray, Mask]]:
    """Each map with its mask; a DataError where one runs out before the other."""
    try:
        yield from zip(maps, masks, strict=True)
    except ValueError as error:
        if "zip()" not in str(error):
            raise
        raise DataError("maps", "there are not as many maps as masks", "give one mask a map") from error


def aligned(map: FloatArray, mask: Mask, frame: int) -> tuple[NDArray[np.float32], Mask]:
    """Map `float32 (H, W)`, resized bilinearly to the mask `bool (H, W)`, and the mask.

    Raises:
        DataError: the map is not finite, or map or mask is not two-dimensional; it names the `frame`.
    """
    truth = np.asarray(mask, dtype=np.bool_)
    if np.ndim(map) != 2 or truth.ndim != 2 or not np.size(map) or not truth.size:
        shapes = f"map {np.shape(map)} and mask {truth.shape}"
        raise DataError(f"frame {frame}", f"{shapes} are not both (height, width)", "give one plane a frame")
    if not np.isfinite(map).all():
        row, column = (int(k) for k in np.argwhere(~np.isfinite(map))[0])
        raise DataError(
            f"frame {frame}",
            f"the map is not finite at ({row}, {column})",
            "find out why the method failed there",
        )
    scores = np.ascontiguousarray(map, dtype=np.float32)
    if scores.shape != truth.shape:
        size = (truth.shape[1], truth.shape[0])
        scores = np.asarray(cv2.resize(scores, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    return scores, truth


def score_bins(scores: NDArray[np.float32], bits: int) -> NDArray[np.int64]:
    """Number of each score's bin, 0 to 2^bits - 1, ascending as the scores do; see `PixelAUC`."""
    pattern = (scores + np.float32(0)).view(np.uint32)  # adding 0 makes -0 the +0 it equals
    ordered = np.where(pattern & _SIGN, ~pattern, pattern | _SIGN)
    return (ordered >> np.uint32(32 - bits)).astype(np.int64)


def bin_value(bin: int, bits: int) -> float:
    """The lowest score of a bin of `score_bins`.

    Example:
        >>> bin_value(int(score_bins(np.array([0.5], np.float32), 20)[0]), 20)
        0.5
    """
    ordered = np.uint32(bin << (32 - bits))
    pattern = ordered ^ _SIGN if ordered & _SIGN else ~ordered
    return float(np.array([pattern], np.uint32).view(np.float32)[0])
