"""The official fusion against the specification's series (section 11.5), and what its weights are searched over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from oddlens.evaluation.protocols import PaperProtocol, apply_paper
from oddlens.methods.f2lm.pipelines import (
    DESTROYER_PARTS,
    fuse,
    paper_pipeline,
    search_weights,
    weight_grid,
)
from oddlens.methods.f2lm.scores import OFFICIAL_PARTS
from oddlens.metrics.ranking import roc_auc
from oddlens.metrics.video import macro_auc

VIDEOS = ((60, 20, 35), (80, 40, 80), (50, 5, 15))
PARTS = {False: OFFICIAL_PARTS, True: DESTROYER_PARTS}


def series() -> tuple[list[dict[str, NDArray[np.float64]]], list[NDArray[np.uint8]]]:
    clips, labels = [], []
    for v, (frames, start, end) in enumerate(VIDEOS):
        t = np.arange(frames)
        y = ((t >= start) & (t < end)).astype(float)
        clips.append(
            {
                "motion_hinge": 0.2 + 0.05 * np.sin(0.3 * t + v) + 0.02 * y,
                "object_hinge": 0.2 + 0.04 * np.cos(0.2 * t + 2 * v) + 0.03 * y,
                "appearance": 0.001 * (1 + 0.5 * np.sin(0.15 * t + v)) + 0.0006 * y,
                "destroyed": 0.004 * (1 + 0.5 * np.sin(0.11 * t + v)) + 0.006 * y,
            }
        )
        labels.append(y.astype(np.uint8))
    return clips, labels


def official_eer(labels: NDArray[Any], scores: NDArray[Any]) -> float:
    """The false alarm rate at the first ROC point where it lies nearest to the miss rate."""
    fpr, tpr, _ = sklearn_roc_curve(labels, scores)
    return float(fpr[np.abs(fpr - (1 - tpr)).argmin()])


def judged(weights: Sequence[float] | None, smoothing: float = 0.0) -> tuple[float, float, float, list[float]]:
    """Micro AUC, EER, macro AUC and some scores, by the paper's protocol; the labels count from the first frame on."""
    clips, labels = series()
    pipeline = paper_pipeline(PARTS[weights is not None and len(weights) == 4], weights, smoothing)
    protocol = PaperProtocol(head=0, tail=0, normalise="none", pipeline=pipeline)
    found = apply_paper(protocol, clips, labels)
    scores, truth = np.concatenate(found.scores), np.concatenate(found.labels)
    macro = macro_auc(found.scores, found.labels).value
    return roc_auc(truth, scores), official_eer(truth, scores), macro, scores[[0, 30, 100]].tolist()


@pytest.mark.parametrize(
    ("weights", "smoothing", "micro", "eer", "macro", "some"),
    [
        ((1, 1, 3), 0, 0.780430769, 0.296, 0.851496914, (0.4767443, 0.7070935, 0.7827940)),
        ((1, 1, 3), 10, 0.662276923, 0.384, 0.678148148, (0.7177566, 0.5961697, 0.5063000)),
        ((1, 1, 3, 0.5), 0, 0.837907692, 0.272, 0.906342593, (0.4457871, 0.7142254, 0.7879659)),
        ((1, 1, 3, 1), 10, 0.837046154, 0.208, 0.783209877, (0.6468259, 0.5764735, 0.5141313)),
    ],
)
def test_fixed_weights(
    weights: Any, smoothing: float, micro: float, eer: float, macro: float, some: tuple[float, ...]
) -> None:
    found = judged(weights, smoothing)
    assert found[0] == pytest.approx(micro, abs=1e-9) and found[1] == pytest.approx(eer, abs=1e-9)
    assert found[2] == pytest.approx(macro, abs=1e-9)
    assert found[3] == pytest.approx(some, abs=1e-6)


def test_searched_weights() -> None:
    clips, labels = series()
    weights, area = search_weights(clips, labels)
    assert weights == (0.9, 3.0, 1.1) and area == pytest.approx(0.890215385, abs=1e-9)
    weights, area = search_weights(clips, labels, DESTROYER_PARTS)
    assert weights == (1.0, 2.5, 1.5, 1.0) and area == pytest.approx(0.957169231, abs=1e-9)
    micro, eer, *_ = judged(None)
    assert micro == pytest.approx(0.890215385, abs=1e-9) and eer == pytest.approx(0.2)


