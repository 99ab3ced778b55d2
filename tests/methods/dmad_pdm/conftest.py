"""The weights of DMAD's specification, made by formula."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from oddlens.nn.quantiser import VectorQuantiser

Fill = Callable[[nn.Module], nn.Module]


def _h(count: int) -> Tensor:
    value = 43758.5453 * torch.sin(12.9898 * torch.arange(1, count + 1, dtype=torch.float64))
    return 2 * (value - value.floor()) - 1


@pytest.fixture(scope="session")
def fill() -> Fill:
    """Gives a network weights that depend on no random generator, nor on names or order (section 10.1)."""

    def apply(network: nn.Module) -> nn.Module:
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                weight = module.weight
                scale = math.sqrt(6 / math.prod(weight.shape[1:]))
                weight.data = (_h(weight.numel()) * scale).float().reshape(weight.shape)
                if module.bias is not None:
                    module.bias.data = (0.1 * _h(module.bias.numel())).float()
            elif isinstance(module, VectorQuantiser):
                book = module.codebook
                book.data = (_h(book.numel()) / len(book)).float().reshape(book.shape)
        return network

    return apply
