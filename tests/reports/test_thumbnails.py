from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from oddlens.reports.thumbnails import close_up, data_uri, event_thumbnail


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


def test_a_close_up_keeps_proportions_and_holds_the_box() -> None:
    frame = np.arange(480 * 640, dtype=np.uint32).view(np.uint8).reshape(480, 640, 4)[..., :3]
    for box in [(0, 0, 20, 30), (630, 470, 640, 480), (300, 200, 330, 260), (100, 100, 260, 140)]:
        part, (left, top, right, bottom) = close_up(frame, box)
        height, width = part.shape[:2]
        assert width / height == pytest.approx(640 / 480, rel=0.01)
        assert width >= 0.4 * 640 - 1 and width >= 3 * (box[2] - box[0]) - 1
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        assert (part[top:bottom, left:right] == frame[box[1] : box[3], box[0] : box[2]]).all()


def test_a_close_up_of_a_large_box_is_the_frame_itself() -> None:
    frame, box = np.zeros((48, 64, 1), np.uint8), (0, 0, 30, 20)
    assert close_up(frame, box) == (frame, box)


def test_the_box_takes_the_colour_asked_for() -> None:
    picture = event_thumbnail(np.zeros((60, 80, 3), np.uint8), box=[20, 10, 40, 30], colour=(220, 52, 64))
    assert (picture == (220, 52, 64)).all(axis=2).any() and not (picture == 255).all(axis=2).any()
