"""Numbers under both protocols, with and without training frames that count too."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.evaluation.judge import Judge
from oddlens.evaluation.places import Places
from oddlens.evaluation.protocols import PaperProtocol, Pipeline, moving_mean
from oddlens.evaluation.tracks import Track
from oddlens.metrics.pixel import PixelLevelAUC
from oddlens.metrics.ranking import roc_auc

PAPER = PaperProtocol(head=0, tail=0, normalise="none", moving_mean=10, include_training=True)


@pytest.fixture
def footage():
    """Scores of two training and three test videos, and the labels of the latter."""
    random = np.random.default_rng(11)
    labels = [(np.arange(50) // 10 % 2).astype(np.uint8) for _ in range(3)]
    tested = [random.normal(size=50) + y for y in labels]
    return [random.normal(size=40), random.normal(size=30)], tested, labels


def track(scores, **places):
    return Track(scores=scores, paper_scores=scores, places=Places(**places))


def test_training_frames_count_first_and_as_normal(footage):
    before, tested, labels = footage
    judge = Judge(labels, [10.0] * 3, PAPER, [(40, 10.0), (30, 10.0)], resamples=20)
    found = judge.protocols(track(tested), track(before))
    assert list(found) == ["clean", "paper", "paper_test_only"]
    smooth = moving_mean(np.concatenate([*before, *tested]), 10)
    truth = np.concatenate([np.zeros(70), *labels])
    assert found["paper"]["micro_auc"] == pytest.approx(roc_auc(truth, smooth))
    assert (found["paper"]["frames"], found["paper"]["videos"]) == (220, 5)
    assert found["paper_test_only"]["micro_auc"] == pytest.approx(roc_auc(truth[70:], smooth[70:]))
    assert (found["paper_test_only"]["frames"], found["paper_test_only"]["videos"]) == (150, 3)
    assert found["clean"]["micro_auc"] == pytest.approx(roc_auc(truth[70:], np.concatenate(tested)))
    assert found["clean"]["frames"] == 150


def test_numbers_of_places_stand_where_test_frames_alone_count(footage):
    before, tested, labels = footage
    level = PixelLevelAUC()
    level.update(np.array([[1.0]]), np.array([[True]]))
    level.update(np.array([[0.0]]), np.array([[False]]))
    judge = Judge(labels, [10.0] * 3, PAPER, [(40, 10.0), (30, 10.0)], resamples=20)
    found = judge.protocols(track(tested, pixel_level=level), track(before))
    assert found["clean"]["pixel_level_auc"] is None
    assert found["paper"]["pixel_level_auc"] is None
    assert found["paper_test_only"]["pixel_level_auc"] == 1.0
    judge = Judge(labels, [10.0] * 3, PAPER, resamples=20)
    assert judge.protocols(track(tested, pixel_level=level))["paper"]["pixel_level_auc"] == 1.0


def test_without_training_videos_there_are_two_protocols(footage):
    _, tested, labels = footage
    judge = Judge(labels, [10.0] * 3, PAPER, resamples=20)
    found = judge.protocols(track(tested), Track())
    assert list(found) == ["clean", "paper"]
    assert found["paper"]["frames"] == 150


def test_baselines_go_through_the_same_protocols(footage):
    before, tested, labels = footage
    judge = Judge(labels, [10.0] * 3, PAPER, [(40, 10.0), (30, 10.0)], resamples=20)
    trivial = judge.trivial()
    for name in ("clock", "random"):
        assert (trivial[name]["frames"], trivial[name]["paper"]["frames"]) == (150, 220)
        assert trivial[name]["paper_test_only"]["frames"] == 150
    time = moving_mean(np.concatenate([np.arange(length) / 10 for length in (40, 30, 50, 50, 50)]), 10)
    truth = np.concatenate([np.zeros(70), *labels])
    assert trivial["clock"]["paper"]["micro_auc"] == pytest.approx(roc_auc(truth, time))
    floor = judge.baseline(track(tested), track(before))
    found = judge.protocols(track(tested), track(before))
    assert floor["micro_auc"] == found["clean"]["micro_auc"]
    assert floor["paper_test_only"] == found["paper_test_only"]


def test_baselines_go_through_a_pipeline_of_components_too(footage):
    _, tested, labels = footage

    def centred_sum(videos):
        """Both components, less their mean over the whole set."""
        mean = np.mean(np.concatenate([v["error"] + v["motion"] for v in videos]))
        return [v["error"] + v["motion"] - mean for v in videos]

    paper = PaperProtocol(0, 0, "none", pipeline=Pipeline("sum", ("error", "motion"), centred_sum))
    judge = Judge(labels, [10.0] * 3, paper, resamples=20)
    components = [{"error": s, "motion": -2 * s} for s in tested]
    found = judge.protocols(Track(scores=tested, paper_scores=components))
    truth = np.concatenate(labels)
    assert found["paper"]["micro_auc"] == pytest.approx(roc_auc(truth, -np.concatenate(tested)))
    assert found["clean"]["micro_auc"] == pytest.approx(roc_auc(truth, np.concatenate(tested)))
    trivial = judge.trivial()
    time = np.concatenate([np.arange(50) / 10] * 3)
    assert trivial["clock"]["paper"]["micro_auc"] == pytest.approx(roc_auc(truth, time))
    assert trivial["random"]["paper"]["frames"] == 150


def test_numbers_fitted_to_the_labels_say_so(footage):
    _, tested, labels = footage
    fitted = Pipeline("fitted", ("score",), lambda videos, labels: [y.astype(float) for y in labels], uses_labels=True)
    paper = PaperProtocol(head=0, tail=0, normalise="none", pipeline=fitted)
    found = Judge(labels, [10.0] * 3, paper, resamples=20).protocols(track(tested))
    assert found["paper"]["optimistic"] and found["paper"]["micro_auc"] == 1
    assert "optimistic" not in found["clean"]
