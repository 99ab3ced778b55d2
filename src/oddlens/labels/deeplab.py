"""DeepLabv3 of torchvision (Chen et al., 2017): logits of 21 classes, at an eighth of the frame or a sixteenth."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.segmentation import (
    DeepLabV3_MobileNet_V3_Large_Weights,
    DeepLabV3_ResNet50_Weights,
    DeepLabV3_ResNet101_Weights,
    deeplabv3_mobilenet_v3_large,
    deeplabv3_resnet50,
    deeplabv3_resnet101,
)

from oddlens.motion.settings import Levels
from oddlens.training.weights import load_weights, local_weights, published_weights

CLASSES = 21
_NETWORKS: dict[str, tuple[Any, Any]] = {
    "deeplabv3-resnet101": (deeplabv3_resnet101, DeepLabV3_ResNet101_Weights.DEFAULT),
    "deeplabv3-resnet50": (deeplabv3_resnet50, DeepLabV3_ResNet50_Weights.DEFAULT),
    "deeplabv3-mobilenet": (deeplabv3_mobilenet_v3_large, DeepLabV3_MobileNet_V3_Large_Weights.DEFAULT),
}
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours, 0..1 (torchvision's documentation of these weights)."""


class DeepLab(nn.Module):
    """Backbone and head of a DeepLabv3 as far as the logits before they are enlarged, which is where they are small."""

    def __init__(self, network: Any, levels: Levels) -> None:
        super().__init__()
        self.backbone, self.head, self.levels = network.backbone, network.classifier, levels
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(3, 1, 1), persistent=False)

    mean: Tensor
    deviation: Tensor

    def forward(self, levels: Tensor) -> Tensor:
        """Logits `(N, 21, ceil(h / 8), ceil(w / 8))` (MobileNet: 16) of RGB levels 0..255 `float32 (N, 3, h, w)`."""
        logits: Tensor = self.head(self.backbone(self.shown(levels))["out"])
        return logits

    def shown(self, levels: Tensor) -> Tensor:
        """What the network sees of RGB levels 0..255, see `LabelSettings.levels`."""
        if self.levels == "paper":
            return levels.flip(1) / 127.5 - 1
        return (levels / 255 - self.mean) / self.deviation


def build_network(source: str) -> Any:
    """torchvision's network, auxiliary head included, with random weights drawn apart from torch's generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _NETWORKS[source][0](weights=None, weights_backbone=None, num_classes=CLASSES, aux_loss=True)


def open_deeplab(source: str, weights: str, levels: Levels) -> DeepLab:
    """The network called `source`, ready to compute.

    Args:
        source: see `LabelSettings`.
        weights: `default`, a file, or `random`.
        levels: how frames are shown to it.

    Raises:
        DetectorError: the weights are not there, cannot be read, or are those of another network.
    """
    network = build_network(source)
    if weights == "random":
        warnings.warn("DeepLabv3 runs with random weights: its classes mean nothing", stacklevel=2)
    elif weights == "default":
        state = published_weights(source, _NETWORKS[source][1], "labels.weights")
        load_weights(network, state, source, f"weights of {source}")
    else:
        file = Path(weights).expanduser()
        load_weights(network, local_weights(source, file), source, file)
    return DeepLab(network, levels).eval().requires_grad_(False)
