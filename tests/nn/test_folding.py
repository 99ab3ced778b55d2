"""Folded batch normalisation changes nothing but the time it takes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from oddlens.nn.folding import fold_batch_norms


def lived(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """A normalisation with statistics and weights of its own."""
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.2, 3)
    if norm.affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_same_comes_out(bias: bool, affine: bool, groups: int) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(4, 6, 3, padding=1, groups=groups, bias=bias)
    network = nn.Sequential(convolution, lived(nn.BatchNorm2d(6, affine=affine)), nn.ReLU()).eval()
    picture = torch.randn(2, 4, 7, 7)
    before = network(picture)
    fold_batch_norms(network)
    torch.testing.assert_close(network(picture), before, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_a_normalisation_behind_something_else_stays() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 3, 1),
        nn.ReLU(),
        lived(nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(3, 2, 1), lived(nn.BatchNorm2d(2))),
    ).eval()
    picture = torch.randn(1, 3, 4, 4)
    before = network(picture)
    fold_batch_norms(network)
    torch.testing.assert_close(network(picture), before, rtol=1e-4, atol=1e-5)
    assert isinstance(network[2], nn.BatchNorm2d) and isinstance(network[3][1], nn.Identity)


def test_without_statistics_there_is_nothing_to_fold() -> None:
    with pytest.raises(ValueError, match="running statistics"):
        fold_batch_norms(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)))
