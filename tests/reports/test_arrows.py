"""Displacement fields as arrows: they point the right way, on one scale, legible on any ground."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oddlens.reports.arrows import Arrows


def ground(level: int = 90, height: int = 200, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def fetched(right: float, down: float, height: int = 40, width: int = 64) -> np.ndarray:
    field = np.empty((2, height, width), np.float32)
    field[:] = np.array([right, down])[:, None, None]
    return field


def changed(picture: np.ndarray, level: int = 90) -> np.ndarray:
    return (picture != level).any(axis=2)


def extent(marks: np.ndarray) -> tuple[int, int]:
    """Rows and columns that marks take."""
    rows, columns = np.nonzero(marks)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_an_arrow_points_from_where_a_pixel_was_fetched_to_where_it_is() -> None:
    cell = ground(height=30, width=30)
    right = changed(Arrows().draw(cell, fetched(-2, 0, 30, 30)))
    heights = right.sum(axis=0)
    assert heights[15:].max() > heights[:14].max(), "the tip is wider than the tail"
    for turns, (x, y) in enumerate([(-2, 0), (0, 2), (2, 0), (0, -2)]):  # rot90 turns right into up
        other = changed(Arrows().draw(cell, fetched(x, y, 30, 30)))
        away = np.argwhere(other) - 14.5
        expected = np.argwhere(np.rot90(right, turns)) - 14.5
        np.testing.assert_allclose(away.mean(axis=0), expected.mean(axis=0), atol=0.6)


def test_the_longest_arrow_fills_its_cell_and_sets_the_scale_of_those_after_it() -> None:
    arrows, cell = Arrows(), ground(height=30, width=30)
    lengths, scales = [], []
    for moved in (1.5, 3.0, 1.5):
        lengths.append(extent(changed(arrows.draw(cell, fetched(moved, 0, 30, 30))))[1])
        scales.append(arrows.times)
    assert lengths[0] == lengths[1] >= 26 and lengths[2] < 0.75 * lengths[1]
    assert scales == pytest.approx([20, 10, 10])


def test_what_hardly_moves_has_no_arrow() -> None:
    for field in (fetched(0, 0), fetched(0.05, -0.05), fetched(np.nan, np.inf)):
        assert (Arrows().draw(ground(), field) == 90).all()


def test_arrows_stand_where_things_move() -> None:
    field = fetched(0, 0)
    field[:, 10:30, 40:] = 2.0
    rows, columns = np.nonzero(changed(Arrows().draw(ground(), field)))
    assert columns.min() >= 180 and columns.max() >= 280
    assert rows.min() >= 30 and rows.max() <= 170


def test_a_field_is_stretched_over_the_picture() -> None:
    marks = changed(Arrows().draw(ground(height=30, width=30), fetched(2, 2, height=80, width=20)))
    rows, columns = extent(marks)
    assert columns > 1.5 * rows  # a pixel of the field is four times as wide as high, the arrow has barbs


@pytest.mark.parametrize("level", [0, 90, 128, 200, 255])
def test_arrows_stand_out_on_any_ground(level: int) -> None:
    drawn = Arrows().draw(ground(level), fetched(2, 1))
    assert np.abs(drawn.astype(int) - level).max() >= 120
    assert 0.01 < changed(drawn, level).mean() < 0.4


@pytest.mark.parametrize(("height", "width"), [(8, 8), (1, 300), (720, 1280)])
def test_pictures_of_any_size(height: int, width: int) -> None:
    drawn = Arrows().draw(ground(height=height, width=width), fetched(-1, 2))
    assert drawn.shape == (height, width, 3) and drawn.dtype == np.uint8


@settings(deadline=None, max_examples=50)
@given(arrays(np.float32, (2, 5, 8), elements=st.floats(-1e6, 1e6, width=32)))
def test_any_field_leaves_the_original_alone_and_most_of_the_picture_to_be_seen(field: np.ndarray) -> None:
    original = ground()
    marks = changed(Arrows().draw(original, field))
    assert (original == 90).all()
    assert marks.mean() < 0.4
