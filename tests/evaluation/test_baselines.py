"""Scores that never look at a picture reach the published figures on Ped2's labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oddlens.evaluation.baselines import (
    clock_scores,
    mean_summary,
    random_baseline,
    random_scores,
    trivial_baselines,
)
from oddlens.evaluation.protocols import PaperProtocol, apply_paper, clean
from oddlens.metrics.video import macro_auc, micro_auc


@pytest.fixture
def ped2_labels():
    """Frame labels of UCSD Ped2: one abnormal interval (from 1, both ends included) in each test video."""
    lengths = (180, 180, 150, 180, 150, 180, 180, 180, 120, 150, 180, 180)
    starts = (61, 95, 1, 31, 1, 1, 46, 1, 1, 1, 1, 88)
    ends = (180, 180, 146, 180, 129, 159, 180, 180, 120, 150, 180, 180)
    index = [np.arange(1, length + 1) for length in lengths]
    return [((k >= start) & (k <= end)).astype(np.uint8) for k, start, end in zip(index, starts, ends)]


def test_clock_on_ped2(ped2_labels):
    clock = clock_scores([len(y) for y in ped2_labels])
    paper = apply_paper(PaperProtocol(head=0, tail=0), clock, ped2_labels)
    assert micro_auc(paper.scores, paper.labels) == pytest.approx(0.749, abs=1e-3)
    # Without min-max the clock does not know how long the video is, and is worth a little less.
    assert micro_auc(clock, ped2_labels) == pytest.approx(0.741, abs=1e-3)


def test_random_macro_auc_on_ped2_is_flattered_by_padding(ped2_labels):
    lengths = [len(y) for y in ped2_labels]
    runs = [random_scores(lengths, seed) for seed in range(60)]
    padded = np.mean([macro_auc(run, ped2_labels, "padded").value for run in runs])
    skipped = np.mean([macro_auc(run, ped2_labels).value for run in runs])
    assert padded == pytest.approx(0.684, abs=6e-3)
    assert skipped == pytest.approx(0.5, abs=8e-3)


def test_smoothed_random_scores_look_like_a_method_on_ped2(ped2_labels):
    lengths = [len(y) for y in ped2_labels]
    protocol = PaperProtocol(head=0, tail=0, smoothing=30.0)
    aucs = [micro_auc(*apply_paper(protocol, random_scores(lengths, seed), ped2_labels)[:2]) for seed in range(200)]
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.03)
    assert np.std(aucs) == pytest.approx(0.117, abs=0.02)
    assert max(aucs) > 0.75


def test_baselines_have_one_score_a_frame():
    baselines = trivial_baselines([5, 7], seed=3, fps=[10, 20])
    assert set(baselines) == {"clock", "random"}
    assert all([len(s) for s in scores] == [5, 7] for scores in baselines.values())
    np.testing.assert_allclose(baselines["clock"][1][:3], [0, 0.05, 0.1])
    again = trivial_baselines([5, 7], seed=3)
    np.testing.assert_array_equal(baselines["random"][1], again["random"][1])
    assert (again["random"][0] != trivial_baselines([5, 7], seed=4)["random"][0]).any()


def test_random_baseline_averages_over_stated_seeds(ped2_labels):
    summary = random_baseline(ped2_labels, clean, seeds=[0, 1, 2], resamples=50)
    assert summary["seeds"] == [0, 1, 2]
    assert summary["frames"] == 2010
    assert summary["macro_videos"] == 8
    singles = [random_baseline(ped2_labels, clean, seeds=[k], resamples=50)["micro_auc"] for k in range(3)]
    assert summary["micro_auc"] == pytest.approx(np.mean(singles))
    assert summary["pixel_auc"] is None
    json.dumps(summary, allow_nan=False)


def test_mean_of_summaries_is_none_where_one_is():
    assert mean_summary([{"a": 1.0, "b": None}, {"a": 3.0, "b": 2.0}]) == {"a": 2.0, "b": None}
