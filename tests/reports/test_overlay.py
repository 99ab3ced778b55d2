from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from oddlens.reports.overlay import OverlayVideo
from oddlens.reports.strip import ScoreStrip

RED, VIOLET = (220, 52, 64), (139, 92, 246)


def row(index: int, surprise: float = 1.0, alarm: bool = False) -> dict[str, float | bool]:
    return {"time": index / 10, "calibrated": surprise, "alarm": alarm}


def frame(height: int = 61, width: int = 93, channels: int = 1) -> np.ndarray:
    return np.full((height, width, channels), 90, np.uint8)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]


@pytest.mark.parametrize("total", [12, None, 3])
def test_one_frame_out_for_each_in_at_an_even_legible_size(tmp_path: Path, total: int | None) -> None:
    with OverlayVideo(tmp_path / "o.mp4", 10.0, total, 3.0) as video:
        for k in range(12):
            video.write(frame(), np.eye(4, dtype=np.float32), row(k))
    pictures = decoded(tmp_path / "o.mp4")
    height, width = pictures[0].shape[:2]
    assert len(pictures) == 12
    assert height % 2 == 0 and width % 2 == 0 and width >= 480


def test_nothing_is_left_behind_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), OverlayVideo(tmp_path / "o.mp4", 10.0, 5, 3.0) as video:
        video.write(frame(), None, row(0))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_alarm_shows_a_red_frame_and_only_then(tmp_path: Path) -> None:
    video = OverlayVideo(tmp_path / "o.mp4", 10.0, 2, 3.0)
    calm = video.compose(frame(), None, row(0))
    alarmed = video.compose(frame(), None, row(1, 5.0, True))
    assert not (calm == RED).all(axis=2).any()
    assert (alarmed[0] == RED).all() and (alarmed[:100, 0] == RED).all()


def test_large_footage_is_reduced_and_colour_is_kept(tmp_path: Path) -> None:
    picture = np.zeros((1440, 2560, 3), np.uint8)
    picture[..., 0] = 200
    shown = OverlayVideo(tmp_path / "o.mp4", 10.0, 2, 3.0).compose(picture, None, row(0))
    assert shown.shape[1] == 1280
    assert shown[10, 10].tolist() == [200, 0, 0]


def test_rows_of_a_data_frame_are_read_as_they_are(tmp_path: Path) -> None:
    table = pd.DataFrame([row(0), row(1, np.nan)])
    video = OverlayVideo(tmp_path / "o.mp4", 10.0, 2, 3.0)
    for k in range(2):
        assert video.compose(frame(), None, table.iloc[k]).shape[2] == 3


def strip_of(total: int, scores: list[float], labels: np.ndarray | None = None) -> np.ndarray:
    strip = ScoreStrip(200, 96, 3.0, 6.0, total, labels)
    for score in scores:
        strip.push(score, score >= 3.0)
    return strip.render("", "")


def test_labelled_intervals_are_shaded_in_the_curve() -> None:
    labels = np.array([0] * 50 + [1] * 50, np.uint8)
    columns = np.flatnonzero((strip_of(100, [], labels) == VIOLET).all(axis=2).any(axis=0))
    assert (columns.min(), columns.max()) == (100, 189)


def test_curve_grows_with_time() -> None:
    def reach(count: int) -> int:
        changed = (strip_of(100, [2.0] * count) != strip_of(100, [])).any(axis=(0, 2))
        return int(np.flatnonzero(changed).max())

    assert reach(10) < reach(50) < reach(100) <= 199


def test_more_frames_than_announced_keep_the_highest_score_in_view() -> None:
    scores = [0.5] * 30 + [5.9] + [0.5] * 2000
    short, fitting = strip_of(10, scores), strip_of(2560, scores)
    assert (short == fitting).mean() > 0.97
    assert (short[30:36] != strip_of(2560, [0.5] * 2031)[30:36]).any()


def test_boxes_are_drawn_instead_of_heat_at_the_size_that_is_shown(tmp_path: Path) -> None:
    video = OverlayVideo(tmp_path / "o.mp4", 10.0, 2, 3.0)
    picture = video.compose(frame(60, 120), np.ones((4, 4), np.float32), row(0), [[30, 15, 60, 30, 0.0]])
    rows, columns = np.nonzero((picture[:240] != 90).any(axis=2))  # four times as large
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (60, 119, 120, 239)


def test_the_number_of_objects_is_told(tmp_path: Path) -> None:
    shown = []
    for boxes in (None, np.zeros((0, 5)), [[0, 0, 9, 9, 0.0]], [[0, 0, 9, 9, 0.0]] * 2):
        video = OverlayVideo(tmp_path / "o.mp4", 10.0, 2, 3.0)
        shown.append(video.compose(frame(60, 120), None, row(0), boxes)[240:].tobytes())
    assert len(set(shown)) == 4


def test_arrows_are_drawn_over_heat_and_boxes_and_their_length_is_told() -> None:
    offset, heat = np.full((2, 8, 8), -2.0), np.ones((8, 8), np.float32)
    for boxes in (None, [[30, 15, 60, 30, 0.0]]):
        plain, arrows = OverlayVideo(Path("o.mp4"), 10.0, 2, 3.0), OverlayVideo(Path("o.mp4"), 10.0, 2, 3.0)
        without = plain.compose(frame(60, 120), heat, row(0), boxes)
        shown = arrows.compose(frame(60, 120), heat, row(0), boxes, offset)
        assert (shown[:240] != without[:240]).any(axis=2).mean() > 0.02
        assert (shown[240:] != without[240:]).any()
        again = arrows.compose(frame(60, 120), heat, row(1), boxes)
        assert (again[:240] == without[:240]).all(), "a frame without a field has no arrows"
