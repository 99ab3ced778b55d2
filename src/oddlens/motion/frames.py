"""What every way of computing flow asks of its frames."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oddlens.errors import MediaError
from oddlens.types import Image

Flow: TypeAlias = NDArray[np.float32]
"""`float32 (H, W, 2)`: for every pixel of a frame, by how much (x, y) it moves until the next one."""


def check_pair(first: Image, second: Image, subject: str = "optical flow") -> None:
    """Refuse what is no pair of frames, `uint8 (H, W, C)` of one size, C = 1 or 3 each.

    Raises:
        MediaError: another type or shape, no pixels, or two sizes.
    """
    for which, image in (("first", first), ("second", second)):
        kind = getattr(image, "dtype", type(image).__name__)
        if kind != np.uint8:
            raise MediaError(subject, f"the {which} frame is {kind}, not uint8", "give frames as they were decoded")
        if image.ndim != 3 or image.shape[2] not in {1, 3}:
            fault = f"the {which} frame has shape {image.shape}"
            raise MediaError(subject, fault, "give frames (H, W, 1) grey or (H, W, 3) RGB")
        if not image.size:
            raise MediaError(subject, f"the {which} frame has no pixels: {image.shape}", "give frames with content")
    if first.shape[:2] != second.shape[:2]:
        sizes = " and ".join(f"{image.shape[1]}x{image.shape[0]}" for image in (first, second))
        raise MediaError(subject, f"the frames are {sizes}", "give two frames of one size")
