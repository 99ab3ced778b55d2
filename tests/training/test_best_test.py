"""The checkpoint that ranks the test labels best: kept, logged, resumed, and called optimistic wherever it is shown."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from oddlens.benchmarking.video_tables import video_markdown
from oddlens.config import merge
from oddlens.datasets.open_photographs import open_photographs
from oddlens.errors import OddLensError
from oddlens.evaluation.evaluate import evaluate
from oddlens.files import read_json
from oddlens.reports.tables import evaluation_markdown, evaluation_table
from oddlens.scoring.detector import Detector
from oddlens.training.best_test import label_ranking
from oddlens.training.loop import Interrupted
from oddlens.training.run import RunResult, train
from oddlens.training.stages import train_stages

WORDS = "optimistic: checkpoint chosen on test labels"
TINY: dict[str, dict[str, Any]] = {
    "lnra": {"height": 32, "width": 32, "widths": [4, 4, 8], "learning_rate": 0.05},
    "f2lm": {"features": 2, "height": 32, "width": 48},
    "lbr-spr": {
        "width": 2,
        "objects": {"smallest_area": 20, "background": {"smallest_area": 20}},
    },
    "dmad-pdm": {
        "height": 32,
        "width": 48,
        "features": 4,
        "deformation_features": 4,
        "codes": 12,
        "variant": "shanghai",
    },
}


def trained(name: str, scene: Path, out: Path, **more: Any) -> RunResult:
    settings: dict[str, Any] = {
        "method": TINY[name],
        "training": {
            "iterations": 6,
            "epochs": 0,
            "batch_size": 2,
            "validation_clips": 2,
            "validate_every": 2,
            "log_every": 1,
            "holdout": 0.3,
            "select": "best-test",
            "precision": "float32",
            "device": "cpu",
            "threads": 1,
        },
        "scoring": {"precision": "float32"},
    }
    return train(name, scene, out, settings=merge(settings, more))


def curve(folder: Path) -> dict[int, float]:
    with (folder / "logs" / "metrics.csv").open(newline="") as file:
        return {int(row["step"]): float(row["test_auc"]) for row in csv.DictReader(file) if row["test_auc"]}


@pytest.mark.parametrize("name", ["lnra", "f2lm", "lbr-spr", "dmad-pdm"])
def test_the_best_of_the_validations_is_kept(name: str, scene: Path, tmp_path: Path) -> None:
    run = trained(name, scene, tmp_path / "run")
    seen = curve(run.folder)
    assert run.fit.chosen_on_test is not None
    step, auc = run.fit.chosen_on_test
    assert auc == pytest.approx(max(seen.values()), abs=1e-5) and seen[step] == max(seen.values())
    provenance = read_json(run.folder / "provenance.json")
    assert (provenance["optimistic"], provenance["chosen_step"]) == ("checkpoint chosen on test labels", step)
    numbers = evaluate(run.detector, scene, floors=False, resamples=5)
    assert numbers["protocols"]["paper"]["micro_auc"] == pytest.approx(auc, abs=1e-6)
    assert numbers["optimistic"] == "checkpoint chosen on test labels"
    assert WORDS in evaluation_markdown(numbers).splitlines()[0] and WORDS in str(evaluation_table(numbers).title)
    again = trained(name, scene, tmp_path / "run")
    assert again.fit.chosen_on_test == pytest.approx((step, auc), abs=1e-6)


def test_looking_changes_nothing(scene: Path, tmp_path: Path) -> None:
    looked = trained("lnra", scene, tmp_path / "looked", training={"validate_every": 2})
    blind = trained("lnra", scene, tmp_path / "blind", training={"select": "last"})
    assert "optimistic" not in read_json(blind.folder / "provenance.json")

    def losses(folder: Path) -> list[str]:
        with (folder / "logs" / "metrics.csv").open(newline="") as file:
            return [row["loss"] for row in csv.DictReader(file)]

    assert losses(looked.folder) == losses(blind.folder)


@pytest.mark.parametrize("name", ["lnra", "f2lm"])
def test_an_interrupted_run_keeps_the_same(
    name: str, scene: Path, tmp_path: Path, press_ctrl_c: Callable[[int], None]
) -> None:
    straight = trained(name, scene, tmp_path / "straight")
    press_ctrl_c(3)
    with pytest.raises(Interrupted):
        trained(name, scene, tmp_path / "cut")
    press_ctrl_c(0)
    resumed = trained(name, scene, tmp_path / "cut")
    assert resumed.fit.chosen_on_test == straight.fit.chosen_on_test
    assert curve(resumed.folder) == curve(straight.folder)
    files = [run.folder / "detector" / "weights.safetensors" for run in (straight, resumed)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_destroyer_on_a_generator_that_labels_chose_says_so(scene: Path, tmp_path: Path) -> None:
    first = trained("f2lm", scene, tmp_path / "first")
    training = {"iterations": 2, "epochs": 0, "batch_size": 2, "threads": 1, "device": "cpu"}
    settings = {"method": {"features": 2}, "training": training, "scoring": {"precision": "float32"}}
    run = train_stages("destroyer", scene, tmp_path / "run", settings=settings, generator=first.folder).destroyer
    assert run is not None and run.fit.chosen_on_test is None
    assert run.detector.provenance["optimistic"] == "checkpoint chosen on test labels"


def test_a_benchmark_says_so() -> None:
    protocols = {"clean": {"micro_auc": 0.9}, "paper": {"micro_auc": 0.9}}
    result = {
        "target": "ped2",
        "entry": "lnra/cpu",
        "method": "lnra",
        "seed": 0,
        "training_minutes": 1.0,
        "speed": {"frames_per_second": 9.0},
        "parameters": 5,
        "evaluation": {"method": "lnra", "dataset": "ped2", "frames": 9, "protocols": protocols},
    }
    assert WORDS not in "\n".join(video_markdown([result]))
    result["evaluation"] = {**protocols, **result["evaluation"], "optimistic": "checkpoint chosen on test labels"}  # type: ignore[dict-item]
    assert f"lnra/cpu, {WORDS}" in "\n".join(video_markdown([result]))


def test_data_without_labels_are_refused(scene: Path, tmp_path: Path) -> None:
    with pytest.raises(OddLensError, match=r"training.select: is best-test, but .*/normal has no labelled test video"):
        trained("lnra", scene / "normal", tmp_path / "run")
    same = tmp_path / "scene"
    shutil.copytree(scene, same)
    for file in (same / "labels").iterdir():
        np.save(file, np.zeros_like(np.load(file)))
    with pytest.raises(OddLensError, match="all normal or all abnormal; set it to last or best-validation"):
        trained("lnra", same, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_photographs_are_refused(tiny: Detector, tmp_path: Path) -> None:
    (tmp_path / "plates" / "good").mkdir(parents=True)
    for number in range(2):
        cv2.imwrite(str(tmp_path / "plates" / "good" / f"{number}.png"), np.full((8, 8, 3), 99, np.uint8))
    with pytest.raises(OddLensError, match="is best-test, which is about video, not photographs"):
        label_ranking(tiny.method, open_photographs(tmp_path / "plates"), tiny.scoring)
