"""Panels of photographs."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.reports.panels import HeatScale, outlined, photograph_panel
from oddlens.reports.style import ALARM, GOOD, LABEL

HEAT = np.zeros((16, 16), np.float32)
HEAT[4:8, 8:12] = 1.0
SCALE = HeatScale(0.0, 0.5, 2.0)


def shows(picture, colour):
    return bool((picture == np.array(colour, np.uint8)).all(axis=-1).any())


@pytest.mark.parametrize("shape", [(300, 200, 3), (40, 90, 1), (256, 256, 3)])
@pytest.mark.parametrize("reject", [True, False])
def test_a_panel_shows_all_it_is_given(shape, reject):
    picture = np.full(shape, 120, np.uint8)
    options = {"title": "a", "verdict": "v", "reject": reject}
    plain = photograph_panel(picture, None, SCALE, **options)
    drawn = {"expected": np.zeros((16, 16, 3), np.uint8)}
    full = photograph_panel(picture, HEAT, SCALE, drawn=drawn, truth=np.eye(16) > 0, **options)
    assert plain.dtype == full.dtype == np.uint8
    assert plain.shape[0] == full.shape[0]
    width = round(shape[1] * 256 / shape[0])
    assert plain.shape[1] == width + 16
    assert full.shape[1] == 4 * (width + 8) + 8
    head = full[:20]
    assert shows(head, ALARM if reject else GOOD)
    assert not shows(plain, LABEL)
    assert shows(full, LABEL)


def test_the_outline_runs_round_what_reaches_the_level():
    picture = np.full((64, 64, 3), 120, np.uint8)
    red = (outlined(picture, HEAT, SCALE, smallest=64) == np.array(ALARM, np.uint8)).all(axis=-1)
    rows, columns = np.nonzero(red)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((16, 31, 32, 47), abs=1)
    assert not red[20:28, 36:44].any()
    none = outlined(picture, HEAT, HeatScale(0.0, None, 2.0), smallest=64)
    assert not shows(none, ALARM)
    assert not shows(outlined(picture, HEAT, HeatScale(0.0, 1.5, 2.0), smallest=64), ALARM)


def test_heat_is_hottest_from_the_level_on():
    assert HeatScale(1.0, 5.0, 2.0).top == pytest.approx(6.0)
    assert HeatScale(1.0, None, 2.0).top == 2.0
    assert HeatScale(1.0, 0.5, 2.0).top == 2.0
