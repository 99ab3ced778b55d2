from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from oddlens.reports.timeline import timeline_png


def make_table(length: int = 100, name: str = "walk") -> pd.DataFrame:
    surprise = np.where((np.arange(length) >= 40) & (np.arange(length) < 60), 5.0, 0.5)
    return pd.DataFrame(
        {"video": name, "frame": range(length), "time": np.arange(length) / 10, "score": surprise / 10}
        | {"calibrated": surprise, "alarm": surprise >= 3}
    )


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1].astype(int)


def violet_columns(picture: np.ndarray) -> np.ndarray:
    violet = np.abs(picture - (139, 92, 246)).max(axis=2) < 12
    return np.flatnonzero(violet[300:].any(axis=0))


def test_labels_are_shaded_where_they_are(tmp_path: Path) -> None:
    labels = np.zeros(100, np.uint8)
    labels[50:75] = 1
    timeline_png(make_table(), tmp_path / "with.png", 3.0, labels)
    timeline_png(make_table(), tmp_path / "without.png", 3.0)
    columns = violet_columns(read(tmp_path / "with.png"))
    width = read(tmp_path / "with.png").shape[1]
    assert 0.45 * width < columns.min() < 0.55 * width < 0.7 * width < columns.max() < 0.8 * width
    assert violet_columns(read(tmp_path / "without.png")).size == 0


def test_the_same_input_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        timeline_png(make_table(), tmp_path / name, 3.0, events=[{"peak_frame": 45, "peak_score": 5.0}])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("name", ["$x_1$ {", "<b>", "歩道", "n" * 300])
def test_any_name_can_be_drawn(tmp_path: Path, name: str, recwarn: pytest.WarningsRecorder) -> None:
    timeline_png(make_table(20, name), tmp_path / "t.png", 3.0)
    assert read(tmp_path / "t.png").shape == (360, 1200, 3)
    assert not recwarn.list


@pytest.mark.parametrize("length", [0, 1, 2, 50_000])
def test_any_length_can_be_drawn(tmp_path: Path, length: int) -> None:
    timeline_png(make_table(length), tmp_path / "t.png", 3.0, np.ones(length, np.uint8))
    assert (tmp_path / "t.png").exists()


def test_scores_that_are_not_finite_leave_gaps(tmp_path: Path) -> None:
    table = make_table()
    table["calibrated"] = [np.nan, np.inf] * 50
    timeline_png(table, tmp_path / "t.png", 3.0)
    assert list(tmp_path.iterdir()) == [tmp_path / "t.png"]