def test_eer_of_searched_weights_of_the_destroyer() -> None:
    clips, labels = series()
    scores = np.concatenate(fuse(clips, DESTROYER_PARTS, (1.0, 2.5, 1.5, 1.0)))
    assert official_eer(np.concatenate(labels), scores) == pytest.approx(0.136)


def test_the_anchors_score_without_any_weights() -> None:
    """1 - min-max of the PSNR of each video."""
    clips, labels = series()
    psnr = [-10 * np.log10(clip["appearance"]) for clip in clips]
    scores = [1 - (p - p.min()) / (p.max() - p.min()) for p in psnr]
    assert roc_auc(np.concatenate(labels), np.concatenate(scores)) == pytest.approx(0.709784615, abs=1e-9)


def test_the_grid_of_the_official_code() -> None:
    grid = weight_grid()
    assert grid.shape == (1179, 3) and weight_grid(DESTROYER_PARTS).shape == (4716, 4)
    np.testing.assert_allclose(grid.sum(axis=1), 5)
    assert grid[0].tolist() == [0.1, 0.1, 4.8] and grid[:, :2].min() == 0.1 and grid[:, 0].max() == 4.8
    assert [tuple(row[:2]) for row in grid if row[2] == 0] == [(0.1, 4.9), (0.6, 4.4), (4.6, 0.4)]
    assert len(np.unique(grid, axis=0)) == 1179
    assert weight_grid(("appearance", "destroyed")).tolist() == [[1, 0.25], [1, 0.5], [1, 0.75], [1, 1]]


@pytest.mark.parametrize("smoothing", [0.0, 3.0])
def test_the_search_finds_the_first_best_row_of_the_grid(smoothing: float) -> None:
    clips, labels = series()
    truth = np.concatenate(labels)
    grid = weight_grid()[::97]
    areas = [roc_auc_score(truth, np.concatenate(fuse(clips, OFFICIAL_PARTS, row, smoothing))) for row in grid]
    best = search_weights(clips, labels, smoothing=smoothing)[1]
    assert best >= max(areas) - 1e-12
    chosen = search_weights(clips, labels, smoothing=smoothing)[0]
    again = roc_auc_score(truth, np.concatenate(fuse(clips, OFFICIAL_PARTS, chosen, smoothing)))
    assert again == pytest.approx(best, abs=1e-12)


def test_one_series_stands_for_every_part_and_nothing_is_searched() -> None:
    rng = np.random.default_rng(0)
    scores, labels = [rng.random(40), rng.random(30)], [np.arange(40) > 20, np.arange(30) > 10]
    protocol = PaperProtocol(head=4, tail=0, normalise="none", pipeline=paper_pipeline())
    found = apply_paper(protocol, scores, labels)
    assert protocol.optimistic
    for series_of, original in zip(found.scores, scores):
        np.testing.assert_array_equal(np.argsort(series_of), np.argsort(original[4:]))
    same = [dict.fromkeys(OFFICIAL_PARTS, s[4:]) for s in scores]
    assert search_weights(same, [y[4:] for y in labels])[0] == (0.1, 0.1, 4.8)


@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_one_kind_choose_nothing(label: int) -> None:
    clips, labels = series()
    weights, area = search_weights(clips, [np.full(len(y), label) for y in labels])
    assert weights == (0.1, 0.1, 4.8) and np.isnan(area)


def test_a_single_frame_passes() -> None:
    protocol = PaperProtocol(head=0, tail=0, normalise="none", pipeline=paper_pipeline(DESTROYER_PARTS))
    found = apply_paper(protocol, [[0.3]], [[0]])
    assert np.isfinite(found.scores[0]).all() and len(found.scores[0]) == 1


def test_a_protocol_says_whether_it_is_optimistic() -> None:
    fixed = PaperProtocol(pipeline=paper_pipeline(weights=(1, 1, 3)))
    assert not fixed.optimistic and not PaperProtocol().optimistic
    assert "optimistic" in PaperProtocol(pipeline=paper_pipeline()).record()["pipeline"]["name"]
