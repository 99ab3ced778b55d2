"""`oddlens flow`: the video, the line about it, and faults as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens.cli import main
from oddlens.media.open import open_source
from oddlens.media.writer import write_image


def call(*words: Any) -> int:
    return main(["flow", *map(str, words)])


def test_a_video_of_the_flow(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "flow.mp4"
    assert call(scene / "test" / "test_01.mp4", "--out", out, "--method", "dis-fast") == 0
    shown = capsys.readouterr().out
    assert "40 frames of 64x48 by dis-fast" in shown and "% of the pixels move" in shown
    frames = list(open_source(out).frames())
    assert len(frames) == 40 and frames[0].image.shape == (48, 64, 3)


def test_frames_in_a_folder_quietly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "frames", tmp_path / "flow.mkv"
    folder.mkdir()
    for k, image in enumerate(np.random.default_rng(0).integers(0, 256, (3, 48, 64, 1), dtype=np.uint8)):
        write_image(folder / f"{k}.png", image)
    options = ["--method", "farneback", "--limit", 2, "--fps", 4, "--quiet"]
    assert call(folder, "--out", out, *options) == 0
    assert capsys.readouterr() == ("", "")
    assert open_source(out).info.fps == 4
    assert call(folder / "0.png", "--out", out) == 2
    assert "has a single frame" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:RAFT runs with random weights")
def test_raft(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, out = scene / "test" / "test_01.mp4", tmp_path / "flow.mp4"
    assert call(video, "--out", out, "--method", "raft-small", "--weights", tmp_path / "gone.pth") == 2
    assert "gone.pth: there is no such file" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["missing.mp4"], "missing.mp4: there is no such file or folder"),
        ([], "missing: INPUT"),
        (["VIDEO", "--limit", "0"], "--limit: is 0"),
        (["VIDEO", "--weights", "w.pth"], "dis-medium takes no such weights"),
        (["VIDEO", "--method", "raft"], "--method"),
        (["VIDEO", "--out", "flow.txt"], "no video is written under this suffix"),
        (["VIDEO", "--out", "VIDEO"], "is the input itself"),
    ],
)
def test_faults_are_one_line(scene: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    video = str(scene / "test" / "test_01.mp4")
    assert call(*[video if word == "VIDEO" else word for word in options]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.startswith("oddlens: ") and len(shown.splitlines()) == 1
