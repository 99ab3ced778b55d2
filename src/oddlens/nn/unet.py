"""Blocks of a U-shaped network: two convolutions, halving, doubling with what was there at that size before."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad


class DoubleConvolution(nn.Sequential):
    """Twice a 3x3 convolution without bias, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(*_block(inputs, outputs), *_block(outputs, outputs))


class Down(nn.Sequential):
    """Halves the sides by their maxima, then two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.MaxPool2d(2), DoubleConvolution(inputs, outputs))


class Up(nn.Module):
    """Doubles the sides, lays the result behind the `skip` features of that size, then two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, inputs // 2, 2, stride=2)
        self.convolutions = DoubleConvolution(inputs // 2 + outputs, outputs)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """`deep` `(B, inputs, h, w)` with `skip` `(B, outputs, H, W)`; sides that cannot be halved get zeros."""
        larger = self.up(deep)
        down, across = skip.shape[2] - larger.shape[2], skip.shape[3] - larger.shape[3]
        if down or across:
            larger = pad(larger, (across // 2, across - across // 2, down // 2, down - down // 2))
        features: Tensor = self.convolutions(torch.cat([skip, larger], dim=1))
        return features


class Encoder(nn.Module):
    """Four sizes of features, each with half the sides and twice the channels of the one before."""

    def __init__(self, inputs: int, features: int) -> None:
        super().__init__()
        widths = [features << level for level in range(4)]
        downs = [Down(before, after) for before, after in pairwise(widths)]
        self.levels = nn.ModuleList([DoubleConvolution(inputs, features), *downs])

    def forward(self, values: Tensor) -> list[Tensor]:
        """Features of `(B, inputs, H, W)`, fine to deep."""
        found = []
        for level in self.levels:
            values = level(values)
            found.append(values)
        return found


class Decoder(nn.Module):
    """From the deepest features back to a picture of three colours, -1..1."""

    def __init__(self, features: int, colours: int = 3) -> None:
        super().__init__()
        self.ups = nn.ModuleList([Up(features << level + 1, features << level) for level in (2, 1, 0)])
        self.output = nn.Conv2d(features, colours, 3, padding=1)

    def forward(self, deep: Tensor, skips: list[Tensor]) -> Tensor:
        """The picture `(B, colours, H, W)` of the deepest features and those of the three finer sizes, fine to deep."""
        for up, skip in zip(self.ups, reversed(skips)):
            deep = up(deep, skip)
        return torch.tanh(self.output(deep))


def hold_statistics(network: nn.Module) -> None:
    """Let batch normalisation use the means and deviations it has, and learn no new ones, until the next `train()`."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
