"""Training on photographs: read once, some held out, a threshold from those."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oddlens import methods
from oddlens.cli import main
from oddlens.errors import DataError, MediaError, SettingsError
from oddlens.media.writer import write_image
from oddlens.scoring.detector import Detector
from oddlens.training.run import train

TINY = {"training": {"iterations": 6, "epochs": 0, "batch_size": 4, "device": "cpu", "precision": "float32"}}


@pytest.fixture(autouse=True)
def _method(monkeypatch):
    monkeypatch.setattr(methods, "METHODS", dict(methods.METHODS))
    methods.register("mean-picture", "mean_picture:MeanPicture")


@pytest.fixture
def good(tmp_path):
    """`good/` with 20 photographs of 24x30, two of them of another size, one grey."""
    folder = tmp_path / "parts" / "good"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for k in range(20):
        size = (24, 30) if k not in (3, 11) else (31, 19)
        write_image(folder / f"{k:02d}.png", rng.integers(90, 110, (*size, 1 if k == 5 else 3)).astype(np.uint8))
    return folder


def test_good_photographs_alone_make_a_detector(good, tmp_path):
    result = train("mean-picture", good.parent, tmp_path / "run", settings=TINY)
    assert result.footage == "20 photographs, 2 of them held out"
    calibration = Detector.load(tmp_path / "run", "cpu").calibration
    assert (calibration.frames, calibration.held_out, calibration.false_reject_rate) == (2, True, 0.01)
    assert calibration.map_threshold is not None
    assert calibration.map_threshold >= calibration.map_high > calibration.map_low
    assert "extrapolated from 2 held-out good photographs" in calibration.warnings[0]
    assert "frames_per_second" not in result.detector.provenance
    assert result.detector.provenance["dataset"] == "parts"
    again = train("mean-picture", good.parent, tmp_path / "run", settings=TINY)
    assert again.resumed
    write_image(good / "01.png", np.zeros((24, 30, 3), np.uint8))
    with pytest.raises(DataError, match="the footage has changed"):
        train("mean-picture", good.parent, tmp_path / "run", settings=TINY)


def test_held_out_photographs_are_spread_and_not_trained_on(good, tmp_path):
    settings = {**TINY, "training": {**TINY["training"], "holdout": 0.5}, "scoring": {"false_reject_rate": 0.2}}
    detector = train("mean-picture", good, tmp_path / "run", settings=settings).detector
    assert detector.calibration.frames == 10
    assert not detector.calibration.extrapolated
    assert detector.calibration.warnings == ()


def test_a_set_that_holds_photographs_out_itself(good, tmp_path):
    root = tmp_path / "can"
    (root / "train").mkdir(parents=True)
    (root / "validation" / "good").mkdir(parents=True)
    good.rename(root / "train" / "good")
    for k in range(7):
        (root / "train" / "good" / f"{k:02d}.png").rename(root / "validation" / "good" / f"{k:02d}.png")
    result = train("mean-picture", root, tmp_path / "run", settings=TINY)
    assert result.footage == "20 photographs, 7 of them held out"
    assert result.detector.calibration.frames == 7


def test_a_damaged_photograph_is_named_and_the_rest_is_used(good, tmp_path, capsys):
    damaged = good / "07.png"
    damaged.write_bytes(damaged.read_bytes()[:-30])
    words = ["train", "mean-picture", "--data", str(good.parent), "--out", str(tmp_path / "run")]
    sets = ["training.iterations=2", "training.epochs=0", "training.device=cpu"]
    assert main([*words, *(word for item in sets for word in ("--set", item)), "--false-reject-rate", "0.3"]) == 0
    told = capsys.readouterr()
    assert "fault: parts: 07.png: cannot be decoded, left out" in told.err
    assert "19 of 20 photographs, 1 could not be read, 2 of them held out" in told.out
    assert "chosen to reject 30 % of good photographs, extrapolated from 2" in told.out
    assert "PHOTOGRAPHS" in told.out
    words[-1] = str(tmp_path / "quiet")
    assert main([*words, *(word for item in sets for word in ("--set", item)), "--quiet"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "fault: parts: 07.png: cannot be decoded, left out\n")


def test_what_cannot_be_learned_from(good, tmp_path):
    for path in sorted(good.iterdir())[2:]:
        path.unlink()
    with pytest.raises(DataError, match="holds 2 photographs to train on, a batch takes 4; give more, or a smaller"):
        train("mean-picture", good.parent, tmp_path / "run", settings=TINY)
    two = {**TINY, "training": {**TINY["training"], "batch_size": 2}}
    detector = train("mean-picture", good.parent, tmp_path / "run", settings=two).detector
    assert detector.calibration.frames == 2
    assert any("trained on" in warning for warning in detector.calibration.warnings)
    for path in good.iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(MediaError, match="none of its photographs can be decoded"):
        train("mean-picture", good.parent, tmp_path / "other", settings=two)
    for path in good.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="good: holds no photographs; see 'oddlens data check'"):
        train("mean-picture", good.parent, tmp_path / "other", settings=two)
    assert not Path(tmp_path / "other" / "run.yaml").exists()


def test_what_is_said_of_video_is_refused(good, tmp_path):
    with pytest.raises(SettingsError, match="is about video"):
        train("mean-picture", good, tmp_path / "run", settings={**TINY, "data": {"labels": "masks"}})
    with pytest.raises(DataError, match="no layout 'ped2' of photographs"):
        train("mean-picture", good, tmp_path / "run", settings={**TINY, "data": {"layout": "ped2"}})


def test_a_single_photograph_held_out_does_not_make_a_threshold(good, tmp_path):
    for path in sorted(good.iterdir())[7:]:
        path.unlink()
    result = train("mean-picture", good.parent, tmp_path / "run", settings=TINY)
    assert result.footage == "7 photographs, 1 of them held out"
    assert (result.detector.calibration.frames, result.detector.calibration.held_out) == (7, False)
    assert result.detector.calibration.threshold > 0.1
