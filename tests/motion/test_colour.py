"""Flow in colours."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.motion.colour import colour_wheel, flow_colours

RIGHT, DOWN, LEFT, UP = (1, 0), (0, 1), (-1, 0), (0, -1)


def colour(u: float, v: float, limit: float | None = 1) -> list[int]:
    return flow_colours(np.array([[[u, v]]], np.float32), limit)[0, 0].tolist()


@pytest.mark.parametrize(("direction", "hue"), [(RIGHT, 0), (DOWN, 55), (LEFT, 190), (UP, 265)])
def test_directions_have_their_hues(direction: tuple[float, float], hue: float) -> None:
    red, green, blue = (level / 255 for level in colour(*direction))
    assert colorsys.rgb_to_hsv(red, green, blue)[0] * 360 == pytest.approx(hue, abs=15)


def test_speed_is_strength() -> None:
    assert colour(0, 0) == [255, 255, 255]
    assert colour(0.5, 0) == [255, 128, 128]
    assert colour(1, 0) == [255, 0, 0]
    assert colour(2, 0) == [191, 0, 0]


def test_without_a_limit_the_fastest_pixel_is_strongest() -> None:
    picture = flow_colours(np.array([[[4, 0], [2, 0]]], np.float32))
    assert picture.tolist() == [[[255, 0, 0], [255, 128, 128]]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_unknown_flow_is_black(bad: float) -> None:
    picture = flow_colours(np.array([[[bad, 0], [0, 0]]], np.float32))
    assert picture.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_half_precision_is_fine() -> None:
    flow = np.random.default_rng(0).normal(size=(9, 7, 2)).astype(np.float16)
    picture = flow_colours(flow)
    assert picture.shape == (9, 7, 3) and picture.dtype == np.uint8


def test_the_wheel_is_round() -> None:
    wheel = colour_wheel()
    steps = np.abs(np.diff(wheel, axis=0, append=wheel[:1])).max(axis=1)
    assert steps.max() < 0.02
    np.testing.assert_array_equal(wheel.max(axis=1), np.ones(len(wheel), np.float32))


@settings(deadline=None)
@given(st.floats(0, 2 * np.pi), st.floats(0.125, 1))
def test_the_colour_of_slow_movement_is_the_fast_one_and_white(angle: float, speed: float) -> None:
    u, v = np.cos(angle), np.sin(angle)
    fast, slow = np.array(colour(0.999 * u, 0.999 * v)), np.array(colour(speed * u, speed * v))
    np.testing.assert_allclose(slow, 255 - speed * (255 - fast.astype(float)), atol=3)
