"""The three errors of DMAD-PDM's score: deformation, reconstruction, and edges or objects."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from oddlens.methods.dmad_pdm.network import Prediction
from oddlens.methods.dmad_pdm.object_error import object_error
from oddlens.methods.dmad_pdm.variants import Variant
from oddlens.nn.gradient import gradient_difference
from oddlens.nn.magnitude import magnitude
from oddlens.nn.window_max import window_max, window_mean

_PAPER_SIDE = 256
_EDGE_WINDOW = (16, 14)
_PATCH_WINDOW = (42, 31)


@dataclass(frozen=True)
class Errors:
    """Errors of B frames; higher = odder."""

    values: dict[str, Tensor]
    """`deformation` (e1), `reconstruction` (e2), and `gradient` or `object` (e3), `(B,)` each."""
    maps: dict[str, Tensor]
    """`deformation`, `reconstruction` and `gradient` before any maximum, as window means, `(B, H, W)` each."""


def frame_errors(rule: Variant, target: Tensor, prediction: Prediction, side: int = _PAPER_SIDE) -> Errors:
    """Errors of predicted frames against the true ones.

    The deformation is the coarse field's: its vertical part for ped2 and avenue, its size for shanghai.

    Args:
        rule: which model's errors.
        target: `(B, 3, H, W)`, -1..1.
        prediction: of it.
        side: of the frames at which the windows' pixels hold; on others they cover the same share of the frame.
    """
    size = (target.shape[2] / side, target.shape[3] / side)
    coarse = prediction.offsets[0]
    moved = magnitude(coarse) if rule.scenes else coarse[..., 1]
    difference = prediction.frames[1] - target
    squared = difference.square()
    maps = {
        "deformation": window_mean(moved.unsqueeze(1), *scaled(rule.offset_window, size)),
        "reconstruction": window_mean(squared.mean(dim=1, keepdim=True), *scaled(_EDGE_WINDOW, size)),
        "gradient": window_mean(gradient_difference(target, prediction.frames[1]), *scaled(_EDGE_WINDOW, size)),
    }
    if rule.reconstruction == "window":
        reconstruction = window_max(squared, *scaled(_PATCH_WINDOW, size))
    else:
        spread = difference.abs() if rule.reconstruction == "absolute" else squared
        reconstruction = spread.mean(dim=(1, 2, 3))
    values = {"deformation": maps["deformation"].amax(dim=(1, 2)), "reconstruction": reconstruction}
    if rule.scenes:
        values["object"] = object_error(squared.mean(dim=1), prediction.masks[1].squeeze(1))
    else:
        values["gradient"] = maps["gradient"].amax(dim=(1, 2))
    return Errors(values, maps)


def scaled(window: tuple[int, int], size: tuple[float, float]) -> tuple[int, int]:
    """Rows and columns of a window on frames of `size` (height, width), in multiples of the paper's, at least a pixel.

    Example:
        >>> scaled((7, 18), (1, 1)), scaled((7, 18), (0.5, 0.75)), scaled((7, 18), (0.05, 0.05))
        ((7, 18), (4, 14), (1, 1))
    """
    rows, columns = (max(1, round(side * factor)) for side, factor in zip(window, size))
    return rows, columns
