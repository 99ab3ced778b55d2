"""How far an offset field moves each pixel."""

from __future__ import annotations

import torch
from torch import Tensor

_FLOOR = 1e-12
"""Under the root: at an offset of exactly nothing its gradient would be no number."""


def magnitude(offset: Tensor) -> Tensor:
    """N(O) = sqrt(x^2 + y^2) of an offset field `(B, H, W, 2)`: `(B, H, W)`, at least 1e-6.

    Example:
        >>> magnitude(torch.tensor([[[[3.0, 4.0]]]])).tolist()
        [[[5.0]]]
    """
    return torch.sqrt(offset.square().sum(dim=-1) + _FLOOR)
