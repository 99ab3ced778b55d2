"""`data check`: counts of real data, and each fault it is there to find."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from oddlens.datasets.check import check_dataset
from oddlens.datasets.report import render
from oddlens.errors import DataError
from oddlens.media.writer import VideoWriter, write_image

H, W = 16, 24


def images(folder: Path, count: int, level: int = 10, shape: tuple[int, int, int] = (H, W, 1)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        write_image(folder / f"{k:03d}.png", np.full(shape, level + k, np.uint8))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A faultless frames tree: two training videos, one test video with labels and masks."""
    root = tmp_path / "set"
    images(root / "training/frames/01", 20, 10)
    images(root / "training/frames/02", 20, 40)
    images(root / "testing/frames/01", 20, 70)
    (root / "testing/test_frame_mask").mkdir()
    np.save(root / "testing/test_frame_mask/01.npy", (np.arange(20) > 14).astype(np.uint8))
    (root / "testing/masks/01").mkdir(parents=True)
    for k in range(20):
        mask = np.zeros((H, W, 1), np.uint8)
        mask[2:5, 2:5] = 255 * (k > 14)
        write_image(root / f"testing/masks/01/{k:03d}.png", mask)
    return root


def test_faultless_tree(tree: Path) -> None:
    report = check_dataset(tree, deep=True)
    assert (report.faults, report.notes) == ((), ())
    assert [(r.split, r.video, r.frames, r.width, r.height, r.channels) for r in report.rows] == [
        ("train", "01", 20, W, H, 1),
        ("train", "02", 20, W, H, 1),
        ("test", "01", 20, W, H, 1),
    ]
    total = report.total("test")
    assert total.labelled and total.abnormal_share == 0.25 and total.mask_frames == 20


def _break_label_length(root: Path) -> None:
    np.save(root / "testing/test_frame_mask/01.npy", np.zeros(17, np.uint8))


def _break_label_values(root: Path) -> None:
    np.save(root / "testing/test_frame_mask/01.npy", np.full(20, 3, np.uint8))


def _break_mask_count(root: Path) -> None:
    (root / "testing/masks/01/019.png").unlink()


def _break_mask_size(root: Path) -> None:
    for file in (root / "testing/masks/01").iterdir():
        write_image(file, np.zeros((8, 8, 1), np.uint8))


def _break_agreement(root: Path) -> None:
    np.save(root / "testing/test_frame_mask/01.npy", (np.arange(20) > 12).astype(np.uint8))


def _break_one_size(root: Path) -> None:
    write_image(root / "training/frames/01/007.png", np.zeros((H, W + 2, 1), np.uint8))


def _break_header(root: Path) -> None:
    (root / "training/frames/02/003.png").write_bytes(b"not a picture")


def _break_last_image(root: Path) -> None:
    path = root / "testing/frames/01/019.png"
    path.write_bytes(path.read_bytes()[:-30])


def _empty_folder(root: Path) -> None:
    (root / "training/frames/03").mkdir()


def _duplicate(root: Path) -> None:
    for file in (root / "training/frames/02").iterdir():
        (root / "testing/frames/01" / file.name).write_bytes(file.read_bytes())


