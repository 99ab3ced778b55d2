"""The threshold above which a photograph is rejected, from held-out good ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from oddlens.errors import SettingsError
from oddlens.scoring.reject import calibrate_photographs, good_level, photographs_needed, rate_bounds
from oddlens.training.settings import ScoringSettings

SCORES = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=1, max_size=300)


@given(SCORES, st.sampled_from([0.001, 0.01, 0.05, 0.2]))
def test_no_more_of_the_photographs_themselves_are_rejected_than_wanted(scores, rate):
    found = calibrate_photographs(scores, rate)
    rejected = found.surprise(scores) >= found.threshold
    assert rejected.sum() <= rate * (len(scores) + 1) + 1e-9
    assert (rejected == (np.asarray(scores) >= found.raw_threshold)).all() or not rejected.any()
    assert found.extrapolated == (len(scores) < photographs_needed(rate))
    assert found.is_scale()
    if found.extrapolated and found.tail_scale > 1e-6:
        assert found.threshold == pytest.approx(-np.log10(rate), abs=1e-3)


@pytest.mark.parametrize("count", [99, 150, 400])
def test_a_measured_threshold_keeps_its_promise_on_the_average(count):
    rng = np.random.default_rng(count)
    rates = [norm.sf(good_level(rng.normal(size=count), 0.01).value) for _ in range(2000)]
    assert 0.005 < np.mean(rates) <= 0.0105
    low, high = rate_bounds(count, 0.01)
    assert np.mean([low <= rate <= high for rate in rates]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("count", [8, 15, 20, 32, 60])
def test_an_extrapolated_one_comes_near(count):
    rng = np.random.default_rng(count)
    levels = [good_level(rng.normal(size=count), 0.01).value for _ in range(500)]
    assert np.median(levels) == pytest.approx(norm.isf(0.01), abs=0.9)


def test_the_warnings_are_honest():
    few = calibrate_photographs(np.arange(32.0), 0.01, available=320).warnings
    assert few == (
        "the threshold for 1 % of false rejects is extrapolated from 32 held-out good photographs; they can vouch for "
        "3 % at best, a measured one needs 99 (set training.holdout: 0.31)",
    )
    assert "(of 990 photographs, a tenth)" in calibrate_photographs(np.arange(10.0), 0.01, available=100).warnings[0]
    assert calibrate_photographs(np.arange(99.0), 0.01).warnings == ()
    assert "trained on" in calibrate_photographs(np.arange(99.0), 0.01, held_out=False).warnings[0]


def test_one_photograph_and_equal_ones():
    one = calibrate_photographs([0.4], 0.01)
    assert one.surprise(0.4) < one.threshold <= one.surprise(0.41)
    equal = calibrate_photographs([0.4] * 200, 0.01)
    assert equal.surprise(0.4) < equal.threshold <= equal.surprise(0.401)


def test_maps_have_a_level_of_their_own():
    peaks = np.arange(200.0)
    found = calibrate_photographs(np.arange(200.0) / 7, 0.05, peaks=peaks, map_values=peaks / 10)
    assert (peaks >= found.map_threshold).sum() == 9
    assert found.map_low == pytest.approx(9.95)
    assert calibrate_photographs([1.0, 2.0], 0.05).map_threshold is None


@pytest.mark.parametrize("rate", [0.0, 1.0, -1.0, float("nan")])
def test_a_rate_is_a_share(rate):
    with pytest.raises(SettingsError, match=r"scoring\.false_reject_rate"):
        ScoringSettings(false_reject_rate=rate)
