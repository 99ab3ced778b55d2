"""Squeeze and excitation (Hu et al., CVPR 2018): channels weighted by what all of them say of the whole picture."""

from __future__ import annotations

from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """Multiplies each channel by a weight 0..1 found from the means of all channels."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        narrow = max(1, channels // reduction)
        self.weigh = nn.Sequential(
            *(nn.Linear(channels, narrow), nn.ReLU(inplace=True)),
            *(nn.Linear(narrow, channels), nn.Sigmoid()),
        )

    def forward(self, features: Tensor) -> Tensor:
        """`(B, C, H, W)`, weighted."""
        weights: Tensor = self.weigh(features.mean(dim=(2, 3)))
        return features * weights[:, :, None, None]
