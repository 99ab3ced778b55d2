"""Where the edges of two pictures differ."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad


def gradient_difference(target: Tensor, prediction: Tensor) -> Tensor:
    """G = |dx(a) - dx(b)| + |dy(a) - dy(b)| of pictures `(B, C, H, W)`: `(B, 1, H, W)`.

    Differences are to the pixel on the left and above, at the border to 0; colours are added first (official code of
    DMAD), so grey in three channels counts three times.

    Example:
        >>> import torch
        >>> step = torch.tensor([[0.0, 1.0, 1.0]]).reshape(1, 1, 1, 3)
        >>> gradient_difference(step, torch.zeros_like(step)).flatten().tolist()
        [0.0, 2.0, 1.0]
    """
    error = (target - prediction).sum(dim=1, keepdim=True)
    across = error - pad(error, (1, 0, 0, 0))[..., :-1]
    down = error - pad(error, (0, 0, 1, 0))[..., :-1, :]
    return across.abs() + down.abs()
