"""Micro and macro AUC, and the matrix from which every resample's AUC is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from oddlens.errors import DataError
from oddlens.metrics.ranking import roc_auc
from oddlens.metrics.video import macro_auc, micro_auc, pairwise_wins, pairwise_wins_of_counts


@st.composite
def videos(draw):
    """Scores (tied) and labels of 1 to 5 videos, some of one class."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=5))
    scores = [np.array(draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n)), float) for n in lengths]
    labels = [np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))) for n in lengths]
    return scores, labels


@settings(deadline=None)
@given(videos(), st.data())
def test_matrix_gives_the_micro_auc_of_any_resample(sample, data):
    scores, labels = sample
    weights = data.draw(hypothesis_numpy.arrays(np.int64, (3, len(scores)), elements=st.integers(0, 3)))
    wins = pairwise_wins(scores, labels)
    expected = [
        roc_auc(
            np.concatenate([np.empty(0)] + [y for y, n in zip(labels, row) for _ in range(n)]),
            np.concatenate([np.empty(0)] + [s for s, n in zip(scores, row) for _ in range(n)]),
        )
        for row in weights
    ]
    np.testing.assert_allclose(wins.micro_auc(weights), expected, atol=1e-9)
    np.testing.assert_allclose(wins.micro_auc()[0], micro_auc(scores, labels), atol=1e-9)


@settings(deadline=None)
@given(videos(), st.data())
def test_macro_auc_of_resamples(sample, data):
    scores, labels = sample
    row = data.draw(st.lists(st.integers(0, 2), min_size=len(scores), max_size=len(scores)))
    drawn = [v for v, n in enumerate(row) for _ in range(n)]
    wins = pairwise_wins(scores, labels)
    expected = macro_auc([scores[v] for v in drawn], [labels[v] for v in drawn]).value if drawn else np.nan
    np.testing.assert_allclose(wins.macro_auc(row)[0], expected, atol=1e-9)


@settings(deadline=None)
@given(videos())
def test_histograms_give_the_same_matrix(sample):
    scores, labels = sample
    positives = np.array([np.bincount(s[y == 1].astype(int) + 3, minlength=7) for s, y in zip(scores, labels)])
    negatives = np.array([np.bincount(s[y == 0].astype(int) + 3, minlength=7) for s, y in zip(scores, labels)])
    np.testing.assert_allclose(pairwise_wins_of_counts(positives, negatives).wins, pairwise_wins(scores, labels).wins)


def test_macro_skips_videos_of_one_class_or_pads_them():
    scores = [[0.1, 0.9], [0.5, 0.4], [0.3, 0.6]]
    labels = [[0, 1], [1, 1], [1, 0]]
    assert macro_auc(scores, labels) == (0.5, 2)
    # The made-up frames win all their pairs: the last video, wrong on its one true pair, is right on 3 of 4.
    assert macro_auc(scores, labels, single_class="padded") == (pytest.approx((1 + 1 + 3 / 4) / 3), 3)


@pytest.mark.parametrize("label", [0, 1])
def test_no_video_with_both_classes(label):
    value, count = macro_auc([[0.1, 0.2]], [[label, label]])
    assert np.isnan(value)
    assert count == 0
    assert np.isnan(micro_auc([[0.1, 0.2]], [[label, label]]))
    assert np.isnan(pairwise_wins([[0.1, 0.2]], [[label, label]]).micro_auc()[0])


@pytest.mark.parametrize("metric", [micro_auc, macro_auc, pairwise_wins])
@pytest.mark.parametrize(
    ("scores", "labels", "says"),
    [
        ([[0.1]], [[0], [1]], "scores of 1 but labels of 2"),
        ([[0.1], [0.2, 0.3]], [[0], [1]], "video 1: 1 labels but 2 scores"),
        ([[0.1], [np.nan]], [[0], [1]], "video 1: the score at position 0 is NaN"),
        ([], [], "there are none"),
    ],
)
def test_bad_input_names_the_video(metric, scores, labels, says):
    with pytest.raises(DataError, match=says):
        metric(scores, labels)
