"""The network of DMAD-PPDM: a picture is deformed first, then a student gives back its teacher's features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from oddlens.methods.dmad_ppdm.bottleneck import OneClassBottleneck, Squeeze
from oddlens.methods.dmad_ppdm.student import Student
from oddlens.methods.dmad_ppdm.teacher import Teacher
from oddlens.nn.deformation import DeformationEstimator, Head
from oddlens.nn.quantiser import Quantised, VectorQuantiser
from oddlens.nn.warp import warp

PAPER_SIDE = 256
COARSE, FINE = Head((2, 2, 2, 1), 8), Head((2, 1), 3)
_CELL = 4
"""Pixels of a cell of the positional encoding."""


@dataclass(frozen=True)
class Fields:
    """A coarse and a fine offset field, `(B, H, W, 2)`."""

    coarse: Tensor
    fine: Tensor


@dataclass(frozen=True)
class Reading:
    """What the network makes of pictures."""

    deformed: Tensor
    """x (o) O_1 (o) O_2, `(B, 3, H, W)`."""
    teacher: list[Tensor]
    """Features of the deformed picture at a quarter, an eighth and a sixteenth of its side."""
    student: list[Tensor]
    """The same, from memory."""
    memory: Quantised | None
    forward: Fields | None
    """O_1 and O_2; `None` where nothing is deformed."""
    inverse: Fields | None
    """O^T_1 and O^T_2, which undo them, the fine one first."""


@dataclass(frozen=True)
class Estimator:
    """Sizes of the deformation estimator."""

    features: int
    shrink: int
    """It sees means over so many pixels a side."""
    height: int
    """Of the pictures."""

    def build(self) -> DeformationEstimator:
        """The estimator of two forward and two inverse fields, with torch's own initial weights."""
        cells = self.height // _CELL
        return DeformationEstimator(3, (COARSE, FINE) * 2, self.features, cells, PAPER_SIDE, self.shrink)


class PpdmNetwork(nn.Module):
    """DMAD-PPDM (Liu et al., CVPR 2023) on top of Reverse Distillation (Deng and Li, CVPR 2022).

    Without an estimator nothing is deformed: plain Reverse Distillation. Pictures may have any sides that
    are multiples of 32.
    """

    def __init__(
        self,
        teacher: Teacher,
        squeeze: Squeeze,
        memory: VectorQuantiser | None,
        narrowest: int,
        deformation: Estimator | None,
    ) -> None:
        super().__init__()
        self.teacher = teacher
        self.deformation = None if deformation is None else deformation.build()
        self.bottleneck = OneClassBottleneck(teacher.channels, squeeze, teacher.blocks, memory)
        self.student = Student(teacher.channels, teacher.blocks, narrowest)

    def forward(self, pictures: Tensor, deformation_learns: bool = True) -> Reading:
        """Read pictures `(B, 3, H, W)` in ImageNet's deviations; without `deformation_learns` the fields are given."""
        deformed, forward, inverse = pictures, None, None
        # where no deformation learns, nothing before the features does
        with torch.set_grad_enabled(torch.is_grad_enabled() and deformation_learns and self.deformation is not None):
            if self.deformation is not None:
                fields = self.deformation(pictures)
                forward, inverse = Fields(fields[0], fields[1]), Fields(fields[2], fields[3])
                deformed = warp(warp(pictures, forward.coarse), forward.fine)
            features = self.teacher(deformed)
        told, memory = self.bottleneck(features)
        return Reading(deformed, features, self.student(told), memory, forward, inverse)


def undo(picture: Tensor, inverse: Fields | None) -> Tensor:
    """A picture or map `(B, C, H, W)` of the deformed input, brought back to where things were."""
    return picture if inverse is None else warp(warp(picture, inverse.fine), inverse.coarse)
