"""The deformation estimator: sizes of the published networks, grids, bounds, any frame size."""

from __future__ import annotations

import pytest
import torch

from oddlens.nn.deformation import DeformationEstimator, Head

COARSE_PED2, COARSE_AVENUE, FINE = Head((1, 2, 2), 2), Head((2, 2, 1), 3), Head((1, 1), 3)
PPDM = (Head((2, 2, 2, 1), 8), Head((2, 1), 3)) * 2
"""Forward and inverse fields, coarse and fine."""


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("inputs", "heads", "live"),
    [
        (12, (COARSE_PED2, FINE), 321_092 - 43_904),
        (12, (COARSE_AVENUE, FINE), 321_092 - 43_904),
        (15, (COARSE_AVENUE, FINE), 324_548 - 45_632),
        (3, PPDM, 572_040 - 38_720),
    ],
)
def test_parameters_of_the_published_networks(inputs: int, heads: tuple[Head, ...], live: int) -> None:
    assert count(DeformationEstimator(inputs, heads)) == live


def test_parameters_of_the_parts() -> None:
    network = DeformationEstimator(12, (COARSE_PED2, FINE))
    assert count(network.trunk) == 92_544 - 43_904
    assert count(network.residual) + count(network.norm) == 41_344
    assert [count(head) for head in network.heads] == [112_130, 75_074]
    assert [count(head) for head in DeformationEstimator(3, PPDM).heads] == [149_186, 75_074] * 2


@pytest.mark.parametrize(
    ("head", "grid"),
    [(COARSE_PED2, 64), (COARSE_AVENUE, 64), (FINE, 256), (PPDM[0], 32), (PPDM[1], 128), (Head((2, 2), 4), 64)],
)
def test_grids(head: Head, grid: int) -> None:
    network = DeformationEstimator(3, (head,), width=4).to("meta")
    assert network.heads[0](torch.empty(1, 8, 256, 256, device="meta")).shape == (1, 2, grid, grid)


@pytest.mark.parametrize("size", [(28, 28), (32, 48), (16, 80)])
def test_fields_have_the_pictures_size_and_stay_within_their_amplitude(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = DeformationEstimator(1, (Head((2, 2), 4), Head((1, 1), 2)), width=8).eval()
    fields = network(100 * torch.randn(2, 1, *size))
    assert [field.shape for field in fields] == [(2, *size, 2)] * 2
    for field, pixels in zip(fields, (4, 2)):
        in_pixels = field * torch.tensor([size[1], size[0]]) / 2
        assert 0 < in_pixels.abs().max() <= pixels
    assert fields[0].is_contiguous() or fields[0].shape[-1] == 2


def saturated(reference: int | None, size: tuple[int, int]) -> torch.Tensor:
    network = DeformationEstimator(1, (Head((1, 1), 3),), width=2, reference=reference).eval()
    last = network.heads[0]
    assert isinstance(last, torch.nn.Sequential) and isinstance(last[-2], torch.nn.Conv2d)
    assert last[-2].bias is not None
    last[-2].bias.data[:] = 50.0
    field: torch.Tensor = network(torch.zeros(1, 1, *size))[0]
    return field


def test_pixels_are_of_the_picture_or_of_a_fixed_side() -> None:
    torch.testing.assert_close(saturated(None, (32, 48))[0, 16, 16], torch.tensor([6 / 48, 6 / 32]))
    torch.testing.assert_close(saturated(None, (256, 256))[0, 9, 9], torch.tensor([6 / 256, 6 / 256]))
    torch.testing.assert_close(saturated(256, (32, 48))[0, 16, 16], torch.tensor([6 / 256, 6 / 256]))


def test_every_parameter_learns() -> None:
    network = DeformationEstimator(2, (COARSE_PED2, FINE), width=4)
    sum(field.square().sum() for field in network(torch.randn(2, 2, 16, 16))).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
