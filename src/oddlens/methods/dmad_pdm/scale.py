"""One score of three errors of different kinds: each in deviations of what training frames have."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from oddlens.methods.dmad_pdm.errors import Errors
from oddlens.nn.means import spread

_SMALLEST = 1e-6
"""Errors that do not occur in training (no deformation, say) are measured in this."""


class ErrorScale(nn.Module):
    """Usual errors of training frames, kept with the weights: mean and deviation, and the mean of each map."""

    mean: Tensor
    deviation: Tensor
    map_mean: Tensor

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.weights = tuple(weights)
        for name, value in (("mean", 0.0), ("deviation", 1.0), ("map_mean", 1.0)):
            self.register_buffer(name, torch.full((len(self.weights),), value))

    def learn(self, errors: Sequence[Errors]) -> None:
        """Take the scale of the errors of training frames, batch by batch."""
        values = torch.cat([_values(batch) for batch in errors])
        means = torch.cat([_maps(batch).mean(dim=(2, 3)) for batch in errors])
        self.mean.copy_(values.mean(dim=0))
        self.deviation.copy_(spread(values).clamp_min(_SMALLEST))
        self.map_mean.copy_(means.mean(dim=0).clamp_min(_SMALLEST))

    def score(self, errors: Errors) -> Tensor:
        """Weighted sum of the errors, each in deviations from its mean: `(B,)`."""
        values = _values(errors)
        return ((values - self.mean) / self.deviation * values.new_tensor(self.weights)).sum(dim=1)

    def map(self, errors: Errors) -> Tensor:
        """Weighted sum of the maps, each in multiples of its mean: `(B, H, W)`."""
        maps = _maps(errors)
        shares = maps.new_tensor(self.weights) / self.map_mean
        return (maps * shares[:, None, None]).sum(dim=1)


def _values(errors: Errors) -> Tensor:
    """`(B, 3)`."""
    return torch.stack(list(errors.values.values()), dim=1)


def _maps(errors: Errors) -> Tensor:
    """`(B, 3, H, W)`."""
    return torch.stack(list(errors.maps.values()), dim=1)
