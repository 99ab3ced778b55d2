"""The Destroyer's gate of a whole batch, against the same gate patch by patch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from benchmarks.measure import Result, compare, faster, report
from oddlens.methods.destroyer.gate import GRID, STEEPNESS, gate
from oddlens.nn.patch_grid import cut_patches
from oddlens.nn.ssim import gaussian_window

GOAL = 30
_WINDOW = 11


def run(quick: bool = False) -> list[Result]:
    """Gate four frames of 256x256, 256 patches in all."""
    batch, side, repetitions = (1, 96, 1) if quick else (4, 256, 15)
    generator = torch.Generator().manual_seed(0)
    damaged, true = (torch.rand(batch, 3, side, side, generator=generator) * 2 - 1 for _ in range(2))
    row = gaussian_window(min(_WINDOW, side // GRID[0])).float()
    window = (row[:, None] * row).expand(3, 1, -1, -1).contiguous()
    torch.testing.assert_close(gate(damaged, true), _patch_by_patch(damaged, true, window), rtol=1e-4, atol=1e-5)
    found = compare(lambda: gate(damaged, true), lambda: _patch_by_patch(damaged, true, window), repetitions)
    baseline = f"one call of SSIM for each of {batch * GRID[0] * GRID[1]} patches, its window made once"
    return [faster(f"SSIM gate, {batch} frames of {side}x{side}", found, GOAL, baseline)]


@torch.no_grad()
def _patch_by_patch(damaged: Tensor, true: Tensor, window: Tensor) -> Tensor:
    patches = [cut_patches(frames, *GRID) for frames in (damaged, true)]
    gates = torch.empty(patches[0].shape[:2])
    for sample in range(gates.shape[0]):
        for number in range(gates.shape[1]):
            ours, theirs = (part[sample, number][None] for part in patches)
            value_range = 2.0 if ours.min() < -0.5 else 1.0
            similarity = _similarity(ours, theirs, window, value_range)
            gates[sample, number] = torch.clamp(STEEPNESS * (1 - similarity), max=1.0)
    return gates


def _similarity(first: Tensor, second: Tensor, window: Tensor, value_range: float) -> Tensor:
    """SSIM as its formula stands: five convolutions."""
    mean, other, square, other_square, product = (
        conv2d(values, window, groups=len(window))
        for values in (first, second, first * first, second * second, first * second)
    )
    mean_floor, deviation_floor = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    covariance = product - mean * other
    spread = square - mean * mean + other_square - other * other
    likeness = (2 * mean * other + mean_floor) * (2 * covariance + deviation_floor)
    return (likeness / ((mean * mean + other * other + mean_floor) * (spread + deviation_floor))).mean()


if __name__ == "__main__":
    report(run())
