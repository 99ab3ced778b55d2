"""How optical flow is computed, and in which unit it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oddlens.config import Settings
from oddlens.errors import SettingsError

FlowMethod = Literal["dis-ultrafast", "dis-fast", "dis-medium", "farneback", "raft-small", "raft-large"]
FlowUnits = Literal["native", "flownet512"]
Levels = Literal["trained", "paper"]
"""How frames are shown to a network that was trained elsewhere: as it was there, or as a paper's code does."""
MotionMethod = Literal[FlowMethod, "flownet2-sd"]


@dataclass(frozen=True, kw_only=True)
class FlowSettings(Settings):
    """Optical flow from one frame to the next."""

    method: FlowMethod = "dis-medium"
    """`dis-*`: OpenCV's dense inverse search, `farneback`: OpenCV's polynomial expansion, both on the processor and
    without weights; `raft-*`: torchvision's RAFT, which needs weights."""
    units: FlowUnits = "native"
    """`native`: pixels of the frame; `flownet512`: of a 512x384 frame, the unit of LBR-SPR's thresholds."""
    weights: str = "default"
    """RAFT alone. `default`: torchvision's, downloaded once; a path: a state dict, `.safetensors` or torch's format;
    `random`: untrained, to try the program without weights."""
    updates: int = 12
    """RAFT alone: how often it refines the flow; fewer is faster."""

    def __post_init__(self) -> None:
        """Refuse weights that nothing would read, and no updates at all."""
        if not self.weights or (self.weights != "default" and not self.is_raft):
            fault = f"is '{self.weights}', but {self.method} takes no such weights"
            raise SettingsError("flow weights", fault, "leave weights at default, or choose raft-small or raft-large")
        if self.updates < 1:
            raise SettingsError("flow updates", f"is {self.updates}", "give 1 or more")

    @property
    def is_raft(self) -> bool:
        """Whether the method is a network."""
        return self.method.startswith("raft-")


@dataclass(frozen=True, kw_only=True)
class MotionSettings(Settings):
    """Optical flow as an input of a network."""

    method: MotionMethod = "dis-medium"
    """As for flow; or `flownet2-sd`, F2LM's own, a network whose weights must be named."""
    weights: str = "default"
    """`raft-*`: as for flow. `flownet2-sd`: a file with the state dict of the official network, converted to torch, or
    `random`."""
    updates: int = 12
    """`raft-*`: how often the flow is refined."""
    levels: Levels = "trained"
    """`flownet2-sd`: `trained`: it is shown RGB levels 0..255, as when it was trained; `paper`: BGR from -255 to 255,
    twice the contrast, as F2LM's code does."""
    divisor: float = 255.0
    """The input is the flow in pixels of the method's frame, divided by this (F2LM: 255)."""

    def __post_init__(self) -> None:
        """Refuse what nothing would read."""
        network = self.method == "flownet2-sd"
        if not network:
            self.flow()
        if not self.weights:
            raise SettingsError("motion weights", "is empty", "name a file, or leave it at default")
        if self.levels != "trained" and not network:
            fault = f"is '{self.levels}', but {self.method} takes frames as they are"
            raise SettingsError("motion levels", fault, "leave it at trained, or choose flownet2-sd")
        if not self.divisor > 0:
            raise SettingsError("motion divisor", f"is {self.divisor:g}", "give a number above 0")

    def flow(self) -> FlowSettings:
        """The settings of flow in native pixels, for every method but FlowNet2-SD."""
        assert self.method != "flownet2-sd"
        return FlowSettings(method=self.method, weights=self.weights, updates=self.updates)
