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


def test_trainings_are_compared_by_held_out_good_photographs(
    module: Any, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    train("mean-picture", good, run, settings=TINY)
    kept = module.held_out(run, good, Detector.load(run, "cpu"))
    assert len(kept) == 2
    module.main(["--data", str(good), str(run), str(run)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| run | image | pixel | paste | scratch | smear |"
    assert lines[2] == lines[3] and all(0 <= float(cell) <= 100 for cell in lines[2].split("|")[2:-1])


def test_nothing_held_out_is_refused(module: Any, good: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train("mean-picture", good, run, settings={"training": {**TINY["training"], "holdout": 0.0}})
    with pytest.raises(DataError, match=r"held no photographs out; train with training.holdout"):
        module.measure(run, good, 0)
    with pytest.raises(SystemExit, match="drawn_defects: "):
        module.main(["--data", str(good), str(run)])
