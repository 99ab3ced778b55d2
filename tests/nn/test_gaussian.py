"""Smoothing by matrices is SciPy's Gaussian filter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from oddlens.nn.gaussian import gaussian_smooth


def test_impulse_of_the_specification() -> None:
    spot = torch.zeros(1, 64, 64)
    spot[0, 30, 30] = 1
    smooth = gaussian_smooth(spot, (4.0, 4.0))[0]
    assert smooth[30, 30].item() == pytest.approx(0.009947888, rel=1e-5)
    assert smooth.sum().item() == pytest.approx(1, rel=1e-5)
    reached = smooth.nonzero()
    assert reached.min() == 14 and reached.max() == 46, "zero beyond 16 pixels"


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.3, 9), st.floats(0.3, 9), st.integers(0, 99))
def test_scipys_filter(height: int, width: int, down: float, across: float, seed: int) -> None:
    maps = np.random.default_rng(seed).random((2, height, width)).astype(np.float32)
    smooth = gaussian_smooth(torch.from_numpy(maps), (down, across)).numpy()
    expected = np.stack([gaussian_filter(map_, (down, across)) for map_ in maps])
    np.testing.assert_allclose(smooth, expected, atol=2e-6)


def test_no_deviation_smooths_nothing() -> None:
    maps = torch.rand(3, 5, 7)
    assert torch.equal(gaussian_smooth(maps, (0.0, 0.0)), maps)
