"""Warping: values of the specification, borders, and the identity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from oddlens.nn.magnitude import magnitude
from oddlens.nn.warp import sampling_grid, warp

SIDE = 256


def still() -> Tensor:
    return torch.zeros(1, SIDE, SIDE, 2)


def ramp(axis: int) -> Tensor:
    shape = [1, 1, 1, 1]
    shape[axis] = SIDE
    return torch.arange(float(SIDE)).reshape(shape).expand(1, 1, SIDE, SIDE).contiguous()


@pytest.mark.parametrize(
    ("axis", "component", "amount", "expected"),
    [
        (2, 1, 4, {0: 1.992188, 100: 101.992195, 252: 253.992188, 253: 254.992188, 254: 255, 255: 255}),
        (3, 0, 6, {0: 2.988281, 100: 102.988289, 252: 254.988281, 255: 255}),
    ],
)
def test_ramps_of_the_specification(axis: int, component: int, amount: int, expected: dict[int, float]) -> None:
    offset = still()
    offset[..., component] = amount / SIDE
    moved = warp(ramp(axis), offset)
    line = moved[0, 0, :, 7] if axis == 2 else moved[0, 0, 7]
    assert {place: line[place].item() for place in expected} == pytest.approx(expected, abs=5e-5)


def test_nothing_moves_without_offset() -> None:
    image = ramp(2)
    assert (warp(image, still()) - image).abs().max() < 3.2e-5


def test_two_steps_of_the_specification() -> None:
    index = torch.arange(SIDE, dtype=torch.float64)
    image = (0.5 * index[:, None] + 0.25 * index[None]).float()[None, None]
    first, second = still(), still()
    first[..., 1] = (4 / 256 * torch.sin(0.05 * index)).float()[None, None]
    second[..., 0] = (6 / 256 * torch.cos(0.04 * index)).float()[None, :, None]
    once = warp(image, first)
    twice = warp(once, second)
    places = {
        (10, 10): (7.977554, 8.780919),
        (100, 37): (60.207523, 59.741367),
        (128, 200): (113.458092, 113.705841),
        (255, 255): (191.25, 190.7164),
    }
    for (row, column), expected in places.items():
        got = (once[0, 0, row, column].item(), twice[0, 0, row, column].item())
        assert got == pytest.approx(expected, abs=1e-4)


def test_what_comes_from_outside_repeats_the_border() -> None:
    image = torch.rand(2, 3, 4, 6)
    offset = torch.full((2, 4, 6, 2), -3.0)
    assert sampling_grid(offset).min() == -1
    corner = image[:, :, :1, :1].expand_as(image)
    torch.testing.assert_close(warp(image, offset), corner)


def test_a_whole_pixel_on_a_rectangular_frame() -> None:
    image = torch.rand(1, 2, 5, 9)
    offset = torch.zeros(1, 5, 9, 2)
    offset[..., 0], offset[..., 1] = 2 / 8, 2 / 4
    torch.testing.assert_close(warp(image, offset)[..., :-1, :-1], image[..., 1:, 1:])


def test_magnitude_has_a_gradient_where_nothing_moves(field: Tensor) -> None:
    assert magnitude(field).mean().item() == pytest.approx(0.01215205, abs=1e-8)
    offset = torch.zeros(1, 2, 2, 2, requires_grad=True)
    magnitude(offset).sum().backward()
    assert offset.grad is not None and (offset.grad == 0).all()
