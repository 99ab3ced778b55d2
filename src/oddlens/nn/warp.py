"""Moving the pixels of a picture along an offset field."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def sampling_grid(offset: Tensor) -> Tensor:
    """Where each pixel is fetched from: its own place plus the offset, held inside the frame; `(B, H, W, 2)`."""
    height, width = offset.shape[1:3]
    columns = torch.linspace(-1, 1, width, device=offset.device, dtype=offset.dtype)
    rows = torch.linspace(-1, 1, height, device=offset.device, dtype=offset.dtype)
    own = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    return (own + offset).clamp(-1, 1)


def warp(image: Tensor, offset: Tensor) -> Tensor:
    """`image` (o) O: every pixel fetched from where the offset field points, bilinearly.

    What would come from outside the frame repeats its border. Several fields are applied one after another, on the
    picture: `warp(warp(image, first), second)`.

    Args:
        image: `(B, C, H, W)`.
        offset: `(B, H, W, 2)`: x (columns), then y (rows), in units of half the frame (the whole frame is 2 wide).

    Example:
        >>> row = torch.arange(5.0).reshape(1, 1, 1, 5)
        >>> offset = torch.zeros(1, 1, 5, 2)
        >>> offset[..., 0] = 2 / 4  # one of the four steps between five pixels
        >>> warp(row, offset).flatten().tolist()
        [1.0, 2.0, 3.0, 4.0, 4.0]
    """
    return grid_sample(image, sampling_grid(offset), mode="bilinear", padding_mode="zeros", align_corners=True)
