"""RAFT of torchvision as a way to compute flow: weights found, sides padded, frame pairs in batches."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import pad
from torchvision.models.optical_flow import Raft_Large_Weights, Raft_Small_Weights, raft_large, raft_small

from oddlens.errors import DetectorError
from oddlens.media.resize import with_channels
from oddlens.motion.frames import Flow
from oddlens.motion.settings import FlowSettings
from oddlens.training.devices import pick_device
from oddlens.types import Image

_NETWORKS: dict[str, tuple[Any, Any]] = {
    "raft-small": (raft_small, Raft_Small_Weights.DEFAULT),
    "raft-large": (raft_large, Raft_Large_Weights.DEFAULT),
}
_SIDE_STEP, _SMALLEST = 8, 128
"""Features are an eighth of the frame, and their correlations are halved three times more."""
_BATCH_CELLS = 1 << 27
"""Correlations held at once: every feature of one frame with every one of the other."""
_SHOWN = 100
"""Characters of torch's message that are passed on."""


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
    elif settings.weights == "default":
        network.load_state_dict(_download(settings.method, published))
    else:
        _load(network, Path(settings.weights).expanduser(), settings.method)
    return network


def _download(method: str, published: Any) -> Mapping[str, Tensor]:
    """Torchvision's weights from torch's cache folder, downloaded when they are not there yet."""
    try:
        state: Mapping[str, Tensor] = published.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, or half a file
        place = Path(torch.hub.get_dir()) / "checkpoints"
        remedy = f"fetch {published.url} and put it into {place}{os.sep}, or name the file as weights"
        raise DetectorError(f"weights of {method}", f"cannot be downloaded ({error})", remedy) from error
    return state


def _load(network: nn.Module, file: Path, method: str) -> None:
    remedy = f"give a state dict of torchvision's {method.replace('-', '_')}"
    if not file.is_file():
        raise DetectorError(file, "there is no such file of weights", remedy)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about protocols, before the fault itself
            state = load_file(file) if file.suffix == ".safetensors" else torch.load(file, "cpu", weights_only=True)
    except Exception as error:  # there is no end to what a damaged pickle can raise
        raise DetectorError(file, f"cannot be read ({str(error)[:_SHOWN]})", remedy) from error
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        detail = str(error).split("\n")[:2][-1].strip()[:_SHOWN]  # torch names the fault in the second line
        raise DetectorError(file, f"holds other weights than {method}'s ({detail})", remedy) from error
