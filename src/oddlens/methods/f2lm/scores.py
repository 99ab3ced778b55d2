"""What a generated frame says of the true one: the parts of F2LM's score; higher = odder."""

from __future__ import annotations

from torch import Tensor

from oddlens.methods.f2lm.losses import TripletAxis, imitation_gap, triplet_loss
from oddlens.methods.f2lm.network import Generated

APPEARANCE, MOTION, OBJECT = "appearance", "motion", "object"
MOTION_HINGE, OBJECT_HINGE = "motion_hinge", "object_hinge"
PARTS = (MOTION, OBJECT, APPEARANCE)
"""What makes the score."""
OFFICIAL_PARTS = (MOTION_HINGE, OBJECT_HINGE, APPEARANCE)
"""What makes the official one: m, l and e_g."""


def frame_values(generated: Generated, true: Tensor, axis: TripletAxis = "width") -> dict[str, Tensor]:
    """The parts of the score of each frame, `(B,)`, as far as the generator was shown what they need.

    `appearance`: e_g, mean squared error of the predicted frame; `motion` and `object`: how badly the features of
    motion and labels were imitated; `motion_hinge` and `object_hinge`: m and l, the same with the hinge of training,
    which a good generator drives to 0 on normal frames, so that no scale can be taken from them.

    Args:
        generated: the prediction.
        true: the frame, `(B, 3, H, W)`, -1..1.
        axis: see `triplet_loss`.
    """
    values = {APPEARANCE: prediction_error(generated.frame, true).flatten(1).mean(dim=1)}
    if generated.motion is not None:
        values[MOTION] = imitation_gap(generated.motion, axis)
        values[MOTION_HINGE] = triplet_loss(generated.motion, axis)
    if generated.labels is not None:
        values[OBJECT] = imitation_gap(generated.labels, axis)
        values[OBJECT_HINGE] = triplet_loss(generated.labels, axis)
    return values


def prediction_error(predicted: Tensor, true: Tensor) -> Tensor:
    """Squared error of each pixel, mean over the colours, of frames taken as 0..1: `(B, H, W)`.

    Example:
        >>> import torch
        >>> prediction_error(torch.ones(1, 3, 1, 1), -torch.ones(1, 3, 1, 1)).item()
        1.0
    """
    return ((predicted - true) / 2).square().mean(dim=1)


def peak_signal_to_noise(error: Tensor) -> Tensor:
    """PSNR in decibels of mean squared errors of frames taken as 0..1.

    Example:
        >>> import torch
        >>> peak_signal_to_noise(torch.tensor(0.001)).item()
        30.0
    """
    return -10 * error.log10()
