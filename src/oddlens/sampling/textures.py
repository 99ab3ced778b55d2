"""Generated textures: octaves of noise, stripes and blobs, at random scale, direction and contrast."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.types import SamplingSpec

_OCTAVES = 4


def draw_texture(rng: np.random.Generator, spec: SamplingSpec) -> NDArray[np.uint8]:
    """One texture `uint8 (H, W, C)` that uses the full range of levels."""
    height, width = spec.height, spec.width
    planes = [_noise(rng, height, width) for _ in range(spec.channels)]
    if rng.random() < 0.5:
        stripes = _stripes(rng, height, width)
        share = rng.uniform(0.2, 0.8)
        planes = [(1 - share) * plane + share * stripes for plane in planes]
    texture = np.stack(planes, axis=-1)
    if rng.random() < 0.3:
        texture = np.where(texture > np.median(texture), texture.max(), texture.min())
    low, high = texture.min(), texture.max()
    scaled = (texture - low) / max(high - low, 1e-6)
    dark, bright = np.sort(rng.uniform(0, 255, 2))
    levels: NDArray[np.uint8] = np.rint(dark + scaled * (bright - dark)).astype(np.uint8)
    return levels


def _noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Octaves of smooth noise whose grids double from a random coarseness on."""
    cells = int(rng.integers(2, 9))
    plane = np.zeros((height, width), np.float32)
    roughness = rng.uniform(0.4, 0.9)
    for octave in range(_OCTAVES):
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        plane += roughness**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        cells = min(2 * cells, max(2, min(height, width)))
    return plane


def _stripes(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.03, 0.4) * max(height, width)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    phase = (columns * np.cos(angle) + rows * np.sin(angle)) * (2 * np.pi / period)
    stripes: NDArray[np.float32] = (2 * np.sin(phase + rng.uniform(0, 2 * np.pi))).astype(np.float32)
    return stripes
