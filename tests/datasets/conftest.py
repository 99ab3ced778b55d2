"""Small sets of photographs, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oddlens.media.writer import write_image

MakePhotographs = Callable[..., list[Path]]


@pytest.fixture
def make_photographs() -> MakePhotographs:
    """Writes `count` pictures into a folder, no two alike, and returns their paths."""

    def make(
        folder: Path, count: int, suffix: str = ".png", size: tuple[int, int] = (12, 16), seed: int = 0
    ) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([seed, *folder.name.encode()])
        paths = [folder / f"{k:03d}{suffix}" for k in range(count)]
        for path in paths:
            write_image(path, rng.integers(0, 255, (*size, 3)).astype(np.uint8))
        return paths

    return make


@pytest.fixture
def make_masks() -> Callable[..., list[Path]]:
    """Writes `count` masks with a marked corner into a folder."""

    def make(folder: Path, count: int, ending: str = "_mask", size: tuple[int, int] = (12, 16)) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        mask = np.zeros((*size, 1), np.uint8)
        mask[: size[0] // 2, : size[1] // 4] = 255
        paths = [folder / f"{k:03d}{ending}.png" for k in range(count)]
        for path in paths:
            write_image(path, mask)
        return paths

    return make
