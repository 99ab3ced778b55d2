"""AUPIMO against the integral taken numerically, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from oddlens.errors import DataError
from oddlens.metrics.pimo import ImageOverlap, aupimo

LEVELS = st.integers(0, 8).map(lambda k: k / 8)
MAPS = hypothesis_numpy.arrays(np.float32, (4, 4, 5), elements=LEVELS)
FLAWS = hypothesis_numpy.arrays(np.bool_, (2, 4, 5))


def with_normal(flaws):
    return np.concatenate([flaws, np.zeros_like(flaws)])


def by_rates(maps, masks, lower, upper, steps=1000):
    """Recall at the lowest threshold that keeps to each of many shared rates, then the mean over their logarithms."""
    normal = [map for map, mask in zip(maps, masks) if not mask.any()]
    candidates = np.append(np.unique(maps), np.inf)
    shared = np.array([np.mean([(map >= t).mean() for map in normal]) for t in candidates])
    edges = np.log(lower) + (np.arange(steps) + 0.5) / steps * np.log(upper / lower)
    chosen = np.argmax(shared[None] <= np.exp(edges)[:, None] + 1e-12, axis=1)  # the lowest that keeps to the rate
    return [
        np.array([(map[mask] >= t).mean() for t in candidates])[chosen].mean()
        for map, mask in zip(maps, masks)
        if mask.any()
    ]


def pooled(maps, masks):
    images = ImageOverlap()
    for map, mask in zip(maps, masks):
        images.update(map, mask)
    return images


@settings(deadline=None, max_examples=30)
@given(MAPS, FLAWS)
def test_agrees_with_the_integral_taken_numerically(maps, flaws):
    masks = with_normal(flaws)
    found = aupimo(maps, masks, 0.03, 0.5)
    np.testing.assert_allclose(found.images, by_rates(maps, masks, 0.03, 0.5), atol=5e-3)
    np.testing.assert_allclose(pooled(maps, masks).aupimo(0.03, 0.5).images, found.images, atol=1e-9)
    assert ((found.images >= 0) & (found.images <= 1)).all()
    if flaws.any():
        assert found.mean == pytest.approx(found.images.mean())
    else:
        assert np.isnan(found.mean)


@settings(deadline=None, max_examples=30)
@given(MAPS, FLAWS)
def test_laws(maps, flaws):
    masks = with_normal(flaws)
    found = aupimo(maps, masks, 0.03, 0.5).images
    np.testing.assert_allclose(aupimo(np.exp(maps), masks, 0.03, 0.5).images, found, atol=1e-9)
    normal = np.flatnonzero(~masks.any(axis=(1, 2)))
    twice = np.append(np.arange(len(maps)), normal)
    again = aupimo(maps[twice], masks[twice], 0.03, 0.5).images
    np.testing.assert_allclose(again, found, atol=1e-9)  # the same normal images twice
    # What one abnormal image is worth depends on the normal ones alone.
    for number, mask in enumerate(masks[:2]):
        if mask.any():
            few = [number, *normal]
            alone = aupimo(maps[few], masks[few], 0.03, 0.5).mean
            assert alone == pytest.approx(found[masks[:number].any(axis=(1, 2)).sum()], abs=1e-9)


def test_by_hand():
    normal = np.arange(100000.0).reshape(200, 500)  # the score of rank k has a shared rate of k / 100,000
    clean = np.zeros((200, 500), bool)
    flawed, mask = np.zeros((1, 4)), np.ones((1, 4), bool)
    flawed[0] = [2e5, 99998.5, 99996.5, 5.0]
    # The first is found at every rate; the second costs one normal pixel, the third three, the last nearly all.
    expected = 0.25 + 0.25 + 0.25 * (1 - np.log10(3))
    assert aupimo([normal, flawed], [clean, mask]).mean == pytest.approx(expected, abs=1e-9)
    spread = [np.exp2(np.clip(map - 1e5, -20, 20)) for map in (normal, flawed)]  # far enough apart for the bins
    assert pooled(spread, [clean, mask]).aupimo().mean == pytest.approx(expected, abs=1e-9)


def test_degenerate_sets():
    mask, clean = np.array([[True, False]]), np.array([[False, False]])
    map = np.array([[0.9, 0.1]])
    assert aupimo([map, map * 0.5], [mask, clean]).mean == 1.0
    assert aupimo([np.ones((1, 2))] * 2, [mask, clean]).mean == 0.0  # flagging the defect flags everything
    for maps, masks in (([], []), ([map], [clean]), ([map], [mask])):
        for found in (aupimo(maps, masks), pooled(maps, masks).aupimo()):
            assert np.isnan(found.mean)
            assert np.isnan(found.images).all()
    with pytest.raises(ValueError, match="lower"):
        aupimo([map], [mask], 0.1, 0.01)
    with pytest.raises(ValueError, match="bits"):
        ImageOverlap(30)


def test_nan_is_refused():
    with pytest.raises(DataError, match="frame 0: the map is not finite"):
        aupimo([np.array([[np.nan, 0.0]])], [np.array([[True, False]])])
