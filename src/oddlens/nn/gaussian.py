"""Gaussian smoothing of maps."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

_KEPT = 16
"""Matrices kept ready: one for each side and width in use."""


def gaussian_smooth(maps: Tensor, sigma: tuple[float, float]) -> Tensor:
    """Maps `(..., H, W)` smoothed by a Gaussian with these deviations along rows and columns, in pixels.

    Equal to SciPy's `gaussian_filter` (cut off at four deviations, mirrored at the border), of which each axis is a
    matrix: two products in place of a filter, on any device. A deviation of 0 smooths nothing.

    Example:
        >>> spot = torch.zeros(33, 33)
        >>> spot[16, 16] = 1
        >>> round(gaussian_smooth(spot, (4.0, 4.0))[16, 16].item(), 6)
        0.009948
    """
    height, width = maps.shape[-2:]
    with torch.autocast(maps.device.type, enabled=False):
        rows, columns = (_matrix(n, s, maps.device) for n, s in ((height, sigma[0]), (width, sigma[1])))
        return rows @ maps.float() @ columns.t()


@lru_cache(maxsize=_KEPT)
def _matrix(side: int, sigma: float, device: torch.device) -> Tensor:
    """What each of the smoothed pixels takes from each pixel of an axis, `float32 (side, side)`."""
    matrix = gaussian_filter1d(np.eye(side), sigma, axis=0) if sigma else np.eye(side)
    with torch.inference_mode(False):  # what is first wanted while scoring must serve training too
        return torch.from_numpy(matrix).to(device, torch.float32)
