"""OpenCV's dense flow: inverse search (DIS) and Farneback's polynomial expansion, grey and without weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.media.resize import with_channels
from oddlens.motion.frames import Flow
from oddlens.motion.settings import FlowMethod
from oddlens.types import Image

_PRESETS: dict[str, int] = {
    "dis-ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "dis-fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "dis-medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
_FARNEBACK = {
    "pyr_scale": 0.5,
    "levels": 3,
    "winsize": 15,
    "iterations": 3,
    "poly_n": 5,
    "poly_sigma": 1.2,
    "flags": 0,
}
_SMALLEST = 40
"""Smaller frames are padded: on some of them (8x64, say) OpenCV's DIS reads beyond the picture and crashes."""


class ClassicalFlow:
    """Flow of frame pairs by one of OpenCV's methods, in native pixels.

    It keeps no state, so several threads may call it at once. OpenCV releases Python's lock while it computes, so
    `pairs` shares the work among `threads` threads.
    """

    def __init__(self, method: FlowMethod, threads: int | None = None) -> None:
        self._method = method
        self._threads = threads or _cores()

    def pairs(self, firsts: Sequence[Image], seconds: Sequence[Image]) -> list[Flow]:
        """Flow from each of `firsts` to its one of `seconds`."""
        workers = min(self._threads, len(firsts))
        if workers <= 1:
            return [self._one(first, second) for first, second in zip(firsts, seconds)]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(self._one, firsts, seconds))

    def _one(self, first: Image, second: Image) -> Flow:
        if self._method == "farneback":
            return _float32(cv2.calcOpticalFlowFarneback(_grey(first), _grey(second), None, **_FARNEBACK))  # type: ignore[call-overload]
        height, width = first.shape[:2]
        # a fresh one every time, some microseconds: a small frame changes its parameters for good
        search = cv2.DISOpticalFlow.create(_PRESETS[self._method])
        flow = search.calc(_padded(_grey(first)), _padded(_grey(second)), None)  # type: ignore[call-overload]
        return _float32(flow[:height, :width])


def _cores() -> int:
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available else os.cpu_count() or 1


def _grey(image: Image) -> NDArray[np.uint8]:
    return np.ascontiguousarray(with_channels(image, 1)[..., 0])


def _padded(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    below, right = (max(0, _SMALLEST - side) for side in grey.shape)
    return np.pad(grey, ((0, below), (0, right)), mode="edge") if below or right else grey


def _float32(flow: object) -> Flow:
    return np.ascontiguousarray(flow, dtype=np.float32)
