from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from oddlens.reports.figures import (
    FULL_SIZE,
    Demonstration,
    DemonstrationVideo,
    network_picture,
    write_pictures,
)

SMALL = (480, 360)
PINK = (255, 192, 203)


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = np.full((24, 36, 1), 40, np.uint8)
    return frame, np.full((16, 16, 1), 120, np.uint8), np.eye(16, dtype=np.float32)


def test_full_size_is_the_published_one() -> None:
    assert Demonstration(5).push(*inputs(), 0.5).shape == (1440, 1920, 3) == (*FULL_SIZE[::-1], 3)


def test_label_rectangles_stand_from_the_first_frame_on() -> None:
    labels = np.array([0, 0, 0, 1, 1, 0, 0, 0, 0, 0], np.uint8)
    pink = (Demonstration(10, labels, SMALL).push(*inputs(), 0.0) == PINK).all(axis=2)
    columns = np.flatnonzero(pink.any(axis=0))
    bare = (Demonstration(10, None, SMALL).push(*inputs(), 0.0) == PINK).all(axis=2)
    assert columns.size and not bare.any()
    left, right = 0.09 * 480, 0.97 * 480
    assert abs(columns.min() - (left + (right - left) * 3 / 9)) < 3
    assert abs(columns.max() - (left + (right - left) * 5 / 9)) < 3


def test_curve_grows_and_a_missing_score_leaves_a_gap() -> None:
    def blue(scores: list[float]) -> int:
        figure = Demonstration(20, None, SMALL)
        for score in scores:
            picture = figure.push(*inputs(), score)
        lower = picture[SMALL[1] // 2 :].astype(int)
        return int((lower[..., 2] - lower[..., 0] > 80).sum())

    assert blue([0.5] * 5) < blue([0.5] * 15)
    assert blue([0.5, 0.5, float("nan"), 0.5, 0.5]) < blue([0.5] * 5)


def test_video_holds_every_frame_or_does_not_exist(tmp_path: Path) -> None:
    with DemonstrationVideo(tmp_path / "d.mp4", 6, size=SMALL) as video:
        for k in range(6):
            video.write(*inputs(), k / 6)
    with av.open(str(tmp_path / "d.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 6
        assert container.streams.video[0].average_rate == 10
    with pytest.raises(RuntimeError), DemonstrationVideo(tmp_path / "e.mp4", 6, size=SMALL) as video:
        video.write(*inputs(), 0.1)
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["d.mp4"]


def test_pictures_carry_the_original_names_and_lose_no_grey_level(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = network_picture(grey[None].astype(np.float32) / 127.5 - 1)
    write_pictures(tmp_path, 7, frame=picture, reconstruction=picture, error_map=np.zeros((16, 16)), low=0, high=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["GT_0007.png", "MSE_0007.png", "out_0007.png"]
    assert (cv2.imread(str(tmp_path / "GT_0007.png"), cv2.IMREAD_GRAYSCALE) == grey).all()
    assert (cv2.imread(str(tmp_path / "MSE_0007.png")) == (128, 0, 0)).all()
