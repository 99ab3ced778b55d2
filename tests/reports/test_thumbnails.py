from __future__ import annotations

import base64

import cv2
import numpy as np

from oddlens.reports.thumbnails import data_uri, event_thumbnail


def test_large_frames_shrink_and_the_box_moves_with_them() -> None:
    picture = event_thumbnail(np.zeros((480, 640, 3), np.uint8), box=[200, 100, 400, 300])
    rows, columns = np.nonzero((picture == 255).all(axis=2))
    assert picture.shape == (240, 320, 3)
    sides = np.array([columns.min(), columns.max(), rows.min(), rows.max()])
    assert np.abs(sides - (100, 200, 50, 150)).max() <= 1


def test_small_frames_keep_their_size_and_get_their_heat() -> None:
    frame = np.zeros((40, 60, 1), np.uint8)
    plain, hot = event_thumbnail(frame), event_thumbnail(frame, np.ones((4, 6)), 0.0, 1.0)
    assert plain.shape == hot.shape == (40, 60, 3)
    assert not plain.any() and hot.any()


def test_data_uri_holds_a_jpeg_of_bounded_width() -> None:
    kind, code = data_uri(np.full((100, 900, 1), 200, np.uint8)).split(",")
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(code), np.uint8), cv2.IMREAD_COLOR)
    assert kind == "data:image/jpeg;base64" and picture.shape == (36, 320, 3)
    assert abs(int(picture.mean()) - 200) <= 1
