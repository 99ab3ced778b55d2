"""Tiled maps against untiled ones, with scorers that see a known neighbourhood."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oddlens.errors import OddLensError
from oddlens.media.tiles import Tiles
from oddlens.scoring.tiling import score_tiled
from oddlens.scoring.windows import FrameScore


def told(scores, maps):
    return [
        FrameScore(k, float(score), {"level": 2 * float(score)}, map)
        for k, (score, map) in enumerate(zip(scores, maps))
    ]


def pointwise(tiles):
    maps = tiles.astype(np.float32).mean(axis=3) / 255
    return told(maps.max(axis=(1, 2)), maps)


def blurring(radius):
    """A scorer whose map depends on the pixels up to `radius` away, and on nothing else."""

    def score(tiles):
        grey = tiles.astype(np.float32).mean(axis=3)
        maps = np.stack([ndimage.uniform_filter(plane, 2 * radius + 1, mode="constant") for plane in grey])
        return told(maps.max(axis=(1, 2)), maps)

    return score


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@settings(deadline=None, max_examples=50)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.floats(0, 0.9),
    st.integers(1, 5),
)
def test_what_each_pixel_alone_decides_is_the_same_in_tiles(size, tile, overlap, batch_size):
    image = picture(*size)
    whole = pointwise(image[None])[0]
    found = score_tiled(image, pointwise, Tiles(*tile, overlap), batch_size=batch_size)
    np.testing.assert_allclose(found.raw.map, whole.map, atol=1e-6)
    assert found.raw.score == pytest.approx(whole.score)
    assert found.raw.components["level"] == pytest.approx(2 * whole.score)
    left, top, right, bottom = found.tile
    assert whole.map[top:bottom, left:right].max() == pytest.approx(found.raw.score)
    assert (bottom - top, right - left) == (min(tile[0], size[0]), min(tile[1], size[1]))


@settings(deadline=None, max_examples=25)
@given(st.integers(30, 90), st.integers(30, 90), st.integers(1, 3))
def test_a_margin_as_wide_as_the_scorer_sees_gives_the_untiled_map(height, width, radius):
    image, scorer = picture(height, width), blurring(radius)
    whole = scorer(image[None])[0].map
    found = score_tiled(image, scorer, Tiles(24, 28, 0.4), margin=radius)
    np.testing.assert_allclose(found.raw.map, whole, rtol=1e-4)


def test_maps_without_a_margin_fade_into_each_other():
    image = np.full((40, 100, 1), 128, np.uint8)

    def counting(tiles):
        counting.calls += len(tiles)
        level = np.arange(counting.calls - len(tiles), counting.calls, dtype=np.float32)
        return told(level, np.broadcast_to(level[:, None, None], tiles.shape[:3]))

    counting.calls = 0
    found = score_tiled(image, counting, Tiles(40, 40, 0.5), batch_size=3)
    assert Tiles(40, 40, 0.5).number(40, 100) == len(list(Tiles(40, 40, 0.5).cut(image))) == counting.calls == 4
    steps = np.diff(found.raw.map[0])
    assert (steps >= -1e-6).all()
    assert steps.max() < 0.06  # from 0 to 3 over four tiles without a jump
    assert (found.raw.map[:, 0] == 0).all()
    assert found.raw.map[0, -1] == 3
    assert found.raw.score == 3
    assert found.tile == (60, 0, 100, 40)


def test_small_maps_are_stretched_over_their_tiles():
    def coarse(tiles):
        maps = tiles.astype(np.float64).mean(axis=3).reshape(len(tiles), 8, 4, 8, 4).mean(axis=(2, 4))
        return told(maps.max(axis=(1, 2)), maps)

    image = np.repeat(np.linspace(0, 255, 120).astype(np.uint8)[None], 50, axis=0)[..., None]
    found = score_tiled(image, coarse, Tiles(32, 32))
    assert found.raw.map.shape == (50, 120)
    np.testing.assert_allclose(found.raw.map[:, 8:-8], image[:, 8:-8, 0].astype(float), atol=6)


def test_memory_is_that_of_the_map_and_of_a_batch():
    image = np.zeros((1600, 2000, 3), np.uint8)
    tile = 128

    def frugal(tiles):
        assert tiles.shape == (8, tile, tile, 3) or len(tiles) < 8
        return told(np.zeros(len(tiles)), np.zeros((len(tiles), 16, 16), np.float32))

    frugal(image[None, :tile, :tile])
    tracemalloc.start()
    score_tiled(image, frugal, Tiles(tile, tile), batch_size=8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1600 * 2000 * 4 + 16 * tile * tile * 4 + 2_000_000


def test_bad_arguments_and_scores_are_refused():
    image = picture(60, 60)
    for tiles, options in (
        (Tiles(16, 16, 1.0), {}),
        (Tiles(0, 8), {}),
        (Tiles(16, 16), {"batch_size": 0}),
        (Tiles(16, 16), {"margin": -1}),
    ):
        with pytest.raises(ValueError, match="sensible"):
            score_tiled(image, pointwise, tiles, **options)
    with pytest.raises(ValueError, match="margin of 5"):
        score_tiled(image, pointwise, Tiles(16, 16, 0.5), margin=5)
    with pytest.raises(ValueError, match="height, width, channels"):
        score_tiled(image[..., 0], pointwise, Tiles(16, 16))

    def failing(tiles):
        return [*pointwise(tiles)[:-1], FrameScore(0, np.nan, {}, np.zeros((16, 16), np.float32))]

    with pytest.raises(OddLensError, match=r"tile \(44, 44, 60, 60\): its score or map is not finite"):
        score_tiled(image, failing, Tiles(16, 16), batch_size=100)
    with pytest.raises(OddLensError, match="the method gives no map; train it on whole photographs"):
        score_tiled(image, lambda tiles: [FrameScore(0, 1.0) for _ in tiles], Tiles(16, 16))
