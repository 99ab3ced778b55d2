"""The network of DMAD-PDM: a reference drawn from memory, and fields that move it to the frame that comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from oddlens.nn.coordinates import CoordConv2d
from oddlens.nn.deformation import DeformationEstimator, Head
from oddlens.nn.quantiser import Quantised, VectorQuantiser
from oddlens.nn.warp import warp

PAST = 4
"""Frames the network sees; it predicts the one after them."""
COLOURS = 3
CELLS = 32
"""Cells of the positional encoding along each axis."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a network."""

    features: int
    skip_features: int
    heads: tuple[Head, ...]
    """Of the deformation, coarse to fine; none = the reference stays where it is."""
    deformation_features: int = 64
    scenes: bool = False
    """The background is fed in, and the mask is a single plane made by the decoder."""

    @property
    def inputs(self) -> int:
        """Channels of the network's input."""
        return COLOURS * (PAST + self.scenes)


@dataclass(frozen=True)
class Prediction:
    """What the network says of the next frame; pictures are `(B, 3, H, W)`."""

    reference: Tensor
    """g(PE(zq)): what memory alone would draw (of the foreground, where there are scenes)."""
    mask: Tensor
    """m: where the foreground is, 0..1, `(B, 3 or 1, H, W)`."""
    masks: tuple[Tensor, Tensor]
    """m_1 and m_2: the mask after the first and the second field."""
    frames: tuple[Tensor, Tensor]
    """xhat_1 and xhat_2: the predicted frame after the first and the second field."""
    offsets: tuple[Tensor, Tensor]
    """O_1 and O_2, `(B, H, W, 2)`."""
    features: Tensor
    """ze, what the memory is asked for."""
    memory: Quantised


class Encoder(nn.Module):
    """f(x), with the thin side channels past the memory and, on this side of it, the mask."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        first, second, third, deep = (shape.features << level for level in range(4))
        thin = shape.skip_features
        self.levels = nn.ModuleList(
            [
                _pair(shape.inputs, first),
                _pair(first, second),
                _pair(second, third),
                nn.Sequential(*_block(third, deep), nn.Conv2d(deep, deep, 3, padding=1)),
            ]
        )
        self.skips = nn.ModuleList([_pair(third, thin), _pair(deep, thin)])
        self.mask_up = None if shape.scenes else _up(second, first)
        self.mask = None if shape.scenes else _mask(2 * first, first, COLOURS)

    def forward(self, inputs: Tensor) -> tuple[Tensor, list[Tensor], Tensor | None]:
        """ze, the side channels (fine, deep), and the mask where it is made here."""
        found = [self.levels[0](inputs)]
        for level in list(self.levels)[1:]:
            found.append(level(max_pool2d(found[-1], 2)))
        skips = [skip(features.detach()) for skip, features in zip(self.skips, found[2:])]
        mask = None
        if self.mask is not None and self.mask_up is not None:
            mask = self.mask(torch.cat([self.mask_up(found[1]), found[0]], dim=1))
        return found[3], skips, mask


class Decoder(nn.Module):
    """g(PE(zq)), and the mask where it is made on this side."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        first, second, third, deep = (shape.features << level for level in range(4))
        thin = shape.skip_features
        self.deep = _coordinate_pair(deep + thin, deep)
        self.ups = nn.ModuleList([_up(deep, third), _up(third, second), _up(second, first)])
        self.middle = _coordinate_pair(third + thin, third)
        self.shallow = _coordinate_pair(second, second)
        self.output = nn.Sequential(*_pair(first, first), nn.Conv2d(first, COLOURS, 3, padding=1), nn.Tanh())
        self.mask = _mask(first, first, 1) if shape.scenes else None

    def forward(self, memory: Tensor, skips: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """The reference `(B, 3, H, W)` and the mask `(B, 1, H, W)` where it is made here."""
        features = self.ups[0](self.deep(torch.cat([memory, skips[1]], dim=1)))
        features = self.ups[1](self.middle(torch.cat([features, skips[0]], dim=1)))
        features = self.ups[2](self.shallow(features))
        return self.output(features), None if self.mask is None else self.mask(features)


class PdmNetwork(nn.Module):
    """DMAD-PDM (Liu et al., CVPR 2023): the four past frames give the next one, xhat_k = m_k xbar_k + (1 - m_k) x_bg.

    Frames may have any sides that are multiples of 8.
    """

    def __init__(self, shape: Shape, memory: VectorQuantiser) -> None:
        super().__init__()
        self.scenes = shape.scenes
        self.encoder, self.memory, self.decoder = Encoder(shape), memory, Decoder(shape)
        self.deformation = (
            DeformationEstimator(shape.inputs, shape.heads, shape.deformation_features, CELLS) if shape.heads else None
        )

    def forward(self, past: Tensor, background: Tensor) -> Prediction:
        """The frame after `past` `(B, 12, H, W)`, frame after frame, before `background` `(B or 1, 3, H, W)`."""
        background = background.detach()  # it learns from its own loss alone
        inputs = torch.cat([past, background.expand(len(past), -1, -1, -1)], dim=1) if self.scenes else past
        offsets = self._offsets(inputs)
        features, skips, early_mask = self.encoder(inputs)
        memory: Quantised = self.memory(features)
        drawn, late_mask = self.decoder(memory.values.to(features.dtype), skips)
        mask: Tensor = (late_mask if self.scenes else early_mask).float()
        reference = drawn.float() * mask if self.scenes else drawn.float()
        masks, frames, moved, where = [], [], reference, mask
        for offset in offsets:
            if self.deformation is not None:
                moved, where = warp(moved, offset), warp(where, offset)
            masks.append(where)
            foreground = moved if self.scenes else where * moved
            frames.append(foreground + (1 - where) * background)
        return Prediction(
            reference=reference,
            mask=mask,
            masks=(masks[0], masks[1]),
            frames=(frames[0], frames[1]),
            offsets=offsets,
            features=features,
            memory=memory,
        )

    def _offsets(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        if self.deformation is None:
            still = torch.zeros(len(inputs), *inputs.shape[2:], 2, device=inputs.device)
            return still, still
        coarse, fine = self.deformation(inputs)
        return coarse, fine


def _block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def _pair(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_block(inputs, outputs), *_block(outputs, outputs))


def _coordinate_pair(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *(CoordConv2d(inputs, outputs, CELLS), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)),
        *(CoordConv2d(outputs, outputs, CELLS), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)),
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    transposed = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1, bias=False)
    return nn.Sequential(transposed, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _mask(inputs: int, features: int, planes: int) -> nn.Sequential:
    last = nn.Conv2d(features, planes, 3, padding=1)
    return nn.Sequential(*_block(inputs, features), *_block(features, features), last, nn.Sigmoid())
