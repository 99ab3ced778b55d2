"""The error of the worst object: what the mask sees as foreground, one region at a time."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_THRESHOLD = 0.7
_SMALLEST = 13 / 256**2
"""Area of a region that counts, as a share of the frame (13 pixels at 256x256)."""


def object_error(error: Tensor, mask: Tensor) -> Tensor:
    """Highest mean error of a region of the mask, 0 where there is none: `(B,)`.

    Args:
        error: `(B, H, W)`.
        mask: `(B, H, W)`, 0..1; regions are what lies inside the outer contours above 0.7.
    """
    errors, masks = error.float().cpu().numpy(), mask.float().cpu().numpy()
    worst = [_worst_region(one, inside > _THRESHOLD) for one, inside in zip(errors, masks)]
    return torch.tensor(worst, dtype=torch.float32, device=error.device)


def _worst_region(error: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    import cv2

    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    worst = 0.0
    for contour in contours:
        if cv2.contourArea(contour) <= _SMALLEST * inside.size:
            continue
        left, top, width, height = cv2.boundingRect(contour)
        region = np.zeros((height, width), np.uint8)
        cv2.drawContours(region, [contour], -1, 1, thickness=-1, offset=(-left, -top))
        worst = max(worst, float(error[top : top + height, left : left + width][region > 0].mean()))
    return worst
