"""The box around the hottest place of a map."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from oddlens.scoring.localise import peak_box

MAPS = arrays.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.floats(-8, 8, width=16))


@settings(deadline=None)
@given(MAPS, st.tuples(st.integers(1, 900), st.integers(1, 900)))
def test_the_box_lies_in_the_frame_and_holds_the_peak(heat, size):
    box = peak_box(heat, size)
    if heat.max() == heat.min():
        assert box is None
        return
    left, top, right, bottom = box
    assert 0 <= left < right <= size[1]
    assert 0 <= top < bottom <= size[0]
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert left <= column * size[1] / heat.shape[1] < right
    assert top <= row * size[0] / heat.shape[0] < bottom


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 10), st.integers(1, 10), st.floats(-20, 20))
def test_a_bright_rectangle_is_found_to_the_pixel_whatever_the_level(row, column, height, width, level):
    heat = np.full((60, 60), level, np.float32)
    heat[row : row + height, column : column + width] += 1
    assert peak_box(heat, (60, 60)) == (column, row, column + width, row + height)
    assert peak_box(heat, (120, 180)) == (3 * column, 2 * row, 3 * (column + width), 2 * (row + height))


def test_a_second_spot_apart_from_the_peak_is_left_out():
    heat = np.zeros((10, 20), np.float32)
    heat[2:4, 3:6], heat[7, 15] = 2.0, 1.9
    assert peak_box(heat, (10, 20)) == (3, 2, 6, 4)
    heat[4, 6] = 1.5  # touching at a corner, it belongs to the peak
    assert peak_box(heat, (10, 20)) == (3, 2, 7, 5)


def test_a_rounded_scale_does_not_leave_the_frame():
    heat = np.zeros((1, 49), np.float32)
    heat[0, 48] = 1
    for width in range(1, 2000):
        assert peak_box(heat, (1, width))[2] == width
