"""Recipes: each one builds, those of papers say what the papers say, and those of LBR-SPR run from frames to scores."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens.config import read_yaml
from oddlens.datasets.walkway.generate import generate_walkway
from oddlens.errors import SettingsError
from oddlens.evaluation.evaluate import evaluate
from oddlens.methods import method_class
from oddlens.recipes import find_recipe, recipe_names
from oddlens.scoring.detector import Detector
from oddlens.scoring.table import open_for
from oddlens.scoring.windows import score_frames
from oddlens.training.run import resolve_settings, train

LNRA = [name for name in recipe_names() if re.match(r"lnra/(ped2|avenue|shanghai)-", name)]
LBR_SPR = [name for name in recipe_names() if name.startswith("lbr-spr/")]
SETS = ("ped1", "ped2", "avenue", "shanghai")
LBR_SPR_PAPER = [
    f"lbr-spr/{data}-{mode}{motion}" for data in SETS for mode in ("partial", "merge") for motion in ("", "-motion")
]


@pytest.mark.parametrize("name", recipe_names())
def test_recipe_builds_its_method_and_its_run(name: str) -> None:
    run = resolve_settings(None, "footage", name, {}, [])
    assert run.method["name"] == name.split("/")[0]
    assert run.training.iterations or run.training.epochs
    written = read_yaml(find_recipe(name)).get("data", {})
    assert set(written) <= {"split", "cache_gb"}, "a recipe must not name anyone's folders"
    values = {key: value for key, value in run.method.items() if key != "name"}
    method = method_class(run.method["name"]).from_values(values, name)
    assert set(method.configure_optimizers()) == set(method.phases)


@pytest.mark.parametrize("name", recipe_names())
def test_recipe_survives_being_written_as_the_run(name: str) -> None:
    run = resolve_settings(None, "footage", name, {}, [])
    again = resolve_settings(None, None, None, run.to_dict(), [])
    assert again == run


@pytest.mark.parametrize("name", recipe_names())
def test_recipe_says_what_it_is_for(name: str) -> None:
    text = find_recipe(name).read_text(encoding="utf-8")
    assert text.startswith("# ") and len(text.splitlines()[0]) <= 120


@pytest.mark.parametrize(
    "name", [f"lnra/{data}-{kind}" for data in ("ped2", "avenue", "shanghai") for kind in ("baseline", "patch", "skip")]
)
def test_every_experiment_of_lnra_has_its_recipe(name: str) -> None:
    assert name in LNRA


@pytest.mark.parametrize("name", LNRA)
def test_lnra_recipes_say_the_papers_settings(name: str) -> None:
    written = read_yaml(find_recipe(name))
    assert (written["training"]["epochs"], written["training"]["batch_size"]) == (60, 4)
    run = resolve_settings(None, "footage", name, {}, [])
    assert (run.training.iterations, run.training.schedule, run.training.holdout) == (0, "constant", 0)
    assert run.training.select == "last"
    method = run.method
    assert (method["height"], method["width"], method["channels"], method["length"]) == (256, 256, 1, 16)
    assert tuple(method["widths"]) == (96, 128, 256) and method["learning_rate"] == 1e-4
    kinds = method["pseudo"]
    assert len(kinds) == (0 if name.endswith("baseline") else 1)
    for kind in kinds:
        assert (kind["probability"], kind["alpha"], kind["beta"]) == (0.2, 0.5, 10)
        assert tuple(kind["strides"]) == (2, 3, 4, 5)
        assert (kind["kind"] == "skip-frame") == name.endswith("skip")


def test_every_experiment_of_lbr_spr_has_its_recipe() -> None:
    assert {*LBR_SPR_PAPER, "lbr-spr/cpu"} == set(LBR_SPR)


@pytest.mark.parametrize("name", LBR_SPR_PAPER)
def test_lbr_spr_recipes_say_the_papers_settings(name: str) -> None:
    data, mode, *motion = name.split("/")[1].split("-")
    run = resolve_settings(None, "footage", name, {}, [])
    training, paced, method = run.training, run.training.self_paced, run.method
    assert run.data.split == {"partial": "test", "merge": "merge"}[mode]
    assert (training.epochs, training.iterations, training.batch_size, training.last_batch) == (30, 0, 256, "keep")
    assert (training.schedule, training.holdout, training.select) == ("constant", 0, "last")
    assert (paced.mode, paced.warm_up_epochs, paced.initial_width, paced.schedule) == ("mixture", 5, 4, "batches")
    assert paced.shrink_rate == {"ped1": 1e-4, "ped2": 5e-3, "avenue": 1e-4, "shanghai": 5e-3}[data]
    assert not paced.one_pass and method["pace_by"] == "raw"
    assert (method["side"], method["context"], method["width"], method["learning_rate"]) == (32, 2, 32, 1e-3)
    assert method["motion"] == bool(motion) and tuple(method["loss_weights"]) == (1, 1)
    if motion:
        assert tuple(method["score_weights"]) == ((0.1 if data == "shanghai" else 0.5), 1)
    assert (method["rows"], method["columns"]) == ((4, 1) if data == "ped1" else (1, 1))
    assert (method["smoothing"], method["every"]) == (10, 1)
    objects = method["objects"]
    assert objects["smallest_area"] == {"ped1": 100, "ped2": 100, "avenue": 1600, "shanghai": 900}[data]
    assert (objects["flow_threshold"], objects["cover_ratio"], objects["greatest_aspect"]) == (1, 0.6, 10)
    assert method["flow"]["units"] == "flownet512"


@pytest.mark.parametrize("name", LBR_SPR)
def test_lbr_spr_recipes_need_no_weights_and_say_how_to_use_some(name: str) -> None:
    run = resolve_settings(None, "footage", name, {}, [])
    cameras = 13 if "shanghai" in name else 1  # which have no background in common
    assert list(run.method["objects"]["sources"]) == (["motion"] if cameras > 1 else ["background", "motion"])
    text = " ".join(line.strip("# ") for line in find_recipe(name).read_text(encoding="utf-8").splitlines())
    told = re.findall(r"--set (\S+?)='?(\[.*?\]|[^\s']+)", text)
    with_detector = resolve_settings(None, "footage", name, {}, [f"{key}={value}" for key, value in told])
    assert list(with_detector.method["objects"]["sources"]) == ["detector", "motion"]
    assert with_detector.method["objects"]["detector"] == "yolox_nano.onnx"


@pytest.fixture(scope="session")
def contaminated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of a small walkway at 8 frames a second; a tenth of the training frames is abnormal."""
    root = tmp_path_factory.mktemp("two-minutes") / "walkway"
    sizes = {"train_videos": 2, "train_frames": 380, "test_videos": 2, "test_frames": 100, "width": 128, "height": 96}
    return generate_walkway(root, seed=5, fps=8, contamination=0.1, **sizes)


