"""Boxes of objects: ordinary ones thin, odd ones red with their score, all inside the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.reports.marks import draw_boxes, warmth
from oddlens.reports.style import ALARM, CALM, WARM

COORDINATE = st.floats(-30, 150, width=32)


def grey() -> np.ndarray:
    return np.full((100, 140, 3), 90, np.uint8)


def colours(picture: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in np.unique(picture.reshape(-1, 3), axis=0).tolist()}


def test_an_ordinary_object_has_a_thin_outline_on_its_own_edge() -> None:
    picture = draw_boxes(grey(), [[20, 30, 60, 70, 0.1]], 3.0)
    rows, columns = np.nonzero((picture != 90).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 69, 20, 59)
    assert len(rows) == 2 * 40 + 2 * 38
    assert colours(picture) == {(90, 90, 90), CALM}


def test_an_odd_object_is_red_with_its_score_and_stays_visible() -> None:
    picture = draw_boxes(grey(), [[20, 50, 28, 70, 4.0]], 3.0)
    assert ALARM in colours(picture) and CALM not in colours(picture)
    assert (picture[51:69, 21:27] == 90).all(), "what is inside the box"
    assert (picture[35:48, 20:40] == ALARM).all(axis=2).any(), "the tag above it"


def test_the_oddest_lies_on_top() -> None:
    box = [20, 30, 60, 70]
    for order in (1, -1):
        assert ALARM in colours(draw_boxes(grey(), [[*box, 0.0], [*box, 5.0]][::order], 3.0))


def test_in_an_alarm_the_oddest_object_stands_out_although_none_is_over_the_threshold() -> None:
    boxes = [[20, 50, 28, 70, 2.0], [60, 50, 68, 70, 1.0]]
    calm, alarmed = draw_boxes(grey(), boxes, 3.0), draw_boxes(grey(), boxes, 3.0, alarm=True)
    assert (calm[:, 55:] == alarmed[:, 55:]).all() and (calm[:, :55] != alarmed[:, :55]).any()
    assert WARM in colours(alarmed) and ALARM not in colours(alarmed)
    assert draw_boxes(grey(), [], 3.0, alarm=True).shape == (100, 140, 3)


def test_boxes_grow_with_the_picture() -> None:
    picture = draw_boxes(grey(), [[10, 10, 20, 20, 0.0]], 3.0, scale=2.0)
    rows = np.flatnonzero((picture != 90).any(axis=(1, 2)))
    assert (rows.min(), rows.max()) == (20, 39)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE, st.floats(-5, 9)), max_size=4))
def test_any_box_leaves_the_frame_as_large_as_it_was_and_the_original_alone(boxes: list[tuple[float, ...]]) -> None:
    original = grey()
    assert draw_boxes(original, np.array(boxes, np.float64).reshape(-1, 5), 3.0).shape == original.shape
    assert (original == 90).all()


@pytest.mark.parametrize("threshold", [float("inf"), 0.0])
def test_without_a_threshold_nothing_is_warm(threshold: float) -> None:
    assert warmth(-1.0, threshold) == CALM


def test_colours_warm_up_towards_the_threshold() -> None:
    reds = [warmth(score, 4.0)[0] for score in (-1.0, 0.0, 2.0, 3.0, 3.9)]
    assert reds == sorted(reds) and warmth(2.0, 4.0) == CALM and warmth(4.0, 4.0) == WARM
