"""Structural similarity against the specification's values (F2LM, section 11.4) and a convolution."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from oddlens.nn.patch_grid import cut_patches
from oddlens.nn.ssim import gaussian_window, ssim


def wave(a: float, b: float, c: float, s: float) -> Tensor:
    channels, rows, columns = torch.meshgrid(torch.arange(3.0), torch.arange(32.0), torch.arange(32.0), indexing="ij")
    return (s * torch.sin(a * rows.double() + b * columns + c * channels)).float()[None]


def by_convolution(first: Tensor, second: Tensor, value_range: float) -> float:
    """As the formula stands, with a window of 11x11 weights."""
    row = gaussian_window()
    kernel = (row[:, None] * row).expand(first.shape[1], 1, 11, 11)
    x, y = first.double(), second.double()
    means = [conv2d(part, kernel, groups=len(kernel)) for part in (x, y, x * x, y * y, x * y)]
    mx, my = means[0], means[1]
    sx, sy, sxy = means[2] - mx**2, means[3] - my**2, means[4] - mx * my
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    return float(((2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sx + sy + c2))).mean())


def test_window() -> None:
    row = gaussian_window()
    square = row[:, None] * row
    assert square[5, 5].item() == pytest.approx(0.0707622, abs=1e-7)
    assert square[0, 0].item() == pytest.approx(1.05757e-6, rel=1e-5)
    assert square.sum().item() == pytest.approx(1)


def test_values_of_the_specification() -> None:
    x, y = wave(0.21, 0.17, 0.4, 0.9), wave(0.19, 0.18, 0.5, 0.8)
    assert ssim(x, y, 2.0).item() == pytest.approx(0.8190771, abs=1e-6)
    assert ssim(0.3 * x + 0.1, y, 1.0).item() == pytest.approx(0.2713618, abs=1e-6)
    assert ssim(0.3 * x + 0.1, y, 2.0).item() == pytest.approx(0.2903039, abs=1e-6)
    one = torch.ones_like(x)
    assert ssim(x, x).item() == pytest.approx(1, abs=1e-6)
    assert ssim(one, -one).item() == pytest.approx(-0.9999, abs=1e-6)
    assert ssim(0 * one, 0.5 * one).item() == pytest.approx(0.00039984, abs=1e-7)


@pytest.mark.parametrize("side", [11, 12, 20])
@pytest.mark.parametrize("value_range", [1.0, 2.0])
def test_is_what_a_convolution_says(side: int, value_range: float) -> None:
    first, second = torch.rand(1, 3, side, side + 3) * 2 - 1, torch.rand(1, 3, side, side + 3) * 2 - 1
    expected = by_convolution(first, second, value_range)
    assert ssim(first, second, value_range).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("side", [8, 16])
def test_patches_are_judged_each_by_itself(side: int) -> None:
    first, second = torch.rand(2, 3, 2 * side, 3 * side), torch.rand(2, 3, 2 * side, 3 * side)
    limits = torch.rand(2, 6) + 0.5
    patches = [cut_patches(part, 2, 3).flatten(0, 1) for part in (first, second)]
    alone = ssim(*patches, limits.reshape(12, 1))
    torch.testing.assert_close(ssim(first, second, limits, 2, 3), alone.reshape(2, 6), rtol=1e-5, atol=1e-6)


def test_nothing_is_changed() -> None:
    first, second = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    kept = first.clone(), second.clone()
    ssim(first, second)
    assert torch.equal(first, kept[0]) and torch.equal(second, kept[1])


def test_is_as_exact_under_lower_precision() -> None:
    first, second = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found = ssim(first, second)
    assert found.dtype == torch.float32 and torch.equal(found, ssim(first, second))
