from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import oddlens.media
from oddlens.errors import MediaError
from oddlens.media.open import expand_inputs, open_source

Pictures = Callable[..., list[NDArray[np.uint8]]]
MakeVideo = Callable[..., Path]


def images(folder: Path, count: int = 2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    data = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()
    for k in range(count):
        (folder / f"{k:03d}.png").write_bytes(data)
    return folder


def empty(*paths: Path) -> list[Path]:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return list(paths)


def test_opens_video_folder_glob_and_single_image(
    tmp_path: Path, make_video: MakeVideo, flat_pictures: Pictures
) -> None:
    video = make_video(flat_pictures(4))
    folder = images(tmp_path / "frames", 3)
    counts = {
        video: 4,
        str(tmp_path / "*.mp4"): 4,
        folder: 3,
        str(folder / "*.png"): 3,
        str(folder / "00[12].png"): 2,
        folder / "001.png": 1,
    }
    for where, count in counts.items():
        assert len(list(open_source(where).frames())) == count
    assert open_source(str(folder / "*.png")).info.name == "frames"
    assert open_source(folder / "001.png").info.name == "001"
    assert open_source(tmp_path / "*.mp4").info.name == "clip"


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("missing", "no such file"),
        ("nothing", "holds no images"),
        ("videos", "holds 2 videos"),
        ("videos/*.mp4", "matches 2 videos"),
        ("*.jpg", "no image or video matches"),
    ],
)
def test_what_cannot_be_one_source_is_refused(tmp_path: Path, where: str, fault: str) -> None:
    (tmp_path / "nothing").mkdir()
    empty(tmp_path / "videos" / "a.mp4", tmp_path / "videos" / "b.mp4")
    with pytest.raises(MediaError, match=fault):
        open_source(tmp_path / where)


@pytest.mark.parametrize("fps", [0, -3, float("nan"), float("inf")])
def test_a_senseless_rate_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(MediaError, match="frame rate"):
        open_source(images(tmp_path), fps=fps)


def test_inputs_files_folders_and_repeats(tmp_path: Path) -> None:
    first, second = empty(tmp_path / "v" / "clip2.mp4", tmp_path / "v" / "clip10.avi")
    empty(tmp_path / "v" / "notes.txt")
    folder = images(tmp_path / "v" / "seq")
    assert expand_inputs([tmp_path / "v"]) == [first, second, folder]
    assert expand_inputs([second, str(tmp_path / "v"), folder]) == [second, first, folder]
    assert expand_inputs([folder / "000.png"]) == [folder / "000.png"]


def test_inputs_nested_frames_without_their_masks(tmp_path: Path) -> None:
    sequences = [images(tmp_path / "testing" / "frames" / name) for name in ("01", "02")]
    images(tmp_path / "testing" / "masks" / "01")
    assert expand_inputs([tmp_path / "testing"]) == sequences
    assert expand_inputs([tmp_path / "testing" / "frames"]) == sequences
    tests = [images(tmp_path / "Test" / name) for name in ("Test001", "Test002")]
    images(tmp_path / "Test" / "Test001_gt")
    assert expand_inputs([tmp_path / "Test"]) == expand_inputs([str(tmp_path / "Test" / "*")]) == tests


def test_inputs_globs(tmp_path: Path) -> None:
    videos = empty(tmp_path / "a.mp4", tmp_path / "b.mp4")
    folders = [images(tmp_path / "seq [1]"), images(tmp_path / "seq [2]")]
    assert expand_inputs([str(tmp_path / "*.mp4")]) == videos
    assert expand_inputs([str(tmp_path / "seq*")]) == folders
    globs = expand_inputs([str(tmp_path / "seq*" / "*.png")])
    assert len(globs) == 2
    for pattern, folder in zip(globs, folders):
        source = open_source(pattern)
        assert source.info.name == folder.name and source.info.frames == 2


@pytest.mark.parametrize("given", [["missing.mp4"], ["*.mp4"], ["bare"], ["mixed"], ["texts/*"], []])
def test_inputs_that_hold_nothing_are_refused(tmp_path: Path, given: list[str]) -> None:
    (tmp_path / "bare").mkdir()
    empty(tmp_path / "mixed" / "a.mp4", tmp_path / "texts" / "a.txt")
    images(tmp_path / "mixed")
    with pytest.raises(MediaError):
        expand_inputs([tmp_path / name for name in given])


def test_public_names_load_lazily() -> None:
    for name in dir(oddlens.media):
        assert getattr(oddlens.media, name) is not None
    with pytest.raises(AttributeError):
        oddlens.media.nothing  # noqa: B018
    program = "import sys, oddlens.media; sys.exit(any(name in sys.modules for name in ('av', 'cv2', 'torch')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.real
def test_real_inputs(real_data: Path) -> None:
    assert len(expand_inputs([real_data / "ped2" / "testing"])) == 12
    assert [Path(p).name for p in expand_inputs([real_data / "videos"])] == ["tree.avi", "vtest.avi"]
