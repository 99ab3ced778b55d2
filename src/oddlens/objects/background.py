"""Boxes round what differs from a still background that was learned from the footage itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.objects.background_settings import BackgroundSettings
from oddlens.types import Image

Boxes = NDArray[np.float32]


@dataclass(frozen=True)
class Background:
    """What a fixed camera sees when nothing is there."""

    level: Image
    """`uint8 (H, W, C)`: the median of each pixel."""
    noise: NDArray[np.float16]
    """`float16 (H, W)`: how much a pixel varies around it, in grey levels."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays by name, to be kept in a file."""
        return {"level": self.level, "noise": self.noise}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Background:
        """The background that `to_arrays` gave."""
        return cls(np.asarray(arrays["level"], np.uint8), np.asarray(arrays["noise"], np.float16))


def learn_background(images: Iterable[Image]) -> Background:
    """Learn the background of a fixed camera from frames spread evenly over its footage.

    Args:
        images: `uint8 (H, W, C)`, all of one size; 50 to 150 suffice.

    Raises:
        DataError: there is no image, or they differ in size.
    """
    kept = list(images)
    if not kept:
        raise DataError("background", "there are no frames to learn it from", "give footage of the camera")
    if len({image.shape for image in kept}) > 1:
        raise DataError("background", "frames differ in size", "learn one background for each camera")
    stack = np.stack(kept)
    level = np.median(stack, axis=0).astype(np.uint8)
    off = np.abs(stack.astype(np.int16) - level).max(axis=-1)
    return Background(level, (1.4826 * np.median(off, axis=0)).astype(np.float16))


def background_boxes(image: Image, background: Background, settings: BackgroundSettings | None = None) -> Boxes:
    """Boxes `float32 (n, 4)` round what differs from the background.

    Args:
        image: `uint8 (H, W, C)` of the background's size; grey and colour may be mixed.

    Raises:
        DataError: the image has another size than the background.
    """
    chosen = settings or BackgroundSettings()
    if image.shape[:2] != background.level.shape[:2]:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (image.shape, background.level.shape)]
        raise DataError("frame", f"is {sizes[0]}, its background {sizes[1]}", "learn the background of this camera")
    off = np.abs(image.astype(np.int16) - background.level).max(axis=-1)
    mask = (off > np.maximum(chosen.threshold * background.noise, chosen.least_difference)).astype(np.uint8)
    mask = cv2.medianBlur(mask, 5)
    found = cv2.connectedComponentsWithStats(mask)[2][1:, :4]
    height, width = mask.shape
    x, y, w, h = found.T
    boxes = np.stack([x - chosen.margin, y - chosen.margin, x + w + chosen.margin, y + h + chosen.margin], axis=1)
    boxes = np.clip(boxes, 0, [width, height, width, height])
    return boxes[w * h >= chosen.smallest_area].astype(np.float32)
