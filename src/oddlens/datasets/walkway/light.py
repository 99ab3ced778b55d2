"""How the light changes and what the camera adds: clouds, flicker, fixed pattern, shot noise."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_POOL = 3
"""The pool of noise is this many times the frame in either direction; each frame cuts a random window."""


class Clouds:
    """Share of the sun that comes through, a slow random function of time between about 0.55 and 1."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._periods = rng.uniform((6.0, 9.0, 17.0), (9.0, 14.0, 29.0))
        self._phases = rng.uniform(0, 2 * math.pi, 3)
        self._sizes = (0.065, 0.075, 0.05)
        self._level = float(rng.uniform(0.74, 0.82))

    def sunshine(self, time: float) -> float:
        """Share of the sun at `time` seconds."""
        waves = zip(self._sizes, self._periods, self._phases)
        return self._level + sum(size * math.sin(2 * math.pi * time / period + phase) for size, period, phase in waves)


class Wind:
    """Stirring of leaves: gusts that rise and fall within some seconds, and the flutter they bring."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        self._rng, self._width, self._height = rng, width, height
        self._periods, self._phases = rng.uniform((3.5, 7.0), (6.0, 12.0)), rng.uniform(0, 2 * math.pi, 2)
        tile = rng.standard_normal((height + 64, width + 64)).astype(np.float32)
        tile = np.asarray(cv2.GaussianBlur(tile, (0, 0), max(0.8, width / 220)), np.float32)
        self._tile = tile / np.float32(tile.std())
        self._offset = np.array((32.0, 32.0))

    def flutter(self, time: float) -> NDArray[np.float32]:
        """Relative change of the light on leaves, `float32 (H, W)` around 0, at `time` seconds."""
        waves = np.sin(2 * math.pi * time / self._periods + self._phases)
        gust = 0.02 + 0.08 * max(0.0, float(0.45 + 0.35 * waves[0] + 0.35 * waves[1]))
        step = self._rng.normal(0, 1 + 8 * gust, 2)
        self._offset = np.clip(np.abs(self._offset + step), 0, 64)
        top, left = self._offset.astype(int)
        return np.float32(gust) * self._tile[top : top + self._height, left : left + self._width]


class Sensor:
    """Turns scene levels into camera levels `uint8`: softness, flicker, fixed pattern and noise."""

    def __init__(self, rng: np.random.Generator, pattern: np.random.Generator, width: int, height: int) -> None:
        """`pattern` draws what belongs to the camera, `rng` what differs from clip to clip."""
        self._rng, self._width, self._height = rng, width, height
        size = (_POOL * height // 2 + 8, _POOL * width // 2 + 8)
        luma = rng.standard_normal((*size, 1), dtype=np.float32)
        chroma = rng.standard_normal((*size, 3), dtype=np.float32)
        self._pool = (0.85 * luma + 0.5 * cv2.GaussianBlur(chroma, (3, 3), 0.7)).astype(np.float32)
        self._offset: NDArray[np.float32] = (
            0.55 * pattern.standard_normal((height, width, 1)) + 0.35 * pattern.standard_normal((1, width, 1))
        ).astype(np.float32)
        self._gain = (1 + 0.008 * pattern.standard_normal((height, width, 1))).astype(np.float32)

    def expose(self, scene: NDArray[np.float32]) -> NDArray[np.uint8]:
        """One frame `uint8 (H, W, 3)` of scene levels `float32 (H, W, 3)`."""
        rng = self._rng
        soft = np.asarray(cv2.GaussianBlur(scene, (3, 3), 0.5), np.float32)
        soft *= self._gain * np.float32(1 + rng.normal(0, 0.0035))
        top = int(rng.integers(self._pool.shape[0] - self._height + 1))
        left = int(rng.integers(self._pool.shape[1] - self._width + 1))
        noise = self._pool[top : top + self._height, left : left + self._width]
        # Read noise plus shot noise, whose variance grows with the light.
        deviation = np.sqrt(np.float32(1.4) + np.float32(0.022) * np.maximum(soft, 0))
        soft += noise * deviation + self._offset
        return np.clip(np.rint(soft), 0, 255).astype(np.uint8)
