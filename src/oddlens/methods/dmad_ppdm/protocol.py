"""What the official code makes of a category's errors, under `paper`: two scorings, of which it prints the better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.evaluation.photograph_protocol import PhotographProtocol, stretched

_SMALLEST = 1e-8
ERROR, MOVED = "reconstruction", "deformation"
"""Names of both errors."""
MAPS = {ERROR: "error_map", MOVED: "deformation_map"}
"""Names of the pictures of their maps."""


def fuse(reconstruction: ArrayLike, deformation: ArrayLike, weight: float) -> NDArray[Any]:
    """Both errors stretched to 0..1 over the whole test set, the deformation weighted, and added.

    Args:
        reconstruction: of all test pictures: their highest values `(N,)`, or their maps `(N, H, W)`.
        deformation: the same of the deformation.
        weight: 0.2 for screw, carpet and metal_nut, 0.05 for the other categories.

    Example:
        >>> fuse([0.9, 1.1, 1.35, 1.6, 1.3], [0.05, 0.02, 0.06, 0.03, 0.09], 0.05).round(6).tolist()
        [0.021429, 0.285714, 0.671429, 1.007143, 0.621429]
    """
    error, moved = (stretched(np.asarray(values), _SMALLEST) for values in (reconstruction, deformation))
    fused: NDArray[Any] = error + weight * moved
    return fused


def paper_protocol(weight: float | None) -> PhotographProtocol:
    """The map alone, and the map fused with the deformation; without a `weight` there is no deformation."""
    names = (ERROR,) if weight is None else (ERROR, MOVED)

    def tried(error: NDArray[Any], moved: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
        fused = {} if weight is None or moved is None else {"map and deformation": fuse(error, moved, weight)}
        return {"map": error, **fused}

    def scores(values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return tried(values[ERROR], values.get(MOVED))

    def maps(values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return tried(values[MAPS[ERROR]], values.get(MAPS[MOVED]))

    return PhotographProtocol("dmad-ppdm", names, scores, maps, pictures=tuple(MAPS[name] for name in names))
