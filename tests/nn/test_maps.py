"""Smoothness, gradient differences, window means: values of the specification, and brute force."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from oddlens.nn.gradient import gradient_difference
from oddlens.nn.means import sample_means, weighted_mean
from oddlens.nn.smoothness import roughness, smoothness
from oddlens.nn.window_max import window_max, window_mean

Clip = Callable[..., Tensor]


def test_smoothness_of_the_specification(field: Tensor) -> None:
    values = [smoothness(field, 3, separable=True), smoothness(field, 7, separable=True)]
    values += [smoothness(field, 3), smoothness(field, 7)]
    expected = (0.000462424, 0.000985960, 0.000345023, 0.000850428)
    assert [value.item() for value in values] == pytest.approx(expected, rel=1e-4)


def test_weighted_smoothness_of_the_specification(field: Tensor, clip: Clip) -> None:
    difference = (clip(2, 3, 64, 64) - clip(2, 3, 64, 64, 0.5)).abs().sqrt()
    weight = 1 + 100 * avg_pool2d(difference, 15, stride=1, padding=7)
    values = [smoothness(field, side, weight=weight).item() for side in (3, 7)]
    assert values == pytest.approx((0.000205305, 0.000563300), rel=1e-4)


@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize("side", [3, 7])
def test_roughness_is_the_filters_answer(side: int, separable: bool) -> None:
    offset = torch.randn(2, 9, 12, 2)
    shapes = [(1, side), (side, 1)] if separable else [(side, side)]
    expected = torch.zeros(2, 1, 9, 12)
    for rows, columns in shapes:
        kernel = torch.full((1, 2, rows, columns), -1 / (rows * columns - 1))
        kernel[:, :, rows // 2, columns // 2] = 1
        answer = conv2d(offset.permute(0, 3, 1, 2), kernel, padding=(rows // 2, columns // 2))
        expected += answer.abs()
    torch.testing.assert_close(roughness(offset, side, separable), expected, rtol=1e-4, atol=1e-6)


def test_a_constant_field_is_rough_at_the_border_alone() -> None:
    rough = roughness(torch.full((1, 9, 9, 2), 0.5), 3)[0, 0]
    assert rough[1:-1, 1:-1].abs().max() < 1e-6 and (rough[0] > 0.1).all()


def test_a_weighted_mean_counts_one_channel_for_each_of_the_weights() -> None:
    values, weight = torch.rand(2, 1, 4, 5), torch.rand(2, 3, 4, 5)
    wide = values.expand(2, 3, 4, 5)
    torch.testing.assert_close(weighted_mean(values, weight), (wide * weight).sum() / weight.sum())
    torch.testing.assert_close(weighted_mean(values, torch.ones(2, 3, 4, 5)), weighted_mean(values))


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_samples_add_up_to_the_weighted_mean(channels: int | None) -> None:
    values = torch.rand(5, 1, 4, 6)
    weight = None if channels is None else torch.rand(5, channels, 4, 6)
    parts = sample_means(values, weight)
    assert parts.shape == (5,)
    torch.testing.assert_close(parts.mean(), weighted_mean(values, weight))
    even = sample_means(values, torch.full((5, 2, 4, 6), 7.0))
    torch.testing.assert_close(even, values.mean(dim=(1, 2, 3)))


def test_gradient_map_of_the_specification(clip: Clip) -> None:
    difference = gradient_difference(clip(2, 3, 64, 64), clip(2, 3, 64, 64, 0.5))
    assert difference.shape == (2, 1, 64, 64)
    assert difference.mean().item() == pytest.approx(0.0705288, rel=1e-5)
    assert difference[0, 0, 0, 0].item() == pytest.approx(1.1649561, rel=1e-5)
    assert difference[1, 0, 10, 20].item() == pytest.approx(0.0149045, rel=1e-4)


def test_window_maxima_of_the_specification(clip: Clip, field: Tensor) -> None:
    error = (clip(2, 3, 64, 64) - clip(2, 3, 64, 64, 0.5)).square()
    assert window_max(error, 42, 31)[0].item() == pytest.approx(0.2722567, rel=1e-5)
    rows = field[..., 1].unsqueeze(1)
    values = [window_max(rows, *window)[0].item() for window in ((7, 18), (6, 18), (16, 14))]
    assert values == pytest.approx((0.00786396, 0.00787466, 0.00773234), abs=1e-8)
    corner = torch.zeros(1, 1, 64, 64)
    corner[0, 0, -1, 0] = 1
    assert window_max(corner, 7, 18).item() == pytest.approx(1 / 126)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_window_max_is_the_padded_box_filters(height: int, width: int, rows: int, columns: int, seed: int) -> None:
    values = torch.randn(3, 2, height, width, generator=torch.Generator().manual_seed(seed))
    box = torch.full((1, 2, rows, columns), 1 / (rows * columns))
    expected = conv2d(values.abs(), box, padding=(rows, columns)).amax(dim=(1, 2, 3))
    torch.testing.assert_close(window_max(values, rows, columns), expected)
    means = window_mean(values, rows, columns)
    assert means.shape == (3, height, width)
    alone = [window_max(value[None], rows, columns) for value in values]
    torch.testing.assert_close(torch.cat(alone), means.amax(dim=(1, 2)))
