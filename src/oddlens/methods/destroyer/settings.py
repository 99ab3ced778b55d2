"""Settings of the Destroyer."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Literal

from oddlens.errors import SettingsError
from oddlens.methods.base import MethodSettings
from oddlens.methods.destroyer.damage import DamageSettings
from oddlens.methods.destroyer.gate import GRID, STEEPNESS
from oddlens.methods.f2lm.settings import F2lmSettings, ScoreParts, check_paper, check_rates, check_weights

BackgroundKind = Literal["black", "paper", "mean"]


@dataclass(frozen=True, kw_only=True)
class DestroyerSettings(MethodSettings):
    """Settings of the Destroyer; learning rates are the paper's for UCSD Ped2."""

    generator: str = ""
    """Run folder of the trained f2lm detector to begin with; it is read once, and never written."""
    generator_method: F2lmSettings = field(default_factory=F2lmSettings)
    """The generator's own settings, frame size and colours among them: taken over from its run."""
    features: int = 64
    """Channels of the first block, which double with each halving."""
    damage: DamageSettings = field(default_factory=DamageSettings)
    """What it learns to find."""
    background: BackgroundKind = "black"
    """What is painted over bad patches: `black`; `paper`: the bluish almost-black of the official code's picture; or
    the `mean` of the frames trained on."""
    background_file: str = ""
    """A picture of the generator's frame size instead."""
    steepness: float = STEEPNESS
    """How fast the gate of a patch opens as it resembles the truth less: fully at SSIM 1 - 1 / steepness."""
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    freeze_normalisation_after: int = 0
    """Steps after which batch normalisation keeps its means and deviations; 0 = never. Officially the first
    validation, after 101 steps as the authors recommend it."""
    score: ScoreParts = "all"
    """`pixels`: by both prediction errors alone, without flow, labels and their encoders."""
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Of motion, object, appearance and destroyed in the score, each in deviations of what training frames have."""
    paper_weights: tuple[float, float, float, float] | None = None
    """Of motion_hinge, object_hinge, appearance and destroyed under `paper`; by default those that rank the
    test labels best, as the official code reports."""
    paper_smoothing: float = 0.0
    """Under `paper`: deviation in frames of a Gaussian along each video; official option: 10."""

    def __post_init__(self) -> None:
        """Refuse frames that cannot be cut into patches and the like."""
        s = self.generator_method
        if s.height % GRID[0] or s.width % GRID[1]:
            fault = f"the generator's frames are {s.width}x{s.height}"
            raise SettingsError("destroyer", fault, f"train a generator with sides that are multiples of {GRID[0]}")
        if self.features < 1 or self.freeze_normalisation_after < 0:
            fault = f"features is {self.features}, freeze_normalisation_after {self.freeze_normalisation_after}"
            raise SettingsError("destroyer", fault, "give 1 feature or more, and 0 or more steps")
        if not 0 < self.steepness < inf:
            raise SettingsError("destroyer", f"steepness is {self.steepness}", "give a number above 0, such as 4")
        check_rates("destroyer", self, ("learning_rate",))
        check_weights("destroyer", "weights", self.weights[2:] if self.score == "pixels" else self.weights)
        check_paper("destroyer", self.paper_weights, self.paper_smoothing)
        if self.score == "all" and not s.imitates:
            fault = "score is all, but the generator imitates nothing"
            raise SettingsError("destroyer", fault, "set score: pixels")
