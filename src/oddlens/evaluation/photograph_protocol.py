"""What a paper's code did to the scores and maps of a whole set of test photographs, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

ImageScores: TypeAlias = NDArray[np.float64]
"""One value an image, `float64 (N,)`, higher = odder."""
Maps: TypeAlias = NDArray[np.float32]
"""One map an image, `float32 (N, h, w)`, higher = odder."""


@dataclass(frozen=True)
class PhotographProtocol:
    """How a paper's evaluation code came to its numbers; both functions see the whole test set at once.

    A paper that reports the best of several scores (the larger of two AUROCs, chosen on the test labels) names them
    all: the numbers under `paper` are those of the one with the highest AUROC, and say which it was.
    """

    name: str
    """What provenance calls it."""
    components: tuple[str, ...]
    """Components of the method that `scores` looks at; `score` is the method's own score."""
    scores: Callable[[Mapping[str, ImageScores]], Mapping[str, ImageScores]] = field(repr=False)
    """From the components to the scores that the paper tried, by name."""
    maps: Callable[[Mapping[str, Maps]], Mapping[str, Maps]] | None = field(default=None, repr=False)
    """From `map` and `pictures` to the maps that the paper tried, by name; without it the method's map counts."""
    pictures: tuple[str, ...] = ()
    """Pictures of the method with one channel that `maps` looks at."""
    labels: Literal["mask", "kind"] = "mask"
    """Whether an image is defective by its resized mask, where it has one (a defect that vanishes there is a good
    image then: DMAD-PPDM, RD4AD), or by its folder."""

    def record(self) -> dict[str, Any]:
        """Plain values, for provenance."""
        return {
            "name": self.name,
            "components": list(self.components),
            "pictures": list(self.pictures),
            "labels": self.labels,
        }


def stretched(values: NDArray[Any], floor: float = 0.0) -> NDArray[Any]:
    """`values` of the whole test set stretched to 0..1 with their own minimum and maximum; all 0 where they are equal.

    Args:
        values: of any shape.
        floor: added to the range before dividing.

    Example:
        >>> stretched(np.array([1.0, 3.0, 2.0])).tolist()
        [0.0, 1.0, 0.5]
    """
    low, spread = values.min(), values.max() - values.min() + floor
    result: NDArray[Any] = (values - low) / spread if spread > 0 else np.zeros_like(values)
    return result
