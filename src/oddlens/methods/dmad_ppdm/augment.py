"""Normal photographs seen a little differently: turned, moved, scaled and mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from oddlens.config import Settings
from oddlens.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class AugmentSettings(Settings):
    """How training photographs are changed; the default, as in the paper, is not at all."""

    turn: float = 0.0
    """Degrees by which a photograph is turned at most, either way; 180 = any way."""
    shift: float = 0.0
    """Share of the side by which it is moved at most."""
    scale: float = 0.0
    """Share by which it grows or shrinks at most."""
    mirror: Literal["none", "sideways", "upside-down", "both"] = "none"
    """Mirror images that are as normal as the photographs."""

    def __post_init__(self) -> None:
        """Refuse what leaves nothing of a photograph."""
        if not 0 <= self.turn <= 180:
            raise SettingsError("augment", f"turn is {self.turn}", "give degrees from 0 to 180")
        for name in ("shift", "scale"):
            if not 0 <= getattr(self, name) < 0.5:
                raise SettingsError("augment", f"{name} is {getattr(self, name)}", "give a share from 0 to below 0.5")

    @property
    def active(self) -> bool:
        """Whether anything is changed."""
        return self.mirror != "none" or max(self.turn, self.shift, self.scale) > 0


def augment(image: NDArray[np.uint8], settings: AugmentSettings, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One `image` `(H, W, C)` changed at random; what comes from outside the frame mirrors its border."""
    if settings.mirror in ("sideways", "both") and rng.random() < 0.5:
        image = image[:, ::-1]
    if settings.mirror in ("upside-down", "both") and rng.random() < 0.5:
        image = image[::-1]
    turn, grow = rng.uniform(-settings.turn, settings.turn), rng.uniform(-settings.scale, settings.scale)
    height, width = image.shape[:2]
    moved = rng.uniform(-settings.shift, settings.shift, 2) * (width, height)
    if not (turn or grow or moved.any()):
        return image
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, 1 + grow), np.float64)
    matrix[:, 2] += moved
    changed = cv2.warpAffine(
        np.ascontiguousarray(image), matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return changed.reshape(image.shape).astype(np.uint8, copy=False)
