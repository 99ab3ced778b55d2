"""Flow as an input of a network: computed once for each pair of frames, kept small, brought to full size when used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oddlens.files import fingerprint_file
from oddlens.media.resize import with_channels
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.flownet_sd import FlowNetSd, compact_size, full_size, network_input, open_flownet_sd
from oddlens.motion.settings import MotionSettings
from oddlens.types import Image

_BATCH = 8
"""Pairs that a network takes at once, except on the CPU, where nothing is gained and rounding would depend on it."""


class MotionInput:
    """Flow from each frame's predecessor to it, for frames of one size.

    FlowNet2-SD's finest flow, a quarter of the frame's sides, is what is kept; other flow at its own size. Networks are
    opened when first used.
    """

    kind: ClassVar[str] = "motion"

    def __init__(self, settings: MotionSettings, height: int, width: int) -> None:
        self.settings, self.height, self.width = settings, height, width
        self._by_network = settings.method == "flownet2-sd"
        self._estimators: dict[str, FlowEstimator] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """What one frame gives: `(2, h, w)`, right and down, in pixels of the frame."""
        size = compact_size(self.height, self.width) if self._by_network else (self.height, self.width)
        return (2, *size)

    def identity(self) -> dict[str, Any]:
        """All that the numbers depend on besides the frames, ready for JSON."""
        s = self.settings
        file = Path(s.weights).expanduser()
        weights = fingerprint_file(file) if file.is_file() else s.weights
        return {"method": s.method, "weights": weights, "updates": s.updates, "levels": s.levels}

    @torch.inference_mode()
    def of_frames(self, frames: NDArray[np.uint8], before: Image | None, device: torch.device) -> NDArray[np.float16]:
        """Flow to each of some consecutive frames from the one before it.

        Args:
            frames: `uint8 (N, H, W, C)`, C = 1 grey or 3 RGB.
            before: the frame before them, `(H, W, C)`; without one the first flow is zero.
            device: where a network computes.

        Returns:
            `(N, *shape)`.

        Raises:
            DetectorError: weights are not there, or are those of another network.
        """
        chain = [*([] if before is None else [before]), *frames]
        known = np.zeros((0, *self.shape), np.float16)
        if len(chain) > 1:
            known = self._network_flow(chain, device) if self._by_network else self._flow(chain, device)
        return known if before is not None else np.concatenate([np.zeros((1, *self.shape), np.float16), known])

    def expand(self, flow: Tensor) -> Tensor:
        """Kept flow `(..., *shape)` as the network's input, `float32 (..., 2, H, W)`."""
        large = full_size(flow.float(), self.height, self.width) if self._by_network else flow.float()
        return large / self.settings.divisor

    def _flow(self, chain: Sequence[Image], device: torch.device) -> NDArray[np.float16]:
        kind = device.type
        if kind not in self._estimators:
            self._estimators[kind] = FlowEstimator(self.settings.flow(), kind)
        estimator = self._estimators[kind]
        if self.settings.flow().is_raft and kind == "cpu":
            flows = [estimator(first, second) for first, second in pairwise(chain)]
        else:
            flows = estimator.many(chain[:-1], chain[1:])
        return np.stack(flows).transpose(0, 3, 1, 2).astype(np.float16)

    def _network_flow(self, chain: Sequence[Image], device: torch.device) -> NDArray[np.float16]:
        network = self._network.to(device)
        step = 1 if device.type == "cpu" else _BATCH
        found = []
        with torch.autocast(device.type, enabled=False):
            for start in range(0, len(chain) - 1, step):
                frames = self._levels(chain[start : start + step + 1], device)
                found.append(network(network_input(frames)).cpu().numpy().astype(np.float16))
        return np.concatenate(found)

    def _levels(self, images: Sequence[Image], device: torch.device) -> Tensor:
        """`float32 (N, 3, H, W)` as FlowNet2-SD is shown them."""
        stack = torch.from_numpy(np.stack([with_channels(image, 3) for image in images])).to(device)
        levels = stack.permute(0, 3, 1, 2).float()
        return levels if self.settings.levels == "trained" else 2 * levels.flip(1) - 255

    @cached_property
    def _network(self) -> FlowNetSd:
        return open_flownet_sd(self.settings.weights)
