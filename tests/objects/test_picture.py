"""Frames with boxes drawn in."""

from __future__ import annotations

import numpy as np

from oddlens.objects.picture import COLOURS, box_picture
from oddlens.objects.settings import SOURCES
from oddlens.objects.table import FrameBoxes


def test_every_source_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(SOURCES) and len(set(COLOURS.values())) == len(SOURCES)
    image = np.zeros((480, 640, 1), np.uint8)
    kept = image.copy()
    boxes = [[10 + 100 * k, 10, 90 + 100 * k, 90] for k in range(len(SOURCES))]
    found = FrameBoxes.pooled([FrameBoxes.made_by(source, [box]) for source, box in zip(SOURCES, boxes)])
    picture = box_picture(image, found)
    assert picture.dtype == np.uint8 and picture.shape[1:] == (640, 3) and picture.shape[0] > 480
    for source, (left, top, right, bottom) in zip(SOURCES, boxes):
        assert tuple(picture[top, left]) == COLOURS[source] == tuple(picture[bottom - 1, right - 1])
        assert not picture[top + 5 : bottom - 5, left + 5 : right - 5].any()
    np.testing.assert_array_equal(image, kept)


def test_small_frames_are_shown_larger() -> None:
    picture = box_picture(np.zeros((48, 64, 3), np.uint8), FrameBoxes.made_by("motion", [[8, 8, 16, 16]]))
    assert picture.shape[1] == 640
    assert tuple(picture[80, 120]) == COLOURS["motion"]
    assert box_picture(np.zeros((48, 64, 3), np.uint8), FrameBoxes.pooled([])).shape == picture.shape
