"""How optical flow is computed, and in which unit it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oddlens.config import Settings
from oddlens.errors import SettingsError

FlowMethod = Literal["dis-ultrafast", "dis-fast", "dis-medium", "farneback", "raft-small", "raft-large"]
FlowUnits = Literal["native", "flownet512"]


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
