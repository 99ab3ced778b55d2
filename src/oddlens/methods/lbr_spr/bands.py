"""What error is usual for a patch of a given contrast.

Rich patches are reconstructed worse than flat ones, odd or not, and a frame is judged by its worst patch. With one
scale for each block, as in the paper, texture weighs in the score; with several bands of contrast it does less.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_FEWEST = 64
"""Patches that a band must hold: fewer say little about a mean and a deviation."""


def contrast(patches: Tensor) -> Tensor:
    """Variance of all values of stored patches `uint8 (N, side, side, T * C)`: `(N,)`, of levels in 0..1."""
    levels = patches.flatten(1).float() / 255
    return (levels - levels.mean(dim=1, keepdim=True)).square().mean(dim=1)


class ContrastBands(nn.Module):
    """Mean and deviation of errors in bands of contrast, each with as many training patches, for every block.

    Between the middles of two bands both are interpolated, so that no score jumps where contrast moves a little.

    Args:
        blocks: blocks of the frame.
        bands: bands of each; 1 = one scale for all contrasts (the paper). A block with few patches gets fewer.

    Example:
        >>> bands = ContrastBands(blocks=1, bands=2)
        >>> errors = torch.arange(128.0).expand(2, -1)
        >>> bands.learn(errors, contrast=torch.arange(128.0), blocks=torch.zeros(128, dtype=torch.int64))
        >>> bands.mean[0, 0].tolist()
        [31.5, 95.5]
    """

    middle: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, blocks: int, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.register_buffer("middle", torch.zeros(blocks, bands))
        self.register_buffer("mean", torch.zeros(2, blocks, bands))
        self.register_buffer("deviation", torch.ones(2, blocks, bands))

    def learn(self, errors: Tensor, contrast: Tensor, blocks: Tensor) -> None:
        """Take the scale of training patches.

        Args:
            errors: `(2, N)`, of both branches.
            contrast: `(N,)`.
            blocks: `int64 (N,)`.
        """
        exact = errors.double() if errors.device.type != "mps" else errors
        for block in range(len(self.middle)):
            mine = torch.nonzero(blocks == block).flatten()
            if not len(mine):
                continue
            ranked = mine[contrast[mine].argsort(stable=True)]
            parts = torch.tensor_split(ranked, max(1, min(self.bands, len(mine) // _FEWEST)))
            for band in range(self.bands):
                part = parts[min(band, len(parts) - 1)]
                mean, deviation = _mean_and_deviation(exact[:, part])
                self.middle[block, band] = contrast[part].median()
                self.mean[:, block, band], self.deviation[:, block, band] = mean.float(), deviation.float()

    def standardise(self, errors: Tensor, contrast: Tensor, blocks: Tensor) -> Tensor:
        """Errors `(2, N)` in standard deviations above what is usual for their block and contrast."""
        middle = self.middle[blocks]
        right = (middle < contrast[:, None]).sum(dim=1).clamp(min(1, self.bands - 1), self.bands - 1)
        left = (right - 1).clamp_min(0)
        rows = torch.arange(len(blocks), device=blocks.device)
        before, after = middle[rows, left], middle[rows, right]
        share = ((contrast - before) / (after - before).clamp_min(1e-12)).clamp(0, 1)
        mean = torch.lerp(self.mean[:, blocks, left], self.mean[:, blocks, right], share)
        deviation = torch.lerp(self.deviation[:, blocks, left], self.deviation[:, blocks, right], share)
        return (errors - mean) / deviation


def _mean_and_deviation(errors: Tensor) -> tuple[Tensor, Tensor]:
    """Of errors `(2, n)`; where all are alike, or there is one, their size stands in for the deviation."""
    mean, deviation = errors.mean(dim=1), errors.std(dim=1, correction=0)
    alike = deviation <= 1e-4 * mean  # rounding, not spread
    return mean, torch.where(alike, mean.clamp_min(1e-6), deviation)
