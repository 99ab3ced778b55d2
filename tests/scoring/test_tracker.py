"""Events while frames go by: those of the alarm runs, with their peaks, in bounded memory."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.scoring.events import events_of, runs_of
from oddlens.scoring.table import ScoredFrame
from oddlens.scoring.tracker import EventTracker
from oddlens.scoring.windows import FrameScore
from oddlens.types import Frame

FRAMES = st.lists(st.tuples(st.integers(0, 9).map(float), st.booleans()), max_size=50)


def scored(index, score, alarm, heat=None, image=None, boxes=None):
    picture = np.full((4, 6, 1), index % 256, np.uint8) if image is None else image
    raw = FrameScore(index, score, map=heat, boxes=boxes)
    return ScoredFrame("gate", Frame(index, index / 10, picture), raw, score, alarm)


@settings(deadline=None)
@given(FRAMES)
def test_events_are_those_of_the_alarm_runs(frames):
    tracker = EventTracker()
    ended = [tracker.push(scored(k, score, alarm)) for k, (score, alarm) in enumerate(frames)]
    ended.append(tracker.close())
    scores, alarms = [score for score, _ in frames], [alarm for _, alarm in frames]
    times = [k / 10 for k in range(len(frames))]
    assert tracker.events == events_of("gate", scores, times, runs_of(alarms))
    assert [event for event in ended if event] == tracker.events
    for number, event in enumerate(tracker.events):
        assert (tracker.peaks[number].frame == event.peak_frame).all()


def test_an_event_is_told_with_the_first_frame_after_it():
    tracker = EventTracker()
    assert tracker.push(scored(0, 1.0, True)) is None
    assert tracker.push(scored(1, 3.0, True)) is None
    assert tracker.push(scored(2, 0.0, False)).peak_frame == 1
    assert tracker.push(scored(3, 0.0, False)) is None
    assert tracker.close() is None


def test_boxes_are_in_pixels_of_the_footage_and_of_the_small_picture():
    heat = np.zeros((10, 10), np.float32)
    heat[5, 2] = 1.0
    tracker = EventTracker()
    tracker.push(scored(0, 1.0, True, heat, np.zeros((400, 640, 3), np.uint8)))
    assert tracker.close().box == (128, 200, 192, 240)
    assert tracker.peaks[0].frame.shape == (200, 320, 3)
    assert tracker.peaks[0].box == (64, 100, 96, 120)


def test_the_box_is_that_of_the_oddest_object_and_its_picture_a_close_up():
    boxes = np.array([[500, 300, 540, 380, 2.0], [100.4, 200, 120, 250.2, 7.0]], np.float32)
    image = np.zeros((480, 640, 3), np.uint8)
    image[200:251, 100:120] = 255
    tracker = EventTracker()
    tracker.push(scored(0, 1.0, True, np.ones((4, 4), np.float32), image, boxes))
    assert tracker.close().box == (100, 200, 120, 251)
    peak = tracker.peaks[0]
    left, top, right, bottom = peak.box
    assert peak.map is None
    assert peak.frame.shape[1] <= 320
    assert peak.frame.shape[1] < 640 / 2
    assert (peak.frame[top:bottom, left:right] == 255).all()


def test_an_alarm_without_any_object_has_no_box():
    tracker = EventTracker()
    tracker.push(scored(0, 1.0, True, np.eye(4, dtype=np.float32), boxes=np.zeros((0, 5), np.float32)))
    assert tracker.close().box is None
    assert tracker.peaks[0].box is None


def test_only_the_highest_two_hundred_keep_a_picture():
    tracker, heights = EventTracker(), np.random.default_rng(0).permutation(300)
    for number, height in enumerate(heights):
        tracker.push(scored(2 * number, float(height), True))
        tracker.push(scored(2 * number + 1, 0.0, False))
    assert len(tracker.events) == 300
    assert {int(heights[number]) for number in tracker.peaks} == set(range(100, 300))


def test_a_kept_map_does_not_hold_on_to_its_whole_batch():
    batch = np.random.default_rng(0).random((16, 8, 8), dtype=np.float32)
    tracker = EventTracker()
    tracker.push(scored(0, 1.0, True, batch[3]))
    tracker.close()
    kept = tracker.peaks[0].map
    assert (kept == batch[3]).all()
    assert kept.base is None
