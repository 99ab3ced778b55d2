"""Small footage whose frames can be told apart, shared by the tests of labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from oddlens.media.store import Footage, FrameStore, build_store
from oddlens.media.writer import write_image
from oddlens.types import SamplingSpec

HEIGHT, WIDTH = 42, 50  # no multiples of anything


def picture(seed: int, channels: int = 3) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).random((HEIGHT, WIDTH + 40, channels))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2).reshape(noise.shape)
    return np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


@pytest.fixture(scope="session")
def clips() -> Callable[..., NDArray[np.uint8]]:
    """Maker of frames `(L, 42, 50, C)` of a texture that moves to the left."""

    def make(length: int, seed: int = 0, channels: int = 3) -> NDArray[np.uint8]:
        wide = picture(seed, channels)
        return np.stack([wide[:, k : k + WIDTH] for k in range(length)])

    return make


@pytest.fixture
def footage(tmp_path: Path, clips: Callable[..., NDArray[np.uint8]]) -> list[Footage]:
    """Three videos of 20, 9 and 7 frames, two of them called alike."""
    made = []
    for number, (name, length) in enumerate((("01", 20), ("02", 9), ("01", 7))):
        folder = tmp_path / f"{number}" / name
        folder.mkdir(parents=True)
        for index, image in enumerate(clips(length, number)):
            write_image(folder / f"{index:03}.png", image)
        made.append(Footage(name, folder))
    return made


@pytest.fixture
def frames(footage: list[Footage], tmp_path: Path) -> FrameStore:
    """The frame store of `footage`."""
    spec = SamplingSpec(height=HEIGHT, width=WIDTH, channels=3, length=5, target=4, fast_targets=(4,))
    return build_store(footage, spec, tmp_path / "cache", 10**9)
