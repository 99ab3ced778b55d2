"""Which regions of a mask have a box."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.objects.recall import regions_found


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ([10, 10, 30, 30], 1),
        ([10, 10, 22, 30], 1),  # exactly 60 % of it
        ([10, 10, 21, 30], 0),
        ([0, 0, 38, 38], 1),  # 39 * 39 is below four times 20 * 20
        ([0, 0, 40, 40], 0),
        ([60, 60, 80, 80], 0),
    ],
)
def test_a_box_must_hold_it_and_not_much_else(box: list[int], found: int) -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:30, 10:30] = True
    assert regions_found(mask, [box]) == (1, found)


def test_regions_are_counted_apart_and_crumbs_are_not() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:30, 10:30] = mask[30:40, 30:40] = True  # they touch at a corner: one
    mask[60:80, 60:80] = mask[90:95, 90:95] = True
    assert regions_found(mask, []) == (2, 0)
    assert regions_found(mask, [[60, 60, 80, 80], [90, 90, 95, 95]]) == (2, 1)
    assert regions_found(np.zeros((5, 5), bool), [[0, 0, 5, 5]]) == (0, 0)


def test_two_halves_do_not_make_a_whole() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:30, 10:50] = True
    assert regions_found(mask, [[10, 10, 30, 30], [30, 10, 50, 30]]) == (1, 0)
