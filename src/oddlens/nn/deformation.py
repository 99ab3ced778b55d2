"""The deformation estimator: bounded, smooth offset fields, coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from oddlens.nn.coordinates import CoordConv2d


@dataclass(frozen=True)
class Head:
    """One offset field: its grid is as coarse as the strides make it, and moves no pixel further than `pixels`."""

    strides: tuple[int, ...]
    """Of each 3x3 convolution; the last one gives x and y."""
    pixels: float


class DeformationEstimator(nn.Module):
    """psi(x) = {O_1 .. O_K}: how to move the pixels of a reference, predicted from a picture (DMAD, CVPR 2023).

    Args:
        inputs: channels of the picture.
        heads: of the fields, in the order they are applied in.
        width: features of the trunk.
        cells: cells of the positional encoding along each axis.
        reference: frame side that the heads' pixels are counted in; `None` for the pixels of the picture itself.
        shrink: sees means over so many pixels a side of the picture: a fraction of the work; 1 in all published models.
    """

    def __init__(
        self,
        inputs: int,
        heads: Sequence[Head],
        width: int = 64,
        cells: int = 32,
        reference: int | None = None,
        shrink: int = 1,
    ) -> None:
        super().__init__()
        self.shrink = shrink
        self.amplitudes = tuple(head.pixels for head in heads)
        self.reference = reference
        self.trunk = nn.Sequential(
            *(CoordConv2d(inputs, width, cells), nn.BatchNorm2d(width), nn.ReLU()),
            *(CoordConv2d(width, width, cells), nn.BatchNorm2d(width), nn.ReLU()),
        )
        self.residual = nn.Sequential(
            *(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)),
            *(nn.ReLU(), nn.Conv2d(width, width, 1)),
        )
        self.norm = nn.BatchNorm2d(width)
        self.heads = nn.ModuleList([_head_layers(head, width) for head in heads])

    def forward(self, picture: Tensor) -> list[Tensor]:
        """The offset fields of a picture `(B, C, H, W)`, `float32 (B, H, W, 2)` each, as `warp` takes them."""
        plain: Tensor = self.trunk(avg_pool2d(picture, self.shrink) if self.shrink > 1 else picture)
        features = torch.cat([self.norm(plain + self.residual(plain)), plain], dim=1)
        height, width = picture.shape[2:]
        sides = torch.tensor([self.reference or width, self.reference or height], device=picture.device)
        fields = []
        for head, pixels in zip(self.heads, self.amplitudes):
            field = head(features).float()
            if field.shape[2:] != picture.shape[2:]:
                field = interpolate(field, size=(height, width), mode="bilinear", align_corners=True)
            fields.append(field.permute(0, 2, 3, 1) * (2 * pixels / sides))
        return fields


def _head_layers(head: Head, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = 2 * width
    for stride in head.strides[:-1]:
        layers += [nn.Conv2d(inputs, width, 3, stride, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Conv2d(inputs, 2, 3, head.strides[-1], padding=1), nn.Tanh())
