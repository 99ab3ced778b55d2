"""One dictionary of JSON-ready numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from oddlens.errors import DataError
from oddlens.evaluation.summary import summarise
from oddlens.metrics.pixel import PixelAUC, PixelLevelAUC
from oddlens.metrics.region_matching import TruthBoxes
from oddlens.metrics.regions import RegionDetection

EVENT_KEYS = {"event_recall", "false_alarms_per_hour", "time_to_detect", "time_to_detect_p95"}


@pytest.fixture
def footage():
    """Scores and labels of six videos, the last without anything abnormal."""
    random = np.random.default_rng(3)
    labels = [(np.arange(80) // 20 % 2).astype(np.uint8) for _ in range(5)] + [np.zeros(80, np.uint8)]
    return [random.normal(size=80).astype(np.float32) + y for y in labels], labels


def test_numbers_are_those_of_the_metrics(footage):
    scores, labels = footage
    summary = summarise(scores, labels, resamples=200)
    truth, values = np.concatenate(labels), np.concatenate(scores)
    assert summary["micro_auc"] == pytest.approx(roc_auc_score(truth, values), abs=1e-9)
    assert summary["ap"] == pytest.approx(average_precision_score(truth, values), abs=1e-9)
    assert summary["macro_auc"] == pytest.approx(
        np.mean([roc_auc_score(y, s) for s, y in zip(scores, labels) if y.any()]), abs=1e-9
    )
    assert (summary["macro_videos"], summary["videos"], summary["frames"]) == (5, 6, 480)
    low, high = summary["interval"]
    assert low < summary["micro_auc"] < high
    assert 0 < summary["eer"] < 0.5
    assert all(summary[key] is None for key in EVENT_KEYS | {"pixel_auc", "pixel_level_auc", "rbdc", "tbdc"})


def test_alarms_and_pixels(footage):
    scores, labels = footage
    pixels = PixelAUC()
    pixels.update(np.array([[0.1, 0.9]]), np.array([[False, True]]))
    alarms = [[(25, 30)]] * 5 + [[(3, 4)]]
    summary = summarise(scores, labels, pixel=pixels, alarms=alarms, fps=10.0, resamples=50)
    assert summary["pixel_auc"] == 1.0
    assert summary["event_recall"] == 0.5
    assert summary["undetected_events"] == 5
    assert summary["time_to_detect"] == 0.5
    assert summary["false_alarms_per_hour"] == pytest.approx(1 / (280 / 10 / 3600))
    untimed = summarise(scores, labels, alarms=alarms, resamples=50)
    assert untimed["event_recall"] == 0.5
    assert untimed["false_alarms_per_hour"] is None
    assert untimed["time_to_detect"] is None


def test_places(footage):
    level = PixelLevelAUC()
    for map, mask in zip([[[0.9, 0.1]], [[0.2, 0.3]]], [[[True, False]], [[False, False]]]):
        level.update(np.array(map), np.array(mask))
    regions = RegionDetection()
    regions.update([[0, 0, 9, 9, 1.0]], [0], TruthBoxes(np.array([[0.0, 0, 9, 9]]), np.array([0]), np.array([0])), 1)
    summary = summarise(*footage, pixel_level=level, regions=regions, resamples=10)
    assert (summary["pixel_level_auc"], summary["rbdc"], summary["tbdc"]) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("label", [0, 1])
def test_undefined_is_none_and_everything_is_json(label):
    regions = RegionDetection()
    regions.update([], [], TruthBoxes(np.empty((0, 4)), np.empty(0), np.empty(0)), 2)
    places = {"pixel": PixelAUC(), "pixel_level": PixelLevelAUC(), "regions": regions}
    summary = summarise([[0.1, 0.2]], [[label, label]], **places, alarms=[[]], fps=25)
    assert summary["micro_auc"] is None
    assert summary["interval"] is None
    assert summary["macro_auc"] is None
    assert all(summary[key] is None for key in ("pixel_auc", "pixel_level_auc", "rbdc", "tbdc"))
    assert summary["time_to_detect"] is None
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_same_seed_same_summary(footage):
    assert summarise(*footage, seed=4) == summarise(*footage, seed=4)
    assert summarise(*footage, seed=4)["interval"] != summarise(*footage, seed=5)["interval"]


def test_lengths_must_agree():
    with pytest.raises(DataError, match="video 0: 2 labels but 1 scores"):
        summarise([[0.1]], [[0, 1]])
