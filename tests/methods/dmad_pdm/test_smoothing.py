"""Smoothing of scores against the values of DMAD's official code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oddlens.errors import DataError
from oddlens.methods.dmad_pdm.smoothing import (
    by_video,
    inverted_min_max,
    kalman_filter,
    kalman_gains,
    late_smooth,
    robust_smooth,
)

PED2 = (1, 1, 1, 1, 1.2, 1.6, 1.2, 1, 1, 1, 1)
AVENUE = (0.5, 0.8, 0.8, 1, 1, 2.5, 1, 1, 0.8, 0.8, 0.5)
numbers = arrays(np.float64, st.integers(0, 40), elements=st.floats(-5, 5))


@pytest.fixture
def wave():
    return 0.5 + 0.5 * np.sin(0.37 * np.arange(40))


@pytest.fixture
def beat():
    t = np.arange(200)
    return 0.5 + 0.5 * np.sin(0.05 * t) * np.cos(0.31 * t)


def nearest_mean(window, kept, weights):
    """Weighted mean of the `kept` values nearest to the mean, one by one."""
    order = sorted(range(len(window)), key=lambda k: abs(window[k] - np.mean(window)))[:kept]
    return sum(weights[k] * window[k] for k in order) / sum(weights[k] for k in order)


def test_normality_of_errors():
    np.testing.assert_allclose(inverted_min_max([2, 5, 3, 9]), [1, 0.57142857, 0.85714286, 1.43e-9], atol=1e-9)
    assert inverted_min_max([4.0, 4.0]).tolist() == [1, 1]
    assert len(inverted_min_max([])) == 0


def test_ped2_smoothing(wave):
    smooth = robust_smooth(wave, 11, 5, PED2, left=1)
    np.testing.assert_allclose(smooth[:8], [1, 1, 1, 1, 1, 0.7592714, 0.76895324, 0.70817152], atol=1e-8)
    assert smooth[20] == pytest.approx(0.68096716, abs=1e-8)
    np.testing.assert_allclose(smooth[-6:], 0.50603595, atol=1e-8)
    assert smooth.sum() == pytest.approx(21.69764142, abs=1e-8)


def test_avenue_smoothing(wave):
    smooth = robust_smooth(wave, 11, 5, AVENUE)
    np.testing.assert_allclose(smooth[:6], 0.76066017, atol=1e-8)
    np.testing.assert_allclose(smooth[6:8], [0.79450796, 0.70309349], atol=1e-8)
    assert smooth[20] == pytest.approx(0.68954197, abs=1e-8)
    assert smooth[-1] == pytest.approx(0.50612422, abs=1e-8)
    assert smooth.sum() == pytest.approx(20.49195644, abs=3e-7)


@pytest.mark.parametrize(
    ("window", "kept", "filled", "values", "total"),
    [
        (69, 25, (35, 166), {100: 0.47912390, 150: 0.45441072}, 133.58550826),
        (55, 49, (28, 173), {100: 0.49300352}, 127.24303769),
        (55, 27, (28, 173), {100: 0.48321993}, 126.80909818),
    ],
)
def test_shanghai_smoothing(beat, window, kept, filled, values, total):
    smooth = late_smooth(beat, window, kept)
    places = np.flatnonzero(smooth != 1)
    assert (places[0], places[-1]) == filled
    for place, value in values.items():
        assert smooth[place] == pytest.approx(value, abs=1e-8)
    assert smooth.sum() == pytest.approx(total, abs=1e-8)


def test_kalman_filter(beat):
    filtered = kalman_filter(beat)
    np.testing.assert_allclose(filtered[:4], [0.5, 0.52374605, 0.53258761, 0.53722898], atol=1e-8)
    assert filtered[50] == pytest.approx(0.36034157, abs=1e-8)
    assert filtered[-1] == pytest.approx(0.50703777, abs=1e-8)
    assert kalman_gains(200)[-1] == pytest.approx(0.27015621, abs=1e-8)
    assert len(kalman_filter([])) == 0
    assert kalman_filter([0.3]).tolist() == [0.3]


@given(numbers, st.sampled_from([1, 3, 11]), st.data())
def test_robust_smoothing_is_its_definition(values, window, data):
    kept = data.draw(st.integers(1, window))
    weights = data.draw(st.lists(st.floats(0.1, 3), min_size=window, max_size=window))
    smooth = robust_smooth(values, window, kept, weights)
    if len(values) < window:
        assert smooth.tolist() == values.tolist()
        return
    means = [nearest_mean(values[k : k + window], kept, weights) for k in range(len(values) - window + 1)]
    half = window // 2
    np.testing.assert_allclose(smooth, [means[0]] * half + means + [means[-1]] * half, atol=1e-12)
    fixed = robust_smooth(values, window, kept, weights, left=7.0, right=8.0)
    np.testing.assert_allclose(fixed, [7.0] * half + means + [8.0] * half, atol=1e-12)


@given(numbers, st.sampled_from([2, 3, 12]), st.data())
def test_late_smoothing_is_its_definition(values, window, data):
    kept = data.draw(st.integers(1, window))
    expected = np.ones(len(values))
    for start in range(len(values) - window + 1):
        place = start + window // 2 + 1
        if place < len(values):
            expected[place] = nearest_mean(values[start : start + window], kept, [1] * window)
    np.testing.assert_allclose(late_smooth(values, window, kept), expected, atol=1e-12)


@given(numbers)
def test_kalman_filter_is_causal(values):
    changed = np.append(values, 100.0)
    np.testing.assert_array_equal(kalman_filter(changed)[:-1], kalman_filter(values))


def test_videos_alone_and_end_to_end():
    videos = [np.array([1.0, 2.0]), np.array([5.0])]
    assert [s.tolist() for s in by_video(videos, np.cumsum)] == [[1, 3], [5]]
    assert [s.tolist() for s in by_video(videos, np.cumsum, across=True)] == [[1, 3], [8]]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"window": 10}, "odd window"),
        ({"weights": (1, 2, 3)}, "3 weights"),
        ({"kept": 12}, "keep 1 to 11"),
        ({"kept": 0}, "keep 1 to 11"),
    ],
)
def test_smoothing_that_makes_no_sense_is_refused(wave, options, says):
    with pytest.raises(DataError, match=says):
        robust_smooth(wave, **options)
