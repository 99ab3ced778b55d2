"""The 3-D convolutional auto-encoder of LNRA (and of its baseline): pure torch."""

from __future__ import annotations

from torch import Tensor, nn

_SLOPE = 0.2
_STRIDES = ((1, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2))


class AutoEncoder(nn.Module):
    """Four strided convolutions down, four transposed ones up; no skip connection, no memory.

    Args:
        channels: input channels, 1 (grey) or 3.
        widths: feature channels of the first, the second and the last two encoder blocks; the paper's
            network has (96, 128, 256): 5,980,801 parameters for grey input.

    Input and output are `(B, channels, T, H, W)` in [-1, 1], T a multiple of 8, H and W multiples of 16.
    Source: LNRA (BMVC 2021), the network of its baseline.
    """

    def __init__(self, channels: int = 1, widths: tuple[int, int, int] = (96, 128, 256)) -> None:
        super().__init__()
        first, second, deep = widths
        down = (channels, first, second, deep, deep)
        up = (deep, deep, second, first, channels)
        encoder: list[nn.Module] = []
        for level, stride in enumerate(_STRIDES):
            encoder.append(nn.Conv3d(down[level], down[level + 1], 3, stride, padding=1))
            encoder.append(nn.BatchNorm3d(down[level + 1]))
            encoder.append(nn.LeakyReLU(_SLOPE, inplace=True))
        decoder: list[nn.Module] = []
        for level, stride in enumerate(reversed(_STRIDES)):
            extra = (stride[0] - 1, stride[1] - 1, stride[2] - 1)
            decoder.append(nn.ConvTranspose3d(up[level], up[level + 1], 3, stride, 1, extra))
            if level < len(_STRIDES) - 1:
                decoder.append(nn.BatchNorm3d(up[level + 1]))
                decoder.append(nn.LeakyReLU(_SLOPE, inplace=True))
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder, nn.Tanh())

    def forward(self, clip: Tensor) -> Tensor:
        """Reconstruction of `clip`, of the same shape."""
        reconstruction: Tensor = self.decoder(self.encoder(clip))
        return reconstruction
