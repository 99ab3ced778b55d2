"""One score of parts of different kinds: each in deviations of what training frames have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from oddlens.nn.means import spread
from oddlens.types import ComponentScale

_SMALLEST = 1e-9
"""A part that is the same in all training frames, nothing at that, is measured in this."""


class PartScale(nn.Module):
    """Usual values of the parts in training frames, kept with the weights, and the mean of each map.

    Args:
        weights: of the parts, by name.
        maps: the parts that have a map.
    """

    mean: Tensor
    deviation: Tensor
    map_mean: Tensor

    def __init__(self, weights: Mapping[str, float], maps: Sequence[str]) -> None:
        super().__init__()
        self.weights, self.maps = dict(weights), tuple(maps)
        self.register_buffer("mean", torch.zeros(len(self.weights)))
        self.register_buffer("deviation", torch.ones(len(self.weights)))
        self.register_buffer("map_mean", torch.ones(len(self.maps)))

    @torch.no_grad()
    def learn(self, frames: Iterable[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]) -> None:
        """Take the scale of the parts `(B,)` and maps `(B, H, W)` of training frames, batch by batch."""
        values, means = [], []
        for parts, maps in frames:
            values.append(self._stacked(parts))
            means.append(torch.stack([maps[name].float().mean(dim=(1, 2)) for name in self.maps], dim=1))
        known = torch.cat(values)
        self.mean.copy_(known.mean(dim=0))
        self.deviation.copy_(spread(known).clamp_min(_SMALLEST))
        self.map_mean.copy_(torch.cat(means).mean(dim=0).clamp_min(_SMALLEST))

    def score(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Weighted sum of the parts, each in deviations from its mean: `(B,)`."""
        weights = self.mean.new_tensor(list(self.weights.values()))
        return ((self._stacked(parts) - self.mean) / self.deviation * weights).sum(dim=1)

    def map(self, maps: Mapping[str, Tensor]) -> Tensor:
        """Weighted sum of the maps, each in multiples of its mean: `(B, H, W)`."""
        shares = [self.weights[name] / self.map_mean[number] for number, name in enumerate(self.maps)]
        return torch.stack([maps[name].float() * share for name, share in zip(self.maps, shares)]).sum(dim=0)

    def components(self) -> dict[str, ComponentScale]:
        """The scale of each part."""
        rows = zip(self.weights.items(), self.mean.tolist(), self.deviation.tolist())
        return {name: ComponentScale(mean, deviation, weight) for (name, weight), mean, deviation in rows}

    def _stacked(self, parts: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([parts[name].float() for name in self.weights], dim=1)
