"""Matching of boxes: pairs, overlaps, tracks and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.errors import DataError
from oddlens.metrics import region_matching
from oddlens.metrics.region_matching import (
    TruthBoxes,
    check_predictions,
    intersection_over_union,
    match,
    track_scores,
)


def random_video(frames=40, seed=1):
    """Predictions and truth boxes in random places of some frames."""
    random = np.random.default_rng(seed)

    def boxes(count):
        start = random.uniform(0, 60, (count, 2))
        return np.concatenate([start, start + random.uniform(0, 40, (count, 2))], axis=1)

    where = random.integers(0, frames, 300)
    predictions = np.concatenate([boxes(300), random.random((300, 1))], axis=1)
    truth = TruthBoxes(boxes(60), np.sort(random.integers(0, frames, 60)), random.integers(0, 5, 60))
    return predictions, where, truth


def test_matches_are_those_of_a_loop_over_all_pairs():
    predictions, where, truth = random_video()
    found = match(predictions, where, truth, 0.2)
    hit, scores = np.zeros(len(predictions), bool), np.full(len(truth.boxes), -np.inf)
    for p, (row, frame) in enumerate(zip(predictions, where)):
        for g, (box, other) in enumerate(zip(truth.boxes, truth.frames)):
            if frame == other and intersection_over_union(row[None, :4], box[None])[0] >= 0.2:
                hit[p], scores[g] = True, max(scores[g], row[4])
    np.testing.assert_array_equal(found.hit, hit)
    np.testing.assert_array_equal(found.scores, scores)
    assert 0 < hit.sum() < len(hit)


@pytest.mark.parametrize("pairs", [1, 7, 100])
def test_the_number_of_pairs_at_a_time_changes_nothing(monkeypatch, pairs):
    predictions, where, truth = random_video()
    whole = match(predictions, where, truth, 0.2)
    monkeypatch.setattr(region_matching, "_PAIRS", pairs)
    parts = match(predictions, where, truth, 0.2)
    np.testing.assert_array_equal(parts.hit, whole.hit)
    np.testing.assert_array_equal(parts.scores, whole.scores)


def test_overlap_counts_inclusive_pixels():
    first = np.array([[0.0, 0, 9, 9], [0, 0, 0, 0], [0, 0, 9, 9], [0, 0, 9, 9]])
    second = np.array([[0.0, 0, 9, 9], [0, 0, 0, 0], [10, 0, 19, 9], [9, 9, 18, 18]])
    assert intersection_over_union(first, second).tolist() == pytest.approx([1, 1, 0, 1 / 199])


def test_a_track_needs_its_share_of_boxes_and_at_least_one():
    scores, tracks = np.array([0.9, -np.inf, 0.3, 0.5, 0.1]), np.array([4, 4, 4, 2, 2])
    assert track_scores(scores, tracks, 0.1).tolist() == [0.5, 0.9]
    assert track_scores(scores, tracks, 0.5).tolist() == [0.5, 0.3]
    assert track_scores(scores, tracks, 1.0).tolist() == [0.1, -np.inf]


def test_truth_within_some_frames():
    truth = TruthBoxes(np.arange(16.0).reshape(4, 4), np.array([0, 2, 2, 5]), np.array([0, 1, 2, 0]))
    part = truth.within(1, 5)
    assert part.frames.tolist() == [2, 2]
    assert part.tracks.tolist() == [1, 2]
    assert truth.within(3, 3).boxes.shape == (0, 4)


def test_no_predictions_are_fine():
    boxes, where = check_predictions(np.empty((0, 5)), [])
    assert boxes.shape == (0, 5)
    assert where.shape == (0,)


@pytest.mark.parametrize(
    ("predictions", "frames", "says"),
    [
        ([[0, 0, 4, 4]], [0], r"boxes: have shape \(1, 4\)"),
        ([[0, 0, 4, 4, 1.0]], [0, 1], "1 boxes in 2 frame numbers"),
        ([[0, 0, 4, 4, 1.0], [0, 0, 4, np.nan, 1.0]], [0, 7], r"frame 7: box .*nan.* is no box"),
        ([[0, 0, 4, 4, np.inf]], [3], "frame 3: box .* with score inf is no box"),
        ([[5, 0, 3, 4, 1.0]], [2], "frame 2: box .* is no box; find out why the method failed there"),
    ],
)
def test_bad_boxes_are_named(predictions, frames, says):
    with pytest.raises(DataError, match=says):
        check_predictions(predictions, frames)
