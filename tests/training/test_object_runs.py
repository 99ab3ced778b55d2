"""Whole runs of LBR-SPR, from footage to a detector that scores: splits, interruptions, caches, the smoke test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

import oddlens
from oddlens.config import merge
from oddlens.files import read_json
from oddlens.methods.lbr_spr.method import LbrSpr
from oddlens.methods.objects import ObjectMethod
from oddlens.scoring.detector import Detector
from oddlens.training.loop import Interrupted
from oddlens.training.run import RunResult, train

SMALL = {"smallest_area": 20, "background": {"smallest_area": 20}}


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A tiny run; patches are shared by the tests of this session."""
    return {
        "method": {"name": "lbr-spr", "width": 1, "objects": SMALL},
        "data": {"cache_dir": str(tmp_path_factory.getbasetemp() / "patch-cache")},
        "training": {
            "iterations": 6,
            "epochs": 0,
            "batch_size": 8,
            "last_batch": "keep",
            "validation_clips": 8,
            "log_every": 1,
            "precision": "float32",
            "device": "cpu",
        },
        "scoring": {"precision": "float32"},
    }


@pytest.fixture
def start(scene: Path, settings: dict[str, Any], tmp_path: Path) -> Callable[..., RunResult]:
    """Trains on the scene, changes laid over the settings."""

    def run(name: str = "run", footage: Path = scene, overwrite: bool = False, **changes: Any) -> RunResult:
        return train(data=footage, out=tmp_path / name, settings=merge(settings, changes), overwrite=overwrite)

    return run


def noise(folder: Path, frames: int, seed: int = 0, size: tuple[int, int] = (48, 64), channels: int = 1) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for k in range(frames):
        shape = size if channels == 1 else (*size, channels)
        cv2.imwrite(str(folder / f"{k:03d}.png"), rng.integers(0, 256, shape, np.uint8))
    return folder


