"""Torchvision's object detectors by name."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torchvision.models import detection as zoo

from oddlens.errors import SettingsError
from oddlens.media.resize import with_channels
from oddlens.objects.detections import Detections
from oddlens.objects.settings import NETWORKS
from oddlens.training.devices import pick_device
from oddlens.training.weights import load_weights, local_weights, published_weights
from oddlens.types import Image

_BATCH = 8


@dataclass(frozen=True)
class _Network:
    build: Callable[..., nn.Module]
    weights: Any
    two_stage: bool = False
    sized: bool = True
    """Whether it takes frames at another size than its own."""
    exact_norm: bool = False
    """Published weights were trained with batch normalisation's epsilon at 0."""


_NETWORKS: dict[str, _Network] = {
    "faster-rcnn-resnet50": _Network(
        zoo.fasterrcnn_resnet50_fpn, zoo.FasterRCNN_ResNet50_FPN_Weights.DEFAULT, two_stage=True, exact_norm=True
    ),
    "faster-rcnn-resnet50-v2": _Network(
        zoo.fasterrcnn_resnet50_fpn_v2, zoo.FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT, two_stage=True
    ),
    "faster-rcnn-mobilenet": _Network(
        zoo.fasterrcnn_mobilenet_v3_large_fpn, zoo.FasterRCNN_MobileNet_V3_Large_FPN_Weights.DEFAULT, two_stage=True
    ),
    "faster-rcnn-mobilenet-320": _Network(
        zoo.fasterrcnn_mobilenet_v3_large_320_fpn,
        zoo.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.DEFAULT,
        two_stage=True,
    ),
    "ssdlite-mobilenet": _Network(
        zoo.ssdlite320_mobilenet_v3_large, zoo.SSDLite320_MobileNet_V3_Large_Weights.DEFAULT, sized=False
    ),
    "retinanet-resnet50": _Network(
        zoo.retinanet_resnet50_fpn, zoo.RetinaNet_ResNet50_FPN_Weights.DEFAULT, exact_norm=True
    ),
    "retinanet-resnet50-v2": _Network(zoo.retinanet_resnet50_fpn_v2, zoo.RetinaNet_ResNet50_FPN_V2_Weights.DEFAULT),
    "fcos-resnet50": _Network(zoo.fcos_resnet50_fpn, zoo.FCOS_ResNet50_FPN_Weights.DEFAULT),
}
assert set(_NETWORKS) == set(NETWORKS)


class TorchvisionDetector:
    """Boxes of objects by one of torchvision's detectors, frames in batches of eight.

    Args:
        name: one of `oddlens.objects.settings.NETWORKS`.
        weights: `default` (torchvision's, downloaded once), a file with a state dict, or `random`.
        score_threshold: detections of lower or equal score are dropped.
        overlap: intersection over union from which the weaker of two boxes of a class is dropped.
        input_size: shorter side that frames are resized to; default: the network's own.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        DetectorError: the weights are not there, cannot be read, or are those of another network.
        SettingsError: the name is not known, the network has a fixed size, or the device is not there.
    """

    def __init__(
        self,
        name: str,
        weights: str = "default",
        score_threshold: float = 0.2,
        overlap: float = 0.45,
        input_size: int | None = None,
        device: str = "auto",
    ) -> None:
        if name not in _NETWORKS:
            raise SettingsError("objects", f"detector '{name}' is not known", f"known are {', '.join(NETWORKS)}")
        self.name, self._device = name, pick_device(device)
        self._network = _build(name, weights, score_threshold, overlap, input_size).to(self._device).eval()

    @property
    def sha256(self) -> str:
        """SHA-256 over the weights."""
        digest = hashlib.sha256()
        for key, value in sorted(self._network.state_dict().items()):
            digest.update(key.encode() + value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @torch.inference_mode()
    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Detections in each of `images`, `uint8 (H, W, C)` of any sizes."""
        found: list[Detections] = []
        for start in range(0, len(images), _BATCH):
            some = [
                torch.from_numpy(np.ascontiguousarray(with_channels(image, 3))).to(self._device).permute(2, 0, 1)
                for image in images[start : start + _BATCH]
            ]
            results: list[dict[str, torch.Tensor]] = self._network([tensor.float() / 255 for tensor in some])
            found += [
                Detections(
                    result["boxes"].float().cpu().numpy(),
                    result["scores"].float().cpu().numpy(),
                    result["labels"].long().cpu().numpy(),
                )
                for result in results
            ]
        return found


def _build(name: str, weights: str, score_threshold: float, overlap: float, input_size: int | None) -> nn.Module:
    kind = _NETWORKS[name]
    if input_size is not None and not kind.sized:
        raise SettingsError(
            "objects", f"{name} has a fixed input size", "leave input_size out, or look closer with tiles"
        )
    prefix = "box_" if kind.two_stage else ""
    options: dict[str, Any] = {f"{prefix}score_thresh": score_threshold, f"{prefix}nms_thresh": overlap}
    if input_size is not None:
        options["min_size"] = input_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = kind.build(weights=None, weights_backbone=None, **options)
    if weights == "random":
        warnings.warn(f"{name} runs with random weights: its boxes mean nothing", stacklevel=3)
        return network
    if weights == "default":
        load_weights(network, published_weights(name, kind.weights, "detector_weights"), name, f"weights of {name}")
    else:
        file = Path(weights).expanduser()
        load_weights(network, local_weights(name, file), name, file)
    if kind.exact_norm:
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = 0.0
    return network
