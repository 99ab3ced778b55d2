"""Alarms: live equals offline, and both equal the definition read word by word."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.errors import DataError, SettingsError
from oddlens.scoring.events import AlarmState, Event, alarm_runs, events_of, runs_of

SCORES = st.lists(st.integers(0, 6).map(float), max_size=60)
HYSTERESIS = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([3.0, 4.0]),
        "low": st.sampled_from([None, 1.0, 2.5, 3.0]),
        "open_frames": st.integers(1, 4),
        "close_frames": st.integers(1, 4),
    }
)


def by_definition(scores, threshold, low, open_frames, close_frames):
    """State at every frame, looking back at the frames each rule names."""
    floor = threshold if low is None else low
    on, states = False, []
    for t in range(len(scores)):
        recent = scores[max(0, t - open_frames + 1) : t + 1]
        quiet = scores[max(0, t - close_frames + 1) : t + 1]
        if len(recent) == open_frames and all(s >= threshold for s in recent):
            on = True
        elif len(quiet) == close_frames and all(s < floor for s in quiet):
            on = False
        states.append(on)
    return states


@settings(deadline=None)
@given(SCORES, HYSTERESIS)
def test_live_equals_offline_equals_definition(scores, rules):
    alarm = AlarmState(**rules)
    live = [alarm.push(score) for score in scores]
    assert live == by_definition(scores, **rules)
    assert alarm_runs(scores, **rules) == runs_of(live)


@settings(deadline=None)
@given(SCORES, HYSTERESIS, st.integers(0, 60))
def test_the_future_changes_nothing(scores, rules, cut):
    whole, part = np.zeros(len(scores), bool), np.zeros(len(scores), bool)
    for start, end in alarm_runs(scores, **rules):
        whole[start : end + 1] = True
    for start, end in alarm_runs(scores[:cut], **rules):
        part[start : end + 1] = True
    assert (whole[:cut] == part[:cut]).all()


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_maximal_and_cover_the_flags(flags):
    runs = runs_of(flags)
    assert [t for start, end in runs for t in range(start, end + 1)] == [t for t, f in enumerate(flags) if f]
    assert all(second[0] > first[1] + 1 for first, second in pairwise(runs))


def test_hysteresis_by_hand():
    scores = [0, 5, 0, 5, 5, 2, 2, 0, 2, 0, 0, 5]
    assert alarm_runs(scores, 5) == [(1, 1), (3, 4), (11, 11)]
    assert alarm_runs(scores, 5, low=1) == [(1, 1), (3, 6), (11, 11)]
    assert alarm_runs(scores, 5, low=1, open_frames=2, close_frames=2) == [(4, 9)]
    assert alarm_runs([], 5) == []
    assert alarm_runs([math.inf, -math.inf], 5) == [(0, 0)]


@pytest.mark.parametrize(
    "rules",
    [{"low": 2.0}, {"low": math.nan}, {"open_frames": 0}, {"close_frames": -1}, {"threshold": math.nan}],
)
def test_settings_out_of_range_are_refused(rules):
    with pytest.raises(SettingsError):
        AlarmState(**{"threshold": 1.0, **rules})
    with pytest.raises(SettingsError):
        alarm_runs([0.0], **{"threshold": 1.0, **rules})


def test_a_score_that_is_not_a_number_is_refused():
    with pytest.raises(DataError, match="NaN"):
        AlarmState(1.0).push(math.nan)
    with pytest.raises(DataError, match="position 1 is NaN"):
        alarm_runs([0.0, math.nan], 1.0)


def test_events_carry_frames_times_and_peak():
    scores = [0.1, 0.8, 0.9, 0.7, 0.2]
    times = [0.0, 0.5, 1.0, 1.5, 2.0]
    (event,) = events_of("gate", scores, times, alarm_runs(scores, 0.5))
    assert event == Event("gate", 1, 3, 0.5, 1.5, 2, 0.9)
    (shifted,) = events_of("gate", scores, times, [(1, 3)], frames=[8, 9, 10, 11, 12])
    assert (shifted.start_frame, shifted.peak_frame, shifted.end_frame) == (9, 10, 11)


def test_events_become_json():
    event = Event("gate", 1, 3, 0.5, 1.5, 2, 0.9, box=(1, 2, 30, 40))
    values = json.loads(json.dumps(event.to_dict()))
    assert values["box"] == [1, 2, 30, 40]
    assert values["video"] == "gate"
    assert Event("gate", 1, 3, 0.5, 1.5, 2, 0.9).to_dict()["box"] is None
    assert Event(**{**values, "box": tuple(values["box"])}) == event
