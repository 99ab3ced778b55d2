"""The paper's protocol against the oracles of the LNRA specification, section 11.7."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oddlens.errors import DataError
from oddlens.evaluation.protocols import PaperProtocol, Pipeline, apply_paper, clean, min_max, moving_mean
from oddlens.metrics.ranking import roc_auc
from oddlens.metrics.video import macro_auc, micro_auc

WHOLE = PaperProtocol(head=0, tail=0)
PSNR = [[20.0, 25, 22, 30, 21, 29], [35.0, 31, 33, 38, 30, 36]]
LABELS = [[1, 0, 1, 0, 1, 0], [0, 1, 0, 0, 0, 1]]


def odd(psnr):
    return [-np.asarray(video) for video in psnr]


def ped2_psnr(labels):
    """The synthetic PSNR of the specification, at every frame of each video."""
    return [30 + 5 * np.sin(0.05 * np.arange(len(y))) + 2 * np.cos(0.3 * v) for v, y in enumerate(labels)]


@pytest.fixture
def ped2_labels():
    """Frame labels of UCSD Ped2: one abnormal interval (from 1, both ends included) in each test video."""
    lengths = (180, 180, 150, 180, 150, 180, 180, 180, 120, 150, 180, 180)
    starts = (61, 95, 1, 31, 1, 1, 46, 1, 1, 1, 1, 88)
    ends = (180, 180, 146, 180, 129, 159, 180, 180, 120, 150, 180, 180)
    index = [np.arange(1, length + 1) for length in lengths]
    return [((k >= start) & (k <= end)).astype(np.uint8) for k, start, end in zip(index, starts, ends)]


def test_normalise_example():
    psnr = np.array([20, 25, 22.5, 30, 21])
    normality = min_max(psnr)
    np.testing.assert_allclose(normality, [0, 0.5, 0.25, 1, 0.1])
    assert roc_auc([0, 0, 1, 0, 1], 1 - normality) == pytest.approx(2 / 3)
    (scores,), _, _ = apply_paper(WHOLE, odd([psnr]), [[0, 0, 1, 0, 1]])
    np.testing.assert_allclose(scores, 1 - normality)


def test_two_videos():
    paper = apply_paper(WHOLE, odd(PSNR), LABELS)
    assert micro_auc(paper.scores, paper.labels) == pytest.approx(0.7857142857, abs=1e-9)
    raw = clean(odd(PSNR), LABELS)
    assert micro_auc(raw.scores, raw.labels) == pytest.approx(0.7142857143, abs=1e-9)
    assert [roc_auc(y, s) for s, y in zip(paper.scores, paper.labels)] == [1.0, 0.5]


def test_ped2_crop(ped2_labels):
    paper = apply_paper(PaperProtocol(), odd(ped2_psnr(ped2_labels)), ped2_labels)
    assert sum(map(len, ped2_labels)) == 2010
    assert sum(int(y.sum()) for y in ped2_labels) == 1648
    assert [len(y) for y in paper.labels] == [165, 165, 135, 165, 135, 165, 165, 165, 105, 135, 165, 165]
    abnormal = [int(y.sum()) for y in paper.labels]
    assert abnormal == [113, 79, 135, 143, 121, 151, 128, 165, 105, 135, 165, 86]
    assert [len(s) for s in paper.scores] == [len(y) for y in paper.labels]
    assert macro_auc(paper.scores, paper.labels).videos == 7


def test_ped2_synthetic_scores(ped2_labels):
    psnr = ped2_psnr(ped2_labels)
    paper = apply_paper(PaperProtocol(), odd(psnr), ped2_labels)
    assert 1 - paper.scores[0][0] == pytest.approx(0.6947002098, abs=1e-9)
    raw = apply_paper(PaperProtocol(normalise="none"), odd(psnr), ped2_labels)
    assert micro_auc(raw.scores, raw.labels) == pytest.approx(0.7032683486, abs=1e-9)
    # Videos of one length have the same normalised scores, so many ties hang on the last bit: the specified
    # value is that of normality against normal frames; rounding moves that of -PSNR in the fourth digit.
    normality = apply_paper(PaperProtocol(), psnr, [1 - y for y in ped2_labels])
    assert micro_auc(normality.scores, normality.labels) == pytest.approx(0.6556475047, abs=1e-9)
    assert micro_auc(paper.scores, paper.labels) == pytest.approx(0.6556475047, abs=3e-4)


def test_labels_of_the_real_set_are_those_intervals(real_data, ped2_labels):
    cv2 = pytest.importorskip("cv2")
    folders = sorted((real_data / "ped2" / "testing" / "masks").iterdir())
    assert len(folders) == len(ped2_labels)
    for folder, labels in list(zip(folders, ped2_labels))[:3]:
        masks = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.glob("*.png"))]
        assert [int(mask.any()) for mask in masks] == labels.tolist()


def test_constant_video_is_a_half_never_nan():
    with pytest.warns(UserWarning, match="video 1 has constant scores"):
        paper = apply_paper(WHOLE, [[1.0, 2.0], [5.0, 5.0]], [[0, 1], [0, 1]])
    assert paper.scores[1].tolist() == [0.5, 0.5]


def test_short_video_is_dropped_with_its_labels():
    long, short = np.arange(20.0), np.arange(15.0)
    with pytest.warns(UserWarning, match="video 0 has 15 frames"):
        paper = apply_paper(PaperProtocol(), [short, long], [np.zeros(15), np.ones(20)])
    assert paper.videos == [1]
    assert len(paper.scores) == len(paper.labels) == 1
    assert len(paper.scores[0]) == 5
    with pytest.warns(UserWarning), pytest.raises(DataError, match="16 frames"):
        apply_paper(PaperProtocol(), [short], [np.zeros(15)])


def test_smoothing_stays_within_the_video():
    protocol = PaperProtocol(head=0, tail=0, normalise="none", smoothing=2.0)
    first, second = np.zeros(30), np.full(30, 9.0)
    paper = apply_paper(protocol, [first, second], [np.zeros(30), np.ones(30)])
    np.testing.assert_allclose(paper.scores[0], first)
    np.testing.assert_allclose(paper.scores[1], second)
    peak = np.zeros(31)
    peak[15] = 1
    (smooth,), _, _ = apply_paper(protocol, [peak], [np.zeros(31)])
    assert smooth.sum() == pytest.approx(1.0)
    assert smooth[15] == pytest.approx(1 / np.sqrt(2 * np.pi) / 2, abs=1e-3)


def test_clean_changes_nothing():
    raw = clean(PSNR, LABELS)
    assert [s.tolist() for s in raw.scores] == PSNR
    assert [y.astype(int).tolist() for y in raw.labels] == LABELS
    assert raw.videos == [0, 1]


@pytest.mark.parametrize(
    ("scores", "says"),
    [([[np.nan, 1.0]], "NaN"), ([[np.inf, 1.0]], "infinite"), ([[1.0]], "2 labels but 1 scores")],
)
def test_bad_scores_are_refused(scores, says):
    with pytest.raises(DataError, match=says):
        apply_paper(WHOLE, scores, [[0, 1]])


def test_moving_mean_of_an_impulse_and_a_ramp():
    # LBR-SPR specification, section 10.10
    impulse = moving_mean(np.eye(21)[10], 10)
    np.testing.assert_allclose(impulse, np.where((np.arange(21) >= 6) & (np.arange(21) <= 15), 0.1, 0))
    ramp = moving_mean(np.arange(1, 21), 10)
    expected = [1.5, 2.1, 2.8, 3.6, 4.5, *np.arange(5.5, 16), 14.4, 13.2, 11.9, 10.5]
    np.testing.assert_allclose(ramp, expected)


@pytest.mark.parametrize("length", [1, 2, 3, 10, 30])
def test_moving_mean_is_the_sum_over_the_window(length):
    values = np.random.default_rng(length).normal(size=12)
    padded = np.concatenate([np.zeros(30), values, np.zeros(30)])
    before, after = length // 2, (length - 1) // 2
    expected = [padded[30 + j - before : 30 + j + after + 1].sum() / length for j in range(12)]
    np.testing.assert_allclose(moving_mean(values, length), expected, atol=1e-12)


def test_moving_mean_runs_across_the_borders_of_videos():
    protocol = PaperProtocol(head=0, tail=0, normalise="none", moving_mean=4)
    videos = [[0.0, 0.0, 0.0], [8.0, 8.0], [0.0]]
    paper = apply_paper(protocol, videos, [[0, 0, 0], [1, 1], [0]])
    assert [s.tolist() for s in paper.scores] == [[0, 0, 2], [4, 4], [4]]
    assert [y.tolist() for y in paper.labels] == [[0, 0, 0], [1, 1], [0]]


def test_moving_mean_comes_after_cropping_and_scaling():
    protocol = PaperProtocol(head=1, tail=0, moving_mean=2)
    paper = apply_paper(protocol, [[99.0, 0.0, 10.0], [99.0, 4.0, 8.0]], np.zeros((2, 3)))
    assert [s.tolist() for s in paper.scores] == [[0, 0.5], [0.5, 0.5]]


def test_test_videos_alone_keep_the_scores_they_had_among_all():
    protocol = PaperProtocol(head=2, tail=0, normalise="none", moving_mean=2)
    with pytest.warns(UserWarning, match="video 1 has 2 frames"):
        paper = apply_paper(
            protocol, [[0.0, 0, 6, 6], [1.0, 1], [0.0, 0, 2, 4]], [np.zeros(4), np.zeros(2), [0, 0, 0, 1]]
        )
    tested = paper.videos_from(2)
    assert tested.videos == [2]
    assert [s.tolist() for s in tested.scores] == [[4, 3]]
    assert [y.tolist() for y in tested.labels] == [[False, True]]


def product_of_running_sums(videos):
    """Running sums of `a` across all videos, times `b`."""
    sums = np.split(np.cumsum(np.concatenate([v["a"] for v in videos])), np.cumsum([len(v["a"]) for v in videos])[:-1])
    return [total * video["b"] for total, video in zip(sums, videos)]


PIPELINE = Pipeline("sums", ("a", "b"), product_of_running_sums)


def test_a_pipeline_sees_the_cropped_components_of_all_videos():
    protocol = PaperProtocol(head=1, tail=0, normalise="none", pipeline=PIPELINE)
    videos = [{"a": [9.0, 1, 2], "b": [9.0, 2, 2]}, {"a": [9.0, 3], "b": [9.0, 1], "unused": [np.nan, 0]}]
    paper = apply_paper(protocol, videos, [[1, 0, 0], [0, 1]])
    assert [s.tolist() for s in paper.scores] == [[2, 6], [6]]
    assert [y.astype(int).tolist() for y in paper.labels] == [[0, 0], [1]]


def test_one_series_stands_for_all_components():
    protocol = PaperProtocol(head=0, tail=0, normalise="none", pipeline=PIPELINE)
    paper = apply_paper(protocol, [[1.0, 2.0], {"a": [1.0], "b": [3.0]}], [[0, 0], [1]])
    assert [s.tolist() for s in paper.scores] == [[1, 6], [12]]


def test_the_rest_of_the_protocol_follows_the_pipeline():
    protocol = PaperProtocol(head=0, tail=0, pipeline=PIPELINE, moving_mean=2)
    paper = apply_paper(protocol, [[0.0, 1.0], [1.0, 3.0]], np.zeros((2, 2)))
    assert [s.tolist() for s in paper.scores] == [[0, 0.5], [0.5, 0.5]]


def test_a_component_by_name_without_a_pipeline():
    protocol = PaperProtocol(head=0, tail=0, normalise="none", component="a")
    paper = apply_paper(protocol, [{"a": [1.0, 2.0], "b": [0.0, 0.0]}], [[0, 1]])
    assert paper.scores[0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("video", "says"),
    [
        ({"a": [1.0, 2.0]}, "video 0: has no component 'b'; it has a"),
        ({"a": [1.0, 2.0], "b": [1.0]}, "2 labels but 1 scores"),
        ({"a": [1.0, 2.0], "b": [1.0, np.inf]}, "infinite"),
        ({"a": [1.0, np.nan], "b": [1.0, 2.0]}, "NaN"),
    ],
)
def test_bad_components_are_refused(video, says):
    with pytest.raises(DataError, match=says):
        apply_paper(PaperProtocol(head=0, tail=0, pipeline=PIPELINE), [video], [[0, 1]])


def test_a_protocol_is_recorded_in_plain_values():
    record = PaperProtocol(head=4, pipeline=PIPELINE).record()
    assert json.loads(json.dumps(record)) == record
    assert (record["head"], record["pipeline"]) == (4, {"name": "sums", "components": ["a", "b"]})
    assert PaperProtocol().record()["pipeline"] is None


def test_a_pipeline_may_look_at_the_labels_and_is_optimistic_then():
    fitted = Pipeline("fitted", ("a",), lambda videos, labels: [v["a"] * y for v, y in zip(videos, labels)], True)
    protocol = PaperProtocol(head=1, tail=0, normalise="none", pipeline=fitted)
    paper = apply_paper(protocol, [[5.0, 1.0, 2.0], [0.0, 3.0]], [[1, 0, 1], [0, 1]])
    assert [s.tolist() for s in paper.scores] == [[0, 2], [3]]
    assert protocol.optimistic
    assert not PaperProtocol().optimistic and not PaperProtocol(pipeline=PIPELINE).optimistic
