"""AUPRO against brute force over every threshold, against the specification's numbers, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from scipy import ndimage
from scipy.integrate import trapezoid

from oddlens.errors import DataError
from oddlens.metrics.overlap import RegionOverlap, aupro, paper_pro, region_weights
from oddlens.metrics.pixel import pixel_auc

MAPS = hypothesis_numpy.arrays(np.float32, (2, 5, 6), elements=st.integers(-4, 4).map(lambda k: k / 4))
MASKS = hypothesis_numpy.arrays(np.bool_, (2, 5, 6))


def regions_of(mask):
    numbers, count = ndimage.label(mask, np.ones((3, 3)))
    return [numbers == k for k in range(1, count + 1)]


def brute_force(maps, masks, limit):
    """PRO and FPR at every distinct score, one by one."""
    points = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        flagged = [map >= threshold for map in maps]
        shares = [f[region].mean() for f, mask in zip(flagged, masks) for region in regions_of(mask)]
        false = sum((f & ~mask).sum() for f, mask in zip(flagged, masks))
        points.append((false / sum((~mask).sum() for mask in masks), float(np.mean(shares))))
    fpr, pro = np.array(points).T
    fine = np.unique(np.concatenate([fpr, [limit]]))
    inside = fine[fine <= limit]
    # Where several points share an FPR the curve is vertical: each side of an interval needs the right end of it.
    first = [pro[fpr == x].max() if (fpr == x).any() else np.interp(x, fpr, pro) for x in inside]
    last = [pro[fpr == x].min() if (fpr == x).any() else np.interp(x, fpr, pro) for x in inside]
    return float(np.diff(inside) @ (np.array(first[:-1]) + last[1:])) / 2 / limit


def pooled(maps, masks, bits=20):
    overlap = RegionOverlap(bits)
    for map, mask in zip(maps, masks):
        overlap.update(map, mask)
    return overlap


@settings(deadline=None, max_examples=40)
@given(MAPS, MASKS, st.sampled_from([0.05, 0.3, 1.0]))
def test_agrees_with_brute_force(maps, masks, limit):
    value = aupro(maps, masks, limit)
    if not masks.any() or masks.all():
        assert np.isnan(value)
        assert np.isnan(pooled(maps, masks).aupro(limit))
        assert np.isnan(pooled(maps, masks).error_bound(limit))
        return
    assert value == pytest.approx(brute_force(maps, masks, limit), abs=1e-9)
    assert 0 <= value <= 1
    # Quarters need few leading bits, so the histogram is exact.
    assert pooled(maps, masks).aupro(limit) == pytest.approx(value, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    hypothesis_numpy.arrays(np.float32, (1, 5, 6), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    hypothesis_numpy.arrays(np.bool_, (1, 5, 6)),
    st.sampled_from([10, 13, 20]),
)
def test_the_histogram_keeps_to_its_bound(maps, masks, bits):
    assume(masks.any() and not masks.all())
    overlap = pooled(maps, masks, bits)
    assert abs(overlap.aupro() - aupro(maps, masks)) <= overlap.error_bound() + 1e-9


@settings(deadline=None, max_examples=40)
@given(MAPS, MASKS)
def test_laws(maps, masks):
    assume(masks.any() and not masks.all())
    value = aupro(maps, masks)
    rising = np.exp(maps).astype(np.float32)
    assert aupro(rising, masks) == pytest.approx(value, abs=1e-9)
    assert aupro(maps[::-1], masks[::-1]) == pytest.approx(value, abs=1e-9)
    assert aupro(np.concatenate([maps, maps]), np.concatenate([masks, masks])) == pytest.approx(value, abs=1e-9)
    flipped = aupro(maps[:, ::-1], masks[:, ::-1])
    assert flipped == pytest.approx(value, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(MAPS, st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 2)), min_size=1, unique=True))
def test_up_to_one_with_regions_of_one_size_it_is_the_pixel_auc(maps, places):
    masks = np.zeros((2, 5, 6), bool)
    for image, row, column in places:  # 2 x 1 blocks that do not touch
        masks[image, 3 * row : 3 * row + 2, 2 * column] = True
    assert aupro(maps, masks, 1.0) == pytest.approx(pixel_auc(maps, masks), abs=1e-9)


@given(hypothesis_numpy.arrays(np.bool_, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_weights_are_one_by_the_size_of_the_region(mask):
    expected = np.zeros(mask.shape)
    for region in regions_of(mask):
        expected[region] = 1 / region.sum()
    np.testing.assert_allclose(region_weights(mask), expected[mask])
    assert region_weights(mask).sum() == pytest.approx(len(regions_of(mask)))


@pytest.fixture
def toy():
    """The PRO toy of the specification, 10.6."""
    row, column = np.mgrid[:64, :64]
    mask = np.zeros((64, 64), bool)
    mask[10:20, 10:20] = True
    mask[40:44, 30:50] = True
    first = np.exp(-((row - 15) ** 2 + (column - 15) ** 2) / 200)
    second = 0.6 * np.exp(-((row - 42) ** 2 + (column - 36) ** 2) / 150)
    return first + second + 0.1 * np.sin(0.3 * row + 0.2 * column), mask


def test_toy_of_the_specification(toy):
    map, mask = toy
    assert aupro([map], [mask]) == pytest.approx(0.809744, abs=1e-6)
    assert paper_pro([map], [mask]) == pytest.approx(0.808445, abs=1e-6)
    assert pixel_auc([map], [mask]) == pytest.approx(0.945738, abs=1e-6)
    assert pooled([map], [mask]).aupro() == pytest.approx(0.809744, abs=5e-6)


def naive_paper(maps, masks):
    values = []
    for map, mask in zip(maps, masks):
        if not mask.any():
            continue
        points = []
        for threshold in np.linspace(map.min(), map.max(), 200, endpoint=False):
            flagged = map > threshold
            points.append(
                ((flagged & ~mask).sum() / (~mask).sum(), np.mean([flagged[r].mean() for r in regions_of(mask)]))
            )
        fpr, pro = np.array([point for point in points if point[0] < 0.3])[::-1].T
        values.append(trapezoid(pro, fpr / fpr.max()))
    return np.mean(values)


def test_the_papers_variant_agrees_with_the_loop_over_thresholds():
    random = np.random.default_rng(5)
    maps = ndimage.gaussian_filter(random.normal(size=(4, 30, 40)), (0, 2, 2))
    masks = np.zeros((4, 30, 40), bool)
    masks[0, 3:9, 5:30], masks[0, 15:20, 2:6], masks[1, 20:, 20:] = True, True, True
    masks[2] = maps[2] > np.quantile(maps[2], 0.95)
    assert paper_pro(maps, masks) == pytest.approx(naive_paper(maps, masks), abs=1e-9)


def test_degenerate_images():
    mask = np.zeros((4, 5), bool)
    mask[1, 1:3] = True
    normal, perfect, constant = np.zeros((4, 5), bool), mask.astype(float), np.full((4, 5), 3.0)
    assert aupro([perfect], [mask]) == paper_pro([perfect], [mask]) == 1.0
    assert aupro([1 - perfect], [mask], 0.3) == 0.0
    assert aupro([constant], [mask], 0.3) == pytest.approx(0.15)
    assert paper_pro([constant], [mask]) == 0.0
    for metric in (aupro, paper_pro):
        assert np.isnan(metric([], []))
        assert np.isnan(metric([constant], [normal]))
        assert np.isnan(metric([constant], [~normal]))
    assert paper_pro([perfect, constant, constant], [mask, normal, ~normal]) == 1.0
    with pytest.raises(ValueError, match="limit"):
        aupro([perfect], [mask], 0.0)
    with pytest.raises(ValueError, match="bits"):
        RegionOverlap(9)


def test_a_small_region_counts_as_much_as_a_large_one():
    mask = np.zeros((10, 10), bool)
    mask[:4, :4], mask[9, 9] = True, True
    map = np.zeros((10, 10))
    map[:4, :4] = 1.0
    # The small region enters with everything else, at FPR 1: half of all regions up to there, then the tie's slope.
    assert aupro([map], [mask], 0.2) == pytest.approx(0.5 + 0.5 * 0.1)


@pytest.mark.parametrize("metric", [aupro, paper_pro])
def test_nan_is_refused_with_the_place(metric):
    map = np.zeros((3, 4))
    map[2, 1] = np.nan
    with pytest.raises(DataError, match=r"frame 1: the map is not finite at \(2, 1\)") as caught:
        metric([np.zeros((3, 4)), map], np.zeros((2, 3, 4), bool))
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="not as many maps as masks"):
        metric([np.zeros((3, 4))], [])