def write_boxes(file: Path, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    pd.DataFrame(rows, columns=["video", "frame", "x1", "y1", "x2", "y2"]).to_csv(file, index=False)
    return {"sources": ["file"], "ready_boxes": str(file)}


# Splits


@pytest.mark.parametrize(("split", "frames"), [("train", 120), ("test", 80), ("merge", 200)])
def test_each_split_trains_a_detector_that_scores(
    split: str, frames: int, start: Callable[..., RunResult], scene: Path
) -> None:
    run = start(data={"split": split}, method={"motion": split == "test"})
    provenance = read_json(run.folder / "provenance.json")
    assert (provenance["split"], provenance["frames"], provenance["steps"]) == (split, frames, 6)
    assert f"patches of {frames} frames" in run.footage
    table = run.detector.score(scene / "test" / "test_01.mp4")
    assert len(table) == 40
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    assert table["boxes"].sum() > 0


def test_detector_is_loaded_with_its_background_and_executes_nothing(
    start: Callable[..., RunResult], scene: Path
) -> None:
    run = start(data={"split": "test"}, training={"holdout": 0})
    folder = run.folder / "detector"
    assert {path.name for path in folder.iterdir()} == {"detector.yaml", "weights.safetensors", "calibration.json"}
    loaded = Detector.load(run.folder, "cpu")
    assert isinstance(loaded.method, ObjectMethod)
    assert loaded.method.camera == (48, 64)
    clip = scene / "test" / "test_01.mp4"
    pd.testing.assert_frame_equal(loaded.score(clip), run.detector.score(clip))

    numbers = oddlens.evaluate(run.folder, scene, resamples=10, floors=False)
    assert numbers["frames"] == 80
    assert set(numbers["protocols"]) >= {"clean", "paper"}
    assert all(0 <= numbers["protocols"][kind]["micro_auc"] <= 1 for kind in ("clean", "paper"))


def test_background_is_of_the_footage_trained_on_alone(start: Callable[..., RunResult], scene: Path) -> None:
    def level(run: RunResult) -> np.ndarray:
        assert isinstance(run.detector.method, ObjectMethod)
        return np.array(run.detector.method.background()["level"])

    assert not np.array_equal(level(start("a")), level(start("b", data={"split": "test"})))


def test_without_background_as_a_source_none_is_learned(start: Callable[..., RunResult]) -> None:
    run = start(method={"objects": {"sources": ["motion"]}})
    assert isinstance(run.detector.method, ObjectMethod)
    assert run.detector.method.background() == {}


# Interrupted, resumed, repeated


def results(run: RunResult) -> tuple[bytes, str]:
    detector = run.folder / "detector"
    return (detector / "weights.safetensors").read_bytes(), (detector / "calibration.json").read_text()


@pytest.mark.parametrize("blocks", [1, 2])
def test_ctrl_c_changes_nothing(
    blocks: int, start: Callable[..., RunResult], press_ctrl_c: Callable[[int], None]
) -> None:
    changes: dict[str, Any] = {"method": {"motion": True, "columns": blocks}, "data": {"split": "merge"}}
    straight = start("straight", **changes)
    for step in (2, 4):
        press_ctrl_c(step)
        with pytest.raises(Interrupted, match=f"after step {step}"):
            start("cut", **changes)
    press_ctrl_c(0)
    resumed = start("cut", **changes)
    assert resumed.resumed
    assert results(resumed) == results(straight)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kills_change_nothing(scene: Path, settings: dict[str, Any], tmp_path: Path) -> None:
    training = {"iterations": 40, "checkpoint_steps": 1, "validate_every": 7, "select": "best-validation"}
    tiny = {**settings, "training": settings["training"] | training}
    request = {"root": str(tmp_path), "data": str(scene), "settings": tiny, "seed": 2, "kills": 4}
    words = [sys.executable, str(Path(__file__).parent / "killing.py"), json.dumps(request)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=300)
    assert done.returncode == 0
    kills = json.loads(done.stdout)
    assert kills["steps"] == 4 and kills["store"] >= 1
    straight, killed = tmp_path / "straight" / "detector", tmp_path / "killed" / "detector"
    for name in ("weights.safetensors", "calibration.json"):
        assert (killed / name).read_bytes() == (straight / name).read_bytes()
    assert not list((tmp_path / "killed-cache").glob("*.part/index.json"))


def test_a_finished_run_is_not_trained_again(start: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    first = start()
    monkeypatch.setattr("oddlens.training.run.object_feed", lambda *_: pytest.fail("footage was looked at again"))
    again = start()
    assert again.resumed
    assert results(again) == results(first)


def stores(cache: Path) -> dict[str, int]:
    return {
        folder.name: (folder / "raw.bin").stat().st_mtime_ns for folder in cache.glob("patches-*") if folder.is_dir()
    }


def test_patches_are_made_once_and_anew_for_other_settings(start: Callable[..., RunResult], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    data = {"cache_dir": str(cache)}
    start("a", data=data)
    first = stores(cache)
    assert len(first) == 1
    start("b", data=data, training={"seed": 5}, method={"width": 2, "learning_rate": 0.01, "smoothing": 1})
    assert stores(cache) == first
    for number, changes in enumerate(
        (
            {"method": {"motion": True}},
            {"method": {"rows": 2}},
            {"method": {"context": 1}},
            {"method": {"objects": {"smallest_area": 30}}},
            {"method": {"flow": {"method": "dis-fast"}}},
            {"method": {"paper": True}},
            {"data": {**data, "split": "test"}},
        )
    ):
        start(f"other-{number}", **{"data": data, **changes})
        assert len(stores(cache)) == 2 + number
    assert first.items() <= stores(cache).items()


# The specification's end-to-end smoke test


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("last_block", ["many", "one", "none"])
def test_two_clips_of_noise_with_ready_boxes(rows: int, last_block: str, tmp_path: Path) -> None:
    """12 frames each, one to three boxes a frame, one frame without; with four blocks the last has few or none."""
    root = tmp_path / "own"
    for seed, name in enumerate(("01", "02")):
        noise(root / "test" / name, 12, seed, (80, 64), channels=3)
    lines = []
    for video in ("01", "02"):
        for frame in range(12):
            if (video, frame) == ("02", 7):
                continue
            tops = [0, 20, 42][: 1 + frame % 3] + ([60] if last_block == "many" and frame % 4 == 0 else [])
            tops += [60] if last_block == "one" and (video, frame) == ("01", 3) else []
            lines += [(video, frame, 3 + frame, top + 1, 23 + frame, top + 15) for top in tops]
    settings = {
        "method": {"width": 1, "rows": rows, "smoothing": 1, "objects": write_boxes(tmp_path / "boxes.csv", lines)},
        "data": {"split": "test", "cache_dir": str(tmp_path / "cache")},
        "training": {"epochs": 2, "batch_size": 16, "last_batch": "keep", "holdout": 0, "precision": "float32"},
        "scoring": {"precision": "float32"},
    }
    run = train("lbr-spr", root, tmp_path / "run", settings=settings)
    (folder,) = (path for path in (tmp_path / "cache").glob("patches-*") if path.is_dir())
    assert (folder / "raw.bin").stat().st_size == len(lines) * 32 * 32 * 15
    assert f"{len(lines)} patches of 24 frames" in run.footage
    assert "1 frames (4.2 %) without a box" in run.footage

    table = run.detector.score([root / "test" / "01", root / "test" / "02"])
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    empty = (table["video"] == "02") & (table["frame"] == 7)
    assert (table["official"] == -20).equals(empty)
    assert table["boxes"].sum() == len(lines)
    method = run.detector.method
    assert table["score"][empty].item() == pytest.approx(method.empty_score)
    assert isinstance(method, LbrSpr)
    assert (method.counts.sum(), (method.counts > 0).sum()) == (
        len(lines),
        1 if rows == 1 else 3 + (last_block != "none"),
    )
