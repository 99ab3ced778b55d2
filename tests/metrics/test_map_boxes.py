"""Boxes of a score map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from scipy import ndimage

from oddlens.errors import DataError
from oddlens.metrics.map_boxes import map_boxes, map_levels


def brute_force(heat, levels):
    """Boxes of every level by scipy's labels."""
    found = set()
    for level in levels:
        labels, count = ndimage.label(heat >= level, structure=np.ones((3, 3)))
        for part in range(1, count + 1):
            rows, columns = np.nonzero(labels == part)
            highest = heat[rows, columns].max()
            found.add((columns.min(), rows.min(), columns.max(), rows.max(), highest))
    return {tuple(map(float, box)) for box in found}


@settings(deadline=None)
@given(
    hypothesis_numpy.arrays(np.float32, (7, 9), elements=st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 3.0])),
    st.lists(st.sampled_from([-0.5, 0.25, 0.4, 1.0, 2.0]), max_size=4),
)
def test_agrees_with_labels_of_every_level(heat, levels):
    boxes = map_boxes(heat, levels)
    assert boxes.dtype == np.float32
    assert {tuple(box) for box in boxes.tolist()} == brute_force(heat, levels)
    assert len(boxes) == len({tuple(box) for box in boxes.tolist()})


def test_parts_inside_one_another_have_the_score_of_the_peak():
    heat = np.zeros((10, 10), np.float32)
    heat[2:8, 2:8], heat[4:6, 4:6] = 1, 5
    assert map_boxes(heat, [0.5, 2]).tolist() == [[2, 2, 7, 7, 5], [4, 4, 5, 5, 5]]


def test_no_level_is_taken_from_the_map():
    heat = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    assert map_boxes(heat, map_levels(2.0, 3.0)).shape == (0, 5)
    assert map_boxes(heat + 10, map_levels(2.0, 3.0)).tolist() == [[0, 0, 7, 7, (heat + 10).max()]]


def test_the_map_is_resized_to_the_frame():
    heat = np.zeros((4, 4), np.float32)
    heat[1:3, 2:] = 1
    left, top, right, bottom, score = map_boxes(heat, [0.5], (40, 80))[0]
    assert (left, top, right, bottom) == (40, 10, 79, 29)
    assert score == 1


def test_levels_reach_the_top_of_the_scale_but_not_its_foot():
    levels = map_levels(1.0, 3.0)
    assert len(levels) == 16
    assert levels[0] == pytest.approx(1.125)
    assert levels[-1] == 3


@pytest.mark.parametrize("heat", [np.zeros((2, 2, 1)), np.zeros((0, 3)), np.array([[0.0, np.nan]])])
def test_what_is_no_map_is_refused(heat):
    with pytest.raises(DataError, match="map: a map of shape"):
        map_boxes(heat, [0.5])
