"""F1-max against every threshold tried one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.errors import DataError
from oddlens.metrics.f1 import f1_max, pixel_f1_max
from oddlens.metrics.pixel import PixelAUC, bin_value, score_bins

RANKINGS = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=1, max_size=30)


@settings(deadline=None)
@given(RANKINGS)
def test_agrees_with_every_threshold_tried(ranking):
    labels, scores = np.array(ranking).T
    best = f1_max(labels, scores)
    if not labels.any():
        assert np.isnan(best.value)
        assert np.isnan(best.threshold)
        return
    tried = {t: 2 * labels[scores >= t].sum() / ((scores >= t).sum() + labels.sum()) for t in set(scores.tolist())}
    assert best.value == pytest.approx(max(tried.values()))
    assert tried[int(best.threshold)] == pytest.approx(best.value)
    assert all(value < best.value + 1e-12 for t, value in tried.items() if t > best.threshold)


@settings(deadline=None)
@given(RANKINGS)
def test_a_rising_map_changes_nothing(ranking):
    labels, scores = np.array(ranking).T
    np.testing.assert_equal(f1_max(labels, np.exp(scores)).value, f1_max(labels, scores).value)


def test_pixels_pooled_agree_with_the_plain_one():
    random = np.random.default_rng(1)
    maps = random.integers(-8, 8, (3, 6, 7)) / 8  # few leading bits hold these exactly
    masks = random.random((3, 6, 7)) < 0.3
    pixels = PixelAUC()
    assert np.isnan(pixel_f1_max(pixels).value)
    for map, mask in zip(maps, masks):
        pixels.update(map, mask)
    pooled, plain = pixel_f1_max(pixels), f1_max(masks.ravel(), maps.ravel())
    assert pooled.value == pytest.approx(plain.value)
    assert plain.threshold - abs(plain.threshold) / 1024 < pooled.threshold <= plain.threshold


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_bin_begins_no_higher_than_its_scores(score):
    number = int(score_bins(np.array([score], np.float32), 20)[0])
    low = bin_value(number, 20)
    assert low <= score
    assert int(score_bins(np.array([low], np.float32), 20)[0]) == number


def test_nan_is_refused():
    with pytest.raises(DataError, match="position 1 is NaN"):
        f1_max([0, 1], [0.0, np.nan])
