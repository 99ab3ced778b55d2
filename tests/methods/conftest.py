"""Pictures and weights of the specifications, made by formula, that two methods are tested with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

Clip = Callable[..., Tensor]
TaggedFill = Callable[[nn.Module, Mapping[str, int]], None]
Wave = Callable[..., Tensor]


@pytest.fixture(scope="session")
def tagged_fill() -> TaggedFill:
    """Gives a network the weights of F2LM's formula; tags by the beginning of a parameter's name."""

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
    """F2LM's I(b, c, h, w) = s sin(A h + B w + C c + 0.5 b), of a shape and (A, B, C, s)."""

    def make(shape: tuple[int, int, int, int], a: float, b: float, c: float, s: float = 1.0) -> Tensor:
        n, k, h, w = torch.meshgrid(*(torch.arange(side, dtype=torch.float64) for side in shape), indexing="ij")
        return (s * torch.sin(a * h + b * w + c * k + 0.5 * n)).float()

    return make


@pytest.fixture(scope="session")
def clip() -> Clip:
    """DMAD's CLIP(B, C, H, W; phase) = 0.8 sin(0.05 i + 0.03 j + 0.7 c + 1.3 b + phase)."""

    def make(batch: int, channels: int, height: int, width: int, phase: float = 0.0) -> Tensor:
        sides = (batch, channels, height, width)
        b, c, i, j = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in sides), indexing="ij")
        return (0.8 * torch.sin(0.05 * i + 0.03 * j + 0.7 * c + 1.3 * b + phase)).float()

    return make
