"""Class maps as an input of a network: computed once for each frame, kept small, brought to full size when used."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from oddlens.files import fingerprint_file
from oddlens.labels.appearance import CLASSES, STRIDE, AppearanceClasses
from oddlens.labels.settings import LabelSettings
from oddlens.media.resize import with_channels
from oddlens.types import Image

if TYPE_CHECKING:
    from oddlens.labels.deeplab import DeepLab

_BATCH = 8
"""Frames that a network takes at once, except on the CPU, where nothing is gained and rounding would depend on it."""
_STRIDES = {"appearance": STRIDE, "deeplabv3-mobilenet": 16}
_DEEPLAB_STRIDE = 8
"""Of the others."""


class LabelInput:
    """Maps of 21 classes for frames of one size: logits of DeepLabv3, or membership in appearance classes.

    What is kept is as small as it comes: a quarter, eighth or sixteenth of the frame's sides. Networks are opened when
    first used.
    """

    kind: ClassVar[str] = "labels"

    def __init__(self, settings: LabelSettings, height: int, width: int) -> None:
        self.settings, self.height, self.width = settings, height, width
        self.classes = AppearanceClasses() if settings.source == "appearance" else None
        """Learned from the footage, where no network knows any; a method holds them too, to save them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """What one frame gives: `(21, h, w)`."""
        stride = _STRIDES.get(self.settings.source, _DEEPLAB_STRIDE)
        return (CLASSES, *(-(-side // stride) for side in (self.height, self.width)))

    def identity(self) -> dict[str, Any]:
        """All that the numbers depend on besides the frames, ready for JSON."""
        s = self.settings
        if self.classes is not None:
            return {"source": s.source, "classes": self.classes.fingerprint()}
        file = Path(s.weights).expanduser()
        weights = fingerprint_file(file) if file.is_file() else s.weights
        return {"source": s.source, "weights": weights, "levels": s.levels}

    @torch.inference_mode()
    def of_frames(self, frames: NDArray[np.uint8], before: Image | None, device: torch.device) -> NDArray[np.float16]:
        """Class maps of some frames.

        Args:
            frames: `uint8 (N, H, W, C)`, C = 1 grey or 3 RGB.
            before: not looked at.
            device: where a network computes.

        Returns:
            `(N, *shape)`.

        Raises:
            DetectorError: weights are not there, or are those of another network.
        """
        if self.classes is not None:
            return np.stack([self.classes.membership(image) for image in frames])
        network = self._network.to(device)
        step = 1 if device.type == "cpu" else _BATCH
        found = []
        with torch.autocast(device.type, enabled=False):
            for start in range(0, len(frames), step):
                images = [with_channels(image, 3) for image in frames[start : start + step]]
                levels = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float()
                found.append(network(levels).cpu().numpy().astype(np.float16))
        return np.concatenate(found)

    def expand(self, maps: Tensor) -> Tensor:
        """Kept maps `(..., *shape)` as the network's input, `float32 (..., 21, H, W)`, bilinear as DeepLabv3 does."""
        size = (self.height, self.width)
        large = interpolate(maps.float().flatten(0, -4), size, mode="bilinear", align_corners=False)
        return large.reshape(*maps.shape[:-2], *size)

    @cached_property
    def _network(self) -> DeepLab:
        from oddlens.labels.deeplab import open_deeplab  # torchvision is slow to load

        s = self.settings
        return open_deeplab(s.source, s.weights, s.levels)
