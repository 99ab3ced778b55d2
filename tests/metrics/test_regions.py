"""RBDC and TBDC by hand, and against a matching from scratch at every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.errors import DataError
from oddlens.metrics.region_matching import TruthBoxes
from oddlens.metrics.regions import RegionDetection, area_up_to_one

BOX = [10, 10, 29, 29]
AWAY = [60, 60, 79, 79]


def truth(*rows):
    """Truth of rows (box, frame, track)."""
    boxes = np.array([row[0] for row in rows], np.float64).reshape(-1, 4)
    return TruthBoxes(boxes, np.array([row[1] for row in rows], np.int64), np.array([row[2] for row in rows], np.int64))


def judged(predictions, known, frames, **options):
    """`RegionDetection` of rows (box, score, frame)."""
    regions = RegionDetection(**options)
    regions.update([[*box, score] for box, score, _ in predictions], [f for _, _, f in predictions], known, frames)
    return regions


TWO = truth((BOX, 0, 0), (BOX, 1, 0), (AWAY, 1, 1))
PERFECT = [(BOX, 0.9, 0), (BOX, 0.8, 1), (AWAY, 0.7, 1)]


def test_perfect_boxes_score_one():
    regions = judged(PERFECT, TWO, 2)
    assert (regions.rbdc(), regions.tbdc()) == (1.0, 1.0)


def test_no_boxes_score_nothing():
    regions = judged([], TWO, 2)
    assert (regions.rbdc(), regions.tbdc()) == (0.0, 0.0)


def test_boxes_in_the_wrong_place_or_frame_score_nothing():
    wrong = [([100, 100, 119, 119], 0.9, 0), (AWAY, 0.8, 0)]
    regions = judged(wrong, TWO, 2)
    assert (regions.rbdc(), regions.tbdc()) == (0.0, 0.0)
    assert regions.curve().fpr.tolist() == [0.0, 0.5, 1.0]


def test_duplicates_of_hits_are_neither_hits_nor_false():
    regions = judged([*PERFECT, *PERFECT, (BOX, 0.1, 0)], TWO, 2)
    assert (regions.rbdc(), regions.tbdc()) == (1.0, 1.0)
    assert regions.curve().fpr.max() == 0


def test_one_prediction_may_find_several():
    known = truth(([0, 0, 9, 9], 0, 0), ([10, 0, 19, 9], 0, 1))
    assert judged([([0, 0, 19, 9], 0.5, 0)], known, 1).rbdc() == 1.0


def test_equal_scores_enter_together():
    one = truth((BOX, 0, 0))
    tied = judged([(BOX, 0.5, 0), (AWAY, 0.5, 0)], one, 1)
    assert tied.curve().fpr.tolist() == [0.0, 1.0]
    assert tied.rbdc() == 0.5
    assert judged([(BOX, 0.6, 0), (AWAY, 0.5, 0)], one, 1).rbdc() == 1.0
    assert judged([(BOX, 0.5, 0), (AWAY, 0.6, 0)], one, 1).rbdc() == 0.0


def test_interpolated_where_false_positives_pass_one_a_frame():
    # (0, 0) to (2, 1): two false boxes tie with the hit in the only frame.
    regions = judged([(AWAY, 0.5, 0), ([90, 90, 99, 99], 0.5, 0), (BOX, 0.5, 0)], truth((BOX, 0, 0)), 1)
    assert regions.rbdc() == pytest.approx(0.25)


def test_the_last_rate_is_held():
    regions = judged([(BOX, 0.9, 0), (AWAY, 0.8, 0)], TWO, 4)
    assert regions.curve().fpr.tolist() == [0.0, 0.0, 0.25]
    assert regions.rbdc() == pytest.approx(1 / 3)


def test_false_boxes_are_counted_over_all_test_frames():
    assert judged([(AWAY, 0.8, 0)], TWO, 10).curve().fpr[-1] == 0.1


def test_a_track_is_detected_with_a_tenth_of_its_boxes():
    known = truth(*((BOX, frame, 0) for frame in range(21)))
    curve = judged([(BOX, 0.9, 3), (BOX, 0.8, 4), (BOX, 0.7, 5)], known, 21).curve()
    assert curve.tbdr.tolist() == [0, 0, 0, 1]  # 2 of 21 are less than a tenth
    ten = truth(*((BOX, frame, 0) for frame in range(30)))
    assert judged([(BOX, 0.9, 3), (BOX, 0.8, 4), (BOX, 0.7, 5)], ten, 30).curve().tbdr.tolist() == [0, 0, 0, 1]


def test_an_overlap_of_exactly_a_tenth_matches():
    # 20 pixels common, 100 + 120 - 20 = 200 together, counted in inclusive pixels
    known = truth(([0, 0, 9, 9], 0, 0))
    assert judged([([8, 0, 19, 9], 0.5, 0)], known, 1).rbdc() == 1.0
    assert judged([([9, 0, 19, 9], 0.5, 0)], known, 1).rbdc() == 0.0


def test_videos_are_kept_apart():
    regions = RegionDetection()
    for box in (BOX, AWAY):  # the second video has its prediction in another place
        regions.update([[*BOX, 0.5]], [0], truth((box, 0, 0)), 1)
    assert regions.frames == 2
    assert regions.curve().rbdr[-1] == 0.5
    assert regions.curve().tbdr[-1] == 0.5


def test_without_truth_undefined():
    regions = judged([(BOX, 0.5, 0)], truth(), 1)
    assert np.isnan(regions.rbdc())
    assert np.isnan(regions.tbdc())


def test_without_frames_an_error():
    with pytest.raises(DataError, match="regions: there are no frames; add a video with masks"):
        RegionDetection().rbdc()


@pytest.mark.parametrize("options", [{"overlap": 0}, {"share": 1.5}])
def test_bad_limits_are_refused(options):
    with pytest.raises(ValueError, match="above 0"):
        RegionDetection(**options)


def overlap_of(p, g):
    """Intersection over union by counting pixels."""
    first = {(x, y) for x in range(p[0], p[2] + 1) for y in range(p[1], p[3] + 1)}
    second = {(x, y) for x in range(g[0], g[2] + 1) for y in range(g[1], g[3] + 1)}
    return len(first & second) / len(first | second)


def brute_force(predictions, known, frames, overlap, share):
    """RBDC and TBDC, matching from scratch at every threshold."""
    points = [(0.0, 0.0, 0.0)]
    tracks = sorted({track for _, _, track in known})
    for threshold in sorted({score for _, score, _ in predictions}, reverse=True):
        detected, false = set(), 0
        for box, score, frame in predictions:
            if score < threshold:
                continue
            matched = {k for k, (g, f, _) in enumerate(known) if f == frame and overlap_of(box, g) >= overlap}
            detected |= matched
            false += not matched
        found = 0
        for track in tracks:
            mine = [k for k, row in enumerate(known) if row[2] == track]
            found += sum(k in detected for k in mine) / len(mine) >= share
        points.append((false / frames, len(detected) / len(known), found / len(tracks)))
    return [integrated([point[0] for point in points], [point[which] for point in points]) for which in (1, 2)]


def integrated(fpr, rate):
    """Trapezoids up to 1, step by step."""
    area = 0.0
    for k in range(1, len(fpr)):
        left, right = fpr[k - 1], min(fpr[k], 1.0)
        if fpr[k] > left and right > left:
            end = rate[k - 1] + (rate[k] - rate[k - 1]) * (right - left) / (fpr[k] - left)
            area += (right - left) * (rate[k - 1] + end) / 2
        if fpr[k] >= 1:
            return area
    return area + (1 - fpr[-1]) * rate[-1]


@st.composite
def footage(draw):
    """A few small boxes in a few frames; often overlapping, often with equal scores."""
    frames = draw(st.integers(1, 4))
    corner, side = st.integers(0, 8), st.integers(0, 5)

    def box():
        x, y = draw(corner), draw(corner)
        return [x, y, x + draw(side), y + draw(side)]

    scores = st.sampled_from([0.1, 0.25, 0.5, 0.75]) | st.floats(-5, 5, width=32)
    where = st.integers(0, frames - 1)
    predictions = [(box(), draw(scores), draw(where)) for _ in range(draw(st.integers(0, 12)))]
    known = [(box(), draw(where), draw(st.integers(0, 2))) for _ in range(draw(st.integers(1, 8)))]
    return predictions, sorted(known, key=lambda row: row[1]), frames


@settings(deadline=None, max_examples=300)
@given(footage(), st.sampled_from([0.1, 0.3, 1.0]), st.sampled_from([0.1, 0.5, 1.0]))
def test_agrees_with_matching_from_scratch(case, overlap, share):
    predictions, known, frames = case
    regions = judged(predictions, truth(*known), frames, overlap=overlap, share=share)
    expected = brute_force(predictions, known, frames, overlap, share)
    assert [regions.rbdc(), regions.tbdc()] == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(footage(), st.randoms())
def test_the_order_of_boxes_does_not_matter(case, random):
    predictions, known, frames = case
    shuffled = list(predictions)
    random.shuffle(shuffled)
    one, other = (judged(rows, truth(*known), frames) for rows in (predictions, shuffled))
    assert (one.rbdc(), one.tbdc()) == (other.rbdc(), other.tbdc())
    assert 0 <= one.rbdc() <= 1
    assert 0 <= one.tbdc() <= 1


def test_area_of_a_curve_that_stands_at_zero_is_its_height():
    assert area_up_to_one(np.array([0.0, 0.0]), np.array([0.0, 0.75])) == 0.75
    assert area_up_to_one(np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.5, 1.0])) == 0.25
