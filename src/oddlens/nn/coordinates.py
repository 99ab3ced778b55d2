"""Convolution that knows where in the frame it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

_KEPT = 64
"""Sets of maps kept ready: one for each frame size, cell count and device in use."""


class CoordConv2d(nn.Module):
    """3x3 convolution without bias whose input gets four maps of the position appended to its features.

    The inner convolution is called `conv`, as in the official code of DMAD, whose class has an unused weight and bias
    of its own beside it; where those are among the weights to load, they are passed over.
    Source: DMAD (CVPR 2023), the positional encoding PE.
    """

    def __init__(self, inputs: int, outputs: int, cells: int) -> None:
        super().__init__()
        self.cells = cells
        self.conv = nn.Conv2d(inputs + 4, outputs, 3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """`(B, outputs, H, W)` of features `(B, inputs, H, W)`, at any size."""
        batch, _, height, width = features.shape
        maps = coordinate_maps(height, width, self.cells, features.device).to(features.dtype)
        output: Tensor = self.conv(torch.cat([features, maps.expand(batch, -1, -1, -1)], dim=1))
        return output

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        for dead in ("weight", "bias"):
            state_dict.pop(prefix + dead, None)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def coordinate_maps(height: int, width: int, cells: int, device: torch.device | str = "cpu") -> Tensor:
    """Row residual, row cell, column residual and column cell of every pixel, `float32 (4, height, width)`.

    An axis of n pixels is cut into S = min(`cells`, n) cells. Pixel i lies at a = i / (n - 1), in the cell
    c = floor(i * S / n) / (S - 1): its cell is 2 c - 1, its residual 2 (a - c) - 1, which stays near -1.

    Example:
        >>> coordinate_maps(256, 256, 32)[:, 128, 64].tolist()  # doctest: +ELLIPSIS
        [-1.028..., 0.032..., -1.014..., -0.483...]
    """
    return _maps(height, width, cells, torch.device(device))


@lru_cache(maxsize=_KEPT)
def _maps(height: int, width: int, cells: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # what is first wanted while scoring must serve training too
        rows = torch.stack(_axis(height, cells))[:, :, None].expand(2, height, width)
        columns = torch.stack(_axis(width, cells))[:, None, :].expand(2, height, width)
        return torch.cat([rows, columns]).to(device, torch.float32)


def _axis(length: int, cells: int) -> tuple[Tensor, Tensor]:
    """Residual and cell of each pixel of an axis."""
    count = min(cells, length)
    index = torch.arange(length, dtype=torch.float64)
    place = index / max(1, length - 1)
    cell = torch.floor(index * count / length) / max(1, count - 1)
    return 2 * (place - cell) - 1, 2 * cell - 1
