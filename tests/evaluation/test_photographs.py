"""All numbers of photographs: the same as each metric alone, intervals as from drawing whole images again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from oddlens.errors import DataError
from oddlens.evaluation.bootstrap import percentile_interval, resample_counts
from oddlens.evaluation.photographs import PhotographMetrics
from oddlens.metrics.f1 import f1_max
from oddlens.metrics.overlap import aupro, paper_pro
from oddlens.metrics.pimo import aupimo

PIXEL_NAMES = ["pixel_auroc", "pixel_ap", "pixel_f1_max", "aupro", "aupimo", "paper_pro"]


@pytest.fixture(scope="module")
def photographs():
    """Twelve small maps and masks; the first five are normal."""
    random = np.random.default_rng(11)
    masks = np.zeros((12, 30, 40), bool)
    for number, mask in enumerate(masks[5:]):
        mask[5 : 12 + number, 8:15], mask[20:22, 30:36] = True, number % 2
    maps = np.exp(random.normal(-2, 0.6, masks.shape) + 1.5 * masks * (random.random((12, 1, 1)) + 0.2))
    return maps.astype(np.float32), masks


def filled(maps, masks):
    metrics = PhotographMetrics()
    for map, mask in zip(maps, masks):
        metrics.update(float(map.max()), bool(mask.any()), map, mask)
    return metrics


def exact(maps, masks):
    labels, scores = masks.any(axis=(1, 2)), maps.max(axis=(1, 2))
    truth, pixels = masks.ravel(), maps.ravel()
    return {
        "image_auroc": sklearn_metrics.roc_auc_score(labels, scores),
        "image_ap": sklearn_metrics.average_precision_score(labels, scores),
        "image_f1_max": f1_max(labels, scores).value,
        "pixel_auroc": sklearn_metrics.roc_auc_score(truth, pixels),
        "pixel_ap": sklearn_metrics.average_precision_score(truth, pixels),
        "pixel_f1_max": f1_max(truth, pixels).value,
        "aupro": aupro(maps, masks),
        "aupimo": aupimo(maps, masks).mean,
        "paper_pro": paper_pro(maps, masks),
    }


def test_values_are_those_of_the_metrics_alone(photographs):
    found = filled(*photographs).summarise(resamples=50)
    assert {name: measured.value for name, measured in found.items()} == pytest.approx(exact(*photographs), abs=2e-3)
    for measured in found.values():
        assert 0 <= measured.low <= measured.high <= 1


def test_intervals_are_those_of_whole_images_drawn_again(photographs):
    maps, masks = photographs
    found = filled(maps, masks).summarise(resamples=30, seed=4)
    drawn = [np.repeat(np.arange(12), counts) for counts in resample_counts(12, 30, 4)]
    known = [chosen for chosen in drawn if 0 < masks[chosen].any(axis=(1, 2)).sum() < len(chosen)]
    assert len(known) == len(drawn)
    values = [exact(maps[chosen], masks[chosen]) for chosen in drawn]
    for name, measured in found.items():
        expected = percentile_interval([value[name] for value in values])
        assert measured[1:] == pytest.approx(expected, abs=0.01), name


def test_scores_of_equal_height_tie_in_every_resample():
    metrics = PhotographMetrics()
    for label in (0, 1, 0, 1):
        metrics.update(np.inf, bool(label))
    found = metrics.summarise(resamples=40)
    assert set(found) == {"image_auroc", "image_ap", "image_f1_max"}
    assert found["image_auroc"] == (0.5, 0.5, 0.5)


def test_images_without_masks_count_in_the_image_metrics_alone(photographs):
    maps, masks = photographs
    metrics = filled(maps, masks)
    metrics.update(99.0, True, maps[0])
    metrics.update(98.0, True)
    plain, more = filled(maps, masks).summarise(10), metrics.summarise(10)
    assert more["image_auroc"].value > plain["image_auroc"].value
    for name in PIXEL_NAMES:
        assert more[name] == plain[name]


@pytest.mark.parametrize("kept", [slice(0, 5), slice(5, 12), slice(0, 1), slice(5, 6)])
def test_what_is_undefined_is_nan_and_nothing_warns(photographs, kept):
    maps, masks = photographs
    found = filled(maps[kept], masks[kept]).summarise(resamples=20)
    assert math.isnan(found["image_auroc"].value)
    assert math.isnan(found["aupimo"].value)
    abnormal = bool(masks[kept].any())
    assert math.isnan(found["aupro"].value) != abnormal
    assert math.isnan(found["paper_pro"].value) != abnormal
    if len(maps[kept]) == 1:
        assert all(math.isnan(measured.low) for measured in found.values())


def test_maps_of_enormous_range_still_get_intervals():
    random = np.random.default_rng(2)
    masks = random.random((6, 40, 40)) < 0.2
    masks[:2] = False
    maps = np.exp(random.uniform(-80, 80, masks.shape)) * np.where(masks, 2.0, 1.0)
    found = filled(maps, masks).summarise(resamples=20)
    assert found["pixel_auroc"].low <= found["pixel_auroc"].value <= found["pixel_auroc"].high


def test_nan_is_refused():
    metrics = PhotographMetrics()
    metrics.update(0.5, False)
    with pytest.raises(DataError, match="image 1: the score at position 0 is NaN"):
        metrics.update(math.nan, True)
    with pytest.raises(DataError, match="frame 1: the map is not finite"):
        metrics.update(0.5, True, np.array([[np.nan]]), np.array([[True]]))
    assert set(metrics.summarise(5)) == {"image_auroc", "image_ap", "image_f1_max"}
