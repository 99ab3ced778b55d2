"""What a detector finds in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from oddlens.objects.boxes import Boxes
from oddlens.types import Image


@dataclass(frozen=True)
class Detections:
    """Objects in one frame, of any class, after non-maximum suppression and the score threshold."""

    boxes: Boxes
    scores: NDArray[np.float32]
    """`(n,)`, 0...1."""
    classes: NDArray[np.int64]
    """`(n,)`, by the numbers of the detector."""


class ObjectDetector(Protocol):
    """A network that finds objects in frames."""

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Detections in each frame, in its pixels; boxes may stick out."""
        ...

    @property
    def sha256(self) -> str:
        """Fingerprint of its weights."""
        ...
