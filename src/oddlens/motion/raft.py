"""RAFT of torchvision as a way to compute flow: weights found, sides padded, frame pairs in batches."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torchvision.models.optical_flow import Raft_Large_Weights, Raft_Small_Weights, raft_large, raft_small

from oddlens.media.resize import with_channels
from oddlens.motion.frames import Flow
from oddlens.motion.settings import FlowSettings
from oddlens.training.devices import pick_device
from oddlens.training.weights import load_weights, local_weights, published_weights
from oddlens.types import Image

_NETWORKS: dict[str, tuple[Any, Any]] = {
    "raft-small": (raft_small, Raft_Small_Weights.DEFAULT),
    "raft-large": (raft_large, Raft_Large_Weights.DEFAULT),
}
_SIDE_STEP, _SMALLEST = 8, 128
"""Features are an eighth of the frame, and their correlations are halved three times more."""
_BATCH_CELLS = 1 << 27
"""Correlations held at once: every feature of one frame with every one of the other."""


class RaftFlow:
    """Flow of frame pairs by RAFT (Teed and Deng, ECCV 2020), in native pixels.

    Raises:
        DetectorError: the weights are not there, cannot be read, or are those of another network.
        SettingsError: the device is not there.
    """

    def __init__(self, settings: FlowSettings, device: str = "auto") -> None:
        self._updates = settings.updates
        self._device = pick_device(device)
        self._network = _network(settings).to(self._device).eval()

    def pairs(self, firsts: Sequence[Image], seconds: Sequence[Image]) -> list[Flow]:
        """Flow from each of `firsts` to its one of `seconds`; pairs of one size share a batch."""
        flows: list[Flow] = []
        for (height, width), group in groupby(zip(firsts, seconds), key=lambda pair: pair[0].shape[:2]):
            same = list(group)
            step = max(1, _BATCH_CELLS // (height * width // _SIDE_STEP**2 + 1) ** 2)
            for start in range(0, len(same), step):
                flows += self._batch(same[start : start + step])
        return flows

    @torch.inference_mode()
    def _batch(self, pairs: Sequence[tuple[Image, Image]]) -> list[Flow]:
        height, width = pairs[0][0].shape[:2]
        left, top = (max(_SMALLEST, -(-side // _SIDE_STEP) * _SIDE_STEP) - side for side in (width, height))
        margins = (left // 2, left - left // 2, top // 2, top - top // 2)
        first, second = (pad(self._tensor(images), margins, mode="replicate") for images in zip(*pairs))
        flow: Tensor = self._network(first, second, num_flow_updates=self._updates)[-1]
        cut = flow[:, :, margins[2] : margins[2] + height, margins[0] : margins[0] + width]
        arrays = cut.permute(0, 2, 3, 1).float().cpu().numpy()
        return [np.ascontiguousarray(array) for array in arrays]

    def _tensor(self, images: Sequence[Image]) -> Tensor:
        """`float32 (B, 3, H, W)` in -1...1."""
        stack = torch.from_numpy(np.stack([with_channels(image, 3) for image in images])).to(self._device)
        return stack.permute(0, 3, 1, 2).float() / 127.5 - 1.0


def _network(settings: FlowSettings) -> nn.Module:
    build, published = _NETWORKS[settings.method]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: nn.Module = build(weights=None)
    if settings.weights == "random":
        warnings.warn("RAFT runs with random weights: its flow means nothing", stacklevel=2)
        return network
    name = settings.method
    if settings.weights == "default":
        load_weights(network, published_weights(name, published, "weights"), name, f"weights of {name}")
    else:
        file = Path(settings.weights).expanduser()
        load_weights(network, local_weights(name.replace("-", "_"), file), name, file)
    return network
