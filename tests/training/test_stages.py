"""Both stages of F2LM in one go: what each is told, where they lie, and what is refused."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from oddlens.cli import main
from oddlens.config import read_yaml
from oddlens.errors import OddLensError
from oddlens.evaluation.evaluate import evaluate
from oddlens.files import read_json
from oddlens.scoring.detector import Detector
from oddlens.training.loop import Interrupted
from oddlens.training.progress import Progress
from oddlens.training.stages import StagesResult, split_settings, train_stages

BOTH = ("generator", "destroyer")
TRAINING = {
    "iterations": 6,
    "epochs": 0,
    "batch_size": 2,
    "validation_clips": 2,
    "holdout": 0.3,
    "checkpoint_seconds": 1e9,
    "precision": "float32",
    "device": "cpu",
    "threads": 1,
}
TINY: dict[str, Any] = {
    "method": {"features": 2, "height": 32, "width": 48},
    "destroyer": {"method": {"features": 3}},
    "training": TRAINING,
    "scoring": {"precision": "float32", "batch_size": 8},
}


SMALL = [
    "--set",
    "training.iterations=6",
    "--set",
    "method.features=2",
    "--set",
    "method.height=32",
    "--set",
    "method.width=48",
]


@pytest.fixture(scope="module")
def both(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> StagesResult:
    return train_stages("both", scene, tmp_path_factory.mktemp("stages") / "run", settings=TINY)


def weights(folder: Path) -> list[bytes]:
    return [(folder / stage / "detector" / "weights.safetensors").read_bytes() for stage in BOTH]


def test_both_stages_lie_in_one_folder_that_is_a_detector(both: StagesResult, scene: Path) -> None:
    assert [run.folder for run in both.runs] == [both.folder / stage for stage in BOTH]
    assert sorted(path.name for path in both.folder.iterdir()) == sorted(BOTH)
    told = [read_yaml(run.folder / "run.yaml")["method"] for run in both.runs]
    assert [method["features"] for method in told] == [2, 3]
    assert Detector.load(both.folder, "cpu").name == "destroyer"
    first = Detector.load(both.folder / "generator", "cpu").provenance
    assert read_json(both.folder / "destroyer" / "provenance.json")["begins_with"]["date"] == first["date"]
    assert evaluate(both.folder, scene, floors=False, resamples=5)["method"] == "destroyer"


@pytest.mark.parametrize("stage", BOTH)
def test_an_interrupted_stage_goes_on_and_a_finished_one_rests(
    stage: str, both: StagesResult, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, begun = Progress.step, []

    def press(self: Progress, done: int, total: int, loss: float) -> None:
        told(self, done, total, loss)
        begun.extend([done] if done == 1 else [])
        if done == 3 and len(begun) == BOTH.index(stage) + 1:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(Progress, "step", press)
        train_stages("both", scene, tmp_path / "cut", settings=TINY)
    with pytest.raises(OddLensError, match="has not finished; repeat its 'oddlens train' command"):
        Detector.load(tmp_path / "cut")
    moved = (tmp_path / "cut").rename(tmp_path / "moved")  # where a generator lies does not matter, its weights do
    result = train_stages("both", scene, moved, settings=TINY)
    assert [run.resumed for run in result.runs] == [True, stage == "destroyer"]
    assert weights(moved) == weights(both.folder)


def test_a_second_stage_takes_the_first_of_a_folder_of_both(both: StagesResult, scene: Path, tmp_path: Path) -> None:
    before = weights(both.folder)
    settings = {**TINY, "method": TINY["destroyer"]["method"]}
    del settings["destroyer"]
    run = train_stages("destroyer", scene, tmp_path / "run", settings=settings, generator=both.folder)
    assert run.generator is None and run.folder == tmp_path / "run"
    one, other = (Detector.load(folder, "cpu").method.state_dict() for folder in (both.folder, run.folder))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert weights(both.folder) == before


def test_a_generator_that_changed_is_refused(both: StagesResult, scene: Path, tmp_path: Path) -> None:
    run = train_stages("both", scene, tmp_path / "run", settings=TINY)
    assert run.generator is not None
    changed = {**TINY, "training": {**TRAINING, "seed": 1}}
    other = train_stages(
        "generator", scene, tmp_path / "other", settings={k: changed[k] for k in ("method", "training")}
    )
    (run.folder / "generator" / "detector").rename(tmp_path / "old")
    (other.folder / "detector").rename(run.folder / "generator" / "detector")
    with pytest.raises(OddLensError, match="began with other weights of f2lm than lie there now; restore them"):
        train_stages("both", scene, run.folder, settings=TINY)


def test_what_each_stage_is_told(tmp_path: Path) -> None:
    parts = split_settings(
        BOTH,
        "f2lm/cpu",
        {"method": {"features": 4}, "training": {"seed": 3}, "destroyer": {"training": {"seed": 4}}},
        ["training.iterations=20", "method.height=64", "destroyer.method.features=2", "generator.training.threads=1"],
    )
    first, second = (parts[stage].resolved(stage, "footage") for stage in BOTH)
    assert (first.method["features"], first.method["height"], first.method["width"]) == (4, 64, 128)
    assert (second.method["features"], second.method["learning_rate"]) == (2, 0.001)
    assert (first.training.iterations, second.training.iterations) == (20, 20)
    assert (first.training.seed, second.training.seed) == (3, 4)
    assert (first.training.threads, second.training.threads) == (1, 0)

    own = tmp_path / "own.yaml"
    own.write_text("method: {features: 6}\ndata: {cache_gb: 1}\ndestroyer: {training: {iterations: 7}}\n")
    first, second = (split_settings(BOTH, own, {}, ())[stage].resolved(stage, "footage") for stage in BOTH)
    assert (first.method["features"], first.training.epochs, second.method["features"]) == (6, 60, 64)
    assert (first.data.cache_gb, second.data.cache_gb, second.training.iterations) == (1, 1, 7)
    for config in ("f2lm/cpu", "destroyer/cpu"):
        alone = split_settings(["destroyer"], config, {}, ["method.generator=run"])["destroyer"]
        assert alone.resolved("destroyer", "footage").method["generator"] == "run"
        assert alone.resolved("destroyer", "footage").training.iterations == 2000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lnra", "--stages", "both"], "--stages: is for f2lm, not lnra; leave it out"),
        (["destroyer", "--stages", "both"], "--stages: is for f2lm, not destroyer; write 'oddlens train f2lm"),
        (["lnra", "--generator", "run"], "--generator: has no use with lnra"),
        (["f2lm", "--generator", "run"], "so does f2lm with --stages destroyer"),
        (["f2lm", "--stages", "destroyer"], "--stages destroyer: there is no generator to begin with"),
        (["f2lm", "--stages", "both", "--generator", "run"], "has no use with --stages both"),
        (
            ["f2lm", "--stages", "both", "--set", "destroyer.method.generator=run"],
            "is the generator that is trained here",
        ),
        (["f2lm", "--stages", "both", "--set", "destroyer.method.featuers=1"], "did you mean 'features'"),
        (["f2lm", "--stages", "generator", "--set", "destroyer.training.seed=1"], "'destroyer' is no stage"),
        (["f2lm", "--stages", "both", "--config", "own.yaml"], "own.yaml: says nothing about the destroyer; add"),
        (["f2lm", "--stages", "both", "--out", "full"], "full: is not empty and holds no stages"),
        (["f2lm", "--stages", "both", "--set", "destroyer.method.steepness=0"], "steepness is 0"),
        (["f2lm", "--stages", "both", *SMALL, "--set", "destroyer.training.batch_size=5000"], "a batch takes 5000"),
        (["f2lm", "--stages", "both", "--set", "destroyer.method.background_file=none.png"], "none.png: "),
        (["f2lm", "--set", "destroyer.training.seed=1"], "'destroyer' is for a stage of f2lm; give --stages both"),
        (["f2lm", "--stages", "both", "--set", "destroyer=3"], "--set destroyer=3: is not KEY=VALUE"),
        (["destroyer", "--config", "destroyer/cpu"], "there is no generator to begin with"),
        (["f2lm", "--stages", "both", "--set", "method.height=36"], "multiples of 8"),
    ],
)
def test_stages_that_cannot_be(
    words: list[str],
    told: str,
    scene: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text("method: {features: 4}\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    assert main(["train", *words, "--data", str(scene)]) == 2
    shown = capsys.readouterr().err.strip()
    assert told in shown and len(shown.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "own.yaml"]


def test_nothing_is_written_into_what_is_read(both: StagesResult, scene: Path) -> None:
    before = weights(both.folder)
    for out in (both.folder, both.folder / "generator", both.folder / "generator" / "more"):
        for named in (both.folder, both.folder / "generator", both.folder / "generator" / "detector"):
            with pytest.raises(OddLensError, match="name another folder with --out"):
                train_stages("destroyer", scene, out, generator=named, overwrite=True)
    assert weights(both.folder) == before


def test_the_command_says_where_all_lies(
    scene: Path, both: StagesResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"training.{key}={value}" for key, value in TRAINING.items()]
    words += ["method.features=2", "method.height=32", "method.width=48", "destroyer.method.features=3"]
    sets = [word for item in words for word in ("--set", item)]
    out = tmp_path / "run"
    assert main(["train", "f2lm", "--stages", "both", "--data", str(scene), "--out", str(out), *sets]) == 0
    shown = capsys.readouterr()
    assert f"next: oddlens score {out} VIDEO" in shown.out and "stage 2 of 2: destroyer" in shown.err
    for name, stage in (("f2lm", "generator"), ("destroyer", "destroyer")):
        assert f"detector of {name}: {out / stage / 'detector'}" in shown.out
    clip = str(scene / "test" / "test_01.mp4")
    assert main(["score", str(out), clip, "--out", str(tmp_path / "scores"), "--no-overlay"]) == 0
    assert "holds two stages, this is the destroyer's" in capsys.readouterr().err
