"""The losses of DMAD-PPDM, each already multiplied by its weight: their sum is what training minimises.

All are given sample by sample, `(B,)`; the mean over the batch is the loss of the official code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from oddlens.methods.dmad_ppdm.network import Reading, undo
from oddlens.nn.magnitude import magnitude
from oddlens.nn.means import sample_means
from oddlens.nn.smoothness import roughness

_BETA = 0.25
"""Weight of the features' pull towards the prototypes."""
_SIDE = 3
"""Pixels a side of the smoothness filter."""
_SMALLEST = 1e-8
"""Of a length, in a cosine."""


def loss_terms(
    pictures: Tensor, reading: Reading, memory_weight: float = 1.0, detach_target: bool = False
) -> dict[str, Tensor]:
    """Terms of the loss of each sample, `(B,)`, by name; their means over the batch add up to the total.

    Args:
        pictures: x, `(B, 3, H, W)`, in ImageNet's deviations.
        reading: of them.
        memory_weight: of embed and commit (1, officially).
        detach_target: let no gradient through the teacher's features that the student is measured against (officially
            it goes through); their values, and the path by way of the bottleneck, stay.
    """
    targets = [target.detach() if detach_target else target for target in reading.teacher]
    distances = [cosine_distance(t, s) for t, s in zip(targets, reading.student)]
    terms = {"features": torch.stack(distances).sum(dim=0)}
    if (forward := reading.forward) is not None and (inverse := reading.inverse) is not None:
        fields = (forward.coarse, forward.fine, inverse.coarse, inverse.fine)
        terms |= {
            "coarse_offset": sample_means(magnitude(forward.coarse)),
            "fine_offset": sample_means(magnitude(forward.fine)),
            "smoothness": torch.stack([sample_means(roughness(o, _SIDE)) for o in fields]).sum(dim=0),
            "cycle": sample_means((undo(reading.deformed, inverse) - pictures).square()),
        }
    if reading.memory is not None:
        terms["embed"] = memory_weight * reading.memory.sample_embed
        terms["commit"] = memory_weight * _BETA * reading.memory.sample_commit
    return terms


def cosine_distance(teacher: Tensor, student: Tensor) -> Tensor:
    """1 - cos of two feature maps `(B, C, H, W)`, each taken as one long vector: `(B,)`, in float32."""
    a, b = teacher.float(), student.float()
    lengths = [torch.linalg.vector_norm(v, dim=(1, 2, 3)).clamp_min(_SMALLEST) for v in (a, b)]
    cosine: Tensor = (a * b).sum(dim=(1, 2, 3)) / (lengths[0] * lengths[1])
    return 1 - cosine
