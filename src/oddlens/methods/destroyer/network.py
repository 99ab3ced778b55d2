"""The Destroyer's network: a picture in, the same picture out, with holes where it was badly predicted."""

from __future__ import annotations

from torch import Tensor, nn

from oddlens.nn.unet import Decoder, Encoder

_COLOURS = 3
_DEVIATION = 0.02


class DestroyerNetwork(nn.Module):
    """A U-shaped network from predicted frames to destroyed ones, `(B, 3, H, W)`, -1..1.

    Args:
        features: channels of the first block, which double with each of three halvings.
    """

    def __init__(self, features: int = 64) -> None:
        super().__init__()
        self.encoder = Encoder(_COLOURS, features)
        self.decoder = Decoder(features, _COLOURS)

    def forward(self, frames: Tensor) -> Tensor:
        """Destroyed frames."""
        *skips, deep = self.encoder(frames)
        destroyed: Tensor = self.decoder(deep, skips)
        return destroyed


def initialise_destroyer(network: DestroyerNetwork) -> None:
    """Official initial weights: convolutions normal with deviation 0.02, normalisation's scales the same about 1."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=_DEVIATION)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, _DEVIATION)
            nn.init.zeros_(module.bias)
