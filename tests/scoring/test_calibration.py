"""Calibration: surprise grows with the score, means what it says, and its threshold keeps to the wanted rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.files import read_json, write_json
from oddlens.scoring.calibration import AlarmRule, Calibration, NormalScores, calibrate, count_alarms

FPS = 25.0
NORMAL = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=120)
SCORE = st.floats(-300, 300).map(lambda x: round(x, 3))


def walk(frames, seed=0):
    """Scores of footage that changes slowly, as footage does."""
    steps = np.random.default_rng(seed).normal(size=frames + 40)
    return np.convolve(steps, np.ones(41) / 41**0.5, mode="valid")


def footage(hours, runs=3, seed=0):
    frames = round(hours * 3600 * FPS / runs)
    return [NormalScores(walk(frames, seed + k), FPS) for k in range(runs)]


@settings(deadline=None)
@given(NORMAL, SCORE, SCORE)
def test_surprise_grows_strictly_with_the_score(normal, one, other):
    assume(one != other)
    calibration = calibrate([NormalScores(np.array(normal), FPS)], AlarmRule())
    low, high = calibration.surprise(sorted([one, other]))
    assert low < high


@settings(deadline=None)
@given(NORMAL, st.floats(0, 8))
def test_raw_is_the_inverse_of_surprise(normal, surprise):
    calibration = calibrate([NormalScores(np.array(normal), FPS)], AlarmRule())
    assert calibration.surprise(calibration.raw(surprise)) == pytest.approx(surprise, abs=1e-3)


@settings(deadline=None)
@given(st.lists(SCORE, min_size=1, max_size=40, unique=True))
def test_calibration_changes_no_ranking(scores):
    calibration = calibrate(footage(0.02), AlarmRule())
    assert np.argsort(calibration.surprise(scores)).tolist() == np.argsort(scores).tolist()


def test_surprise_is_minus_log10_of_the_share_of_normal_frames_so_high():
    runs = footage(1.0)
    scores = np.concatenate([run.scores for run in runs])
    surprise = calibrate(runs, AlarmRule()).surprise(scores)
    for level in (0.3, 1.0, 1.3, 2.0, 2.5, 3.0):
        assert np.mean(surprise >= level) == pytest.approx(10**-level, rel=0.25)
    median = np.median(scores)
    assert calibrate(runs, AlarmRule()).surprise(median) == pytest.approx(np.log10(2), abs=0.01)


def test_the_tail_is_exponential():
    tail = np.random.default_rng(1).exponential(2.0, size=200_000)
    calibration = calibrate([NormalScores(tail, FPS)], AlarmRule())
    # of an exponential with mean 2, one in 10^s exceeds 2 s ln 10, however rare that is
    for surprise in (2.0, 4.0, 6.0):
        assert calibration.surprise(2 * surprise * np.log(10)) == pytest.approx(surprise, rel=0.1)


def test_footage_below_all_that_was_normal_stays_on_a_sane_scale():
    scores = walk(35)
    calibration = calibrate([NormalScores(scores, FPS)], AlarmRule())
    below = calibration.surprise(scores.min() - (scores.max() - scores.min()))
    assert -10 < below < 0


@pytest.mark.parametrize("rate", [5.0, 20.0, 60.0])
def test_a_measured_threshold_keeps_to_the_wanted_rate(rate):
    rule, runs = AlarmRule(false_alarms_per_hour=rate), footage(1.2, seed=7)
    calibration = calibrate(runs, rule)
    assert not calibration.extrapolated
    assert calibration.warnings == ()
    counted = count_alarms(calibration, runs, rule, calibration.threshold)
    assert counted <= rate * calibration.hours
    assert calibration.expected_false_alarms_per_hour == pytest.approx(counted / calibration.hours)
    # the lowest such threshold: a little lower there is an alarm too many
    assert count_alarms(calibration, runs, rule, calibration.threshold - 1e-3) > rate * calibration.hours
    assert calibration.raw_threshold == pytest.approx(calibration.raw(calibration.threshold))


@pytest.mark.parametrize("rate", [1_000, 10_000])
def test_however_many_alarms_are_wanted_normal_footage_is_not_one_long_alarm(rate):
    runs = footage(0.5)
    calibration = calibrate(runs, AlarmRule(false_alarms_per_hour=rate))
    assert not calibration.extrapolated
    surprise = calibration.surprise(np.concatenate([run.scores for run in runs]))
    assert np.mean(surprise >= calibration.threshold) < 0.11


def test_with_little_footage_the_threshold_is_extrapolated_with_a_warning():
    rule, runs = AlarmRule(false_alarms_per_hour=1.0), footage(0.5)
    calibration = calibrate(runs, rule)
    assert calibration.extrapolated
    assert "extrapolated from 30.0 minutes of normal footage" in calibration.warnings[0]
    assert count_alarms(calibration, runs, rule, calibration.threshold) == 0
    stricter = calibrate(runs, replace(rule, false_alarms_per_hour=0.01))
    assert stricter.threshold > calibration.threshold


def test_an_extrapolated_threshold_holds_on_a_day_of_fresh_footage():
    rule = AlarmRule(false_alarms_per_hour=2.0)
    calibration = calibrate(footage(1.0, seed=11), rule)
    assert calibration.extrapolated
    reached = count_alarms(calibration, footage(10, seed=50), rule, calibration.threshold) / 10
    assert rule.false_alarms_per_hour / 10 < reached < rule.false_alarms_per_hour * 10


def test_footage_that_was_trained_on_is_named_in_a_warning():
    calibration = calibrate(footage(0.2), AlarmRule(), held_out=False)
    assert any("trained on" in warning for warning in calibration.warnings)
    assert not calibration.held_out


def test_what_stands_out_of_footage_that_was_trained_on_unlabelled_raises_an_alarm_in_it():
    run = footage(0.2)[0]
    scores = run.scores.copy()
    scores[1000:1040] += 30 * scores.std()
    rule, odd = AlarmRule(false_alarms_per_hour=20.0), [replace(run, scores=scores)]
    normal, trained_on = calibrate(odd, rule, held_out=False), calibrate(odd, rule, held_out=False, unlabelled=True)
    assert normal.extrapolated and trained_on.extrapolated
    assert count_alarms(normal, odd, rule, normal.threshold) == 0
    assert count_alarms(trained_on, odd, rule, trained_on.threshold) >= 1


def test_the_heat_map_scale_runs_from_the_median_to_the_rarest_thousandth():
    values = np.arange(10_001) / 10_000
    calibration = calibrate(footage(0.02), AlarmRule(), map_values=values)
    assert (calibration.map_low, calibration.map_high) == pytest.approx((0.5, 0.999))
    flat = calibrate(footage(0.02), AlarmRule(), map_values=np.ones(10))
    assert flat.map_high > flat.map_low


def test_constant_footage_calibrates_all_the_same():
    calibration = calibrate([NormalScores(np.full(100, 2.0), FPS)], AlarmRule())
    low, same, high = calibration.surprise([1.0, 2.0, 3.0])
    assert low < same < high
    assert np.isfinite([low, same, high, calibration.threshold]).all()


def test_without_calibration_scores_stay_raw_and_no_alarm_opens():
    calibration = Calibration(frames=0)
    assert calibration.surprise([-3.0, 7.5]).tolist() == [-3.0, 7.5]
    assert calibration.raw(2.0) == 2.0
    assert calibration.threshold == float("inf")


def test_json_round_trip(tmp_path):
    calibration = calibrate(footage(0.1), AlarmRule(), map_values=walk(500))
    write_json(tmp_path / "calibration.json", calibration.to_dict())
    assert build(Calibration, read_json(tmp_path / "calibration.json"), "calibration") == calibration


def test_foreign_keys_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="did you mean 'threshold'"):
        build(Calibration, {"frames": 3, "treshold": 1.0}, "calibration.json")
