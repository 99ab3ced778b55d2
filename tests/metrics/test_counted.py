"""Metrics of many resamples at once, against the same metrics of each resample alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from oddlens.metrics.counted import (
    area_up_to,
    auroc_of_rows,
    average_precision_of_rows,
    f1_max_of_rows,
    f1_of_rows,
    overlap_of_rows,
)
from oddlens.metrics.f1 import f1_max
from oddlens.metrics.ranking import average_precision, roc_auc

COUNTS = hypothesis_numpy.arrays(np.int64, (3, 5), elements=st.integers(0, 3))


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_each_row_is_a_ranking_of_its_own(positives, negatives):
    for row in range(3):
        scores = np.repeat(np.tile(np.arange(5), 2), np.concatenate([positives[row], negatives[row]]))
        labels = np.repeat([1, 0], [positives[row].sum(), negatives[row].sum()])
        for metric, single in (
            (auroc_of_rows, roc_auc),
            (average_precision_of_rows, average_precision),
            (f1_max_of_rows, lambda y, s: f1_max(y, s).value),
        ):
            value = metric(positives, negatives)[row]
            np.testing.assert_allclose(value, single(labels, scores), atol=1e-12)


@settings(deadline=None)
@given(COUNTS, st.floats(0.01, 1.0))
def test_the_area_of_a_curve_without_reward_is_half_the_limit(counts, limit):
    filled = counts + 1
    np.testing.assert_allclose(overlap_of_rows(filled, filled, limit), limit / 2, atol=1e-12)
    np.testing.assert_allclose(overlap_of_rows(filled, filled, 1.0), 0.5, atol=1e-12)


def test_area_is_interpolated_at_the_limit():
    fpr, rate = np.array([[0.0, 0.2, 0.4, 1.0]]), np.array([[0.0, 0.5, 1.0, 1.0]])
    expected = (0.5 * 0.2 * 0.5 + 0.1 * (0.5 + 0.75) / 2) / 0.3
    assert area_up_to(fpr, rate, 0.3)[0] == pytest.approx(expected)
    jump = area_up_to(np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 1.0]]), 0.3)
    assert jump[0] == 1.0


def test_rows_without_a_class_are_undefined():
    none, some = np.zeros((1, 2), int), np.ones((1, 2), int)
    assert np.isnan(auroc_of_rows(none, some))
    assert np.isnan(average_precision_of_rows(none, some))
    assert np.isnan(f1_max_of_rows(none, some))
    assert np.isnan(overlap_of_rows(none, some))
    assert np.isnan(overlap_of_rows(some, none))
    assert f1_of_rows(none, some).tolist() == [[0.0, 0.0]]
