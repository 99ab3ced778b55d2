"""Pixel metrics against the exact ones over all pixels at once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from scipy.integrate import trapezoid

from oddlens.errors import DataError
from oddlens.evaluation.bootstrap import micro_auc_interval
from oddlens.metrics.pixel import (
    PixelAUC,
    PixelLevelAUC,
    critical_score,
    pixel_auc,
    pixel_average_precision,
    pixel_level_criterion,
)
from oddlens.metrics.ranking import average_precision, roc_auc
from oddlens.metrics.video import pairwise_wins_of_counts


@pytest.fixture
def footage():
    """Ten maps, log-normal as squared errors are, and their masks; two frames are normal."""
    random = np.random.default_rng(7)
    masks = [random.random((24, 36)) < share for share in np.linspace(0, 0.2, 8)] + [np.zeros((24, 36), bool)] * 2
    maps = [np.exp(random.normal(-4, 2, mask.shape) + mask).astype(np.float32) for mask in masks]
    return maps, masks


def pooled(maps, masks):
    return np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps])


def test_close_to_exact_and_within_the_stated_bound(footage):
    maps, masks = footage
    pixels = PixelAUC()
    for map, mask in zip(maps, masks):
        pixels.update(map, mask)
    exact = roc_auc(*pooled(maps, masks))
    assert abs(pixels.auc() - exact) < 1e-3
    assert abs(pixels.auc() - exact) <= pixels.error_bound() + 1e-12
    assert abs(pixels.average_precision() - average_precision(*pooled(maps, masks))) < 1e-3
    assert pixels.frames == len(maps)
    assert pixel_auc(maps, masks) == pixels.auc()
    assert pixel_average_precision(maps, masks) == pixels.average_precision()


@settings(deadline=None)
@given(st.data())
def test_exact_where_the_leading_bits_hold_the_scores(data):
    # Small multiples of 1/8, either sign and both zeros, need few bits.
    levels = st.integers(-200, 200).map(lambda k: k / 8) | st.just(-0.0)
    map = data.draw(hypothesis_numpy.arrays(np.float32, (4, 6), elements=levels))
    mask = data.draw(hypothesis_numpy.arrays(np.bool_, (4, 6)))
    pixels = PixelAUC(16)
    pixels.update(map, mask)
    np.testing.assert_allclose(pixels.auc(), roc_auc(mask.ravel(), map.ravel()), atol=1e-9)
    expected = average_precision(mask.ravel(), map.ravel())
    np.testing.assert_allclose(pixels.average_precision(), expected, atol=1e-9)


@settings(deadline=None)
@given(
    hypothesis_numpy.arrays(np.float32, (5, 5), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    hypothesis_numpy.arrays(np.bool_, (5, 5)),
    st.sampled_from([10, 13, 16]),
)
def test_bound_holds_for_any_scores_at_any_resolution(map, mask, bits):
    pixels = PixelAUC(bits)
    pixels.update(map, mask)
    if mask.any() and not mask.all():
        assert abs(pixels.auc() - roc_auc(mask.ravel(), map.ravel())) <= pixels.error_bound() + 1e-12
    else:
        assert np.isnan(pixels.auc())
        assert np.isnan(pixels.error_bound())


def test_merging_and_coarsening_keep_the_counts(footage):
    maps, masks = footage
    halves = [PixelAUC(), PixelAUC()]
    for k, (map, mask) in enumerate(zip(maps, masks)):
        halves[k % 2].update(map, mask)
    coarse = halves[0].coarsened(14)
    halves[0].merge(halves[1])
    assert halves[0].auc() == pixel_auc(maps, masks)
    assert halves[0].frames == len(maps)
    coarse.merge(halves[1].coarsened(14))
    assert coarse.positives.sum() == sum(m.sum() for m in masks)
    assert coarse.auc() == pytest.approx(halves[0].auc(), abs=5e-3)
    with pytest.raises(ValueError, match="cannot merge"):
        coarse.merge(halves[1])
    with pytest.raises(ValueError, match="cannot refine"):
        coarse.coarsened(20)
    with pytest.raises(ValueError, match="bits"):
        PixelAUC(31)


def test_histograms_of_videos_can_be_resampled(footage):
    maps, masks = footage
    videos = []
    for map, mask in zip(maps, masks):
        video = PixelAUC(14)
        video.update(map, mask)
        videos.append(video)
    wins = pairwise_wins_of_counts(np.stack([v.positives for v in videos]), np.stack([v.negatives for v in videos]))
    low, high = micro_auc_interval(wins, resamples=200)
    assert low < wins.micro_auc()[0] < high
    assert wins.micro_auc()[0] == pytest.approx(pixel_auc(maps, masks), abs=5e-3)


def test_map_is_resized_to_the_mask():
    map = np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float64)
    mask = np.zeros((6, 8), bool)
    mask[:, 4:] = True
    resized = cv2.resize(map.astype(np.float32), (8, 6), interpolation=cv2.INTER_LINEAR)
    assert pixel_auc([map], [mask]) == pytest.approx(roc_auc(mask.ravel(), resized.ravel())) == 1.0


def test_criterion_by_hand():
    mask = np.zeros((2, 5), bool)
    mask[0] = True
    map = np.array([[5.0, 4, 3, 2, 1], [9, 9, 9, 9, 9]])
    assert critical_score(map, mask) == 4.0  # 40 % of 5 pixels are 2
    assert critical_score(map, mask, share=0.41) == 3.0
    assert critical_score(map, np.zeros((2, 5), bool)) == 9.0
    normal = np.zeros((2, 5), bool)
    quiet, loud = np.full((2, 5), 3.5), np.full((2, 5), 4.5)
    assert pixel_level_criterion([map, quiet], [mask, normal]) == 1.0
    assert pixel_level_criterion([map, loud], [mask, normal]) == 0.0
    assert pixel_level_criterion([map, quiet, loud], [mask, normal, normal]) == 0.5


@settings(deadline=None)
@given(st.data())
def test_criterion_against_a_sweep_of_thresholds(data):
    count = data.draw(st.integers(2, 5))
    levels = st.integers(0, 4).map(float)
    maps = [data.draw(hypothesis_numpy.arrays(np.float64, (3, 3), elements=levels)) for _ in range(count)]
    masks = [data.draw(hypothesis_numpy.arrays(np.bool_, (3, 3))) for _ in range(count)]
    masks[0], masks[1] = np.zeros((3, 3), bool), masks[1] | (np.arange(9).reshape(3, 3) == 4)
    rates = [(0.0, 0.0)]
    for threshold in (4, 3, 2, 1, 0):
        hits = [(m[t] >= threshold).sum() * 10 >= 4 * t.sum() for m, t in zip(maps, masks) if t.any()]
        false = [(m >= threshold).any() for m, t in zip(maps, masks) if not t.any()]
        rates.append((np.mean(false), np.mean(hits)))
    x, y = np.array(rates).T
    assert pixel_level_criterion(maps, masks) == pytest.approx(trapezoid(y, x), abs=1e-9)


@pytest.mark.parametrize(
    ("maps", "masks", "says"),
    [
        (
            [np.array([[0.0, np.nan]])],
            [np.zeros((1, 2), bool)],
            r"frame 0: the map is not finite at \(0, 1\)",
        ),
        ([np.array([[np.inf, 0.0]])], [np.zeros((1, 2), bool)], "not finite"),
        ([np.zeros(3)], [np.zeros((1, 3), bool)], r"map \(3,\)"),
        ([np.zeros((0, 3))], [np.zeros((1, 3), bool)], r"map \(0, 3\)"),
        ([np.zeros((1, 3))], [], "not as many maps as masks"),
    ],
)
@pytest.mark.parametrize("metric", [pixel_auc, pixel_average_precision, pixel_level_criterion])
def test_bad_maps_are_refused(metric, maps, masks, says):
    with pytest.raises(DataError, match=says):
        metric(maps, masks)


def test_the_pixel_level_criterion_frame_by_frame_is_that_of_all_frames(footage):
    maps, masks = footage
    frames = PixelLevelAUC()
    assert np.isnan(frames.auc())
    for map, mask in zip(maps, masks):
        frames.update(map, mask)
    critical = [critical_score(map, mask) for map, mask in zip(maps, masks)]
    assert frames.auc() == roc_auc([mask.any() for mask in masks], critical)
    assert frames.auc() == pixel_level_criterion(maps, masks)
