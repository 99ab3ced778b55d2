"""ROC curves of an evaluation: their corners, and what the command draws of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import roc_auc_score, roc_curve

from oddlens.cli import main
from oddlens.evaluation.judge import Judge
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.evaluation.roc import roc_record
from oddlens.evaluation.tracks import Track


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60))
def test_corners_make_the_whole_curve(frames):
    labels, scores = (np.array(values) for values in zip(*frames))
    curve = roc_record(labels, scores)
    if labels.all() or not labels.any():
        assert curve is None
        return
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    whole = set(zip(np.round(fpr, 6), np.round(tpr, 6)))
    assert set(zip(curve["fpr"], curve["tpr"])) <= whole
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(roc_auc_score(labels, scores), abs=1e-5)
    assert curve["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert (curve["fpr"][0], curve["tpr"][0], curve["fpr"][-1], curve["tpr"][-1]) == (0, 0, 1, 1)


def test_long_straight_runs_are_two_points():
    labels = np.repeat([1, 0], 500)
    curve = roc_record(labels, -np.arange(1000.0))
    assert (curve["fpr"], curve["tpr"], curve["auc"], curve["eer"]) == ([0, 0, 1], [0, 1, 1], 1.0, 0.0)


@pytest.mark.parametrize("training", [(), ((9, 10.0),)])
def test_curves_agree_with_the_numbers_of_their_protocols(training):
    random = np.random.default_rng(0)
    labels = [(np.arange(40) // 8 % 2).astype(np.uint8) for _ in range(2)]
    scores = [random.normal(size=40) + y for y in labels]
    early = [random.normal(size=9)] if training else []
    paper = PaperProtocol(head=3, tail=2, include_training=bool(training))
    judge = Judge(labels, [10.0, 10.0], paper, training, resamples=5)
    tracks = Track(scores=scores, paper_scores=scores), Track(scores=early, paper_scores=early)
    curves, found = judge.curves(*tracks), judge.protocols(*tracks)
    assert list(curves) == list(found)
    for name, curve in curves.items():
        assert curve["auc"] == pytest.approx(found[name]["micro_auc"])
        assert curve["eer"] == pytest.approx(found[name]["eer"])


def test_the_command_draws_them_and_tells_where(tiny_run, scene, tmp_path, capsys):
    numbers = tmp_path / "n.json"
    options = [
        "--no-floors",
        "--resamples",
        "5",
        "--mode",
        "fast",
        "--json",
        str(numbers),
        "--out",
        str(tmp_path / "t.md"),
    ]
    command = ["evaluate", str(tiny_run), "--data", str(scene), *options]
    assert main([*command, "--figures", str(tmp_path / "figures")]) == 0
    (path,) = (tmp_path / "figures").iterdir()
    assert path.name == "roc-walkway.png"
    assert path.name in capsys.readouterr().out.replace("\n", "")
    with Image.open(path) as picture:
        assert picture.size == (700, 700)
    result = json.loads(numbers.read_text())
    assert result["roc"]["clean"]["auc"] == pytest.approx(result["protocols"]["clean"]["micro_auc"])
    assert main(command) == 0
    assert "roc" not in json.loads(numbers.read_text())
