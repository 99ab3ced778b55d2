"""Truth boxes and tracks of masks."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.errors import DataError
from oddlens.metrics.truth_tracks import TruthTracker, truth_tracks


def masks(*frames, size=(20, 40)):
    """One mask a frame, each of boxes (left, top, right, bottom), all included."""
    result = []
    for boxes in frames:
        mask = np.zeros(size, bool)
        for left, top, right, bottom in boxes:
            mask[top : bottom + 1, left : right + 1] = True
        result.append(mask)
    return result


def test_boxes_include_their_last_pixel():
    truth = truth_tracks(masks([], [(3, 4, 8, 9), (20, 0, 39, 19)]))
    assert sorted(truth.boxes.tolist()) == [[3, 4, 8, 9], [20, 0, 39, 19]]
    assert truth.frames.tolist() == [1, 1]
    assert sorted(truth.tracks.tolist()) == [0, 1]


def test_a_moving_part_keeps_its_track():
    truth = truth_tracks(masks(*([(left, 2, left + 9, 11)] for left in range(0, 30, 5))))
    assert truth.tracks.tolist() == [0] * 6
    assert truth.frames.tolist() == list(range(6))


def test_a_frame_without_a_part_or_overlap_ends_the_track():
    box, away = (0, 0, 5, 5), (30, 10, 36, 16)
    assert truth_tracks(masks([box], [], [box])).tracks.tolist() == [0, 1]
    assert truth_tracks(masks([box], [away])).tracks.tolist() == [0, 1]


def test_the_larger_overlap_is_linked_first_and_each_part_once():
    small, large, merged = (0, 0, 9, 9), (12, 0, 29, 9), (0, 0, 29, 9)
    truth = truth_tracks(masks([small, large], [merged], [small, large]))
    numbers = dict(zip(truth.boxes[:2, 0], truth.tracks[:2]))
    after = dict(zip(truth.boxes[3:, 0], truth.tracks[3:]))
    assert truth.tracks[2] == numbers[12]  # where two merge, the one with more in common goes on
    assert after == {12: numbers[12], 0: 2}  # and where they part, the larger one has it again


def test_parts_that_touch_at_a_corner_are_one():
    assert len(truth_tracks(masks([(0, 0, 4, 4), (5, 5, 9, 9)])).boxes) == 1


def test_specks_are_left_out():
    frames = masks([(0, 0, 1, 1), (10, 10, 14, 10), (30, 0, 30, 0)])
    assert truth_tracks(frames).boxes.tolist() == [[10, 10, 14, 10]]
    assert len(truth_tracks(frames, speck=1).boxes) == 3
    moving = masks([(0, 0, 5, 5), (20, 0, 20, 0)], [(20, 0, 25, 5)])
    assert truth_tracks(moving).tracks.tolist() == [0, 1]  # a speck begins no track


def test_no_masks_no_boxes():
    truth = TruthTracker().truth()
    assert truth.boxes.shape == (0, 4)
    assert truth.tracks.shape == truth.frames.shape == (0,)


def test_masks_of_another_size_are_refused():
    tracker = TruthTracker()
    tracker.push(np.zeros((4, 6), bool))
    with pytest.raises(DataError, match=r"frame 1: the mask is \(4, 5\), the one before it \(4, 6\); give masks of"):
        tracker.push(np.zeros((4, 5), bool))
    with pytest.raises(DataError, match=r"frame 0: the mask has shape \(4, 5, 1\)"):
        TruthTracker().push(np.zeros((4, 5, 1), bool))


def test_first_clip_of_ped2_is_one_cyclist(real_data):
    from oddlens.datasets.open import open_dataset

    reader = open_dataset(real_data / "ped2").test[0].masks
    truth = truth_tracks(reader.read(index) for index in range(len(reader)))
    assert truth.frames.tolist() == list(range(60, 180))
    assert set(truth.tracks.tolist()) == {0}
