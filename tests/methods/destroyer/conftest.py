"""Weights, inputs and pictures of F2LM's specification, made by formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

Fill = Callable[[nn.Module, Mapping[str, int]], None]
Wave = Callable[..., Tensor]


@pytest.fixture(scope="session")
def fill() -> Fill:
    """Gives a network the weights of the formula; tags by the beginning of a parameter's name."""

    def apply(network: nn.Module, tags: Mapping[str, int]) -> None:
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear | nn.ConvTranspose2d):
                tag = next(tag for start, tag in tags.items() if f"{name}.".startswith(f"{start}."))
                weight = module.weight
                transposed = isinstance(module, nn.ConvTranspose2d)
                fan = weight.shape[0] if transposed else weight.numel() // weight.shape[0]
                place = torch.arange(weight.numel(), dtype=torch.int64)
                shares = (((place + 101 * tag) * 7919 + 13) % 1009).double() / 1009
                values = (shares - 0.5) * 2 * math.sqrt(6 / fan)
                weight.data = values.float().reshape(weight.shape)
                if module.bias is not None:
                    module.bias.data = (0.01 * torch.cos(torch.arange(len(module.bias)).double() + tag)).float()

    return apply


@pytest.fixture(scope="session")
def wave() -> Wave:
    """I(b, c, h, w) = s sin(A h + B w + C c + 0.5 b), of a shape and (A, B, C, s)."""

    def make(shape: tuple[int, int, int, int], a: float, b: float, c: float, s: float = 1.0) -> Tensor:
        n, k, h, w = torch.meshgrid(*(torch.arange(side, dtype=torch.float64) for side in shape), indexing="ij")
        return (s * torch.sin(a * h + b * w + c * k + 0.5 * n)).float()

    return make
