"""The weights of DMAD's specification, made by formula."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from oddlens.nn.quantiser import VectorQuantiser

Fill = Callable[[nn.Module], None]


@pytest.fixture(scope="module")
def fill() -> Fill:
    """Gives a network weights that depend on no random generator (section 10.1), third norms of 0.2 (10.5)."""
    known = torch.zeros(0, dtype=torch.float64)

    def h(count: int) -> Tensor:
        nonlocal known  # the largest weights come once, the others are their beginnings
        if count > len(known):
            value = 43758.5453 * torch.sin(12.9898 * torch.arange(1, count + 1, dtype=torch.float64))
            known = 2 * (value - value.floor()) - 1
        return known[:count]

    def apply(network: nn.Module) -> None:
        for name, module in network.named_modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                weight = module.weight
                scale = math.sqrt(6 / math.prod(weight.shape[1:]))
                weight.data = (h(weight.numel()) * scale).float().reshape(weight.shape)
                if module.bias is not None:
                    module.bias.data = (0.1 * h(module.bias.numel())).float()
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.data.fill_(0.2 if name.endswith("bn3") else 1)
            elif isinstance(module, VectorQuantiser):
                book = module.codebook
                book.data = (h(book.numel()) / len(book)).float().reshape(book.shape)

    return apply
