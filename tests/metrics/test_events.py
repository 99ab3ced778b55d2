"""Event metrics by hand, and against a matching written frame by frame."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.errors import DataError, SettingsError
from oddlens.metrics.events import calibration_error, event_curve, event_metrics, truth_events
from oddlens.scoring.events import runs_of

FLAGS = st.integers(1, 40).flatmap(lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2))


def test_by_hand():
    labels = [[0] * 10 + [1] * 10 + [0] * 10 + [1] * 10, [0] * 40]
    alarms = [[(2, 4), (8, 12), (15, 16)], [(0, 39)]]
    found = event_metrics(labels, alarms, fps=10)
    assert (found.events, found.detected, found.undetected, found.alarms) == (2, 1, 1, 4)
    assert found.recall == 0.5
    assert found.false_alarms == 2
    assert found.false_alarms_per_hour == pytest.approx(2 / (60 / 10 / 3600))
    assert found.time_to_detect == 0.0  # the alarm was already on
    assert found.alarmed_normal_share == pytest.approx((3 + 2 + 40) / 60)


def test_delay_runs_from_the_start_of_the_event_to_its_first_alarm():
    labels = [[0, 1, 1, 1, 1, 0] * 2, [1] * 4]
    found = event_metrics(labels, [[(3, 3), (4, 4), (8, 9)], [(3, 3)]], fps=[2, 1])
    assert found.delays == (1.0, 0.5, 3.0)
    assert found.time_to_detect == 1.0
    assert found.time_to_detect_p95 == pytest.approx(2.8)
    assert found.normal_hours == pytest.approx(2 / 3600)


def test_one_alarm_may_detect_two_events_and_two_alarms_one():
    found = event_metrics([[1, 0, 1, 1, 1]], [[(0, 2), (4, 4)]], fps=1)
    assert (found.detected, found.false_alarms) == (2, 0)


def test_tolerance_and_gap():
    labels = [[0, 0, 0, 0, 1, 0, 1, 0, 0, 0]]
    alarms = [[(2, 2), (9, 9)]]
    assert event_metrics(labels, alarms, fps=1).false_alarms == 2
    assert event_metrics(labels, alarms, fps=1, tolerance=2).false_alarms == 1
    assert event_metrics(labels, alarms, fps=1, tolerance=2).detected == 0  # near is not caught
    assert truth_events(labels[0], fps=1) == [(4, 4), (6, 6)]
    assert truth_events(labels[0], fps=1, gap=1) == [(4, 4), (6, 6)]  # joined when closer than, not at
    assert truth_events(labels[0], fps=1, gap=1.5) == [(4, 6)]
    assert event_metrics(labels, alarms, fps=1, gap=1.5).normal_hours == pytest.approx(7 / 3600)


@settings(deadline=None)
@given(FLAGS)
def test_agrees_with_a_matching_by_sets_of_frames(flags):
    truth, alarm = flags
    spans, runs = runs_of(truth), runs_of(alarm)
    found = event_metrics([truth], [runs], fps=1)
    frames = [set(range(start, end + 1)) for start, end in runs]
    event_frames = [set(range(start, end + 1)) for start, end in spans]
    assert found.detected == sum(any(e & a for a in frames) for e in event_frames)
    assert found.false_alarms == sum(not any(e & a for e in event_frames) for a in frames)
    delays = [min(e & set().union(*frames), default=None) for e in event_frames]
    expected = [first - min(e) for first, e in zip(delays, event_frames) if first is not None]
    assert list(found.delays) == expected


def test_undefined_values_are_nan():
    none = event_metrics([[0, 0]], [[]], fps=1)
    assert math.isnan(none.recall)
    assert math.isnan(none.time_to_detect)
    assert math.isnan(none.time_to_detect_p95)
    assert none.false_alarms_per_hour == 0.0
    full = event_metrics([[1, 1]], [[(0, 1)]], fps=1)
    assert math.isnan(full.false_alarms_per_hour)
    assert math.isnan(full.alarmed_normal_share)
    assert full.recall == 1.0


def test_curve_of_a_perfect_and_a_blind_detector():
    labels = [[0] * 50 + [1] * 10 + [0] * 50]
    perfect = event_curve([np.array(labels[0], float)], labels, fps=1)
    assert perfect.recall_at(0.1) == 1.0
    noise = np.random.default_rng(0).random(110) - np.array(labels[0])
    blind = event_curve([noise], labels, fps=1)
    assert blind.recall_at(0.1) == 0.0
    assert (np.diff(blind.thresholds) < 0).all()
    # At the lowest threshold one endless alarm covers the event: no false alarm, yet no credit either.
    assert blind.recall[-1] == 1.0
    assert blind.false_alarms_per_hour[-1] == 0.0


def test_curve_recall_grows_with_the_allowed_rate():
    random = np.random.default_rng(1)
    labels = [np.arange(300) % 100 >= 90 for _ in range(4)]
    scores = [random.normal(size=300) + 1.5 * y for y in labels]
    curve = event_curve(scores, labels, fps=10, points=60, hysteresis=0.3, close_frames=2)
    assert len(curve.thresholds) <= 60
    recalls = [curve.recall_at(rate) for rate in (0, 10, 100, 1000, 1e6)]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1.0
    assert math.isnan(event_curve([[0.5]], [[1]], fps=1).recall_at(1))


def test_calibration_error():
    assert calibration_error(2.0, 1.0) == 1.0
    assert calibration_error(0.5, 1.0) == -1.0
    assert calibration_error(0.0, 1.0) == -math.inf
    assert math.isnan(calibration_error(math.nan, 1.0))
    assert math.isnan(calibration_error(1.0, 0.0))


@pytest.mark.parametrize(
    ("alarms", "fps", "error"),
    [
        ([[]], 0, SettingsError),
        ([[]], math.nan, SettingsError),
        ([[]], [1, 2], DataError),
        ([], 1, DataError),
        ([[(0, 3)]], 1, DataError),
        ([[(2, 1)]], 1, DataError),
    ],
)
def test_bad_input_is_refused(alarms, fps, error):
    with pytest.raises(error):
        event_metrics([[0, 1, 0]], alarms, fps)
