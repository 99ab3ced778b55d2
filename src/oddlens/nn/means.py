"""Means over pixels."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDING = 1e-5
"""Share of a value by which sums of float32 may differ between machines and batches."""


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


def sample_means(values: Tensor, weight: Tensor | None = None) -> Tensor:
    """What each sample adds to `weighted_mean`, `(B,)`: the mean over the batch is that number.

    With weights each sample is divided by the mean weight of the whole batch, not by its own: one with more weight
    counts more.

    Args:
        values: `(B, C, H, W)`; one channel counts for each channel of the weight.
        weight: `(B, C', H, W)`, not all 0.

    Example:
        >>> import torch
        >>> values, weight = torch.tensor([1.0, 4.0]), torch.tensor([3.0, 1.0])
        >>> sample_means(values.reshape(2, 1, 1, 1), weight.reshape(2, 1, 1, 1)).tolist()
        [1.5, 2.0]
        >>> sample_means(values.reshape(2, 1, 1, 1)).tolist()
        [1.0, 4.0]
    """
    if weight is None:
        return values.flatten(1).mean(dim=1)
    return (values * weight).flatten(1).sum(dim=1) * (len(weight) / weight.sum())


def spread(values: Tensor) -> Tensor:
    """Standard deviation of `(N, parts)` over the first axis: what a part is measured in, `(parts,)`.

    Values that are all alike, or differ by no more than rounding does, have no spread of their own: their size stands
    in, and is 0 where they are.

    Example:
        >>> spread(torch.tensor([[1.0, 2.0, 0.0], [3.0, 2.0000005, 0.0]])).tolist()
        [1.0, 2.000000238418579, 0.0]
    """
    deviation: Tensor = values.std(dim=0, correction=0)
    size = values.mean(dim=0).abs()
    return torch.where(deviation > _ROUNDING * size, deviation, size)
