"""Avenue's post-process: what stays where it was a moment ago is no anomaly (a bag on the lawn, a seated person).

The annotation of CUHK Avenue calls such things normal. The error map and the offset map of each frame are compared with
those of the frames before, moved by up to a pixel; only what no earlier map explains counts. A frame is scored from
itself and the frames before it, so the same code serves files and cameras.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.config import Settings
from oddlens.errors import DataError, SettingsError
from oddlens.evaluation.protocols import min_max
from oddlens.methods.base import Stage, Staged
from oddlens.methods.dmad_pdm.smoothing import Series, by_video, robust_smooth

FloatMap = NDArray[np.float32]

PATCH_CHANGE, OFFSET_CHANGE = "patch_change", "offset_change"
"""Components that the stage adds."""
DIFFERENCE, COARSE_OFFSET = "difference", "coarse_offset"
"""Pictures that the stage looks at: |x - xhat| `(C, h, w)` in network values, and the coarse field `(2, h, w)`, x
first."""
OFFSET_WEIGHT, PATCH_WEIGHT = 0.2, 0.4
WINDOW, KEPT = 11, 5
WEIGHTS = (0.5, 0.8, 0.8, 1.0, 1.0, 2.5, 1.0, 1.0, 0.8, 0.8, 0.5)
_LEVELS, _ERROR_TO_LEVELS, _OFFSET_STEPS = 255.0, 127.5, 127.0
_PAPER_SIDE = 256
_SHRINK = 2


@dataclass(frozen=True, kw_only=True)
class StaticSettings(Settings):
    """How maps are compared with earlier ones, at half the frame's size; the defaults are the official ones."""

    shift: int = 1
    """Pixels (of the halved maps) by which an earlier map may have moved, to each side."""
    error_history: int = 3
    """Earlier error maps that are compared."""
    error_window: tuple[int, int] = (42, 32)
    """Rows and columns over which the change of the error is averaged, in pixels of a frame of 256x256; on other frames
    it covers the same share."""
    offset_history: int = 1
    """Earlier offset maps that are compared."""
    offset_window: tuple[int, int] = (15, 30)
    """The same for the change of the offset."""
    quantise: bool = False
    """Round maps to 8 bits first, as the official code does (which also stores errors as JPEG)."""

    def __post_init__(self) -> None:
        """Refuse what compares nothing."""
        counts = (self.error_history, self.offset_history, *self.error_window, *self.offset_window)
        if min(counts) < 1 or self.shift < 0:
            fault = "a history or window is below 1, or the shift below 0"
            raise SettingsError("static anomalies", fault, "give whole numbers from 1 on")


class Changes(NamedTuple):
    """Scores of one frame, higher = odder."""

    patch: float
    """The strongest change of the reconstruction error."""
    offset: float
    """The strongest change of the vertical deformation."""


