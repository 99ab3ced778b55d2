"""Local means of error maps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

_STEPS = 8
"""A window moves by this part of its side: finer steps change the highest mean by little."""
_SMOOTHING = 32
"""Maps are smoothed over windows of this part of their side."""


def highest_window_mean(error: Tensor, share: float) -> Tensor:
    """Highest mean of `error` `(B, K, H, W)` over windows of `share` of both sides: `(B, K)`.

    Windows may lie over the border by half their side; then what is inside counts, so that whoever comes into the
    picture is seen at once.

    Example:
        >>> import torch
        >>> error = torch.zeros(1, 1, 8, 8)
        >>> error[0, 0, 3, 3] = 4.0  # in windows of 2x2 pixels
        >>> highest_window_mean(error, 0.25).item()
        1.0
    """
    sides = [max(1, round(share * side)) for side in error.shape[2:]]
    steps = [max(1, side // _STEPS) for side in sides]
    over = [min(side // 2, extent - side) for side, extent in zip(sides, error.shape[2:])]
    # rows, then columns: fewer sums, the same means
    means = avg_pool2d(_side_by_side(error), (sides[0], 1), (steps[0], 1), (over[0], 0), count_include_pad=False)
    means = avg_pool2d(means, (1, sides[1]), (1, steps[1]), (0, over[1]), count_include_pad=False)
    return means.amax(dim=(2, 3)).reshape(error.shape[:2])


def smooth(error: Tensor) -> Tensor:
    """`error` `(B, K, H, W)` averaged over a small window around each pixel, of the same shape."""
    sides = [side // _SMOOTHING // 2 * 2 + 1 for side in error.shape[2:]]
    padding = [side // 2 for side in sides]
    maps = _side_by_side(error)
    means = avg_pool2d(maps, (sides[0], sides[1]), stride=1, padding=padding, count_include_pad=False)
    return means.reshape(error.shape)


def _side_by_side(error: Tensor) -> Tensor:
    """All maps as the channels of one picture, innermost in memory: a CPU then pools many of them at a time."""
    return error.flatten(0, 1).unsqueeze(0).contiguous(memory_format=torch.channels_last)
