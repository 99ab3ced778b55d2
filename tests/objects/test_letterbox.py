"""Frames at a detector's size, and tiles that leave nothing out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.objects.letterbox import PADDING, letterbox, tiles


@pytest.mark.parametrize(("height", "width"), [(240, 360), (360, 240), (1, 500), (500, 1), (416, 416), (1080, 1920)])
def test_a_frame_lies_at_the_top_left(height: int, width: int) -> None:
    picture, scale = letterbox(np.full((height, width, 3), 9, np.uint8), 416, 416)
    assert picture.shape == (416, 416, 3)
    inside = picture[..., 0] == 9
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    assert inside[:rows, :columns].all() and inside.sum() == rows * columns
    assert (picture[~inside] == PADDING).all()
    assert max(rows, columns) == 416


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 300), st.integers(8, 300), st.integers(1, 5), st.integers(1, 5))
def test_tiles_cover_the_frame(height: int, width: int, columns: int, rows: int) -> None:
    found = tiles(height, width, columns, rows)
    assert len(found) == columns * rows
    covered = np.zeros((height, width), bool)
    for left, top, right, bottom in found:
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        covered[top:bottom, left:right] = True
    assert covered.all()


def test_neighbours_share_a_quarter() -> None:
    (_, _, right, _), (left, *_) = tiles(100, 700, 2, 1)
    assert (right - left) / right == pytest.approx(0.25, abs=0.01)
