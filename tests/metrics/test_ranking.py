"""Ranking metrics against scikit-learn, against all pairs counted one by one, and on degenerate input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.optimize import brentq
from sklearn import metrics as sklearn_metrics

from oddlens.errors import DataError, OddLensError
from oddlens.metrics.ranking import average_precision, equal_error_rate, roc_auc, roc_curve

FINITE = st.floats(-1e6, 1e6, allow_nan=False)
TIED = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0])


@st.composite
def rankings(draw, both_classes=True):
    """Labels and scores, often tied, of one or both classes."""
    size = draw(st.integers(2, 40))
    scores = draw(st.lists(draw(st.sampled_from([FINITE, TIED])), min_size=size, max_size=size))
    labels = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    if both_classes:
        labels[0], labels[1] = 0, 1
    return np.array(labels), np.array(scores)


def brute_force_auc(labels, scores):
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not len(positive) or not len(negative):
        return np.nan
    won = positive[:, None] > negative[None]
    tied = positive[:, None] == negative[None]
    return (won + 0.5 * tied).mean()


def brute_force_average_precision(labels, scores):
    value, recall = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        flagged = scores >= threshold
        true = (flagged & (labels == 1)).sum()
        value += (true / (labels == 1).sum() - recall) * true / flagged.sum()
        recall = true / (labels == 1).sum()
    return value


@settings(deadline=None)
@given(rankings())
def test_agrees_with_scikit_learn_and_brute_force(ranking):
    labels, scores = ranking
    assert roc_auc(labels, scores) == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-9)
    assert roc_auc(labels, scores) == pytest.approx(brute_force_auc(labels, scores), abs=1e-9)
    precision = average_precision(labels, scores)
    assert precision == pytest.approx(sklearn_metrics.average_precision_score(labels, scores), abs=1e-9)
    assert precision == pytest.approx(brute_force_average_precision(labels, scores), abs=1e-9)


@settings(deadline=None)
@given(rankings())
def test_curve_agrees_with_scikit_learn(ranking):
    labels, scores = ranking
    fpr, tpr, thresholds = sklearn_metrics.roc_curve(labels, scores, drop_intermediate=False)
    curve = roc_curve(labels, scores)
    np.testing.assert_allclose(curve.fpr, fpr, atol=1e-9)
    np.testing.assert_allclose(curve.tpr, tpr, atol=1e-9)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert trapezoid(curve.tpr, curve.fpr) == pytest.approx(roc_auc(labels, scores), abs=1e-9)


@settings(deadline=None)
@given(rankings())
def test_equal_error_rate_is_where_the_curve_crosses_the_antidiagonal(ranking):
    labels, scores = ranking
    fpr, tpr, _ = sklearn_metrics.roc_curve(labels, scores)
    expected = brentq(lambda x: 1 - x - np.interp(x, fpr, tpr), 0, 1, xtol=1e-12)
    assert equal_error_rate(labels, scores) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([0, 1], [0, 1], 0.0),
        ([0, 1], [1, 0], 1.0),
        ([0, 1, 0, 1], [5, 5, 5, 5], 0.5),
        ([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8], 0.5),
        ([1, 1, 1, 0, 0], [3, 2, 0, 1, 0.5], 1 / 3),
        ([1, 1, 0, 0], [2, 1, 1, 0], 0.25),  # half-way along the slanted piece of the tie
    ],
)
def test_equal_error_rate_by_hand(labels, scores, expected):
    assert equal_error_rate(labels, scores) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(rankings(both_classes=False), st.floats(0.1, 10))
def test_laws(ranking, factor):
    labels, scores = ranking
    auc = roc_auc(labels, scores)
    # (1 - label, -score) is the same ranking seen from the other side; a rising map changes nothing.
    np.testing.assert_allclose(roc_auc(1 - labels, -scores), auc, atol=1e-9)
    np.testing.assert_allclose(roc_auc(labels, np.argsort(np.argsort(np.unique(scores)))[_rank(scores)]), auc)
    np.testing.assert_allclose(roc_auc(labels, -scores), 1 - auc, atol=1e-9)
    doubled = average_precision(np.tile(labels, 2), np.tile(scores, 2))
    np.testing.assert_allclose(doubled, average_precision(labels, scores), atol=1e-9)


def _rank(scores):
    return np.unique(scores, return_inverse=True)[1]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_large_input_agrees_with_scikit_learn(seed):
    random = np.random.default_rng(seed)
    labels = random.random(20_000) < 0.2
    scores = np.round(random.normal(size=20_000) + labels, 2)
    assert roc_auc(labels, scores) == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-9)
    expected = sklearn_metrics.average_precision_score(labels, scores)
    assert average_precision(labels, scores) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_one_class_is_undefined_without_a_warning(labels):
    scores = np.arange(len(labels))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(roc_auc(labels, scores))
        assert np.isnan(equal_error_rate(labels, scores))
        curve = roc_curve(labels, scores)
        precision = average_precision(labels, scores)
    assert np.isnan(curve.fpr).any() or np.isnan(curve.tpr).any()
    np.testing.assert_equal(precision, 1.0 if 1 in labels else np.nan)


def test_infinite_scores_are_ranked():
    assert roc_auc([0, 0, 1, 1], [-np.inf, 0.0, 5.0, np.inf]) == 1.0
    assert roc_auc([0, 1], [np.inf, np.inf]) == 0.5


@pytest.mark.parametrize("metric", [roc_auc, average_precision, equal_error_rate, roc_curve])
@pytest.mark.parametrize(
    ("labels", "scores", "says"),
    [
        ([0, 1, 1], [0.0, np.nan, np.nan], "position 1 is NaN"),
        ([0, 1, 1], [0.0, 1.0], "3 labels but 2 scores"),
        ([0, 2], [0.0, 1.0], "position 1 is 2"),
        ([0.0, np.nan], [0.0, 1.0], "position 1 is nan"),
        ([[0, 1]], [0.0, 1.0], r"shape \(1, 2\)"),
        ([0, 1], [[0.0], [1.0]], r"shape \(2, 1\)"),
    ],
)
def test_bad_input_is_named(metric, labels, scores, says):
    with pytest.raises(DataError, match=says) as caught:
        metric(labels, scores)
    assert isinstance(caught.value, OddLensError)
    assert "\n" not in str(caught.value)


def test_values_of_the_lbr_spr_specification():
    # Section 10.10; there FPR and FNR at the threshold where they differ least are both 0.25.
    scores, labels = [0.1, 0.4, 0.35, 0.8, 0.7, 0.2, 0.9, 0.6], [0, 0, 1, 1, 0, 0, 1, 1]
    assert roc_auc(labels, scores) == 0.8125
    assert equal_error_rate(labels, scores) == pytest.approx(0.25)
    curve = roc_curve(labels, scores)
    nearest = np.argmin(np.abs(1 - curve.tpr - curve.fpr))
    assert (curve.fpr[nearest], 1 - curve.tpr[nearest]) == (0.25, 0.25)
