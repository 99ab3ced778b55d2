from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from oddlens.reports.colour import as_rgb, colour_table, colourise, levels, map_range, overlay, to_uint8

MAPS = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(width=32))


def test_jet_is_what_opencv_paints() -> None:
    blue_green_red = [(128, 0, 0), (255, 128, 0), (126, 255, 130), (0, 128, 255), (0, 0, 128)]
    painted = colour_table("jet")[[0, 64, 128, 191, 255]]
    assert [tuple(int(v) for v in colour[::-1]) for colour in painted] == blue_green_red


@pytest.mark.parametrize("bounds", [(None, None), (0.2, 0.2), (1.0, 0.0)])
def test_map_without_range_gets_the_lowest_colour(bounds: tuple[float | None, float | None]) -> None:
    picture = colourise(np.full((3, 4), 0.2, np.float32), *bounds, palette="inferno")
    assert picture.shape == (3, 4, 3)
    assert (picture == colour_table("inferno")[0]).all()


@given(MAPS)
def test_levels_stay_in_range_whatever_the_map_holds(heat_map: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        level = levels(heat_map, -1.0, 2.0)
    assert np.isfinite(level).all() and level.min() >= 0 and level.max() <= 1


def test_fixed_scale_gives_equal_values_equal_colours_in_different_frames() -> None:
    first, second = np.array([[0.5, 1.0]]), np.array([[0.5, 4.0]])
    fixed = [colourise(each, 0, 4)[0, 0].tolist() for each in (first, second)]
    own = [colourise(each)[0, 0].tolist() for each in (first, np.array([[0.5, 0.1]]))]
    assert fixed[0] == fixed[1]
    assert own[0] != own[1]


def test_map_range_ignores_what_is_not_finite() -> None:
    assert map_range([np.array([np.nan, 1.0]), np.array([np.inf, -2.0])]) == (-2.0, 1.0)
    assert map_range([]) == (0.0, 0.0)


def test_every_grey_level_survives_the_way_through_the_network_range() -> None:
    grey = np.arange(256, dtype=np.uint8)
    assert (to_uint8(grey.astype(np.float32) / np.float32(127.5) - 1) == grey).all()


def test_to_uint8_clips_and_never_fails_on_nan() -> None:
    assert to_uint8([np.nan, -7.0, 7.0]).tolist() == [0, 0, 255]


def test_overlay_leaves_cold_places_alone_and_paints_hot_ones() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 60, 1), dtype=np.uint8)
    heat_map = np.zeros((48, 60), np.float32)
    heat_map[10:20, 40:50] = 1.0
    painted = overlay(frame, heat_map, 0.0, 1.0, alpha=0.6)
    cold = heat_map == 0
    assert (painted[cold] == as_rgb(frame)[cold]).all()
    expected = np.rint(0.4 * as_rgb(frame)[15, 45] + 0.6 * colour_table("turbo")[255])
    assert np.abs(painted[15, 45] - expected).max() <= 1


def test_overlay_heat_grows_with_the_value() -> None:
    frame = np.full((4, 100, 3), 255, np.uint8)
    ramp = np.tile(np.linspace(0, 1, 100, dtype=np.float32), (4, 1))
    blue = overlay(frame, ramp, 0.0, 1.0)[0, :, 2].astype(int)
    assert blue[0] == 255 and blue[-1] < 130
