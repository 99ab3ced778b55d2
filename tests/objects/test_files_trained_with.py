"""Files that training rests on besides the footage: whose boxes they hold, and whether they are still the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from oddlens.cli import main
from oddlens.config import read_yaml
from oddlens.errors import DataError, DetectorError
from oddlens.evaluation.evaluate import evaluate
from oddlens.objects.imported import read_ready_boxes
from oddlens.scoring.detector import Detector
from oddlens.training.run import RunResult, train

SIZE = 64


def noise(folder: Path, frames: int, seed: int) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for k in range(frames):
        cv2.imwrite(str(folder / f"{k:03d}.png"), rng.integers(0, 256, (SIZE, SIZE), np.uint8))
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., RunResult]:
    """Trains a tiny network for two steps with boxes as told."""

    def run(footage: Path, **objects: Any) -> RunResult:
        training = {"iterations": 2, "epochs": 0, "batch_size": 4, "last_batch": "keep", "holdout": 0}
        method = {"width": 1, "objects": {"smallest_area": 20, **objects}}
        settings = {"method": method, "training": training, "data": {"cache_dir": str(tmp_path / "cache")}}
        return train("lbr-spr", footage, tmp_path / "run", settings=settings)

    return run


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """Boxes of the video `cam` of 12 frames."""
    noise(tmp_path / "seen" / "cam", 12, seed=0)
    file = tmp_path / "boxes.parquet"
    assert main(["boxes", str(tmp_path / "seen" / "cam"), "--sources", "motion", "--out", str(file), "--quiet"]) == 0
    return file


def told(kind: type[Exception], call: Callable[[], Any]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_boxes_are_refused_for_other_footage_of_the_same_name(
    start: Callable[..., RunResult], boxes: Path, tmp_path: Path
) -> None:
    other = noise(tmp_path / "other" / "cam", 12, seed=1)
    message = told(DataError, lambda: start(other, sources=["file"], ready_boxes=str(boxes)))
    assert message.startswith(f"{boxes}: has boxes of another video 'cam' than {other}")
    assert not (tmp_path / "run").exists()
    trained = start(tmp_path / "seen" / "cam", sources=["file"], ready_boxes=str(boxes))
    assert len(trained.detector.score(tmp_path / "seen" / "cam")) == 12
    assert "has boxes of another video" in told(DataError, lambda: trained.detector.score(other))
    assert main(["score", str(trained.folder), str(other), "--out", str(tmp_path / "scores")]) == 2
    assert not (tmp_path / "scores").exists()
    labels = tmp_path / "data" / "test"
    shutil.copytree(other, labels / "cam")
    (tmp_path / "data" / "labels.csv").write_text("video,start,end\ncam,3,5\n")
    assert "has boxes of another video" in told(DataError, lambda: evaluate(trained.detector, tmp_path / "data"))


def test_a_table_of_others_is_checked_by_its_frames(boxes: Path, tmp_path: Path) -> None:
    rows = pd.read_parquet(boxes)[["video", "frame", "x1", "y1", "x2", "y2"]]
    rows.astype({"video": str}).to_csv(tmp_path / "boxes.csv", index=False)
    ready = read_ready_boxes(tmp_path / "boxes.csv")
    ready.check_footage("cam", noise(tmp_path / "long" / "cam", 14, seed=1))
    short = noise(tmp_path / "short" / "cam", 5, seed=1)
    assert "of video 'cam', which has 5" in told(DataError, lambda: ready.check_footage("cam", short))


def test_an_unfinished_run_does_not_go_on_with_other_boxes(
    start: Callable[..., RunResult], boxes: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "seen" / "cam"
    run = start(seen, sources=["file"], ready_boxes=str(boxes))
    shutil.rmtree(run.folder / "detector")
    assert start(seen, sources=["file"], ready_boxes=str(boxes)).resumed
    shutil.rmtree(run.folder / "detector")
    words = ["--sources", "motion", "--set", "smallest_area=400", "--out", str(boxes), "--quiet"]
    assert main(["boxes", str(seen), *words]) == 0
    message = told(DataError, lambda: start(seen, sources=["file"], ready_boxes=str(boxes)))
    assert message.startswith(f"{run.folder}: the file of ready boxes has changed since this run began")


def test_a_detector_is_found_from_anywhere_and_must_stay_the_same(
    start: Callable[..., RunResult],
    make_onnx: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def detections(box: tuple[int, ...]) -> np.ndarray:
        return np.array([[*box, 0.9, 0]], np.float32)

    seen = noise(tmp_path / "seen" / "cam", 12, seed=0)
    first, second = (make_onnx(detections(box)) for box in ((4, 4, 40, 40), (10, 10, 30, 30)))
    (tmp_path / "there").mkdir()
    shutil.copy(first, tmp_path / "there" / "my.onnx")
    monkeypatch.chdir(tmp_path / "there")
    run = start(seen, sources=["detector"], detector="my.onnx")
    assert read_yaml(run.folder / "run.yaml")["method"]["objects"]["detector"] == str(tmp_path / "there" / "my.onnx")
    monkeypatch.chdir(tmp_path)
    assert (Detector.load(run.folder).score(seen)["boxes"] > 0).all()
    shutil.copy(second, tmp_path / "there" / "my.onnx")
    message = told(DetectorError, lambda: Detector.load(run.folder).score(seen))
    assert message.startswith(f"{tmp_path / 'there' / 'my.onnx'}: is not the object detector that was trained with")


@pytest.mark.parametrize("name", ["clip.avi", "./sub/../clip.avi"])
def test_the_overlay_is_never_written_over_the_footage(name: str, tmp_path: Path, scene: Path) -> None:
    (tmp_path / "sub").mkdir()
    clip = tmp_path / "clip.avi"
    shutil.copy(scene / "test" / "test_01.mp4", clip)
    before = clip.read_bytes()
    words = ["boxes", str(clip), "--out", str(tmp_path / "boxes.parquet"), "--overlay", f"{tmp_path}/{name}"]
    assert main(words) == 2
    assert clip.read_bytes() == before and not (tmp_path / "boxes.parquet").exists()
