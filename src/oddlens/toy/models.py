"""The three models of the toy: what one prototype a digit redraws, with a side channel, and with a deformation."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from oddlens.nn.coordinates import CoordConv2d
from oddlens.nn.deformation import DeformationEstimator, Head
from oddlens.nn.quantiser import Quantised, VectorQuantiser
from oddlens.nn.warp import warp

Kind = Literal["memory", "skip", "pdm"]
"""Memory alone, memory with a thin side channel past it, memory followed by the pyramid deformation module."""
KINDS: tuple[Kind, ...] = get_args(Kind)
SIDE = 28
"""Pixels a side of a digit."""

_GRID = SIDE // 4
_SKIP_FEATURES = 16
_CELLS = 32
_HEADS = (Head((2, 2), 4.0), Head((1, 1), 2.0))
"""Coarse field on a grid of 7x7, fine field of 28x28; the first moves ink by 4 pixels at most, the second by 2."""

_REST = 0.001
"""Spread of the weights that a field begins with."""


class Redrawn(NamedTuple):
    """What a model makes of pictures `(B, 1, 28, 28)`."""

    reference: Tensor
    """`(B, 1, 28, 28)`: what the decoder draws."""
    pictures: tuple[Tensor, ...]
    """The reference after each field, coarse to fine; without a deformation the reference itself."""
    offsets: tuple[Tensor, ...]
    """O_k, `(B, 28, 28, 2)` each; none without a deformation."""
    memory: Quantised


class ToyModel(nn.Module):
    """A VQ-CVAE whose memory gives one prototype for the whole picture.

    With a grid of prototypes, the memory could put any digit together from strokes. The toy's code was never
    published; this is what the paper's figure implies: memory alone turns even digits into whole, blurry odd ones.

    Args:
        kind: which of the three.
        memory: of prototypes as wide as the features that are asked for it.
        features: d, channels of encoder and decoder.
        trunk: channels of the deformation estimator.
    """

    def __init__(self, kind: Kind, memory: VectorQuantiser, features: int = 64, trunk: int = 16) -> None:
        super().__init__()
        width = memory.codebook.shape[1]
        self.encoder = encoder(features)
        self.squeeze = nn.Conv2d(features, width, _GRID)
        self.memory = memory
        self.spread = nn.ConvTranspose2d(width, features, _GRID)
        self.skip = nn.Conv2d(features, _SKIP_FEATURES, 3, padding=1) if kind == "skip" else None
        inputs = features + (_SKIP_FEATURES if kind == "skip" else 0)
        self.placed = nn.Sequential(CoordConv2d(inputs, features, _CELLS), nn.BatchNorm2d(features), nn.ReLU())
        self.decoder = decoder(features)
        self.deformation = _estimator(trunk) if kind == "pdm" else None

    def forward(self, pictures: Tensor) -> Redrawn:
        """Redraw pictures `float32 (B, 1, 28, 28)`, 0..1."""
        found = self.encoder(pictures)
        memory: Quantised = self.memory(self.squeeze(found))
        features = self.spread(memory.values)
        if self.skip is not None:
            features = torch.cat([features, self.skip(found.detach())], dim=1)
        reference = self.decoder(self.placed(features))
        if self.deformation is None:
            return Redrawn(reference, (reference,), (), memory)
        offsets = tuple(self.deformation(pictures))
        moved, drawn = reference, []
        for offset in offsets:
            moved = warp(moved, offset)
            drawn.append(moved)
        return Redrawn(reference, tuple(drawn), offsets, memory)


def _estimator(trunk: int) -> DeformationEstimator:
    """A deformation estimator whose fields begin next to nothing.

    With torch's own beginning every field begins as a random constant, which costs the empty background no error: the
    fields stay there, and the diversity is mostly theirs.
    """
    estimator = DeformationEstimator(1, _HEADS, trunk, _CELLS)
    for head in estimator.heads:
        last = [layer for layer in head.children() if isinstance(layer, nn.Conv2d)][-1]
        nn.init.normal_(last.weight, std=_REST)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
    return estimator


class Residual(nn.Module):
    """x + [ReLU, 3x3, normalised or not, ReLU, 1x1](x)."""

    def __init__(self, features: int, normalised: bool) -> None:
        super().__init__()
        norm = [nn.BatchNorm2d(features)] if normalised else []
        self.branch = nn.Sequential(
            *(nn.ReLU(), nn.Conv2d(features, features, 3, padding=1), *norm),
            *(nn.ReLU(), nn.Conv2d(features, features, 1)),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Features of the inputs' size."""
        branch: Tensor = self.branch(inputs)
        return inputs + branch


def encoder(features: int) -> nn.Sequential:
    """From `(B, 1, 28, 28)` to `(B, d, 7, 7)`: VQ_CVAE's encoder for MNIST."""
    return nn.Sequential(
        *(nn.Conv2d(1, features, 4, 2, padding=1), nn.BatchNorm2d(features), nn.ReLU()),
        *(nn.Conv2d(features, features, 4, 2, padding=1), nn.BatchNorm2d(features), nn.ReLU()),
        *(Residual(features, normalised=True), nn.BatchNorm2d(features)),
        *(Residual(features, normalised=True), nn.BatchNorm2d(features)),
    )


def decoder(features: int) -> nn.Sequential:
    """From `(B, d, 7, 7)` to `(B, 1, 28, 28)`, 0..1: VQ_CVAE's decoder for MNIST, but with a sigmoid for its tanh.

    With tanh the reference learns a checkerboard of -1 and 1, which half a pixel of deformation turns into any grey: it
    paints where it should move.
    """
    return nn.Sequential(
        *(Residual(features, normalised=False), nn.BatchNorm2d(features), Residual(features, normalised=False)),
        *(nn.ConvTranspose2d(features, features, 4, 2, padding=1), nn.BatchNorm2d(features), nn.ReLU()),
        *(nn.ConvTranspose2d(features, 1, 4, 2, padding=1), nn.Sigmoid()),
    )
