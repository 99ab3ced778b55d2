"""Photographs at full resolution: trained, calibrated and scored in tiles, in bounded memory."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pandas as pd
import pytest

from oddlens.benchmarking.speed import measure_speed
from oddlens.cli import main
from oddlens.datasets.open_photographs import open_photographs
from oddlens.errors import SettingsError
from oddlens.evaluation.evaluate_photographs import evaluate_photographs
from oddlens.media.images import read_image
from oddlens.media.writer import write_image
from oddlens.scoring.detector import Detector
from oddlens.scoring.photograph_session import score_photographs_to_folder

pytestmark = pytest.mark.usefixtures("mean_picture")
TILE = 64


def metal(number: int, height: int, width: int) -> np.ndarray:
    """A brushed plate that fills the picture."""
    rng = np.random.default_rng(number)
    fine = rng.integers(0, 256, (min(height, 500), min(width, 500))).astype(np.uint8)
    lines = cv2.resize(cv2.blur(fine, (31, 1)), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.repeat((60 + lines // 4)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def base(tmp_path_factory, mean_picture):
    """A category of plates of 240x320, and a run that learned from their tiles."""
    base = tmp_path_factory.mktemp("tiles")
    for place in [
        *(f"train/good/{k:02d}" for k in range(20)),
        *(f"test/{k}/{n}" for k in ("good", "pit") for n in "12"),
    ]:
        image = metal(sum(map(ord, place)), 240, 320)
        (base / "plates" / place).parent.mkdir(parents=True, exist_ok=True)
        if "pit" in place:
            image[150:162, 200:212] = 250
            mask = np.zeros((240, 320, 1), np.uint8)
            mask[150:162, 200:212] = 255
            (base / "plates" / "ground_truth" / "pit").mkdir(parents=True, exist_ok=True)
            write_image(base / "plates" / "ground_truth" / "pit" / f"{place[-1]}_mask.png", mask)
        write_image(base / "plates" / f"{place}.png", image)
    words = ["train", "mean-picture", "--data", str(base / "plates"), "--out", str(base / "run"), "--quiet"]
    sets = ["training.iterations=30", "training.epochs=0", "training.device=cpu", "scoring.precision=float32"]
    options = ["--tile", str(TILE), "--cache-dir", str(base / "cache"), "--false-reject-rate", "0.4"]
    assert main([*words, *options, *(word for item in sets for word in ("--set", item))]) == 0
    return base


@pytest.fixture
def detector(base):
    return Detector.load(base / "run", "cpu")


def test_tiles_are_learned_from_and_photographs_held_out(base, detector):
    assert detector.tiles == (TILE, TILE, 0.25)
    assert detector.provenance["footage"] == "20 photographs in 700 tiles, 2 of the photographs held out"
    assert detector.provenance["frames"] == 700
    calibration = detector.calibration
    assert (calibration.frames, calibration.held_out) == (2, True)
    # the threshold rests on what those two score as any other photograph is scored
    held = [base / "plates" / "train" / "good" / f"{k:02d}.png" for k in (5, 15)]
    table = detector.score(held)
    assert calibration.quantiles[0] == pytest.approx(table["score"].min(), rel=1e-6)
    assert not table["reject"].any()
    from oddlens.training.run import train

    settings = {
        "training": {"iterations": 30, "epochs": 0, "device": "cpu"},
        "data": {"cache_dir": str(base / "cache")},
    }
    settings["scoring"] = {"precision": "float32", "tile": TILE, "false_reject_rate": 0.4}
    assert train("mean-picture", base / "plates", base / "run", settings=settings).resumed


def test_a_small_defect_in_a_large_photograph_is_found_at_its_place(detector, tmp_path):
    image = metal(3, 3000, 4000)
    image[2111:2123, 1507:1519] = 250
    write_image(tmp_path / "large.jpg", image)
    result = score_photographs_to_folder(detector, [tmp_path / "large.jpg"], tmp_path / "out")
    row = result.table.iloc[0]
    assert (row["width"], row["height"]) == (4000, 3000)
    assert row["reject"]
    assert 1500 <= row["left"] < row["right"] <= 1526
    assert 2104 <= row["top"] < row["bottom"] <= 2130
    panel = read_image(result.folder / row["panel"])
    assert panel.shape[1] > 3 * 341 + 3 * 256


def test_memory_is_that_of_the_photograph_and_its_map(detector, tmp_path):
    peaks = {}
    for height, width in ((750, 1000), (1500, 2000)):
        write_image(tmp_path / "one.jpg", metal(1, height, width))
        tracemalloc.start()
        detector.score(tmp_path / "one.jpg")
        peaks[height * width] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    (small, low), (large, high) = peaks.items()
    # a photograph takes 3 bytes a pixel, its map 4; reading and looking for the box need as much again for a moment
    assert high - low < (large - small) * 2 * (3 + 4)


def test_tiles_are_evaluated_at_one_size_without_a_paper(base, detector):
    result = evaluate_photographs(detector, base / "plates", resamples=5)
    assert list(result["protocols"]) == ["clean"]
    assert result["provenance"]["size_of_truth"] == "1024x1024"
    assert result["protocols"]["clean"]["image_auroc"] == 1.0
    speed = measure_speed(detector, open_photographs(base / "plates"), seconds=0)
    assert speed["frames"] == 1  # whole photographs count, not tiles
    assert result["protocols"]["clean"]["pixel_auroc"] > 0.9


def test_other_tiles_need_another_training(base, detector, capsys):
    assert detector.with_scoring(batch_size=3).tiles == detector.tiles
    for changes in ({"tile": 0}, {"tile": 32}, {"tile_overlap": 0.5}):
        with pytest.raises(SettingsError, match="would not be the tiles"):
            detector.with_scoring(**changes)
    words = ["train", "lnra", "--data", str(base), "--out", str(base / "video"), "--tile", "64"]
    scene = base / "clips" / "normal" / "a"
    scene.mkdir(parents=True)
    for k in range(3):
        write_image(scene / f"{k}.png", np.zeros((8, 8, 1), np.uint8))
    words[3] = str(base / "clips")
    assert main(words) == 2
    assert "scoring.tile: is about photographs, and lnra looks at video; leave it out" in capsys.readouterr().err


def test_few_photographs_in_tiles_are_calibrated_with_themselves(base, tmp_path):
    from oddlens.training.run import train

    folder = tmp_path / "good"
    folder.mkdir()
    for k in range(2):
        write_image(folder / f"{k}.png", metal(k, 100, 130))
    settings = {
        "training": {"iterations": 2, "epochs": 0, "device": "cpu"},
        "scoring": {"tile": 64, "tile_overlap": 0.0},
    }
    settings["data"] = {"cache_dir": str(tmp_path / "cache")}
    run = train("mean-picture", folder, tmp_path / "run", settings=settings)
    assert run.footage == "2 photographs in 12 tiles, none of the photographs held out"
    assert (run.detector.calibration.frames, run.detector.calibration.held_out) == (2, False)
    assert isinstance(run.detector.score(folder), pd.DataFrame)
