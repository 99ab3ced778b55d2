"""The pictures and weights of DMAD's specification, made by formula."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Clip = Callable[..., Tensor]


@pytest.fixture(scope="session")
def clip() -> Clip:
    """CLIP(B, C, H, W; phase) = 0.8 sin(0.05 i + 0.03 j + 0.7 c + 1.3 b + phase)."""

    def make(batch: int, channels: int, height: int, width: int, phase: float = 0.0) -> Tensor:
        sides = (batch, channels, height, width)
        b, c, i, j = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in sides), indexing="ij")
        return (0.8 * torch.sin(0.05 * i + 0.03 * j + 0.7 * c + 1.3 * b + phase)).float()

    return make


@pytest.fixture(scope="session")
def field(clip: Clip) -> Tensor:
    """The offset field of the specification's components: `(2, 64, 64, 2)`."""
    parts = [0.02 * clip(2, 1, 64, 64), 0.01 * clip(2, 1, 64, 64, 1.0)]
    return torch.cat(parts, dim=1).permute(0, 2, 3, 1)
