"""Panels of scored photographs: what stands in them, and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oddlens.media.writer import write_image
from oddlens.reports.panel import panel_picture
from oddlens.reports.photographs import MapScale, PhotographView, marked, outline
from oddlens.reports.style import ALARM, LABEL, WHITE

SCALE = MapScale(0.0, 1.0, 0.5)


def photograph(**more):
    image = np.full((60, 90, 3), 90, np.uint8)
    heat = np.zeros((30, 45), np.float32)
    heat[10:20, 15:30] = 1.0
    values = {"name": "a.png", "score": 3.0, "rejected": True, "image": image, "heat_map": heat}
    return PhotographView(**{**values, **more})


def has(picture, colour):
    return bool((abs(picture.astype(int) - colour) < 12).all(axis=-1).any())


def test_columns_are_there_for_what_is_given():
    mask = np.zeros((60, 90), bool)
    mask[5:9, 5:9] = True
    widths = [
        panel_picture(view, 2.0, SCALE, side=200).shape[1]
        for view in (
            photograph(heat_map=None),
            photograph(heat_map=None, mask=mask),
            photograph(mask=mask),
            photograph(mask=mask, deformed=np.zeros((8, 8, 1), np.uint8)),
        )
    ]
    assert widths == sorted(widths)
    assert widths[3] - widths[2] == 208
    assert all(panel_picture(photograph(), 2.0, SCALE, side=side).shape[0] > side * 60 / 90 for side in (100, 320))


def test_photographs_of_any_shape_size_and_colour_fit(tmp_path: Path):
    write_image(tmp_path / "grey.png", np.full((700, 100, 1), 7, np.uint8))
    for image in (tmp_path / "grey.png", np.zeros((1, 900, 3), np.uint8), np.zeros((3, 2, 1), np.uint8)):
        picture = panel_picture(photograph(image=image, name="long name " * 30), 2.0)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert min(picture.shape[:2]) > 0


def test_a_rejected_photograph_is_framed_and_told():
    rejected, passed = (panel_picture(photograph(rejected=value), 2.0, SCALE) for value in (True, False))
    assert has(rejected, ALARM)
    assert not has(passed, ALARM)
    assert panel_picture(photograph(label=1, kind="dent"), 2.0, SCALE).tobytes() != rejected.tobytes()


def test_the_outline_runs_where_the_map_reaches_its_level():
    picture = np.zeros((40, 60, 3), np.uint8)
    values = np.zeros((40, 60), np.float32)
    values[10:20, 30:50] = 1.0
    outline(picture, values, 0.5, WHITE)
    rows, columns = np.nonzero((picture > 128).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 30, 49)
    assert not picture[14:16, 35:45].any()


def test_truth_and_finding_have_colours_of_their_own_and_the_photograph_stays():
    picture = photograph().picture()
    before = picture.copy()
    mask = np.zeros((60, 90))
    mask[50:55, 5:20] = 1
    shown = marked(picture, photograph().heat_map, mask, SCALE)
    assert has(shown, LABEL)
    assert has(shown, WHITE)
    assert not has(marked(picture, photograph().heat_map, None, MapScale(0.0, 1.0)), WHITE)
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(marked(picture, None, None, SCALE), picture)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_maps_without_a_range_do_no_harm(value):
    heat = np.full((4, 4), value, np.float32)
    panel_picture(photograph(heat_map=heat), 2.0)
    panel_picture(photograph(heat_map=heat), 2.0, SCALE)
