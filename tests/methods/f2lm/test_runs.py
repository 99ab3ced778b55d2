"""Whole runs of both stages: from footage to detectors and their numbers, interrupted or not."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oddlens.config import merge
from oddlens.errors import OddLensError
from oddlens.evaluation.evaluate import evaluate
from oddlens.methods.destroyer.method import Destroyer
from oddlens.methods.f2lm.method import F2lm
from oddlens.scoring.detector import Detector
from oddlens.scoring.table import open_for
from oddlens.scoring.windows import score_frames
from oddlens.training.loop import Interrupted
from oddlens.training.progress import Progress
from oddlens.training.run import RunResult, train


def trained(name: str, scene: Path, out: Path, **more: Any) -> RunResult:
    size = {"height": 32, "width": 48} if name == "f2lm" else {}
    settings: dict[str, Any] = {
        "method": {"features": 4, **size},
        "training": {
            "iterations": 6,
            "epochs": 0,
            "batch_size": 2,
            "validation_clips": 2,
            "holdout": 0.3,
            "log_every": 1,
            "checkpoint_seconds": 1e9,
            "precision": "float32",
            "device": "cpu",
            "threads": 1,
        },
        "scoring": {"precision": "float32", "batch_size": 4},
    }
    return train(name, scene, out, settings=merge(settings, more))


@pytest.fixture(scope="module")
def stages(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("stages")
    first = trained("f2lm", scene, base / "first")
    second = trained("destroyer", scene, base / "second", method={"generator": str(first.folder)})
    return {"f2lm": first.folder, "destroyer": second.folder}


@pytest.mark.parametrize(
    ("name", "components"),
    [("f2lm", {"appearance", "motion", "object"}), ("destroyer", {"appearance", "motion", "object", "destroyed"})],
)
def test_a_detector_scores_and_is_evaluated(
    name: str, components: set[str], stages: dict[str, Path], scene: Path
) -> None:
    detector = Detector.load(stages[name], "cpu")
    clip = scene / "test" / "test_01.mp4"
    table = detector.score(clip)
    assert len(table) == 40 and np.isfinite(table[["score", "calibrated"]].to_numpy()).all()
    assert components <= set(table.columns)
    assert (table["score"][:4] == table["score"][4]).all(), "the first four frames cannot be predicted"
    frames = open_for(detector, clip).frames()
    live = [score.score for _, score in score_frames(detector.scorer(batch_size=1), frames, "live")]
    np.testing.assert_allclose(live, table["score"], rtol=1e-3, atol=1e-3)
    numbers = evaluate(detector, scene, floors=False, resamples=10)
    assert all(0 <= numbers["protocols"][kind]["micro_auc"] <= 1 for kind in ("clean", "paper"))
    assert numbers["protocols"]["paper"]["optimistic"]


def test_the_destroyer_holds_the_generator_and_needs_its_run_no_more(
    stages: dict[str, Path], scene: Path, tmp_path: Path
) -> None:
    first, second = (Detector.load(stages[name], "cpu").method for name in ("f2lm", "destroyer"))
    assert isinstance(first, F2lm) and isinstance(second, Destroyer)
    kept, taken = first.predictor.state_dict(), second.predictor.state_dict()
    assert kept.keys() == taken.keys() and all(torch.equal(kept[name], taken[name]) for name in kept)
    assert not any("discriminator" in name for name in second.state_dict())
    run = trained("destroyer", scene, tmp_path / "run", method={"generator": str(stages["f2lm"]), "features": 2})
    moved = run.folder.rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "run.yaml").unlink()
    assert len(Detector.load(moved, "cpu").score(scene / "test" / "test_01.mp4")) == 40


def test_the_first_stage_stays_as_it_was(stages: dict[str, Path], scene: Path, tmp_path: Path) -> None:
    def content(folder: Path) -> dict[str, bytes]:
        return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    before = content(stages["f2lm"])
    trained("destroyer", scene, tmp_path / "run", method={"generator": str(stages["f2lm"])})
    for inside in (stages["f2lm"], stages["f2lm"] / "." / ""):
        with pytest.raises(OddLensError, match="is the run that this one begins with; name another folder"):
            train(
                "destroyer",
                scene,
                inside,
                settings={"method": {"generator": str(stages["f2lm"])}},
                overwrite=True,
            )
    assert content(stages["f2lm"]) == before


@pytest.mark.parametrize("name", ["f2lm", "destroyer"])
def test_an_interrupted_stage_ends_alike(
    name: str, stages: dict[str, Path], scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method: dict[str, Any] = {"generator": str(stages["f2lm"])} if name == "destroyer" else {}
    more = {"method": {**method, "freeze_normalisation_after": 4}, "training": {"sampling": "videos"}}
    straight = trained(name, scene, tmp_path / "straight", **more)
    told = Progress.step

    def press(self: Progress, done: int, total: int, loss: float) -> None:
        told(self, done, total, loss)
        if done == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Progress, "step", press)
        trained(name, scene, tmp_path / "cut", **more)
    resumed = trained(name, scene, tmp_path / "cut", **more)
    assert resumed.resumed and not straight.resumed
    whole, parts = (run.detector.method.state_dict() for run in (straight, resumed))
    assert [key for key in whole if not torch.equal(whole[key], parts[key])] == []


def test_logs_tell_of_all_the_terms(stages: dict[str, Path]) -> None:
    def header(name: str) -> set[str]:
        return set((stages[name] / "logs" / "metrics.csv").read_text().splitlines()[0].split(","))

    assert {"psnr", "intensity", "gradient", "adversarial", "motion_triplet", "discriminator"} <= header("f2lm")
    assert {"psnr", "destroyed_psnr", "gate", "validation_loss"} <= header("destroyer")


@pytest.mark.parametrize("name", ["f2lm", "destroyer"])
def test_either_stage_can_be_self_paced(name: str, stages: dict[str, Path], scene: Path, tmp_path: Path) -> None:
    method = {"generator": str(stages["f2lm"])} if name == "destroyer" else {}
    pacing = {"mode": "mixture", "warm_up": 0.25, "shrink_rate": 0.5, "statistics": "batch"}
    trained(name, scene, tmp_path / "run", method=method, training={"self_paced": pacing})
    with (tmp_path / "run" / "logs" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    weights = [float(row["pace_weight"]) for row in rows if row["pace_weight"]]
    assert weights[0] == 1.0 and all(0 <= weight <= 1 for weight in weights)


@pytest.mark.parametrize(
    ("generator", "told"),
    [
        ("", "destroyer: there is no generator to begin with; name the run folder of a finished 'oddlens train f2lm'"),
        ("nowhere", "nowhere: does not exist; give the folder named with 'oddlens train --out'"),
        ("tiny", "is a run of lnra; give one of f2lm"),
        ("unfinished", "the run has not finished; repeat its 'oddlens train' command"),
    ],
)
def test_generators_that_are_none(
    generator: str, told: str, scene: Path, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "run.yaml").write_text("method: {name: f2lm}\n")
    named = str(tiny_run) if generator == "tiny" else generator
    with pytest.raises(OddLensError) as caught:
        trained("destroyer", scene, tmp_path / "run", method={"generator": named})
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_fewer_videos_than_a_batch(scene: Path, tmp_path: Path) -> None:
    with pytest.raises(OddLensError, match=r"holds 2 videos to train on, a batch takes 4; .*training.sampling: clips"):
        trained("f2lm", scene, tmp_path / "run", training={"sampling": "videos", "batch_size": 4})


def test_methods_of_objects_do_not_sample_by_video(scene: Path, tmp_path: Path) -> None:
    settings = {"training": {"sampling": "videos", "iterations": 2, "epochs": 0}}
    with pytest.raises(OddLensError, match=r"training.sampling: is videos, but lbr-spr does not learn from clips"):
        train("lbr-spr", scene, tmp_path / "run", settings=settings)
