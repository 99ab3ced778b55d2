"""Settings of F2LM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from oddlens.errors import SettingsError
from oddlens.labels.settings import LabelSettings
from oddlens.methods.base import MethodSettings
from oddlens.methods.f2lm.losses import TripletAxis
from oddlens.motion.settings import MotionSettings

_SMALLEST = 16
ScoreParts = Literal["all", "pixels"]


@dataclass(frozen=True, kw_only=True)
class F2lmSettings(MethodSettings):
    """Settings of the F2LM generator; learning rates are the paper's for UCSD Ped2."""

    height: int = 256
    width: int = 256
    channels: int = 1
    """1: grey, three times the same for the network; 3: colour, as RGB (officially BGR)."""
    features: int = 64
    """Channels of the first block, which double with each halving; the discriminator begins with twice as many."""
    motion: MotionSettings = field(default_factory=MotionSettings)
    """The flow that is imitated."""
    labels: LabelSettings = field(default_factory=LabelSettings)
    """The class maps that are imitated."""
    triplet_axis: TripletAxis = "width"
    """What distances of features are lengths over: the `width` of the frame (official, though surely not meant so), or
    the `channel`s of each place, where the margin is soon reached everywhere and nothing is learned from it any more.
    """
    loss_weights: tuple[float, float, float, float] = (1.0, 1.0, 0.05, 1.0)
    """Of intensity, gradient, adversarial and triplet terms (official); without triplets no flow and no labels are
    computed at all."""
    learning_rate: float = 1e-4
    discriminator_rate: float = 1e-5
    weight_decay: float = 1e-4
    freeze_normalisation_after: int = 0
    """Steps after which batch normalisation keeps its means and deviations; 0 = never. Officially the first
    validation, after 1001 steps."""
    score: ScoreParts = "all"
    """`pixels`: by the prediction error alone, without flow, labels and their encoders."""
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of motion, object and appearance in the score, each in deviations of what training frames have."""
    paper_weights: tuple[float, float, float] | None = None
    """Of motion_hinge, object_hinge and appearance under `paper`; by default those that rank the
    test labels best, as the official code reports."""
    paper_smoothing: float = 0.0
    """Under `paper`: deviation in frames of a Gaussian along each video; official option: 10."""

    def __post_init__(self) -> None:
        """Refuse sizes and weights that make no network or no loss."""
        if min(self.height, self.width) < _SMALLEST:
            fault = f"frame size is {self.width}x{self.height}"
            raise SettingsError("f2lm", fault, f"give sides of {_SMALLEST} pixels or more")
        if self.channels not in (1, 3):
            raise SettingsError("f2lm", f"channels is {self.channels}", "give 1 (grey) or 3 (colour)")
        if self.features < 1 or self.freeze_normalisation_after < 0:
            fault = f"features is {self.features}, freeze_normalisation_after {self.freeze_normalisation_after}"
            raise SettingsError("f2lm", fault, "give 1 feature or more, and 0 or more steps")
        check_rates("f2lm", self, ("learning_rate", "discriminator_rate"))
        check_weights("f2lm", "loss_weights", self.loss_weights)
        check_weights("f2lm", "weights", self.weights)
        check_paper("f2lm", self.paper_weights, self.paper_smoothing)
        if self.score == "all" and not self.imitates:
            fault = "score is all, but nothing is imitated: the triplets' weight is 0"
            raise SettingsError("f2lm", fault, "set score: pixels, or give the fourth of loss_weights a value")

    @property
    def imitates(self) -> bool:
        """Whether flow and labels are imitated at all."""
        return self.loss_weights[3] > 0


def check_rates(method: str, settings: MethodSettings, names: Sequence[str]) -> None:
    """Refuse learning rates and a weight decay that train nothing."""
    for name in names:
        if not 0 < getattr(settings, name) < inf:
            raise SettingsError(method, f"{name} is {getattr(settings, name)}", "give a number above 0, such as 1e-4")
    decay = getattr(settings, "weight_decay")  # noqa: B009 - both stages have one
    if not 0 <= decay < inf:
        raise SettingsError(method, f"weight_decay is {decay}", "give 0 or more")


def check_weights(method: str, name: str, weights: Sequence[float]) -> None:
    """Refuse weights that are negative, or all 0."""
    if not all(0 <= weight < inf for weight in weights) or not sum(weights):
        raise SettingsError(method, f"{name} are {list(weights)}", "give numbers from 0, not all 0")


def check_paper(method: str, weights: Sequence[float] | None, smoothing: float) -> None:
    """Refuse weights and smoothing that the paper's protocol could not apply."""
    if weights is not None:
        check_weights(method, "paper_weights", weights)
    if not 0 <= smoothing < inf:
        raise SettingsError(method, f"paper_smoothing is {smoothing}", "give 0 or a number of frames")
