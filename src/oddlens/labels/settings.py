"""Where a frame's class maps come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oddlens.config import Settings
from oddlens.errors import SettingsError
from oddlens.motion.settings import Levels

LabelSource = Literal["appearance", "deeplabv3-resnet101", "deeplabv3-resnet50", "deeplabv3-mobilenet"]


@dataclass(frozen=True, kw_only=True)
class LabelSettings(Settings):
    """Maps of 21 classes as an input of a network."""

    source: LabelSource = "appearance"
    """`appearance`: classes of colour, gradient and place learned from the training footage, OddLens's own
    stand-in, which needs no weights; `deeplabv3-*`: torchvision's segmentation networks, of which F2LM uses
    `deeplabv3-resnet101`."""
    weights: str = "default"
    """`deeplabv3-*`. `default`: torchvision's, downloaded once; a path: a state dict, `.safetensors` or torch's format;
    `random`: untrained, to try the program without weights."""
    levels: Levels = "trained"
    """`deeplabv3-*`. `trained`: it is shown RGB with ImageNet's mean and deviation taken off, as when it was trained;
    `paper`: BGR from -1 to 1, as F2LM's code does."""

    def __post_init__(self) -> None:
        """Refuse what nothing would read."""
        for name, value, usual in (("weights", self.weights, "default"), ("levels", self.levels, "trained")):
            if not value or (self.source == "appearance" and value != usual):
                fault = f"is '{value}', but {self.source} takes none"
                raise SettingsError(f"label {name}", fault, f"leave it at {usual}, or choose deeplabv3-resnet101")
