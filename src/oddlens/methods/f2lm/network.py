"""The F2LM generator: the next frame, by way of imitated motion and label features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from oddlens.nn.squeeze_excitation import SqueezeExcitation
from oddlens.nn.unet import Decoder, DoubleConvolution, Encoder

PAST = 4
"""Frames the network sees; it predicts the one after them."""
COLOURS = 3
MOTION_CHANNELS = 2 * (PAST - 1)
"""A flow field (right, down) for each pair of neighbouring past frames."""
_DEVIATION = 0.02


@dataclass(frozen=True)
class Imitation:
    """A feature that the network imitates from the frames alone, beside the true one.

    All are `(B, C, h, w)`, of length 1 over the channels.
    """

    imitated: Tensor
    """What was made of the frames: xy or xz."""
    true: Tensor
    """What was made of the flow or the labels: y4 or z4."""
    frames: Tensor
    """Of the frames: x4."""


@dataclass(frozen=True)
class Generated:
    """What the generator says of the next frame."""

    frame: Tensor
    """`(B, 3, H, W)`, -1..1."""
    motion: Imitation | None = None
    """None where no flow was given."""
    labels: Imitation | None = None
    """None where no labels were given."""


class F2lmGenerator(nn.Module):
    """Frame-to-label-and-motion network: predicts a frame from the four before it.

    Its deepest features are turned into an imitation of motion features and one of label features, and the decoder
    sees all three. The true motion and labels only teach the imitations: the predicted frame does not depend on them.

    Args:
        label_channels: of the labels of all four frames.
        features: channels of the first block, which double with each of three halvings.
    """

    def __init__(self, label_channels: int, features: int = 64) -> None:
        super().__init__()
        deep = features * 8
        self.frames = Encoder(COLOURS * PAST, features)
        self.motion = Encoder(MOTION_CHANNELS, features)
        self.labels = Encoder(label_channels, features)
        self.to_motion = DoubleConvolution(deep, deep)
        self.to_labels = DoubleConvolution(deep, deep)
        self.fusion = DoubleConvolution(3 * deep, deep)
        self.excitation = SqueezeExcitation(deep)
        self.decoder = Decoder(features, COLOURS)

    def forward(self, past: Tensor, motion: Tensor | None = None, labels: Tensor | None = None) -> Generated:
        """The frame after `past`, and how well the imitations resemble what they imitate.

        Args:
            past: `(B, 12, H, W)`, frame after frame, -1..1; any sides from 8 on.
            motion: `(B, 6, H, W)`, flow of each pair of frames; its encoder rests without it.
            labels: `(B, label_channels, H, W)`, of each frame; its encoder rests without them.
        """
        *skips, deep = self.frames(past)
        like_motion, like_labels = self.to_motion(deep), self.to_labels(deep)
        features = self.excitation(self.fusion(torch.cat([deep, like_motion, like_labels], dim=1)))
        frame = self.decoder(features, skips)
        own = normalize(deep.float(), dim=1)
        return Generated(
            frame,
            None if motion is None else _imitation(like_motion, self.motion(motion)[-1], own),
            None if labels is None else _imitation(like_labels, self.labels(labels)[-1], own),
        )


def initialise_generator(network: F2lmGenerator) -> None:
    """Official initial weights: normal with deviation 0.02, biases 0; transposed convolutions keep torch's own."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=_DEVIATION)  # cut at 2, which is a hundred deviations
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _imitation(imitated: Tensor, true: Tensor, own: Tensor) -> Imitation:
    return Imitation(normalize(imitated.float(), dim=1), normalize(true.float(), dim=1), own)
