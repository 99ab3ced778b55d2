"""Pictures of each frame side by side, as a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oddlens.media.open import open_source
from oddlens.reports.pictures_video import PicturesVideo, strip_of

ROW = {"time": 0.4, "calibrated": 2.0, "alarm": False}


def tiles(level: int = 90) -> dict[str, np.ndarray]:
    grey, red = np.full((60, 80, 3), level, np.uint8), np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    return {"true": grey, "error": red}


def test_pictures_stand_in_order_in_the_proportions_of_the_first() -> None:
    strip = strip_of(tiles())
    middle = strip[strip.shape[0] // 2]
    assert strip.shape[1] == 8 + 2 * (240 + 8)
    assert (middle[8:248] == 90).all()
    assert (middle[256:496] == (200, 0, 0)).all()
    assert strip.shape[0] > 180


def test_many_pictures_fit_on_a_screen() -> None:
    many = {str(k): np.zeros((480, 640, 3), np.uint8) for k in range(6)}
    assert strip_of(many).shape[1] <= 1920
    assert strip_of(many, 1040).shape[1] <= 1040


def test_every_frame_is_written_with_the_curve_below(tmp_path: Path) -> None:
    with PicturesVideo(tmp_path / "p.mp4", 10.0, 5, 3.0) as film:
        for level in range(60, 110, 10):
            film.write(tiles(level), ROW, {"motion": 5.0, "object": 0.1})
    frames = [frame.image.astype(int) for frame in open_source(tmp_path / "p.mp4", colour="rgb").frames()]
    assert len(frames) == 5
    for frame, level in zip(frames, range(60, 110, 10)):
        assert np.abs(frame[100, 40:200] - level).max() < 12
        assert frame[100, 300:480, 0].min() > 150
    plain = strip_of(tiles())
    assert frames[0].shape[0] == pytest.approx(plain.shape[0] + 96, abs=1)


def test_nothing_is_left_on_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), PicturesVideo(tmp_path / "p.mp4", 10.0, None, 3.0) as film:
        film.write(tiles(), ROW)
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
