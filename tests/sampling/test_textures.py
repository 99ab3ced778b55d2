"""Generated textures are pictures of the wanted size that vary."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.sampling.textures import draw_texture
from oddlens.types import SamplingSpec


@pytest.mark.parametrize(("size", "channels"), [((32, 48), 1), ((48, 32), 3), ((16, 16), 1), ((128, 128), 3)])
def test_size_and_levels(size: tuple[int, int], channels: int) -> None:
    spec = SamplingSpec(height=size[0], width=size[1], channels=channels)
    rng = np.random.default_rng(0)
    textures = [draw_texture(rng, spec) for _ in range(40)]
    assert all(texture.shape == (*size, channels) and texture.dtype == np.uint8 for texture in textures)
    contrasts = np.array([np.ptp(texture.astype(int)) for texture in textures])
    assert contrasts.min() < 60 and contrasts.max() > 150
    means = np.array([texture.mean() for texture in textures])
    assert means.min() < 100 and means.max() > 155
    assert len({texture.tobytes() for texture in textures}) == 40


def test_the_same_generator_gives_the_same_texture() -> None:
    spec = SamplingSpec(height=32, width=32, channels=3)
    first, second = (draw_texture(np.random.default_rng(7), spec) for _ in range(2))
    np.testing.assert_array_equal(first, second)
