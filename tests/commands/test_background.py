"""`oddlens background`: the picture, the line about it, and faults as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens.cli import main
from oddlens.datasets.open import open_dataset
from oddlens.media.images import read_image
from oddlens.media.open import open_source
from oddlens.media.template import make_template
from oddlens.media.writer import write_image

Captured = pytest.CaptureFixture[str]


def call(*words: Any) -> int:
    return main(["background", *map(str, words)])


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A folder of five grey frames, 8x6: levels 10, 11, 12, 10 and 200."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, level in enumerate((10, 11, 12, 10, 200)):
        write_image(folder / f"{number}.png", np.full((6, 8, 1), level, np.uint8))
    return folder


@pytest.mark.parametrize(("kind", "level"), [("mean", 49), ("mode", 11), ("median", 11)])
def test_a_picture_of_each_kind(frames: Path, tmp_path: Path, capsys: Captured, kind: str, level: int) -> None:
    out = tmp_path / "new" / "bkg.png"
    assert call(frames, "--out", out, "--kind", kind) == 0
    picture = read_image(out)
    assert picture.shape == (6, 8, 1) and (picture == level).all()
    shown = capsys.readouterr().out
    assert f"{out}: {kind} of 5 frames of 1 video, 8x6 grey" in shown
    assert ("--kind median" in shown) == (kind == "mean")


def test_first_frames_and_a_size(frames: Path, tmp_path: Path) -> None:
    out = tmp_path / "bkg.bmp"
    assert call(frames, "--out", out, "--frames", 3, "--size", "4x2", "--quiet") == 0
    picture = read_image(out)
    assert picture.shape == (2, 4, 1) and (picture == 11).all()


def test_the_training_videos_of_a_data_set(scene: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "bkg.png"
    assert call(scene, "--out", out, "--kind", "median") == 0
    assert "median of 120 frames of 2 videos, 64x48 RGB" in capsys.readouterr().out
    sources = [open_source(video.path) for video in open_dataset(scene).train]
    np.testing.assert_array_equal(read_image(out), make_template(sources, "median").image)


def test_quiet(frames: Path, tmp_path: Path, capsys: Captured) -> None:
    assert call(frames, "--out", tmp_path / "bkg.png", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_broken_video_among_others(scene: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    video = scene / "test" / "test_01.mp4"
    assert call(tmp_path / "broken.mp4", video, "--out", tmp_path / "bkg.png") == 1
    shown = capsys.readouterr()
    assert "broken.mp4" in shown.err and "40 frames of 1 video" in shown.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "input: nothing was named"),
        (["missing.mp4"], "missing.mp4: there is no such file or folder"),
        (["FRAMES", "--out", "bkg.txt"], "--out bkg.txt: is no picture by its name"),
        (["FRAMES", "--out", "FRAMES/bkg.png"], "lies among the frames of the footage"),
        (["FRAMES", "--size", "256"], "--size 256: is no size; write width and height in pixels, such as 256x256"),
        (["FRAMES", "--size", "0x4"], "--size 0x4: is no size"),
        (["FRAMES", "--frames", "0"], "frames: is 0; give 1 or more"),
        (["FRAMES", "--kind", "average"], "invalid"),
        (["FRAMES", "--kind", "mode", "--size", "4000x4000"], "takes 7.6 GB"),
        (["FRAMES", "VIDEO"], "is 64x48, frames 8x6; name a size"),
        (["broken.mp4", "broken2.mp4"], "none of 2 inputs could be read"),
    ],
)
def test_mistakes_are_one_line(
    scene: Path,
    frames: Path,
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("broken.mp4", "broken2.mp4"):
        (tmp_path / name).write_bytes(b"nothing")
    before = sorted(tmp_path.rglob("*"))
    video = str(scene / "test" / "test_01.mp4")
    assert call(*[word.replace("FRAMES", str(frames)).replace("VIDEO", video) for word in words]) == 2
    shown = capsys.readouterr()
    assert told in shown.err and len(shown.err.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_several_cameras_are_refused(tmp_path: Path, capsys: Captured) -> None:
    for name in ("01_001", "02_001"):
        folder = tmp_path / "shanghai" / "training" / "frames" / name
        folder.mkdir(parents=True)
        write_image(folder / "0.png", np.zeros((4, 4, 1), np.uint8))
    test = tmp_path / "shanghai" / "testing" / "frames" / "01_0014"
    test.mkdir(parents=True)
    write_image(test / "0.png", np.zeros((4, 4, 1), np.uint8))
    assert call(tmp_path / "shanghai", "--out", tmp_path / "bkg.png") == 2
    assert "holds footage of 2 cameras" in capsys.readouterr().err
