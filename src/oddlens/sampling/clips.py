"""Runs of consecutive frames, and the windows and clips that are cut from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddlens.types import SamplingSpec


@dataclass(frozen=True)
class FrameRun:
    """Consecutive frames of one video, resized: `frames` is `uint8 (L, H, W, C)`, often memory-mapped."""

    video: str
    start: int
    """Index of the first frame in its video."""
    frames: NDArray[np.uint8]
    fps: float | None = None
    row: int | None = None
    """Place of the first frame among all frames of the frame store it comes from, if it comes from one."""

    def __len__(self) -> int:
        return len(self.frames)

    def part(self, begin: int, end: int) -> FrameRun:
        """Its frames from number `begin` to `end`, excluded."""
        row = None if self.row is None else self.row + begin
        return FrameRun(self.video, self.start + begin, self.frames[begin:end], self.fps, row)


@dataclass(frozen=True)
class Clip:
    """One training clip: the window that starts at `start` of `run`; `runs` are all runs of the training set."""

    run: FrameRun
    start: int
    runs: Sequence[FrameRun] = ()


def count_clips(length: int, spec: SamplingSpec) -> int:
    """Number of windows, one a start frame, in a run of `length` frames.

    Example:
        >>> spec = SamplingSpec(height=8, width=8, length=16)
        >>> [count_clips(length, spec) for length in (40, 20, 16, 15)]
        [25, 5, 1, 0]
    """
    return max(0, length - spec.span + 1)


def window(frames: NDArray[np.uint8], start: int, spec: SamplingSpec, stride: int | None = None) -> NDArray[np.uint8]:
    """The `length` frames from `start` on, `stride` apart: `uint8 (T, H, W, C)`."""
    step = spec.stride if stride is None else stride
    return frames[start : start + (spec.length - 1) * step + 1 : step]


def to_network_values(frames: NDArray[np.uint8], spec: SamplingSpec) -> NDArray[np.float32]:
    """Levels 0..255 `(T, H, W, C)` to the network's value range, `float32 (C, T, H, W)`.

    Example:
        >>> spec = SamplingSpec(height=1, width=1)
        >>> levels = np.array([0, 1, 127, 128, 255], np.uint8).reshape(5, 1, 1, 1)
        >>> np.round(to_network_values(levels, spec).ravel(), 8).tolist()[:2]
        [-1.0, -0.9921568632125854]
    """
    values = np.moveaxis(frames, -1, 0).astype(np.float32, order="C")
    values *= np.float32((spec.high - spec.low) / 255)
    values += np.float32(spec.low)
    return values
