"""The losses of DMAD-PDM, each already multiplied by its weight: their sum is what training minimises.

All are given sample by sample, `(B,)`, so that samples can be weighted. The mean over the batch is the loss of the
official code, also where that is a ratio of sums over the whole batch: a sample's part then has its share of the
numerator over the batch's mean denominator.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from oddlens.methods.dmad_pdm.network import Prediction
from oddlens.methods.dmad_pdm.variants import Variant
from oddlens.nn.gradient import gradient_difference
from oddlens.nn.magnitude import magnitude
from oddlens.nn.means import sample_means
from oddlens.nn.smoothness import roughness

_BETA = 0.25
"""Weight of the features' pull towards the prototypes."""
_GAMMA = 0.25
"""gamma2: weight of the deformation."""
_SIDES = (7, 3)
"""Pixels a side of the smoothness filter, for the coarse and the fine field."""
_FOREGROUND_WEIGHT, _FOREGROUND_SIDE = 100, 15
_MASK_WEIGHT, _MASK_SHARE, _MASK_AREA, _MASK_FLOOR = 0.1, 0.1, 0.01, 1e-8


def loss_terms(rule: Variant, target: Tensor, prediction: Prediction, background: Tensor) -> dict[str, Tensor]:
    """Terms of the loss of each sample, `(B,)`, by name; their means over the batch add up to the total.

    Args:
        rule: which model's losses.
        target: x, the true frame, `(B, 3, H, W)`, -1..1.
        prediction: of that frame.
        background: x_bg of each sample, `(B or 1, 3, H, W)`; it gets a gradient from its own term alone.
    """
    weight = foreground_weight(target, background) if rule.scenes else None
    errors = [sample_means((frame - target).square(), weight) for frame in prediction.frames]
    edges = [sample_means(gradient_difference(target, frame), weight) for frame in prediction.frames]
    sizes = [sample_means(magnitude(o), None if weight is None else weight[:, 0]) for o in prediction.offsets]
    rough = [sample_means(roughness(o, side, rule.separable), weight) for o, side in zip(prediction.offsets, _SIDES)]
    terms = {
        "first_error": errors[0],
        "second_error": errors[1],
        "gradient": edges[1] + rule.first_gradient * edges[0],
        "embed": prediction.memory.sample_embed,
        "commit": _BETA * prediction.memory.sample_commit,
        "first_offset": _GAMMA * rule.offset_share * sizes[0],
        "second_offset": _GAMMA * rule.offset_share * sizes[1],
        "smoothness": _GAMMA * (rough[0] + rough[1]),
    }
    if not rule.scenes:
        return terms | {"background": sample_means((background - target).square())}
    return terms | {
        "background": masked_background_loss(target, background, prediction.masks[1]),
        "mask": mask_loss(prediction.mask),
    }


def foreground_weight(target: Tensor, background: Tensor) -> Tensor:
    """w = 1 + 100 times the mean of |x - x_bg|^0.5 over 15x15 pixels: `(B, 3, H, W)`, without gradient."""
    distance = (target - background).detach().abs().sqrt()
    mean = avg_pool2d(distance, _FOREGROUND_SIDE, stride=1, padding=_FOREGROUND_SIDE // 2)
    return 1 + _FOREGROUND_WEIGHT * mean


def masked_background_loss(target: Tensor, background: Tensor, mask: Tensor) -> Tensor:
    """Squared error of the background where `mask` `(B, 1, H, W)` sees none of the foreground, `(B,)`.

    The error is summed over the colours, the mask is not (official code).
    """
    return sample_means((background - target).square().sum(dim=1, keepdim=True), 1 - mask.detach())


def mask_loss(mask: Tensor) -> Tensor:
    """Asks for a mask `(B, 1, H, W)` that is 0 or 1, and for little foreground in the whole batch: `(B,)`.

    Where the batch has too much foreground, a sample with little of it gets a part below 0.
    """
    doubt = sample_means(-mask * torch.log(mask + _MASK_FLOOR))
    excess = sample_means(mask) - _MASK_AREA
    return _MASK_WEIGHT * (doubt + _MASK_SHARE * torch.where(mask.mean() > _MASK_AREA, excess, 0.0))
