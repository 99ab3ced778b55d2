"""Settings of LBR-SPR."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from oddlens.errors import SettingsError
from oddlens.methods.base import MethodSettings
from oddlens.motion.settings import FlowSettings
from oddlens.objects.settings import ObjectSettings

_MOST_CONTEXT = 20
"""OpenCV 5 takes at most 128 planes at once: three of each frame."""


@dataclass(frozen=True, kw_only=True)
class LbrSprSettings(MethodSettings):
    """Settings of LBR-SPR; the defaults are the paper's, with foreground boxes that need no weights."""

    side: int = 32
    """Pixels a side of a patch, a multiple of 8."""
    context: int = 2
    """Frames on each side of the box's own."""
    width: int = 32
    """Features of the first block ("num_feature_root"); they double with each halving."""
    learning_rate: float = 1e-3
    motion: bool = False
    """The second branch, patch to optical flow ("motion enhancement")."""
    loss_weights: tuple[float, float] = (1.0, 1.0)
    """Weights of the losses of the raw and the flow branch (lambda_raw, lambda_of)."""
    score_weights: tuple[float, float] = (0.5, 1.0)
    """Weights of the standardised errors of the two branches in the score (w_raw, w_of)."""
    pace_by: Literal["raw", "sum"] = "raw"
    """Which loss self-paced weights rest on: the raw branch's (official), or the weighted sum."""
    rows: int = 1
    """Blocks from top to bottom, each with a model of its own (h_block)."""
    columns: int = 1
    """Blocks from left to right (w_block)."""
    every: int = 1
    """Train on the patches of every so-many-th frame: neighbouring frames hold nearly the same."""
    contrast_bands: int = 1
    """More than 1: an error is measured against those of training patches of like contrast, in so many bands; 1 =
    against all of them (the paper, and always so under its protocol)."""
    smoothing: int = 10
    """Frames averaged into a score, the frame's own and those before it; 1 = none."""
    flow: FlowSettings = field(default_factory=lambda: FlowSettings(units="flownet512"))
    objects: ObjectSettings = field(default_factory=ObjectSettings)
    paper: bool = False
    """Official behaviour where it moves numbers: no flow at a video's first frame, frames without a box score -20, one
    scale for all contrasts."""

    def __post_init__(self) -> None:
        """Refuse sizes the network cannot halve and the like."""
        if self.side % 8 or self.side < 8:
            raise SettingsError("lbr-spr", f"side is {self.side}", "give a multiple of 8")
        for name in ("width", "rows", "columns", "every", "contrast_bands", "smoothing"):
            if getattr(self, name) < 1:
                raise SettingsError("lbr-spr", f"{name} is {getattr(self, name)}", "give 1 or more")
        if not 0 <= self.context <= _MOST_CONTEXT:
            raise SettingsError("lbr-spr", f"context is {self.context}", f"give 0 to {_MOST_CONTEXT}")
        if not 0 < self.learning_rate < float("inf"):
            fault = f"learning_rate is {self.learning_rate}"
            raise SettingsError("lbr-spr", fault, "give a number above 0, such as 1e-3")
        for name in ("loss_weights", "score_weights"):
            pair = getattr(self, name)
            if not all(0 <= weight < float("inf") for weight in pair) or not sum(pair):
                raise SettingsError("lbr-spr", f"{name} are {list(pair)}", "give two numbers from 0, not both 0")
