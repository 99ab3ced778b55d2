"""One score and one map of two errors of different kinds: each in deviations of what training pictures have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from oddlens.methods.dmad_ppdm.errors import Errors

_SMALLEST = 1e-6
"""Errors that do not vary in training are measured in this."""


class ErrorScale(nn.Module):
    """Usual errors of training pictures, kept with the weights: of the highest values, and of single pixels.

    Args:
        weights: of reconstruction and deformation, or of reconstruction alone.
    """

    mean: Tensor
    deviation: Tensor
    map_mean: Tensor
    map_deviation: Tensor

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.weights = tuple(weights)
        for name, value in (("mean", 0.0), ("deviation", 1.0), ("map_mean", 0.0), ("map_deviation", 1.0)):
            self.register_buffer(name, torch.full((len(self.weights),), value))

    def learn(self, errors: Iterable[Errors]) -> None:
        """Take the scale of the errors of training pictures, batch by batch; no maps are kept."""
        values, moments = [], []
        for batch in errors:
            values.append(_stack(batch.values))
            maps = _stack(batch.maps).double()
            moments.append(torch.stack([maps.mean(dim=(2, 3)), maps.square().mean(dim=(2, 3))]))
        highest = torch.cat(values)
        self.mean.copy_(highest.mean(dim=0))
        self.deviation.copy_(highest.std(dim=0, correction=0).clamp_min(_SMALLEST))
        mean, square = torch.cat(moments, dim=1).mean(dim=1)
        self.map_mean.copy_(mean)
        self.map_deviation.copy_((square - mean.square()).clamp_min(0).sqrt().clamp_min(_SMALLEST))

    def score(self, errors: Errors) -> Tensor:
        """Weighted sum of the highest values, each in deviations from its mean: `(B,)`."""
        values = (_stack(errors.values) - self.mean) / self.deviation
        return (values * values.new_tensor(self.weights)).sum(dim=1)

    def map(self, errors: Errors) -> Tensor:
        """Weighted sum of the maps, each in deviations of a pixel from its mean: `(B, H, W)`."""
        factors = self.mean.new_tensor(self.weights) / self.map_deviation
        shifted = _stack(errors.maps) - self.map_mean[:, None, None]
        return (shifted * factors[:, None, None]).sum(dim=1)


def _stack(values: dict[str, Tensor]) -> Tensor:
    """`(B, K, ...)`."""
    return torch.stack(list(values.values()), dim=1)
