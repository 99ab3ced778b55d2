"""The losses of the F2LM generator and its discriminator, sample by sample, `(B,)`: the batch's loss is their mean."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from oddlens.methods.f2lm.network import Imitation

TripletAxis = Literal["width", "channel"]
MARGIN = 0.2
ADVERSARIAL = 0.05
"""Weight of the adversarial term."""
_SHIFT = 1e-6
"""Added to every difference before its length is taken, as torch's pairwise distance does."""


def intensity_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean squared difference of frames `(B, 3, H, W)`."""
    return _mean((predicted - true).square())


def gradient_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean of ||dx P| - |dx T|| + ||dy P| - |dy T||, differences to the pixel on the right and below.

    Beyond the border lie zeros (official code).
    """
    parts = [(_across(predicted), _across(true)), (_down(predicted), _down(true))]
    return sum((_mean((ours.abs() - theirs.abs()).abs()) for ours, theirs in parts), start=predicted.new_zeros(()))


def adversarial_loss(truth: Tensor) -> Tensor:
    """What the generator loses where its frame does not look true: mean (D(P) - 1)^2 / 2."""
    return _mean((truth - 1).square()) / 2


def discriminator_loss(real: Tensor, generated: Tensor) -> Tensor:
    """Mean (D(T) - 1)^2 / 2 + mean D(P)^2 / 2."""
    return _mean((real - 1).square()) / 2 + _mean(generated.square()) / 2


def triplet_loss(features: Imitation, axis: TripletAxis = "width") -> Tensor:
    """How much closer than `MARGIN` to the frames than to what it shall imitate an imitation is.

    Mean of max(0, 0.2 + d(imitated, true) - d(imitated, frames)).

    Args:
        features: normalised over channels.
        axis: over which d, a length, is taken. Official: `width`, surely not meant so; `channel` compares the vectors
            of each place.
    """
    return _mean(_gap(features, axis).clamp_min(0))


def imitation_gap(features: Imitation, axis: TripletAxis = "width") -> Tensor:
    """How badly something is imitated, also where that is within the margin: the triplet loss without its hinge.

    Mean of 0.2 + d(imitated, true) - d(imitated, frames), below 0 where the imitation is good.
    """
    return _mean(_gap(features, axis))


def _gap(features: Imitation, axis: TripletAxis) -> Tensor:
    true, frames = (_distance(features.imitated, other, axis) for other in (features.true, features.frames))
    return MARGIN + true - frames


def _distance(first: Tensor, second: Tensor, axis: TripletAxis) -> Tensor:
    """`(B, C, h)` for `width`, `(B, h, w)` for `channel`."""
    length: Tensor = torch.linalg.vector_norm(first - second + _SHIFT, dim=3 if axis == "width" else 1)
    return length


def _across(frames: Tensor) -> Tensor:
    return pad(frames, (0, 1, 0, 0))[..., 1:] - frames


def _down(frames: Tensor) -> Tensor:
    return pad(frames, (0, 0, 0, 1))[..., 1:, :] - frames


def _mean(values: Tensor) -> Tensor:
    return values.flatten(1).mean(dim=1)
