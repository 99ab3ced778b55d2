"""A whole evaluation on photographs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oddlens import evaluate
from oddlens.cli import main
from oddlens.datasets.open import open_dataset
from oddlens.datasets.open_photographs import open_photographs
from oddlens.errors import DataError, SettingsError
from oddlens.evaluation.photograph_record import MapStack
from oddlens.media.writer import write_image


def test_both_protocols_kinds_and_baselines(looker, plates):
    done = []
    result = evaluate(looker, plates, resamples=50, progress=lambda *told: done.append(told))
    assert (result["method"], result["dataset"], result["photographs"]) == ("mean-picture", "plate", 10)
    assert done[-1] == ("test/spot/3.png", 10, 10)
    clean, paper = result["protocols"]["clean"], result["protocols"]["paper"]
    assert (clean["defective"], clean["marked"], paper["defective"]) == (6, 6, 6)
    assert clean["image_auroc"] == 1.0
    assert clean["pixel_auroc"] > 0.95
    assert 0.9 < clean["aupro"] <= 1.0
    assert clean["found"] == pytest.approx(4 / 6)
    assert clean["false_reject_rate"] == 0.0
    low, high = clean["intervals"]["pixel_auroc"]
    assert low <= clean["pixel_auroc"] <= high
    assert paper["chosen"] == {"scores": "score", "maps": "map"}
    assert paper["optimistic"]
    assert "found" not in paper
    assert {kind: values["found"] for kind, values in result["kinds"].items()} == {"dark": 0.0, "spot": 1.0}
    assert [values["photographs"] for values in result["kinds"].values()] == [2, 4]
    baselines = result["baselines"]
    assert set(baselines) == {"random", "mean-image", "brightness", "darkness"}
    assert baselines["brightness"]["image_auroc"] == pytest.approx(4 / 6)
    assert baselines["darkness"]["image_auroc"] == pytest.approx(2 / 6)
    assert baselines["mean-image"]["pixel_auroc"] > 0.95
    assert baselines["random"]["image_auroc"] == pytest.approx(0.5, abs=0.2)
    assert "pixel_auroc" not in baselines["brightness"]
    assert baselines["random"]["paper"]["image_auroc"] == pytest.approx(baselines["random"]["image_auroc"])
    assert result["provenance"]["paper_protocol"]["name"] == "larger of two"
    json.dumps(result, allow_nan=False)


def test_curves_are_given_where_they_are_asked_for(looker, plates):
    result = evaluate(looker, plates, resamples=10, curves=True)
    for name, curve in result["roc"].items():
        assert curve["auc"] == pytest.approx(result["protocols"][name]["image_auroc"])
    assert set(result["roc"]) == {"clean", "paper"}
    assert "roc" not in evaluate(looker, plates, resamples=10)


def test_the_paper_takes_the_larger_of_two(looker, plates, monkeypatch):
    """A score that ranks worse than another is reported with the other's number, and it is said."""
    protocol = looker.method.photograph_protocol()
    worse = dict(vars(protocol)) | {"scores": lambda of: {"worse": -of["score"], "better": of["mean"]}, "maps": None}
    monkeypatch.setattr(type(looker.method), "photograph_protocol", lambda self: type(protocol)(**worse))
    paper = evaluate(looker, plates, resamples=10)["protocols"]["paper"]
    assert paper["chosen"] == {"scores": "better"}
    assert paper["image_auroc"] == 1.0


def test_a_defect_that_vanishes_in_the_small_mask_is_a_good_image_for_the_paper(looker, plates):
    mask = np.zeros((32, 32, 1), np.uint8)
    mask[8, 16] = 255
    write_image(plates / "ground_truth" / "spot" / "0_mask.png", mask)
    result = evaluate(looker, plates, resamples=10)
    clean, paper = result["protocols"]["clean"], result["protocols"]["paper"]
    assert (clean["defective"], paper["defective"]) == (6, 5)
    assert paper["image_auroc"] < clean["image_auroc"]
    notes = result["provenance"]["notes"]
    assert "defects that vanish in the truth at this size: 1 (test/spot/0.png)" in notes


def test_what_does_not_fit_is_noted_and_the_rest_counts(looker, plates):
    (plates / "test" / "spot" / "0.png").write_bytes(b"broken")
    (plates / "ground_truth" / "dark" / "1_mask.png").unlink()
    (plates / "ground_truth" / "spot" / "2_mask.png").write_bytes(b"broken")
    write_image(plates / "test" / "unknown.png", np.zeros((32, 32, 3), np.uint8))
    result = evaluate(looker, plates, resamples=10)
    clean, notes = result["protocols"]["clean"], "\n".join(result["provenance"]["notes"])
    assert (clean["photographs"], clean["defective"], clean["marked"]) == (9, 5, 3)
    assert "1 test photographs are of no known kind" in notes
    assert "0.png: cannot be decoded" in notes
    assert "no mask for 1.png, left out of pixel numbers" in notes
    assert "2_mask.png: cannot be read as a mask" in notes


def test_without_masks_there_are_no_pixel_numbers(looker, tmp_path, plates):
    (plates / "ground_truth").rename(tmp_path / "elsewhere")
    clean = evaluate(looker, open_photographs(plates), resamples=10, floors=False)["protocols"]["clean"]
    assert clean["image_auroc"] == 1.0
    assert clean["marked"] == 0
    assert clean["pixel_auroc"] is None


def test_one_class_alone(looker, plates):
    for path in (plates / "test" / "good").iterdir():
        path.unlink()
    result = evaluate(looker, plates, resamples=10)
    assert result["protocols"]["clean"]["image_auroc"] is None
    assert result["protocols"]["clean"]["false_reject_rate"] is None


def test_the_command_prints_and_writes_it(looker, plates, tmp_path, capsys):
    looker.save(tmp_path / "detector")
    numbers = tmp_path / "numbers.json"
    words = ["evaluate", str(tmp_path / "detector"), "--data", str(plates), "--json", str(numbers), "--resamples", "20"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "mean-picture on plate (10 photographs)" in shown
    assert "paper (optimistic)" in shown
    assert "AUPRO 0.3" in shown
    assert "spot (4)" in shown
    assert "brightness" in shown
    text = (tmp_path / "detector" / "evaluation-plate.md").read_text()
    assert "| image AUROC | 100.00 % (100.0 - 100.0) | 100.00 % (100.0 - 100.0) |" in text
    assert json.loads(numbers.read_text())["subject"] == "photographs"
    assert main([*words, "--mode", "fast"]) == 2
    assert "is about video, not photographs" in capsys.readouterr().err


def test_methods_and_data_that_do_not_fit_are_refused(looker, plates, scene, tiny):
    with pytest.raises(DataError, match="'mean-picture' looks at photographs"):
        evaluate(looker, open_dataset(scene))
    with pytest.raises(DataError, match="'lnra' looks at video"):
        evaluate(tiny, open_photographs(plates))
    with pytest.raises(DataError, match="holds photographs, not footage"):
        evaluate(tiny, plates)
    with pytest.raises(SettingsError, match="labels: is about video"):
        evaluate(looker, plates, labels="masks")
    for folder in ("good", "spot", "dark"):
        (plates / "test" / folder).rename(plates / f"not-{folder}")
    with pytest.raises(DataError, match="has no test photograph of known kind"):
        evaluate(looker, plates)


def test_a_stack_of_maps():
    stack = MapStack()
    maps = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
    for map in maps:
        stack.append(map)
    assert (stack.array() == maps).all()
    stack.append(maps[0])
    assert stack.array().shape == (6, 3, 4)
