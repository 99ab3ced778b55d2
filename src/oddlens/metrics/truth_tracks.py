"""Truth boxes and their tracks from pixel masks: connected parts, linked from frame to frame by overlap."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.metrics.pixel import Mask
from oddlens.metrics.region_matching import TruthBoxes

SPECK = 5
"""Parts of fewer pixels are no truth boxes."""

_Parts = NDArray[np.int32]


class TruthTracker:
    """Takes the masks of one video in order; keeps their boxes and, to link them, the last mask's parts.

    The boxes of a frame are those of its mask's 8-connected parts. A part goes on the track of the part of the
    frame before with which it shares most pixels: the pair with the largest overlap is linked first, and each part
    once. So where two parts merge the track of the one with more pixels in common goes on, where one splits the
    other part begins a track, and a frame without a part ends it.

    Args:
        speck: parts of fewer pixels are left out.

    Example:
        >>> tracker = TruthTracker(speck=1)
        >>> tracker.push(np.eye(4, dtype=bool))
        >>> tracker.push(np.eye(4, dtype=bool))
        >>> tracker.truth().boxes.tolist(), tracker.truth().tracks.tolist()
        ([[0.0, 0.0, 3.0, 3.0], [0.0, 0.0, 3.0, 3.0]], [0, 0])
    """

    def __init__(self, speck: int = SPECK) -> None:
        self.speck = speck
        self.frames = 0
        self._boxes: list[NDArray[np.float64]] = []
        self._tracks: list[NDArray[np.int64]] = []
        self._parts: _Parts | None = None
        self._begun = 0

    def push(self, mask: Mask) -> None:
        """Take the mask `bool (H, W)` of the next frame.

        Raises:
            DataError: it is not two-dimensional, or of another size than the one before.
        """
        truth = np.ascontiguousarray(mask, dtype=np.uint8)
        if truth.ndim != 2 or not truth.size:
            raise DataError(f"frame {self.frames}", f"the mask has shape {truth.shape}", "give one plane a frame")
        if self._parts is not None and self._parts.shape != truth.shape:
            fault = f"the mask is {truth.shape}, the one before it {self._parts.shape}"
            raise DataError(f"frame {self.frames}", fault, "give masks of one size")
        parts, boxes = _parts_of(truth, self.speck)
        tracks = np.full(len(boxes), -1, np.int64)
        if self._parts is not None and len(boxes) and len(self._tracks[-1]):
            _link(self._parts, parts, self._tracks[-1], tracks)
        new = tracks < 0
        tracks[new] = self._begun + np.arange(new.sum())
        self._begun += int(new.sum())
        self._boxes.append(boxes)
        self._tracks.append(tracks)
        self._parts = parts
        self.frames += 1

    def truth(self) -> TruthBoxes:
        """Boxes and tracks of all masks so far."""
        counts = [len(boxes) for boxes in self._boxes]
        return TruthBoxes(
            np.concatenate([np.empty((0, 4)), *self._boxes]),
            np.repeat(np.arange(self.frames), counts),
            np.concatenate([np.empty(0, np.int64), *self._tracks]),
        )


def truth_tracks(masks: Iterable[Mask], speck: int = SPECK) -> TruthBoxes:
    """Truth boxes and tracks of the masks of one video, see `TruthTracker`."""
    tracker = TruthTracker(speck)
    for mask in masks:
        tracker.push(mask)
    return tracker.truth()


def _parts_of(mask: NDArray[np.uint8], speck: int) -> tuple[_Parts, NDArray[np.float64]]:
    """Number of each pixel's part (0 = none, specks included) and the parts' boxes, in order of their numbers."""
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_BBDT)
    kept = stats[:, cv2.CC_STAT_AREA] >= speck
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    left, top, width, height = stats[kept, :4].T.astype(np.float64)
    return numbers[labels], np.stack([left, top, left + width - 1, top + height - 1], axis=1)


def _link(before: _Parts, parts: _Parts, old: NDArray[np.int64], tracks: NDArray[np.int64]) -> None:
    """Give `tracks` the tracks `old` of the parts before, the largest overlap first."""
    both = (before > 0) & (parts > 0)
    pairs = (before[both].astype(np.int64) - 1) * len(tracks) + parts[both] - 1
    shared = np.bincount(pairs, minlength=len(old) * len(tracks))
    free = np.ones(len(old), np.bool_)
    for pair in np.argsort(-shared, kind="stable")[: np.count_nonzero(shared)].tolist():
        source, target = divmod(pair, len(tracks))
        if free[source] and tracks[target] < 0:
            free[source], tracks[target] = False, old[source]
