"""Own footage: where it may lie, `labels.csv`, masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oddlens.datasets.base import Video
from oddlens.datasets.open import open_dataset
from oddlens.datasets.own_labels import read_intervals, write_intervals
from oddlens.errors import DataError
from oddlens.media.writer import VideoWriter, write_image

H, W = 16, 32


def video(path: Path, count: int = 20, fps: float = 10) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, fps) as writer:
        for k in range(count):
            writer.write(np.full((H, W, 1), k * 7 % 250, np.uint8))


def images(folder: Path, count: int, level: int = 9) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        write_image(folder / f"{k}.png", np.full((H, W, 1), level, np.uint8))


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    video(tmp_path / "normal/day.mp4")
    video(tmp_path / "test/gate.mp4")
    images(tmp_path / "test/yard", 12)
    return tmp_path


def test_normal_and_test_hold_videos_and_image_folders(footage: Path) -> None:
    data = open_dataset(footage)
    assert data.name == "own" and data.label_version == ""
    assert [v.name for v in data.train] == ["day"]
    assert [(v.name, v.path.is_dir()) for v in data.test] == [("gate", False), ("yard", True)]


def test_bare_footage_is_training_footage(footage: Path) -> None:
    for place, names in (
        (footage / "normal", ["day"]),
        (footage / "normal/day.mp4", ["day"]),
        (footage / "test/yard", ["yard"]),
        (footage / "test", ["gate", "yard"]),
    ):
        data = open_dataset(place)
        assert ([v.name for v in data.train], data.test) == (names, ())


def test_intervals_in_frames_and_seconds(footage: Path) -> None:
    (footage / "labels.csv").write_text("video,start,end,unit\ngate.mp4,0.5,0.8,seconds\ngate,18,20,\nyard,0,1,frame\n")
    gate, yard = (v.labels for v in open_dataset(footage).test)
    assert gate is not None and np.flatnonzero(gate).tolist() == [5, 6, 7, 18, 19] and len(gate) == 20
    assert yard is not None and np.flatnonzero(yard).tolist() == [0]


def test_spreadsheet_dialect_in_the_test_folder(footage: Path) -> None:
    text = "\ufeffVideo;Start;End;Unit\r\ngate;0,5;0,8;seconds\r\n;;;\r\n"
    (footage / "test/labels.csv").write_text(text, encoding="utf-8")
    gate, yard = (v.labels for v in open_dataset(footage).test)
    assert gate is not None and np.flatnonzero(gate).tolist() == [5, 6, 7]
    assert yard is not None and not yard.any()


def test_unlabelled_videos_stay_unlabelled(footage: Path) -> None:
    (footage / "labels.csv").write_text("video,start,end,unit\ngate,1,2,frame\nyard,,,unlabelled\n")
    data = open_dataset(footage)
    assert data.test[0].labels is not None and data.test[1].labels is None
    assert "1 of 20" in data.label_version


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gaet,1,2,frame", "no test video 'gaet', the closest is 'gate'"),
        ("gate,5,3,frame", "start 5 is not before end 3"),
        ("gate,3,3,frame", "start 3 is not before end 3"),
        ("gate,-1,3,frame", "below 0"),
        ("gate,5,21,frame", "end 21 is beyond the 20 frames"),
        ("gate,1,60,seconds", "beyond the 1.90 s"),
        ("gate,1.5,3,frame", "whole numbers"),
        ("gate,one,3,frame", "'one' is not a number"),
        ("gate,nan,3,frame", "'nan' is not a number"),
        ("gate,1,3,minutes", "unit 'minutes'"),
        ("yard,1,3,seconds", "folder of images without a frame rate"),
        ("gate", "'' is not a number"),
    ],
)
def test_faulty_lines(footage: Path, line: str, message: str) -> None:
    (footage / "labels.csv").write_text(f"video,start,end,unit\ngate,1,2,frame\n{line}\n")
    with pytest.raises(DataError) as caught:
        open_dataset(footage)
    assert message in str(caught.value) and "line 3" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_faulty_tables(footage: Path) -> None:
    table = footage / "labels.csv"
    table.write_text("video,begin\n")
    with pytest.raises(DataError, match="lacks the columns end, start"):
        open_dataset(footage)
    table.write_bytes(b"video,start,end\n\xff\xfe,1,2\n")
    with pytest.raises(DataError, match="UTF-8"):
        open_dataset(footage)
    table.write_text("video,start,end\n" + "nobody,1,2\n" * 8)
    with pytest.raises(DataError, match=r"line 6: .* and 3 more"):
        open_dataset(footage)


def test_masks_label_videos_without_a_table(footage: Path) -> None:
    for k in range(12):
        mask = np.zeros((H, W, 1), np.uint8)
        mask[1, 1] = 255 * (k > 9)
        (footage / "masks/yard").mkdir(parents=True, exist_ok=True)
        write_image(footage / f"masks/yard/{k}.png", mask)
    with VideoWriter(footage / "masks/gate.mp4", 10) as writer:
        for k in range(20):
            mask = np.zeros((H, W, 1), np.uint8)
            mask[:, 16:] = 255 * (k in (3, 4))
            writer.write(mask)
    gate, yard = open_dataset(footage).test
    assert gate.labels is not None and np.flatnonzero(gate.labels).tolist() == [3, 4]
    assert gate.masks is not None and gate.masks.read(4)[:, 18:].all() and not gate.masks.read(4)[:, :14].any()
    assert yard.labels is not None and np.flatnonzero(yard.labels).tolist() == [10, 11]


def test_equal_stems_keep_their_suffix(tmp_path: Path) -> None:
    for suffix in ("avi", "mp4"):
        video(tmp_path / f"test/a.{suffix}", 4)
    assert [v.name for v in open_dataset(tmp_path, "own").test] == ["a.avi", "a.mp4"]


@pytest.fixture(scope="module")
def twelve_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sequence")
    images(folder, 12)
    return folder


@given(labels=arrays(np.uint8, 12, elements=st.integers(0, 1)))
def test_written_intervals_read_back(twelve_frames: Path, labels: np.ndarray) -> None:
    path = twelve_frames / "labels.csv"
    write_intervals(path, {"clip": labels, "other": None})
    videos = [Video(name, twelve_frames, "test") for name in ("clip", "other")]
    clip, other = read_intervals(path, videos)
    assert clip is not None and np.array_equal(clip, labels)
    assert other is None
