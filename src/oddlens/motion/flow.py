"""Optical flow of frame pairs by any of the methods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np

from oddlens.errors import MediaError
from oddlens.motion.classical import ClassicalFlow
from oddlens.motion.frames import Flow, check_pair
from oddlens.motion.settings import FlowSettings, FlowUnits
from oddlens.types import Image

FLOWNET_WIDTH, FLOWNET_HEIGHT = 512, 384
"""Frame size on which LBR-SPR's flow network saw every frame, whatever its own size."""


class _Backend(Protocol):
    def pairs(self, firsts: Sequence[Image], seconds: Sequence[Image]) -> list[Flow]:
        """Flow of each pair in native pixels."""
        ...


class FlowEstimator:
    """Optical flow by one method; safe to call from several threads, the same result in each.

    Args:
        settings: method, unit, weights; default: `FlowSettings()`.
        device: where RAFT computes: `auto`, `cpu`, `cuda` or `mps`.
        threads: how many `many` uses for OpenCV's methods; default: all cores.

    Raises:
        DetectorError: RAFT's weights are not there or do not fit.
    """

    def __init__(self, settings: FlowSettings | None = None, device: str = "auto", threads: int | None = None) -> None:
        self.settings = settings or FlowSettings()
        self._backend = _backend(self.settings, device, threads)

    def __call__(self, first: Image, second: Image) -> Flow:
        """Flow from `first` to `second` as `float32 (H, W, 2)`, (x, y) in the unit of the settings.

        A pixel at (x, y) of `first` is found at (x + u, y + v) of `second`.

        Args:
            first: `uint8 (H, W, C)`, C = 1 grey or 3 RGB.
            second: the same size.

        Raises:
            MediaError: frames of two sizes, without pixels, or not uint8.
        """
        check_pair(first, second)
        return to_units(self._backend.pairs([first], [second])[0], self.settings.units)

    def many(self, firsts: Sequence[Image], seconds: Sequence[Image]) -> list[Flow]:
        """The same for each pair; OpenCV's methods share them among threads, RAFT takes them as batches.

        Raises:
            MediaError: as above (the message counts pairs from 0), or not as many frames in both.
        """
        if len(firsts) != len(seconds):
            fault = f"there are {len(firsts)} first and {len(seconds)} second frames"
            raise MediaError("optical flow", fault, "give as many of both")
        for number, (first, second) in enumerate(zip(firsts, seconds)):
            check_pair(first, second, f"optical flow of pair {number}")
        return [to_units(flow, self.settings.units) for flow in self._backend.pairs(firsts, seconds)]


def optical_flow(first: Image, second: Image, settings: FlowSettings | None = None) -> Flow:
    """Flow from `first` to `second`, see `FlowEstimator`; RAFT stays loaded between calls.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (6, 8, 1)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        >>> flow = optical_flow(picture, np.roll(picture, 2, axis=1))
        >>> flow.shape, round(float(np.median(flow[..., 0])), 1)
        ((48, 64, 2), 2.0)
    """
    return _estimator(settings or FlowSettings())(first, second)


def to_units(flow: Flow, units: FlowUnits) -> Flow:
    """Flow `(..., H, W, 2)` in native pixels brought to `units`.

    `flownet512` multiplies x by 512 / W and y by 384 / H: LBR-SPR computes flow on frames of that size and resizes
    the field, but not its vectors (official code).

    Example:
        >>> to_units(np.ones((96, 256, 2), np.float32), "flownet512")[0, 0].tolist()
        [2.0, 4.0]
    """
    if units == "native":
        return flow
    height, width = flow.shape[-3:-1]
    return flow * np.array([FLOWNET_WIDTH / width, FLOWNET_HEIGHT / height], np.float32)


def _backend(settings: FlowSettings, device: str, threads: int | None) -> _Backend:
    if not settings.is_raft:
        return ClassicalFlow(settings.method, threads)
    from oddlens.motion.raft import RaftFlow  # torch is slow to load

    return RaftFlow(settings, device)


@lru_cache(maxsize=1)
def _estimator(settings: FlowSettings) -> FlowEstimator:
    return FlowEstimator(settings)
