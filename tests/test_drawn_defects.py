"""Defects drawn into held-out good photographs: what is drawn, and that trainings are compared by it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oddlens import methods
from oddlens.errors import DataError
from oddlens.media.writer import write_image
from oddlens.scoring.detector import Detector
from oddlens.training import photograph_feed
from oddlens.training.run import train
from oddlens.types import Image

ROOT = Path(__file__).resolve().parents[1]
TINY = {"training": {"iterations": 6, "epochs": 0, "batch_size": 4, "device": "cpu", "precision": "float32"}}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.drawn_defects")


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty good photographs, a bad one, and a small method that is known by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "training" / "plugin"))
    monkeypatch.setattr(methods, "METHODS", dict(methods.METHODS))
    methods.register("mean-picture", "mean_picture:MeanPicture")
    for kind, count in (("good", 20), ("bad", 1)):
        folder = tmp_path / "parts" / kind
        folder.mkdir(parents=True)
        for number in range(count):
            write_image(folder / f"{number:02d}.png", photograph(number))
    return tmp_path / "parts"


def photograph(seed: int, side: int = 96) -> Image:
    """A bright, textured square on a smooth ground."""
    rng = np.random.default_rng(seed)
    image = np.full((side, side, 3), 40, np.uint8)
    image[side // 4 : -side // 4, side // 4 : -side // 4] = rng.integers(60, 200, (side // 2, side // 2, 3))
    return image


@pytest.mark.parametrize("kind", ["paste", "scratch", "smear"])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_drawn_lies_in_its_mask_and_on_structure(module: Any, kind: str, seed: int) -> None:
    image = photograph(seed)
    before = image.copy()
    changed, mask = module.KINDS[kind](image, np.random.default_rng(seed))
    assert changed.shape == image.shape and changed.dtype == np.uint8 and mask.shape == image.shape[:2]
    assert (image == before).all() and 0 < mask.mean() < 0.1
    differs = (changed != image).any(axis=2)
    assert differs[mask].mean() > 0.5
    around = module.cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    assert not differs[~around].any()
    rows, columns = np.nonzero(mask)
    assert 16 <= rows.mean() <= 80 and 16 <= columns.mean() <= 80
    again, _ = module.KINDS[kind](image, np.random.default_rng(seed))
    assert (again == changed).all()


def test_a_photograph_without_structure_is_drawn_on_all_the_same(module: Any) -> None:
    flat = np.full((96, 96, 1), 128, np.uint8)
    changed, mask = module.KINDS["scratch"](flat, np.random.default_rng(0))
    assert changed.shape == flat.shape and (changed != flat)[mask].all()


def test_it_is_drawn_again_until_it_shows(module: Any) -> None:
    rim = np.full((96, 96, 1), 128, np.uint8)
    rim[:3] = np.random.default_rng(0).integers(0, 255, (3, 96, 1))
    rim[40, 40] = 90
    for seed in range(5):
        changed, mask = module._visible(module._smear, rim, np.random.default_rng(seed))
        assert (changed != rim)[mask].any()
    with pytest.raises(DataError, match="no structure to draw on"):
        module._visible(module._smear, np.full((96, 96, 1), 128, np.uint8), np.random.default_rng(0))


def test_trainings_are_compared_by_held_out_good_photographs(
    module: Any, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    train("mean-picture", good, run, settings=TINY)
    module.main(["--data", str(good), str(run), str(run)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| run | image | pixel | paste | scratch | smear |"
    assert lines[2] == lines[3] and all(0 <= float(cell) <= 100 for cell in lines[2].split("|")[2:-1])


def test_held_out_photographs_are_those_that_the_training_held_out(module: Any, good: Path, tmp_path: Path) -> None:
    for name in ("03", "11"):
        (good / "good" / f"{name}.png").write_bytes(b"no picture")
    settings = {"training": {**TINY["training"], "holdout": 0.3}}
    with pytest.MonkeyPatch.context() as patch:
        seen: list[Any] = []
        calibrate = photograph_feed.calibrate_detector

        def watched(detector: Detector, runs: Any, *rest: Any) -> Any:
            seen.extend(runs)
            return calibrate(detector, runs, *rest)

        patch.setattr(photograph_feed, "calibrate_detector", watched)
        train("mean-picture", good, tmp_path / "run", settings=settings)
    expected = [run.frames[0] for run in seen]
    found = module.held_out(tmp_path / "run", good, Detector.load(tmp_path / "run", "cpu"))
    assert len(found) == len(expected) == 5
    assert all((one == other).all() for one, other in zip(found, expected))


def test_runs_that_cannot_be_compared_are_refused(module: Any, good: Path, tmp_path: Path) -> None:
    def refused(run: Path, told: str, data: Path = good) -> None:
        with pytest.raises(DataError, match=told):
            module.measure(run, data, 0)

    train("mean-picture", good, tmp_path / "all", settings={"training": {**TINY["training"], "holdout": 0.0}})
    refused(tmp_path / "all", "held no photographs out; train with training.holdout")
    train("mean-picture", good, tmp_path / "tiles", settings={**TINY, "scoring": {"tile": 32}})
    refused(tmp_path / "tiles", "was trained in tiles")
    train("mean-picture", good, tmp_path / "run", settings=TINY)
    write_image(good / "good" / "20.png", photograph(20))
    refused(tmp_path / "run", "is not what .*run was trained on")
    (tmp_path / "run" / "run.yaml").unlink()
    refused(tmp_path / "run", "run.yaml: is missing")
    with pytest.raises(SystemExit, match="drawn_defects: "):
        module.main(["--data", str(good), str(tmp_path / "run")])
