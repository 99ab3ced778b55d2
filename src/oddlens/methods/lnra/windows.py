"""Local means of error maps."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import avg_pool2d

_STEPS = 8
"""A window moves by this part of its side: finer steps change the highest mean by little."""
_SMOOTHING = 32
"""Maps are smoothed over windows of this part of their side."""


def highest_window_mean(error: Tensor, share: float) -> Tensor:
    """Highest mean of `error` `(B, K, H, W)` over windows of `share` of both sides, inside the frame: `(B, K)`.

    Example:
        >>> import torch
        >>> error = torch.zeros(1, 1, 8, 8)
        >>> error[0, 0, 3, 3] = 4.0
        >>> highest_window_mean(error, 0.25).item()
        1.0
    """
    sides = [max(1, round(share * side)) for side in error.shape[2:]]
    steps = [max(1, side // _STEPS) for side in sides]
    # rows, then columns: the same means for a third of the time
    means = avg_pool2d(error, (sides[0], 1), stride=(steps[0], 1))
    return avg_pool2d(means, (1, sides[1]), stride=(1, steps[1])).amax(dim=(2, 3))


def smooth(error: Tensor) -> Tensor:
    """`error` `(B, K, H, W)` averaged over a small window around each pixel, of the same shape."""
    sides = [side // _SMOOTHING // 2 * 2 + 1 for side in error.shape[2:]]
    rows = avg_pool2d(error, (sides[0], 1), stride=1, padding=(sides[0] // 2, 0), count_include_pad=False)
    return avg_pool2d(rows, (1, sides[1]), stride=1, padding=(0, sides[1] // 2), count_include_pad=False)
