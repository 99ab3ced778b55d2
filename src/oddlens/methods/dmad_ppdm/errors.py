"""Where the student fails, and how much was deformed: A_rec and A_df, in the geometry of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, interpolate

from oddlens.methods.dmad_ppdm.network import Fields, Reading, undo
from oddlens.nn.gaussian import gaussian_smooth
from oddlens.nn.magnitude import magnitude
from oddlens.nn.warp import warp


@dataclass(frozen=True)
class Errors:
    """Errors of B pictures; higher = odder. Both maps are smoothed, and `(B, H, W)`."""

    reconstruction: Tensor
    """Distance of teacher and student, added up over the levels, 0..6."""
    deformation: Tensor | None
    """Lengths of the inverse fields, in half frames; `None` where nothing is deformed."""

    @property
    def maps(self) -> dict[str, Tensor]:
        """Those there are, by name."""
        found = {"reconstruction": self.reconstruction, "deformation": self.deformation}
        return {name: values for name, values in found.items() if values is not None}

    @property
    def values(self) -> dict[str, Tensor]:
        """The highest value of each map, `(B,)`."""
        return {name: values.amax(dim=(1, 2)) for name, values in self.maps.items()}


def picture_errors(reading: Reading, sigma: tuple[float, float]) -> Errors:
    """Errors of pictures that were read, smoothed by `sigma` pixels along rows and columns."""
    error = undo(level_distances(reading.teacher, reading.student, reading.deformed.shape[2:]), reading.inverse)
    moved = None if reading.inverse is None else gaussian_smooth(deformation(reading.inverse), sigma)
    return Errors(gaussian_smooth(error.squeeze(1), sigma), moved)


def level_distances(teacher: Sequence[Tensor], student: Sequence[Tensor], size: Sequence[int]) -> Tensor:
    """1 - cos over the channels at every position, drawn out to `size` and added up over the levels: `(B, 1, H, W)`."""
    maps = [level_distance(t, s, size) for t, s in zip(teacher, student)]
    return torch.stack(maps).sum(dim=0)


def level_distance(teacher: Tensor, student: Tensor, size: Sequence[int]) -> Tensor:
    """The distances of one level, `(B, 1, H, W)`."""
    distance = 1 - cosine_similarity(teacher.float(), student.float(), dim=1).unsqueeze(1)
    return interpolate(distance, size=list(size), mode="bilinear", align_corners=True)


def deformation(inverse: Fields) -> Tensor:
    """How far both inverse fields move each pixel of the picture, `(B, H, W)`."""
    fine, coarse = magnitude(inverse.fine), magnitude(inverse.coarse)
    return warp(fine.unsqueeze(1), inverse.coarse).squeeze(1) + coarse
