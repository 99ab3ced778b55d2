"""The teacher: a frozen backbone of torchvision, whose features the student learns to give back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torchvision.models import get_model_weights

from oddlens.methods.dmad_ppdm.backbone import chain, open_backbone
from oddlens.methods.dmad_ppdm.blocks import Blocks
from oddlens.nn.folding import fold_batch_norms
from oddlens.training.weights import load_weights, local_weights, published_weights

_WEIGHTS = "IMAGENET1K_V1"
"""The published numbers rest on torchvision's first weights; its second ones come from another way of training."""


class Teacher(nn.Module):
    """The last feature maps at a quarter, an eighth and a sixteenth of the picture's side.

    Nothing in it learns: its parameters take no gradient (but let it through to the picture), and its batch
    normalisation, always in evaluation mode, is folded into its convolutions. Until it is given weights, they are zero.

    Args:
        name: of a classification network of torchvision.
        random: begin with torchvision's random weights, always the same ones.

    Raises:
        SettingsError: torchvision has no such network, or it has no such feature maps.
    """

    def __init__(self, name: str, random: bool = False) -> None:
        super().__init__()
        self.name = name
        backbone = open_backbone(name, random)
        self.taps, self.channels = backbone.taps, backbone.channels
        self.blocks = Blocks.like(backbone.network)
        """What a student of it is built of."""
        self.network = backbone.network
        fold_batch_norms(self.network)
        self.requires_grad_(False).eval()

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Feature maps of a picture `(B, 3, H, W)` in ImageNet's deviations, the largest first."""
        found, features = [], picture
        for place, (_, link) in enumerate(chain(self.network)):
            features = link(features)
            if place in self.taps:
                found.append(features)
        return found

    def train(self, mode: bool = True) -> Teacher:
        """Stay in evaluation mode."""
        return super().train(False)

    def load(self, source: str) -> None:
        """Load torchvision's ImageNet weights (`default`), or those of a local file.

        Raises:
            DetectorError: they cannot be had, or are those of another network.
        """
        where: str | Path = f"weights of {self.name}"
        if source == "default":
            published: Any = get_model_weights(self.name)
            state = published_weights(self.name, published[_WEIGHTS], "method.weights")
        else:
            where = Path(source).expanduser()
            state = local_weights(self.name, where)
        network, _, _, cut = open_backbone(self.name)
        load_weights(network, {name: value for name, value in state.items() if name not in cut}, self.name, where)
        self.take(network)

    def take(self, network: nn.Module) -> None:
        """Take the weights of an opened backbone of the same name, which is folded by this."""
        fold_batch_norms(network)
        self.network.load_state_dict(network.state_dict())
