"""Means over pixels."""

from __future__ import annotations

from torch import Tensor


def weighted_mean(values: Tensor, weight: Tensor | None = None) -> Tensor:
    """sum(v w) / sum(w) over everything, or the plain mean without weights.

    Args:
        values: `(B, C, H, W)`; one channel counts for each channel of the weight.
        weight: `(B, C', H, W)`, not all 0.

    Example:
        >>> import torch
        >>> values, weight = torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0])
        >>> weighted_mean(values.reshape(1, 1, 1, 2), weight.reshape(1, 1, 1, 2)).item()
        2.0
    """
    if weight is None:
        return values.mean()
    return (values * weight).sum() / weight.sum()
