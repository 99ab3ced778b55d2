"""Textured pictures that move by known amounts, shared by the tests of motion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from oddlens.media.writer import write_image

Picture = NDArray[np.uint8]
_MARGIN = 16


@pytest.fixture(scope="session")
def moved() -> Callable[..., Picture]:
    """Maker of a textured picture whose content has moved by (u, v) pixels."""

    def make(u: float = 0, v: float = 0, height: int = 96, width: int = 128, channels: int = 1) -> Picture:
        noise = np.random.default_rng(5).random((height + 2 * _MARGIN, width + 2 * _MARGIN, channels))
        smooth = cv2.GaussianBlur(noise, (0, 0), 2.5).reshape(noise.shape)
        spread = 255 * (smooth - smooth.min()) / np.ptp(smooth)
        shift = np.array([[1, 0, u - _MARGIN], [0, 1, v - _MARGIN]], np.float64)
        picture = cv2.warpAffine(spread, shift, (width, height), flags=cv2.INTER_CUBIC)
        return np.rint(np.clip(picture, 0, 255)).astype(np.uint8).reshape(height, width, channels)

    return make


@pytest.fixture
def folder_of(tmp_path: Path, moved: Callable[..., Picture]) -> Callable[..., Path]:
    """Maker of a folder of frames in which everything moves by `step` pixels to the right each frame."""

    def make(name: str, frames: int, step: float = 1, height: int = 48, width: int = 64) -> Path:
        target = tmp_path / name
        target.mkdir(parents=True)
        for index in range(frames):
            write_image(target / f"{index:04}.png", moved(step * index, 0, height, width))
        return target

    return make
