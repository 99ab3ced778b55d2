"""Whole runs: from footage to a detector and its numbers, interrupted or not."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from oddlens.config import merge
from oddlens.datasets.open import open_dataset
from oddlens.errors import DetectorError
from oddlens.evaluation.evaluate import evaluate
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.media.open import open_source
from oddlens.media.resize import fit
from oddlens.methods.dmad_pdm.backgrounds import clip_background
from oddlens.methods.dmad_pdm.method import DmadPdm
from oddlens.scoring.detector import Detector
from oddlens.scoring.table import open_for
from oddlens.scoring.windows import score_frames
from oddlens.training.loop import Interrupted
from oddlens.training.progress import Progress
from oddlens.training.run import RunResult, train

VARIANTS = ("ped2", "avenue", "shanghai")


def trained(scene: Path, out: Path, **more: Any) -> RunResult:
    settings: dict[str, Any] = {
        "method": {"height": 32, "width": 48, "features": 4, "deformation_features": 4, "codes": 12},
        "training": {
            "iterations": 8,
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
    return train("dmad-pdm", scene, out, settings=merge(settings, more))


@pytest.fixture(scope="module")
def runs(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("runs")
    return {name: trained(scene, base / name, method={"variant": name}).folder for name in VARIANTS}


def test_paper_ranks_shanghai_with_the_background_of_each_test_video(
    runs: dict[str, Path], scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector.load(runs["shanghai"], "cpu")
    source = open_for(detector, scene / "test" / "test_01.mp4")
    adapted = detector.method.previewed(source)
    assert isinstance(adapted, DmadPdm) and isinstance(detector.method, DmadPdm)
    images = np.stack([fit(frame.image, 32, 48, 1) for frame in source.frames()])
    modes = clip_background(source, adapted.settings.background, (32, 48))
    assert np.abs(modes - np.median(images, axis=0)).mean() < 6
    assert adapted.background.shape == (1, 3, 32, 48) and len(detector.method.background) > 1
    torch.testing.assert_close(adapted.background[0, 0], torch.from_numpy(modes[..., 0] / 127.5 - 1))
    assert Detector.load(runs["ped2"], "cpu").method.previewed(source) is None
    # what is ranked under `paper` follows from it, what is ranked under `clean` does not
    monkeypatch.setattr(DmadPdm, "paper_protocol", lambda self: PaperProtocol(head=4, tail=0))  # clips are short
    found = evaluate(detector, scene, floors=False, resamples=10)["protocols"]
    adapted_too = evaluate(replace(detector, method=adapted), scene, floors=False, resamples=10)["protocols"]
    for protocol, alike in (("paper", True), ("clean", False)):
        pair = [numbers[protocol] for numbers in (found, adapted_too)]
        assert (pair[0]["micro_auc"] == pair[1]["micro_auc"]) is alike
        assert (pair[0]["ap"] == pair[1]["ap"]) is alike


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_detector_scores_and_is_evaluated(variant: str, runs: dict[str, Path], scene: Path) -> None:
    detector = Detector.load(runs[variant], "cpu")
    clip = scene / "test" / "test_01.mp4"
    table = detector.score(clip)
    assert len(table) == 40 and np.isfinite(table[["score", "calibrated"]].to_numpy()).all()
    third = "object" if variant == "shanghai" else "gradient"
    assert {"deformation", "reconstruction", third} <= set(table.columns)
    assert (table["score"][:4] == table["score"][4]).all(), "the first four frames cannot be predicted"
    frames = open_for(detector, clip).frames()
    live = [score.score for _, score in score_frames(detector.scorer(batch_size=1), frames, "live")]
    np.testing.assert_allclose(live, table["score"], rtol=1e-4, atol=1e-4)
    numbers = evaluate(detector, scene, floors=False, resamples=10)
    assert all(0 <= numbers["protocols"][kind]["micro_auc"] <= 1 for kind in ("clean", "paper"))


def test_the_background_is_that_of_the_training_footage(runs: dict[str, Path], scene: Path) -> None:
    method = Detector.load(runs["ped2"], "cpu").method
    assert isinstance(method, DmadPdm) and method.background.shape == (1, 3, 32, 48)
    runs_of = [open_source(video.path, colour="grey").frames() for video in open_dataset(scene).train]
    frames = [fit(frame.image, 32, 48, 1) for source in runs_of for frame in source]
    learnt, mean = method.background.detach().numpy()[0, 0], np.mean(frames, axis=0)[..., 0] / 127.5 - 1
    assert np.abs(learnt - mean).max() < 0.25, "it learns on from there, fast"
    several = Detector.load(runs["shanghai"], "cpu").method
    assert isinstance(several, DmadPdm) and several.background.shape[0] == 2


def test_logs_tell_of_memory_and_deformation(runs: dict[str, Path]) -> None:
    header = (runs["ped2"] / "logs" / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"codes_in_use", "coarse_pixels", "fine_pixels", "embed", "background"} <= set(header)


def test_an_interrupted_run_ends_alike(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything random a memory has: its start, and prototypes that move."""
    memory = {"method": {"variant": "shanghai", "memory_start": "k-means", "memory_restart": 1}}
    straight = trained(scene, tmp_path / "straight", **memory)
    told = Progress.step

    def press(self: Progress, done: int, total: int, loss: float) -> None:
        told(self, done, total, loss)
        if done == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Progress, "step", press)
        trained(scene, tmp_path / "cut", **memory)
    resumed = trained(scene, tmp_path / "cut", **memory)
    assert resumed.resumed and not straight.resumed
    whole, parts = (run.detector.method.state_dict() for run in (straight, resumed))
    assert [name for name in whole if not torch.equal(whole[name], parts[name])] == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_can_be_self_paced(variant: str, scene: Path, tmp_path: Path) -> None:
    pacing = {"mode": "mixture", "warm_up": 0.25, "shrink_rate": 0.5, "statistics": "batch"}
    result = trained(scene, tmp_path / "run", method={"variant": variant}, training={"self_paced": pacing})
    assert result.fit.pace_widths == (4.0, 1.5)
    assert not any("pacing" in name for name in result.detector.method.state_dict())
    with (tmp_path / "run" / "logs" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    weights = [float(row["pace_weight"]) for row in rows if row["pace_weight"]]
    assert weights[:2] == [1.0, 1.0] and all(0 <= weight <= 1 for weight in weights)


def test_faults_of_the_training_go_with_the_detector(scene: Path, tmp_path: Path) -> None:
    run = trained(scene, tmp_path / "run", method={"codes": 200})
    assert any("most of the memory has died out" in line for line in run.detector.calibration.warnings)
    assert Detector.load(tmp_path / "run", "cpu").calibration.warnings == run.detector.calibration.warnings


@pytest.mark.parametrize(
    ("variant", "old", "new", "told"),
    [
        ("ped2", "variant: ped2", "variant: avenue", "of variant 'ped2' with 1 channel, the settings of variant 'aven"),
        ("ped2", "variant: ped2", "variant: shanghai", "the settings of variant 'shanghai' with 1 channel; restore"),
        ("avenue", "channels: 1", "channels: 3", "'avenue' with 1 channel, the settings of variant 'avenue' with 3 c"),
    ],
)
def test_settings_of_another_variant_do_not_fit(
    variant: str, old: str, new: str, told: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "detector"
    shutil.copytree(runs[variant] / "detector", folder)
    settings = folder / "detector.yaml"
    settings.write_text(settings.read_text().replace(old, new))
    with pytest.raises(DetectorError) as caught:
        Detector.load(folder, "cpu")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_weights_that_do_not_tell_their_variant_are_believed(runs: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "detector"
    shutil.copytree(runs["ped2"] / "detector", folder)
    weights = load_file(folder / "weights.safetensors")
    del weights["made_for"]
    save_file(weights, folder / "weights.safetensors")
    assert isinstance(Detector.load(folder, "cpu").method, DmadPdm)
