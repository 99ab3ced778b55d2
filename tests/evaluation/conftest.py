"""A method of photographs that has learned nothing, and a set that it can judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oddlens import methods
from oddlens.media.writer import write_image
from oddlens.scoring.detector import Detector
from oddlens.scoring.reject import calibrate_photographs

PLUGIN = Path(__file__).parents[1] / "training" / "plugin"


@pytest.fixture
def plates(tmp_path) -> Path:
    """Grey plates of 32x32: six good ones to learn from; in the test four good, four with a bright spot, two dark."""
    rng = np.random.default_rng(7)
    root = tmp_path / "plate"

    def plates(folder: str, count: int, spot: int = 0, level: int = 128) -> None:
        (root / folder).mkdir(parents=True)
        for k in range(count):
            image = (level + rng.integers(-8, 9, (32, 32, 3))).astype(np.uint8)
            if spot:
                image[8 : 8 + spot, 16 : 16 + spot] = 250
            write_image(root / folder / f"{k}.png", image)

    def masks(kind: str, count: int, spot: int) -> None:
        (root / "ground_truth" / kind).mkdir(parents=True)
        mask = np.zeros((32, 32, 1), np.uint8)
        mask[8 : 8 + spot, 16 : 16 + spot] = 255
        for k in range(count):
            write_image(root / "ground_truth" / kind / f"{k}_mask.png", mask)

    plates("train/good", 6)
    plates("test/good", 4)
    plates("test/spot", 4, spot=8)
    plates("test/dark", 2, level=100)
    masks("spot", 4, 8)
    masks("dark", 2, 32)
    return root


@pytest.fixture
def looker(monkeypatch) -> Detector:
    """A detector that expects grey, 16x16; it rejects what has a place half as bright again."""
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.setattr(methods, "METHODS", dict(methods.METHODS))
    methods.register("mean-picture", "mean_picture:MeanPicture")
    method = methods.method_class("mean-picture").from_values({}, "test").eval()
    calibration = calibrate_photographs(np.linspace(0.02, 0.2, 120), 0.01)
    return Detector(method, calibration, provenance={"dataset": "plate"})
