"""`data prepare`: there and back again, with labels and masks, in one go or in several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oddlens.datasets.check import check_dataset
from oddlens.datasets.open import open_dataset, recognise
from oddlens.datasets.prepare import Target, prepare
from oddlens.errors import DataError, SettingsError
from oddlens.media.images import read_image
from oddlens.media.open import open_source
from oddlens.media.writer import write_image

H, W = 15, 31  # odd, so that a video grows


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    root = tmp_path / "own"
    for split, count in (("normal", 18), ("test", 20)):
        folder = root / split / "yard"
        folder.mkdir(parents=True)
        for k in range(count):
            write_image(folder / f"{k:03d}.png", np.full((H, W, 1), 10 * k, np.uint8))
    (root / "labels.csv").write_text("video,start,end\nyard,4,9\n")
    (root / "masks/yard").mkdir(parents=True)
    for k in range(20):
        mask = np.zeros((H, W, 1), np.uint8)
        mask[10:, 20:] = 255 * (4 <= k < 9)
        write_image(root / f"masks/yard/{k:03d}.png", mask)
    return root


@pytest.mark.parametrize(("to", "layout"), [("frames", "frames"), ("videos", "own")])
def test_labels_masks_and_rate_are_carried_along(footage: Path, tmp_path: Path, to: Target, layout: str) -> None:
    out = tmp_path / "out"
    report = prepare(footage, out, to, fps=12, images=".png")
    assert (report.written, report.skipped, report.faults) == (["train yard", "test yard"], [], [])
    assert recognise(out) == layout
    data = open_dataset(out)
    assert (data.name, data.fps) == ("own", 12)
    labels = data.test[0].labels
    assert labels is not None and np.flatnonzero(labels).tolist() == [4, 5, 6, 7, 8]
    assert check_dataset(out, deep=True).faults == ()
    second = prepare(footage, out, to, fps=12, images=".png")
    assert (second.written, second.skipped) == ([], ["train yard", "test yard"])


def test_there_and_back_keeps_the_pictures(footage: Path, tmp_path: Path) -> None:
    prepare(footage, tmp_path / "videos", "videos", fps=12)
    video = open_dataset(tmp_path / "videos").test[0]
    assert open_source(video.path).info.fps == 12
    prepare(tmp_path / "videos", tmp_path / "frames", "frames", images=".png")
    back = open_dataset(tmp_path / "frames")
    assert back.fps == 12
    for k in (0, 7, 19):
        image = read_image(back.test[0].path / f"{k:03d}.png")[:H, :W]
        assert abs(image.astype(int) - 10 * k).max() <= 6
    labels = back.test[0].labels
    assert labels is not None and np.flatnonzero(labels).tolist() == [4, 5, 6, 7, 8]
    assert check_dataset(tmp_path / "frames").faults == ()


def test_an_unfinished_tree_is_refused_and_goes_on(footage: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def stop(name: str) -> None:
        if name == "test yard":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(footage, out, fps=12, progress=stop)
    with pytest.raises(DataError, match="prepared only in part"):
        open_dataset(out)
    with pytest.raises(DataError, match="other settings"):
        prepare(footage, out, fps=12, images=".png")
    report = prepare(footage, out, fps=12)
    assert (report.written, report.skipped) == (["test yard"], ["train yard"])
    assert len(open_dataset(out).test) == 1


def test_a_broken_video_is_left_out_whole(footage: Path, tmp_path: Path) -> None:
    (footage / "normal/bad.mp4").write_text("no video")
    (footage / "test/yard/005.png").write_bytes(b"no image")
    out = tmp_path / "out"
    report = prepare(footage, out, fps=12)
    assert report.written == ["train yard"]
    assert "bad.mp4" in report.faults[0] and "19 frames but 20 labels" in report.faults[1]
    assert not (out / "testing/frames").exists() or not any((out / "testing/frames").iterdir())
    assert not [path for path in out.rglob("*") if ".part" in path.name]
    assert open_dataset(out).test == ()


def test_settings_at_fault(footage: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no frame rate"):
        prepare(footage, tmp_path / "a", "videos")
    with pytest.raises(SettingsError, match=r"\.gif"):
        prepare(footage, tmp_path / "b", images=".gif")
    with pytest.raises(DataError, match="not empty"):
        prepare(footage, footage)


def test_real_avenue_clip_to_frames(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    part = tmp_path / "avenue"
    (part / "testing_videos").mkdir(parents=True)
    (part / "testing_videos/21.avi").symlink_to(real_data / "avenue/testing_videos/21.avi")
    (part / "ground_truth_demo").symlink_to(real_data / "avenue/ground_truth_demo")
    prepare(part, tmp_path / "out")
    data = open_dataset(tmp_path / "out")
    assert (data.name, data.fps) == ("avenue", 25.0)
    assert len(list(data.test[0].path.iterdir())) == 76
    original = open_dataset(part).test[0].labels
    assert original is not None and data.test[0].labels is not None
    assert np.array_equal(data.test[0].labels, original)
    assert data.test[0].masks is not None and len(data.test[0].masks) == 76
