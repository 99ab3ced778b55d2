"""The few values that travel through the whole program: frame, sampling rule, batch, losses, scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

Image: TypeAlias = NDArray[np.uint8]
"""One decoded picture, `uint8 (H, W, C)`, C = 1 (grey) or 3 (RGB)."""

FloatArray: TypeAlias = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """One frame as decoded, never resized."""

    index: int
    """Position in its source, from 0, counting only frames that could be decoded."""
    time: float
    """Presentation time in seconds from the first frame."""
    image: Image
    """`uint8 (H, W, C)`."""


@dataclass(frozen=True)
class SamplingSpec:
    """What one sample of a method is, cut from a run of frames.

    A window is `length` frames, `stride` apart. In exact scoring only `target` is scored in each window; in fast
    scoring every frame of `fast_targets` is, and windows step by as many frames.
    """

    height: int
    width: int
    channels: int = 1
    length: int = 1
    stride: int = 1
    target: int = 0
    fast_targets: tuple[int, ...] = (0,)
    low: float = -1.0
    """Value of level 0 in the network's input."""
    high: float = 1.0
    """Value of level 255 in the network's input."""

    @property
    def span(self) -> int:
        """Frames from the first to the last of a window, both included."""
        return (self.length - 1) * self.stride + 1

    @property
    def latency(self) -> int:
        """Frames a live camera must deliver after the scored one (exact scoring)."""
        return self.span - 1 - self.target * self.stride


@dataclass(frozen=True)
class Losses:
    """Named loss terms of one training step.

    `total` (scalar) is what the loop back-propagates; `terms` are logged; `per_sample` `(B,)`, where the method
    can give it, lets wrappers weight samples.
    """

    total: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)
    per_sample: Tensor | None = None


@dataclass(frozen=True)
class ComponentScale:
    """What is usual of one component of a score that is a weighted sum of deviations.

    The score is the sum, over all components that have a scale, of `weight * (value - mean) / deviation`.
    """

    mean: float
    """Of training frames."""
    deviation: float
    """Of training frames, above 0."""
    weight: float
    """0 or more."""

    def deviations(self, value: ArrayLike) -> NDArray[np.float64]:
        """How many deviations values lie above the mean.

        Example:
            >>> ComponentScale(2.0, 0.5, 1.0).deviations([2.0, 4.0]).tolist()
            [0.0, 4.0]
        """
        return (np.asarray(value, np.float64) - self.mean) / self.deviation


@dataclass(frozen=True)
class Scores:
    """Scores of K target frames in each of B windows; higher = odder.

    `score` is `(B, K)`; every entry of `components` is `(B, K)`; `map`, where the method localises, is
    `(B, K, h, w)`; `pictures` holds named pictures in network values, `(B, K, C, h, w)` (a reconstruction, say). The
    picture `offset`, where there is one, is a displacement field, `(B, K, 2, h, w)`: how far right and down of itself
    each pixel was fetched from, in pixels of the field; overlays draw it as arrows.
    """

    score: Tensor
    components: dict[str, Tensor] = field(default_factory=dict)
    map: Tensor | None = None
    pictures: dict[str, Tensor] = field(default_factory=dict)