def _no_training(root: Path) -> None:
    (root / "training").rename(root / "elsewhere")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_break_label_length, "20 frames but 17 labels"),
        (_break_label_values, "not a row of 0 and 1"),
        (_break_mask_count, "20 frames but 19 masks"),
        (_break_mask_size, "24x16, its masks 8x8"),
        (_break_agreement, "disagree on 2 frames, the first is 13"),
        (_break_one_size, "train 01 mixes image sizes: 19 of 24x16, 1 of 26x16"),
        (_break_header, "003.png: is not an image"),
        (_break_last_image, "019.png"),
        (_empty_folder, "03: is empty"),
        (_duplicate, "test 01 is also train 02"),
        (_no_training, "no training video"),
    ],
)
def test_every_fault_is_found(tree: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(tree)
    report = check_dataset(tree)
    assert any(message in fault for fault in report.faults), report.faults
    assert all("\n" not in fault for fault in report.faults)


def test_only_a_deep_check_decodes_the_middle(tree: Path) -> None:
    path = tree / "training/frames/01/010.png"
    data = bytearray(path.read_bytes())
    data[50:] = bytes(len(data) - 50)
    path.write_bytes(bytes(data))
    assert not check_dataset(tree).faults
    assert any("010.png" in fault for fault in check_dataset(tree, deep=True).faults)


def test_oddities_are_notes(tree: Path) -> None:
    images(tree / "training/frames/03", 5, 90, (H, W + 4, 3))
    np.save(tree / "testing/test_frame_mask/01.npy", np.zeros(20, np.uint8))
    images(tree / "testing/frames/02", 20, 130)
    notes = " | ".join(check_dataset(tree).notes)
    assert "train 03 has only 5 frames" in notes
    assert "videos differ in size: 24x16, 28x16" in notes
    assert "1 videos store grey as colour: train 03" in notes
    assert "test 01 has only normal frames" in notes
    assert "1 test videos have no labels: 02" in notes


def test_broken_and_lying_videos(tmp_path: Path, real_data: Path) -> None:
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal/tree.avi").symlink_to(real_data / "videos/tree.avi")
    (tmp_path / "normal/text.mp4").write_text("hello")
    report = check_dataset(tmp_path)
    assert {row.video: row.frames for row in report.rows} == {"text": 0, "tree": 68}
    assert any("announces 444 frames, it holds 68" in note for note in report.notes)
    assert len(report.faults) == 1 and "text.mp4" in report.faults[0]


def test_truncated_video(tmp_path: Path) -> None:
    (tmp_path / "normal").mkdir()
    path = tmp_path / "normal/a.avi"
    with VideoWriter(path, 10) as writer:
        for k in range(40):
            writer.write(np.random.default_rng(k).integers(0, 255, (H, W, 1)).astype(np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    report = check_dataset(tmp_path)
    assert report.rows[0].frames < 40
    assert any("announces 40 frames" in note for note in report.notes) or report.faults


def test_real_ped2(real_data: Path) -> None:
    report = check_dataset(real_data / "ped2")
    train, test = report.total("train"), report.total("test")
    assert (train.frames, test.frames, test.abnormal, test.mask_frames) == (2550, 2010, 1648, 2010)
    lengths = [row.frames for row in report.rows]
    assert lengths[:16] == [120, 150, 150, 180, 180, 150, 150, 120, 180, 180, 180, 180, 180, 150, 150, 150]
    assert (test.width, test.height, test.channels, test.fps) == (360, 240, 1, 10.0)
    assert report.faults == ()
    assert sum("only abnormal frames" in note for note in report.notes) == 4


def test_rendered_report_shows_totals_faults_and_brackets(tree: Path) -> None:
    _duplicate(tree)
    images(tree / "training/frames/[red]x", 20, 160)
    stream = io.StringIO()
    Console(file=stream, width=160).print(render(check_dataset(tree)))
    text = stream.getvalue()
    for part in ("3 videos", "5 (25.0%)", "fault: test 01 is also train 02", "24x16", "[red]x"):
        assert part in text
    assert "labels: frames" in text


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="looked for"):
        check_dataset(tmp_path)


def test_the_two_label_versions_of_avenue_may_differ(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for part in ("training_videos", "testing_videos", "ground_truth_demo"):
        (tmp_path / part).symlink_to(real_data / "avenue" / part)
    np.save(tmp_path / "frame_labels_avenue.npy", np.zeros((1, 15324), np.int8))
    report = check_dataset(tmp_path, labels="frames")
    assert report.faults == ()
    assert any("test 20: labels and masks disagree on 154 frames" in note for note in report.notes)
