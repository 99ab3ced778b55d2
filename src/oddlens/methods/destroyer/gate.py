"""The Destroyer's loss: patches that resemble the truth are to be kept, others to be painted over."""

from __future__ import annotations

import torch
from torch import Tensor

from oddlens.nn.ssim import ssim

GRID = (8, 8)
"""Rows and columns of patches, whatever the size of the frame."""
STEEPNESS = 4.0
"""How fast the gate opens: fully where the similarity has fallen to 0.75."""
_NEGATIVE = -0.5
"""A patch with lower values is taken as one of -1..1 (range 2), another as one of 0..1 (official code)."""


@torch.no_grad()
def gate(damaged: Tensor, true: Tensor, grid: tuple[int, int] = GRID, steepness: float = STEEPNESS) -> Tensor:
    """How far each patch of the Destroyer's input is from the truth, q = min(1, 4 (1 - SSIM)), `(B, rows * columns)`.

    It has no gradient.

    Args:
        damaged: `(B, 3, H, W)`, sides multiples of the grid's.
        true: the true frames.
        grid: rows and columns of patches.
        steepness: the official class has 1 by default, and is given 4.
    """
    return (steepness * (1 - similarity(damaged, true, grid))).clamp(max=1)


@torch.no_grad()
def similarity(damaged: Tensor, true: Tensor, grid: tuple[int, int] = GRID) -> Tensor:
    """SSIM of each patch, `(B, rows * columns)`; the range of values is told from the damaged patch alone."""
    lowest = _cells(damaged, grid).amin(dim=(1, 3, 5)).flatten(1)
    return ssim(damaged, true, torch.where(lowest < _NEGATIVE, 2.0, 1.0), *grid)


def destroyer_loss(
    destroyed: Tensor, predicted: Tensor, background: Tensor, gates: Tensor, grid: tuple[int, int] = GRID
) -> Tensor:
    """Sum over its patches for each sample, `(B,)`: q mean (BG - G)^2 + (1 - q) mean (A - G)^2.

    The official loss is the sum over the batch.

    Args:
        destroyed: G, what the Destroyer makes of the damaged frames, `(B, 3, H, W)`.
        predicted: A, the frames before they were damaged.
        background: BG, what to paint over with, `(3, H, W)`.
        gates: q, `(B, rows * columns)`.
        grid: rows and columns of patches.
    """
    painted, kept = ((wanted - destroyed).square() for wanted in (background, predicted))
    means = [_cells(error, grid).mean(dim=(1, 3, 5)).flatten(1) for error in (painted, kept)]
    return (gates * means[0] + (1 - gates) * means[1]).sum(dim=1)


def _cells(pictures: Tensor, grid: tuple[int, int]) -> Tensor:
    """`(B, C, rows, h, columns, w)`."""
    batch, channels, height, width = pictures.shape
    rows, columns = grid
    return pictures.reshape(batch, channels, rows, height // rows, columns, width // columns)
