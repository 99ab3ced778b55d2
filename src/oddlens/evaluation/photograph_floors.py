"""What photographs tell without learning: their brightness, and how far they differ from the mean of the good ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.photographs import Photograph
from oddlens.errors import MediaError
from oddlens.media.photographs import read_photograph
from oddlens.media.resize import fit_photograph
from oddlens.types import Image, SamplingSpec

MEAN_IMAGE, BRIGHTNESS, DARKNESS = "mean-image", "brightness", "darkness"
FLOORS = (MEAN_IMAGE, BRIGHTNESS, DARKNESS)
_MOST = 200
"""Good photographs whose mean is taken."""


@dataclass(frozen=True)
class PhotographFloors:
    """Scores of a photograph by rules: `brightness` is its mean level, `darkness` the same the other way round.

    Brightness ranks well wherever good and defective photographs were taken in different light: then every number on
    the set has to be read with that in mind (on MVTec AD's screw it does).
    """

    mean: NDArray[np.float32] | None
    """Mean picture `(H, W, C)` of good photographs, in levels 0..255; None where there are none."""

    @classmethod
    def of(cls, good: Sequence[Photograph], spec: SamplingSpec) -> PhotographFloors:
        """From `good` photographs, evenly spread ones of many; those that cannot be read are passed over."""
        chosen = np.unique(np.linspace(0, len(good) - 1, min(len(good), _MOST)).astype(int))
        total, count = np.zeros((spec.height, spec.width, spec.channels)), 0
        for number in chosen:
            try:
                image = read_photograph(good[int(number)].path, spec.channels)
            except MediaError:
                continue
            total += fit_photograph(image, spec.height, spec.width, spec.channels)
            count += 1
        return cls((total / count).astype(np.float32) if count else None)

    def scores(self, image: Image) -> tuple[dict[str, float], NDArray[np.float32] | None]:
        """Scores by the floor's name, and the map `(H, W)` of `mean-image`: the mean absolute difference from it."""
        level = float(image.mean())
        found = {BRIGHTNESS: level, DARKNESS: -level}
        if self.mean is None:
            return found, None
        height, width, channels = self.mean.shape
        levels = fit_photograph(image, height, width, channels).astype(np.float32)
        apart: NDArray[np.float32] = np.abs(levels - self.mean).mean(axis=2)
        return {MEAN_IMAGE: float(apart.mean()), **found}, apart
