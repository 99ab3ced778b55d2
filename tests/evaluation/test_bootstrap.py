"""Intervals against resampling the slow way, and against what is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.errors import DataError
from oddlens.evaluation.bootstrap import (
    micro_auc_interval,
    paired_difference,
    percentile_interval,
    resample_counts,
)
from oddlens.metrics.video import micro_auc, pairwise_wins


@pytest.fixture
def footage():
    """Scores and labels of 8 videos with an offset each."""
    random = np.random.default_rng(5)
    labels = [random.random(60) < 0.3 for _ in range(8)]
    return [random.normal(size=60) + y + random.normal() for y in labels], labels


def test_interval_equals_resampling_frames_of_drawn_videos(footage):
    scores, labels = footage
    counts = resample_counts(8, 100, seed=2)
    slow = []
    for row in counts:
        drawn = np.repeat(np.arange(8), row)
        slow.append(micro_auc([scores[v] for v in drawn], [labels[v] for v in drawn]))
    expected = np.percentile(slow, [2.5, 97.5])
    interval = micro_auc_interval(pairwise_wins(scores, labels), resamples=100, seed=2)
    np.testing.assert_allclose(interval, expected, atol=1e-12)


def test_interval_holds_the_value_and_depends_on_the_seed_only(footage):
    wins = pairwise_wins(*footage)
    interval = micro_auc_interval(wins)
    assert interval.low < micro_auc(*footage) < interval.high
    assert micro_auc_interval(wins) == interval
    assert micro_auc_interval(wins, seed=1) != interval


def test_paired_difference_is_tighter_than_two_intervals(footage):
    scores, labels = footage
    random = np.random.default_rng(0)
    better = [s + 0.3 * y for s, y in zip(scores, labels)]
    worse = [s + random.normal(scale=0.05, size=len(s)) for s in scores]
    first, second = pairwise_wins(better, labels), pairwise_wins(worse, labels)
    difference = paired_difference(first, second)
    assert difference.value == pytest.approx(micro_auc(better, labels) - micro_auc(worse, labels))
    assert difference.low < difference.value < difference.high
    assert difference.certain
    interval = micro_auc_interval(first)
    assert difference.high - difference.low < interval.high - interval.low
    same = paired_difference(first, first)
    assert same == (0.0, 0.0, 0.0)
    assert not same.certain


def test_what_cannot_be_resampled_is_undefined(footage):
    scores, labels = footage
    single = pairwise_wins(scores[:1], labels[:1])
    assert np.isnan(micro_auc_interval(single)).all()
    assert np.isnan(paired_difference(single, single)[1:]).all()
    normal = pairwise_wins([[0.1], [0.2]], [[0], [0]])
    assert np.isnan(micro_auc_interval(normal)).all()
    assert np.isnan(percentile_interval([np.nan])).all()
    with pytest.raises(DataError, match="1 and 2 videos"):
        paired_difference(single, normal)


def test_resamples_of_one_class_are_left_out():
    # Half the resamples draw one of the two videos twice and have one class: the rest are perfect.
    wins = pairwise_wins([[0.1], [0.9]], [[0], [1]])
    assert micro_auc_interval(wins) == (1.0, 1.0)


def test_draws():
    counts = resample_counts(12, 500, seed=1)
    assert counts.shape == (500, 12)
    assert (counts.sum(axis=1) == 12).all()
    assert counts.mean() == pytest.approx(1.0)
