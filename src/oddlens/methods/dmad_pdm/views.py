"""Which camera view a window of frames shows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

_SIDE = 32
"""Views are told apart on pictures of at most so many pixels a side."""


def nearest_view(frames: Tensor, backgrounds: Tensor) -> Tensor:
    """Number of the background each sample looks most like: `int64 (B,)`.

    Args:
        frames: one picture of each sample, `(B, 3, H, W)`.
        backgrounds: `(V, 3, H, W)`; the smallest mean difference wins, the first one on ties.
    """
    if len(backgrounds) == 1:
        return torch.zeros(len(frames), dtype=torch.int64, device=frames.device)
    size = (min(_SIDE, frames.shape[2]), min(_SIDE, frames.shape[3]))
    seen, known = (adaptive_avg_pool2d(pictures, size).flatten(1) for pictures in (frames, backgrounds))
    return torch.cdist(seen, known, p=1).argmin(dim=1)
