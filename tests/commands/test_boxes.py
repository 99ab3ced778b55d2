"""`oddlens boxes`: a table, a video, counts, and what to type next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from oddlens.cli import main
from oddlens.media.open import open_source

Captured = pytest.CaptureFixture[str]


def call(*arguments: Any) -> int:
    return main(["boxes", *map(str, arguments)])


def test_a_data_set(scene: Path, tmp_path: Path, capsys: Captured) -> None:
    out, overlay = tmp_path / "boxes.parquet", tmp_path / "seen.mp4"
    assert call(scene, "--out", out, "--overlay", overlay, "--set", "smallest_area=20") == 0
    shown = capsys.readouterr().out
    for word in ("boxes a frame", "frames with none", "test_01", "test_02", "all", "motion", f"boxes: {out}"):
        assert word in shown
    assert f"next: oddlens train lbr-spr --config lbr-spr/cpu --data {scene} --split test" in shown
    assert f"method.objects.ready_boxes={out}" in shown
    rows = pd.read_parquet(out)
    assert set(rows["video"]) <= {"test_01", "test_02"} and len(rows)
    for name in ("test_01", "test_02"):
        assert f"overlay: {tmp_path / f'seen-{name}.mp4'}" in shown
        assert sum(1 for _ in open_source(tmp_path / f"seen-{name}.mp4").frames()) == 40


def test_sources_and_ready_boxes(scene: Path, tmp_path: Path, capsys: Captured) -> None:
    clip, first, second = scene / "test" / "test_01.mp4", tmp_path / "first.parquet", tmp_path / "second.parquet"
    assert call(clip, "--sources", "motion", "--out", first, "--flow", "dis-fast", "--set", "smallest_area=20") == 0
    assert call(clip, "--ready", first, "--out", second) == 0
    found, again = pd.read_parquet(first), pd.read_parquet(second)
    assert set(found["source"]) == {"motion"} and set(again["source"]) == {"file"}
    pd.testing.assert_frame_equal(found[["video", "frame", "x1", "y1"]], again[["video", "frame", "x1", "y1"]])
    capsys.readouterr()
    assert call(scene / "test" / "test_02.mp4", "--ready", first, "--out", second) == 2
    assert "has no boxes of video 'test_02'; it has test_01" in capsys.readouterr().err


def test_a_detector_comes_with_motion(scene: Path, tmp_path: Path, capsys: Captured) -> None:
    words = ["--detector", "ssdlite-mobilenet", "--weights", "random", "--score", 0, "--out", tmp_path / "a.parquet"]
    with pytest.warns(UserWarning, match="random weights"):
        assert call(scene / "test" / "test_01.mp4", *words, "--device", "cpu", "--set", "smallest_area=20") == 0
    shown = capsys.readouterr().out
    assert "detector" in shown and "motion" in shown and "background" not in shown


def test_quiet(scene: Path, tmp_path: Path, capsys: Captured) -> None:
    assert call(scene / "test" / "test_01.mp4", "--out", tmp_path / "a.parquet", "--quiet") == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_work_done_in_part_ends_with_one(scene: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    assert call(tmp_path / "broken.mp4", scene / "test" / "test_01.mp4", "--out", tmp_path / "a.parquet") == 1
    shown = capsys.readouterr()
    assert "broken.mp4" in shown.err and "test_01" in shown.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "boxes.csv"], "--out boxes.csv: is no .parquet file; name it boxes.parquet"),
        (["--detector", "yolo"], "detector 'yolo' is not known"),
        (["--detector", "gone.onnx"], "gone.onnx: there is no such ONNX file"),
        (["--sources", "detector"], "source 'detector' has no detector"),
        (["--sources", "flow"], "invalid"),
        (["--tiles", "0", "1"], "tiles are [0, 1]"),
        (["--set", "treshold=1"], "unknown key 'treshold'"),
        (["--overlay", "seen.txt"], "oddlens: seen.txt: no video is written under this suffix"),
        (
            ["--score", "0.3"],
            "--score: has no use: boxes come from background, motion; name a detector",
        ),
        (["--tiles", "2", "2"], "--tiles: has no use"),
        (["--weights", "random"], "--weights: has no use"),
        (
            ["--sources", "motion", "--detector", "gone.onnx"],
            "--detector: has no use: boxes come from motion; leave",
        ),
        (
            ["--sources", "motion", "--ready", "gone.csv"],
            "--ready: has no use: boxes come from motion; leave",
        ),
        (["--out", "/proc/gone/boxes.parquet"], "/proc/gone/boxes.parquet: cannot be written"),
        (["--ready", "./boxes.parquet"], "--out boxes.parquet: is the file of ready boxes itself"),
        (["--fps", "0"], "a frame rate of 0.0 makes no sense"),
        (["--ready", "boxes.txt"], "boxes.txt: is no file of boxes by its name"),
    ],
)
def test_mistakes_are_one_line(
    scene: Path, words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(scene / "test" / "test_01.mp4", *words) == 2
    shown = capsys.readouterr()
    assert told in shown.err and len(shown.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
