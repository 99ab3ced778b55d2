"""Event recall at a rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.evaluation.event_rates import recall_at_rates
from oddlens.scoring.calibration import AlarmRule

RULE = AlarmRule(open_frames=1, close_seconds=0.5)


def test_recall_grows_with_the_alarms_that_are_allowed():
    hour = 3600 * 2
    labels, scores = np.zeros(2 * hour, np.uint8), np.zeros(2 * hour)
    events = {100: 9.0, 3000: 5.0, 9000: 2.0}
    for start, peak in events.items():
        labels[start : start + 20], scores[start + 5] = 1, peak
    scores[500] = 7.0  # one false alarm above the second event, twenty above the third
    scores[np.arange(20) * 100 + 10_000] = 3.0
    found = recall_at_rates([scores], [labels], [2.0], RULE)
    assert found == {"0.1": pytest.approx(1 / 3), "1": pytest.approx(2 / 3), "10": pytest.approx(2 / 3)}
    doubled = recall_at_rates([np.exp(scores)], [labels], [2.0], RULE)
    assert doubled == found


def test_without_events_or_normal_footage_there_is_no_recall():
    scores = [np.arange(10.0)]
    assert set(recall_at_rates(scores, [np.zeros(10)], [10.0], RULE).values()) == {None}
    assert set(recall_at_rates(scores, [np.ones(10)], [10.0], RULE).values()) == {None}