@pytest.mark.parametrize("name", LBR_SPR)
def test_lbr_spr_recipe_runs_from_frames_to_scores(name: str, contaminated: Path, tmp_path: Path) -> None:
    """Short, small and in float32; patches are shared by recipes that cut the same ones."""
    short: dict[str, Any] = {
        "method": {"side": 16, "width": 2, "objects": {"smallest_area": 30, "background": {"smallest_area": 30}}},
        "data": {"cache_gb": 1.0},
        "training": {"iterations": 8, "epochs": 0, "batch_size": 32, "precision": "float32", "device": "cpu"},
        "scoring": {"precision": "float32"},
    }
    run = train("lbr-spr", contaminated, tmp_path / "run", config=name, settings=short)
    detector = Detector.load(run.folder, "cpu")

    numbers = evaluate(detector, contaminated, floors=False, resamples=10)
    assert numbers["frames"] == 200
    assert set(numbers["protocols"]) >= {"clean", "paper"}
    assert all(0 <= numbers["protocols"][kind]["micro_auc"] <= 1 for kind in ("clean", "paper"))

    clip = contaminated / "test" / "test_01.mp4"
    table = detector.score(clip)
    assert np.isfinite(table[["score", "calibrated"]].to_numpy()).all() and table["boxes"].sum() > 0
    frames = open_for(detector, clip).frames()
    live = [score.score for _, score in score_frames(detector.scorer(batch_size=1), frames, "live", "test_01")]
    np.testing.assert_allclose(live, table["score"], rtol=1e-5, atol=1e-5)


def test_names_with_and_without_folder_and_suffix_find_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no recipes/ lies
    files = {find_recipe(name) for name in ("lnra/cpu", "recipes/lnra/cpu", "recipes/lnra/cpu.yaml", "lnra/cpu.yaml")}
    assert len(files) == 1 and files.pop().is_file()


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("method: {name: lnra}\n")
    assert find_recipe(str(tmp_path / "mine.yaml")) == tmp_path / "mine.yaml"


def test_unknown_recipe_suggests_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'lnra/cpu'"):
        find_recipe("lnra/cqu")
    with pytest.raises(SettingsError, match="oddlens list"):
        find_recipe("zzzz")
