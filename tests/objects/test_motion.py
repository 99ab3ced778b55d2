"""Motion boxes by LBR-SPR's oracle (spec 10.5), and frames in which nothing or everything moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from oddlens.objects.motion import motion_boxes


@pytest.fixture
def flow() -> NDArray[np.float32]:
    """Patches of which each fails or passes one test."""
    field = np.zeros((240, 360, 2), np.float32)
    field[50:80, 100:120] = 2, 0
    field[150:160, 200:209] = 0, 1.5
    field[10:19, 10:19] = 1, 1  # 10 * 10 is not more than 100
    field[100:130, 300:303] = 3, 0  # ten times higher than wide
    field[200:240, 340:360] = 0.8, 0.5  # too slow
    field[200:230, 20:40] = 1, 0  # exactly the threshold
    field[60:100, 200:240] = 5, 5
    return field


def found(*arguments: Any, **options: Any) -> set[tuple[int, ...]]:
    boxes = motion_boxes(*arguments, **options)
    assert boxes.dtype == np.float32 and boxes.shape[1:] == (4,)
    return {tuple(map(int, box)) for box in boxes.tolist()}


def test_ped2(flow: NDArray[np.float32]) -> None:
    assert found(flow) == {(98, 48, 122, 82), (198, 148, 211, 162), (198, 58, 242, 102)}


@pytest.mark.parametrize("area", [1600, 900])
def test_avenue_and_shanghai(flow: NDArray[np.float32], area: int) -> None:
    assert found(flow, smallest_area=area) == {(198, 58, 242, 102)}


def test_detected_places_are_cleared(flow: NDArray[np.float32]) -> None:
    rest = found(flow) - {(198, 58, 242, 102)}
    assert found(flow, [[200.7, 60.2, 239.5, 99.9]]) == rest
    assert found(flow, [[200, 60, 220, 99]]) == rest | {(221, 58, 242, 102)}


def test_detected_places_beyond_the_frame(flow: NDArray[np.float32]) -> None:
    assert found(flow, [[-50, -50, -10, -10], [400, 300, 500, 400]]) == found(flow)
    assert found(flow, [[-50, -50, 500, 400]]) == set()


def test_a_frame_in_which_everything_moves() -> None:
    everywhere = np.full((240, 360, 2), 3, np.float32)
    assert found(everywhere) == {(0, 0, 360, 240)}
    assert found(everywhere, whole_frame=False) == set()


def test_a_frame_in_which_nothing_moves() -> None:
    assert found(np.zeros((240, 360, 2), np.float32)) == set()
    assert found(np.full((240, 360, 2), np.nan, np.float32)) == set()


def test_regions_in_holes_do_not_count() -> None:
    field = np.zeros((100, 100, 2), np.float32)
    field[10:90, 10:90] = 2
    field[20:80, 20:80] = 0
    field[40:60, 40:60] = 2
    assert found(field) == {(8, 8, 92, 92)}


def test_regions_that_touch_at_a_corner_are_one() -> None:
    field = np.zeros((60, 60, 2), np.float32)
    field[10:20, 10:20] = field[20:30, 20:30] = 2
    assert found(field) == {(8, 8, 32, 32)}


def test_boxes_are_cut_at_the_frame() -> None:
    field = np.zeros((40, 50, 2), np.float32)
    field[:15, 35:] = 2
    assert found(field) == {(33, 0, 50, 17)}
    assert found(field, margin=0) == {(35, 0, 50, 15)}


def test_limits_are_settings(flow: NDArray[np.float32]) -> None:
    assert (298, 98, 305, 132) in found(flow, greatest_aspect=11)
    assert (18, 198, 42, 232) in found(flow, threshold=0.99)
    assert (8, 8, 21, 21) in found(flow, smallest_area=99)
