"""The discriminator: for each patch of a single frame, whether it is true."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

_DEVIATION = 0.02
_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """How true the patches of a frame look, 0..1: `(B, 3, H, W)` to `(B, 1, h, w)`, 35x35 for 256x256.

    Args:
        features: channels of the first block.
    """

    def __init__(self, features: int = 128) -> None:
        super().__init__()
        widths = (3, features, 2 * features, 4 * features, 4 * features)
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(pairwise(widths)):
            stride = 2 if number < 3 else 1
            layers += [nn.Conv2d(inputs, outputs, 4, stride, padding=2), nn.LeakyReLU(_SLOPE, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=2), nn.Sigmoid())

    def forward(self, frames: Tensor) -> Tensor:
        """Of frames in -1..1."""
        truth: Tensor = self.layers(frames)
        return truth


def initialise_discriminator(network: PatchDiscriminator) -> None:
    """Official initial weights: normal with deviation 0.02; biases keep torch's own."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=_DEVIATION)
