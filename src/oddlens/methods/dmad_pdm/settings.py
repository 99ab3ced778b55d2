"""Settings of DMAD-PDM."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from oddlens.errors import SettingsError
from oddlens.methods.base import MethodSettings
from oddlens.methods.dmad_pdm.backgrounds import BackgroundSettings
from oddlens.methods.dmad_pdm.static_anomalies import StaticSettings
from oddlens.methods.dmad_pdm.variants import VARIANTS, Variant, VariantName
from oddlens.nn.quantiser import Start

_SIDE = 16


@dataclass(frozen=True, kw_only=True)
class DmadPdmSettings(MethodSettings):
    """Settings of DMAD-PDM; the defaults are the paper's for UCSD Ped2."""

    variant: VariantName = "ped2"
    """Which of the three published models: network, losses and errors. `ped2` and `avenue` know one background,
    `shanghai` one for each view."""
    height: int = 256
    width: int = 256
    channels: int = 1
    """1: grey, three times the same for the network, as the paper's data are; 3: colour, as RGB (the official code
    would read BGR)."""
    features: int | None = None
    """Channels of the first block, which double with each halving; by default the variant's (32, 64, 64)."""
    deformation_features: int = 64
    """Channels of the deformation estimator."""
    codes: int | None = None
    """Prototypes in the memory; by default the variant's (200, 420, 1000)."""
    deformation: bool = True
    """Move the reference; without it the memory's drawing is the prediction (to measure what the deformation gives)."""
    memory_start: Start = "uniform"
    """`uniform`: small random prototypes (official); `k-means`: from the features of the first batch."""
    memory_restart: int = 0
    """A prototype that was not used in so many steps moves to a feature of the batch; 0 = never (official)."""
    memory_decay: float = 0.0
    """Prototypes as running means with this decay, in place of the gradient; 0 = gradient (official)."""
    learning_rate: float = 2e-4
    background: BackgroundSettings = field(default_factory=BackgroundSettings)
    """Where the still background comes from."""
    background_late_rate: bool = True
    """Give the background of `ped2` and `avenue` a constant rate from the seventh epoch on (official)."""
    weights: tuple[float, float, float] = (0.2, 0.4, 0.6)
    """Weights of deformation, reconstruction and edges (objects) in the score."""
    remove_static: bool = True
    """`avenue`: compare each frame's errors with those of the frames before it, and rank by what is new under `paper`,
    as the published number does."""
    static: StaticSettings = field(default_factory=lambda: StaticSettings(quantise=True))
    """How they are compared."""

    def __post_init__(self) -> None:
        """Refuse sizes the network cannot halve and the like."""
        if self.height % _SIDE or self.width % _SIDE or min(self.height, self.width) < _SIDE:
            fault = f"frame size is {self.width}x{self.height}"
            raise SettingsError("dmad-pdm", fault, f"give sides that are multiples of {_SIDE}")
        if self.channels not in (1, 3):
            raise SettingsError("dmad-pdm", f"channels is {self.channels}", "give 1 (grey) or 3 (colour)")
        for name in ("features", "deformation_features", "codes"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise SettingsError("dmad-pdm", f"{name} is {getattr(self, name)}", "give 1 or more")
        if self.features is not None and self.features < self.rule.skip_share:
            fault = f"features is {self.features}"
            raise SettingsError("dmad-pdm", fault, f"give {self.rule.skip_share} or more for '{self.variant}'")
        if self.memory_restart < 0:
            raise SettingsError("dmad-pdm", f"memory_restart is {self.memory_restart}", "give 0 or a number of steps")
        if not 0 <= self.memory_decay < 1:
            fault = f"memory_decay is {self.memory_decay}"
            raise SettingsError("dmad-pdm", fault, "give a number from 0 to below 1, such as 0.99")
        if not 0 < self.learning_rate < inf:
            fault = f"learning_rate is {self.learning_rate}"
            raise SettingsError("dmad-pdm", fault, "give a number above 0, such as 2e-4")
        if not all(0 <= weight < inf for weight in self.weights) or not sum(self.weights):
            fault = f"weights are {list(self.weights)}"
            raise SettingsError("dmad-pdm", fault, "give three numbers from 0, not all 0")

    @property
    def rule(self) -> Variant:
        """The published model that these settings start from."""
        return VARIANTS[self.variant]
