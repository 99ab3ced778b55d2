"""Settings of DMAD-PPDM."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from oddlens.errors import SettingsError
from oddlens.methods.base import MethodSettings
from oddlens.methods.dmad_ppdm.augment import AugmentSettings
from oddlens.methods.dmad_ppdm.bottleneck import Mode
from oddlens.nn.quantiser import Start

_SIDE = 32
_LIMITS = (
    ("thin_features", 1, inf, "1 or more"),
    ("student_features", 1, inf, "1 or more"),
    ("codes", 1, inf, "1 or more"),
    ("memory_restart", 0, inf, "0 or a number of steps"),
    ("memory_decay", 0, 1 - 1e-6, "a number from 0 to below 1, such as 0.99"),
    ("memory_weight", 0, 1e6, "a number from 0"),
    ("deformation_features", 1, inf, "1 or more"),
    ("deformation_shrink", 1, 4, "a number from 1 to 4"),
    ("deformation_every", 1, inf, "1 or more"),
    ("deformation_weight", 0, 1e6, "a number from 0"),
    ("smoothing", 0, 128, "a number of pixels from 0"),
    ("learning_rate", 1e-9, 10, "a number above 0, such as 5e-3"),
)
"""Setting, least and greatest value, what to give."""


@dataclass(frozen=True, kw_only=True)
class DmadPpdmSettings(MethodSettings):
    """Settings of DMAD-PPDM; the defaults are the paper's for MVTec AD, but for its two kinds of weights."""

    mode: Mode = "image"
    """`image`: the published network for image scores, with memory and thinned features; `pixel`: the one for maps,
    with neither; `both`: memory and full features, ours: one training for both kinds of numbers."""
    height: int = 256
    width: int = 256
    teacher: str = "wide_resnet50_2"
    """A convolutional classification network of torchvision."""
    weights: str = "default"
    """Of the teacher. `default`: torchvision's for ImageNet (the first ones), downloaded once; a path: a state dict,
    `.safetensors` or torch's format; `random`: untrained, to try the program."""
    thin_features: int = 64
    """Features of each thinned level in `image` mode."""
    student_features: int = 32
    """Least features of a student's stage, where the teacher is no ResNet (which it mirrors block by block)."""
    codes: int = 200
    """Prototypes in the memory."""
    memory_start: Start = "uniform"
    """`uniform`: small random prototypes (official); `k-means`: from the features of the first batch."""
    memory_restart: int = 0
    """A prototype that was not used in so many steps moves to a feature of the batch; 0 = never (official)."""
    memory_decay: float = 0.0
    """Prototypes as running means with this decay, in place of the gradient; 0 = gradient (official)."""
    memory_weight: float = 1.0
    """Weight of the memory's loss; the authors advise less where training is unstable."""
    deformation: bool = True
    """Deform the picture; without it this is Reverse Distillation (to measure what the deformation gives)."""
    deformation_features: int = 64
    """Channels of the deformation estimator."""
    deformation_shrink: int = 1
    """The estimator sees means over so many pixels a side of the picture: 1 officially; 2 is four times as fast."""
    deformation_every: int = 1
    """n: the estimator learns in the steps n, 2n, ..., the student in all of them, of which those without the gradient
    through the teacher take about half the time; 1 officially."""
    detach_target: bool = False
    """The student's target gives the deformation no gradient (ours). Officially it does, and the deformation may learn
    to make any picture's features easy to recall, odd ones' too."""
    deformation_weight: float = 0.05
    """Weight of the deformation in the score and in the map; officially 0.2 for screw, carpet and metal_nut."""
    smoothing: float = 4.0
    """Deviation of the Gaussian over the maps, in pixels of a 256x256 picture; on others the same share."""
    learning_rate: float = 5e-3
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    """How training photographs are changed."""

    def __post_init__(self) -> None:
        """Refuse sizes the network cannot halve and the like."""
        if self.height % _SIDE or self.width % _SIDE or min(self.height, self.width) < _SIDE:
            fault = f"picture size is {self.width}x{self.height}"
            raise SettingsError("dmad-ppdm", fault, f"give sides that are multiples of {_SIDE}")
        if not self.weights:
            raise SettingsError("dmad-ppdm", "weights is empty", "give default, random, or the path of a file")
        for name, low, high, remedy in _LIMITS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError("dmad-ppdm", f"{name} is {value}", f"give {remedy}")
