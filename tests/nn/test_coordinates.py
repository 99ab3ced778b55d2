"""Coordinate convolution: values of the specification, any size, and no dead weights."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oddlens.nn.coordinates import CoordConv2d, coordinate_maps


@pytest.mark.parametrize(
    ("side", "cells", "place", "expected"),
    [
        (256, 32, (5, 0), (-0.9607843, -1, -1, -1)),
        (256, 32, (0, 5), (-1, -1, -0.9607843, -1)),
        (256, 32, (128, 64), (-1.0283364, 0.0322580, -1.0141683, -0.4838710)),
        (256, 32, (255, 255), (-1, 1, -1, 1)),
        (64, 32, (5, 0), (-0.9703021, -0.8709677, -1, -1)),
        (32, 32, (16, 8), (-1, 0.0322580, -1, -0.4838710)),
        (256, 64, (5, 0), (-0.9925303, -0.9682540, -1, -1)),
        (256, 64, (128, 64), (-1.0119514, 0.0158731, -1.0059757, -0.4920635)),
    ],
)
def test_values_of_the_specification(
    side: int, cells: int, place: tuple[int, int], expected: tuple[float, ...]
) -> None:
    maps = coordinate_maps(side, side, cells)
    assert maps[:, place[0], place[1]].tolist() == pytest.approx(expected, abs=1e-6)


def test_residuals_stay_near_minus_one() -> None:
    residuals = coordinate_maps(256, 256, 32)[0::2]
    assert residuals.min().item() == pytest.approx(-1.054902, abs=1e-6)
    assert residuals.max().item() == pytest.approx(-0.945098, abs=1e-6)
    assert (coordinate_maps(32, 32, 32)[0::2] == -1).all()


@pytest.mark.parametrize(("side", "cells"), [(256, 32), (128, 32), (64, 32), (512, 32), (256, 64)])
def test_cells_are_the_official_ones_where_those_exist(side: int, cells: int) -> None:
    index = torch.arange(side)
    official = 2 * (index // (side // cells)).double() / (cells - 1) - 1
    assert torch.equal(coordinate_maps(side, side, cells)[1, :, 0], official.float())


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 40))
def test_any_size(height: int, width: int, cells: int) -> None:
    maps = coordinate_maps(height, width, cells)
    assert maps.shape == (4, height, width) and maps.isfinite().all()
    assert len(maps[1, :, 0].unique()) == min(cells, height)
    assert len(maps[3, 0].unique()) == min(cells, width)
    assert (maps[1, :, 0].diff() >= 0).all() and (maps[3, 0].diff() >= 0).all()
    assert torch.equal(coordinate_maps(width, height, cells), maps[[2, 3, 0, 1]].transpose(1, 2))


def test_maps_come_after_the_features_and_nothing_is_dead() -> None:
    layer = CoordConv2d(3, 5, cells=4)
    assert [name for name, _ in layer.named_parameters()] == ["conv.weight"]
    features = torch.rand(2, 3, 6, 8)
    whole = torch.cat([features, coordinate_maps(6, 8, 4).expand(2, -1, -1, -1)], dim=1)
    torch.testing.assert_close(layer(features), layer.conv(whole))
    layer(features).sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


def test_a_layer_serves_every_size_and_scoring_before_training() -> None:
    layer = CoordConv2d(1, 1, cells=3)
    with torch.inference_mode():
        layer(torch.zeros(1, 1, 5, 7))
    for size in ((5, 7), (9, 4)):
        output = layer(torch.zeros(1, 1, *size))
        assert output.shape == (1, 1, *size)
        output.sum().backward()


def test_dead_weights_of_official_checkpoints_are_passed_over() -> None:
    layer, other = (torch.nn.Sequential(CoordConv2d(2, 3, cells=4)) for _ in range(2))
    stored = layer.state_dict() | {"0.weight": torch.zeros(3, 2, 3, 3), "0.bias": torch.zeros(3)}
    other.load_state_dict(stored)
    assert torch.equal(other.state_dict()["0.conv.weight"], stored["0.conv.weight"]) and len(stored) == 3
    with pytest.raises(RuntimeError, match="Unexpected key"):
        other.load_state_dict(stored | {"0.scale": torch.zeros(1)})