class StaticAnomalies:
    """Takes the maps of one video, frame by frame.

    Args:
        height: of the maps.
        width: of the maps.
        limit: the offset, in the unit of the offset maps, that counts as 1. Officially the largest of the whole test
            set; up to rounding it is a mere scale, which the fusion takes out again.
        settings: how maps are compared.

    Example:
        >>> stage = StaticAnomalies(64, 64, limit=1.0)
        >>> lawn, offset = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), np.float32)
        >>> bag = lawn.copy()
        >>> bag[20:40, 20:40] = 2.0
        >>> [round(stage.push(frame, offset).patch, 3) for frame in (lawn, lawn, bag, bag)]
        [0.0, 0.0, 1.0, 0.0]
    """

    def __init__(self, height: int, width: int, limit: float, settings: StaticSettings | None = None) -> None:
        self.limit, self.settings = limit, settings or StaticSettings()
        self._size = (max(1, height // _SHRINK), max(1, width // _SHRINK))
        chosen = self.settings
        error, offset = (_scaled(window, self._size) for window in (chosen.error_window, chosen.offset_window))
        self._errors = _Change(self._size, chosen.error_history, error, chosen.shift)
        self._offsets = _Change(self._size, chosen.offset_history, offset, chosen.shift)

    def push(self, error: NDArray[Any], offset: NDArray[Any]) -> Changes:
        """Take the maps of the next frame.

        Args:
            error: absolute reconstruction error `(H, W, C)` in network values, 0 to 2; or `uint8`, 255 = 2.
            offset: vertical coarse offset `(H, W)`; or `int8`, 127 = the limit.

        Raises:
            DataError: a map of another shape.
        """
        if error.ndim != 3 or offset.ndim != 2:
            fault = f"an error map of shape {error.shape} with an offset map of shape {offset.shape}"
            raise DataError("static anomalies", fault, "give maps (H, W, C) and (H, W)")
        if self.settings.quantise:
            error, offset = quantise_error(error), quantise_offset(offset, self.limit)
        return Changes(self._errors.push(self._error_map(error)), self._offsets.push(self._offset_map(offset)))

    def _error_map(self, error: NDArray[Any]) -> FloatMap:
        levels = error if error.dtype == np.uint8 else error.astype(np.float32) * _ERROR_TO_LEVELS
        small = np.atleast_3d(self._resized(levels)).astype(np.float32) / _LEVELS
        squared: FloatMap = np.square(small).max(axis=2)
        return squared

    def _offset_map(self, offset: NDArray[Any]) -> FloatMap:
        scale = _OFFSET_STEPS if offset.dtype == np.int8 else self.limit
        return self._resized(np.square(offset.astype(np.float32) / np.float32(scale)))

    def _resized(self, map: NDArray[Any]) -> NDArray[Any]:
        return cv2.resize(np.ascontiguousarray(map), self._size[::-1], interpolation=cv2.INTER_LINEAR)


class StaticStage(Stage):
    """The stage of a method that draws the pictures `difference` and `coarse_offset`; see `StaticAnomalies`.

    Its components `patch_change` and `offset_change` are what the pipeline `avenue-static` ranks by.
    """

    pictures: ClassVar[tuple[str, ...]] = (DIFFERENCE, COARSE_OFFSET)

    def __init__(self, height: int, width: int, limit: float, settings: StaticSettings | None = None) -> None:
        self._static = StaticAnomalies(height, width, limit, settings)

    def push(
        self,
        score: float,
        components: Mapping[str, float],
        map: FloatMap | None,
        pictures: Mapping[str, FloatMap],
    ) -> Staged:
        """The score as it is, with both changes."""
        error, offset = pictures[DIFFERENCE].transpose(1, 2, 0), pictures[COARSE_OFFSET][1]
        changes = self._static.push(error, offset)
        return Staged(score, {PATCH_CHANGE: changes.patch, OFFSET_CHANGE: changes.offset})


def quantise_error(error: NDArray[Any]) -> NDArray[np.uint8]:
    """An absolute error in network values as levels, 2 = 255; levels stay as they are.

    Example:
        >>> quantise_error(np.array([0.0, 1.0, 2.0])).tolist()
        [0, 128, 255]
    """
    if error.dtype == np.uint8:
        return error
    return np.clip(np.rint(error * _ERROR_TO_LEVELS), 0, _LEVELS).astype(np.uint8)


def quantise_offset(offset: NDArray[Any], limit: float) -> NDArray[np.int8]:
    """An offset in 127 steps to each side of 0, rounded towards 0; steps stay as they are.

    Example:
        >>> quantise_offset(np.array([-0.5, 0.1, 1.0]), limit=0.5).tolist()
        [-127, 25, 127]
    """
    if offset.dtype == np.int8:
        return offset
    steps = np.trunc(_OFFSET_STEPS * offset.astype(np.float64) / limit)
    return np.clip(steps, -_OFFSET_STEPS, _OFFSET_STEPS).astype(np.int8)


def fuse_changes(patches: Sequence[Series], offsets: Sequence[Series], across: bool = True) -> list[Series]:
    """One score a frame of both scores of a whole test set, higher = odder.

    Each is stretched to 0..1 over the whole set and smoothed; 0.2 offset + 0.4 patch is smoothed again.

    Args:
        patches: `(T_v,)` a video.
        offsets: likewise.
        across: whether smoothing runs across the borders of videos (official).
    """

    def smoothed(videos: Sequence[Series]) -> list[Series]:
        return by_video(videos, lambda series: robust_smooth(series, WINDOW, KEPT, WEIGHTS), across)

    patch, offset = (smoothed(by_video(videos, min_max, across=True)) for videos in (patches, offsets))
    return smoothed([OFFSET_WEIGHT * o + PATCH_WEIGHT * p for o, p in zip(offset, patch)])


def _scaled(window: Sequence[int], size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns on maps of `size` of a window given for frames of 256x256, rounded down, at least 1."""
    rows, columns = (max(1, side * extent // _PAPER_SIDE) for side, extent in zip(window, size))
    return rows, columns


class _Change:
    """The strongest difference of each map from the nearest of the latest ones, moved by up to `shift` pixels."""

    def __init__(self, size: tuple[int, int], history: int, window: Sequence[int], shift: int) -> None:
        height, width = size
        self._shift, self._window, self._seen = shift, (int(window[1]), int(window[0])), 0
        padded = np.zeros((history, height + 2 * shift, width + 2 * shift), np.float32)  # zeros beyond the edges
        self._inside = padded[:, shift : shift + height, shift : shift + width]
        self._moved = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(1, 2))

    def push(self, map: FloatMap) -> float:
        history = len(self._inside)
        known = min(self._seen, history)
        score = 0.0
        # officially the history starts out with the first maps of the set, so these find themselves in it
        if self._seen > (history - 1) // 2:
            differences = np.abs(self._moved[:known] - map)
            nearest = differences.min(axis=(0, 1, 2))
            score = float(cv2.boxFilter(nearest, -1, self._window, borderType=cv2.BORDER_CONSTANT).max())
        self._inside[self._seen % history] = map
        self._seen += 1
        return score
