"""The convolutional auto-encoder of LBR-SPR: no skip connections, no activation at the end."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DoubleConvolution(nn.Sequential):
    """Two 3x3 convolutions, each with batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Down(nn.Sequential):
    """Halve both sides, then a double convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.MaxPool2d(2), DoubleConvolution(inputs, outputs))


class Up(nn.Sequential):
    """Double both sides, then a double convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(inputs, inputs, 3, stride=2, padding=1, output_padding=1),
            DoubleConvolution(inputs, outputs),
        )


class AutoEncoder(nn.Sequential):
    """Patch `(B, inputs, side, side)` to `(B, outputs, side, side)`, `side` a multiple of 8.

    Args:
        inputs: planes of the patch: frames x channels.
        outputs: planes to predict.
        width: features of the first block ("num_feature_root", 32 in the paper); they double with each halving.

    Example:
        >>> sum(p.numel() for p in AutoEncoder(15, 15).parameters())
        2534671
    """

    def __init__(self, inputs: int, outputs: int, width: int = 32) -> None:
        super().__init__(
            DoubleConvolution(inputs, width),
            Down(width, 2 * width),
            Down(2 * width, 4 * width),
            Down(4 * width, 8 * width),
            Up(8 * width, 4 * width),
            Up(4 * width, 2 * width),
            Up(2 * width, width),
            nn.Conv2d(width, outputs, 1),
        )
        self.to(memory_format=torch.channels_last)

    def bottleneck(self, patches: Tensor) -> Tensor:
        """The code `(B, 8 * width, side / 8, side / 8)`."""
        for layer in list(self)[:4]:
            patches = layer(patches)
        return patches


class Branches(nn.Module):
    """The networks of one block: raw patch to raw patch and, with motion enhancement, raw patch to flow."""

    def __init__(self, length: int, width: int, flow: bool) -> None:
        super().__init__()
        self.raw_ae = AutoEncoder(3 * length, 3 * length, width)
        self.of_ae = AutoEncoder(3 * length, 2 * length, width) if flow else None

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor | None]:
        """Reconstruction `(B, 3 T, h, w)` and predicted flow `(B, 2 T, h, w)` of `patches` `(B, 3 T, h, w)`."""
        return self.raw_ae(patches), self.of_ae(patches) if self.of_ae is not None else None
