"""No-learning floors: predict a frame from its neighbours. What a trained reconstruction must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from oddlens.errors import SettingsError
from oddlens.methods.base import Batch, Method, MethodSettings
from oddlens.types import Losses, SamplingSpec, Scores

_SIZE = 256
_ERROR_FLOOR = 1e-12


class Floor(Method):
    """Predicts the target frame by a fixed rule at 256x256 grey, the papers' frame size."""

    length: ClassVar[int]

    def __init__(self) -> None:
        super().__init__(MethodSettings())

    @property
    def sampling(self) -> SamplingSpec:
        """A few grey frames; the second is scored."""
        return SamplingSpec(height=_SIZE, width=_SIZE, length=self.length, target=1, fast_targets=(1,))

    def predict(self, windows: Tensor) -> Tensor:
        """The predicted second frame `(B, C, H, W)` of windows `(B, C, T, H, W)`."""
        raise SettingsError(self.name, "is no rule of its own", "use one of FLOORS")

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        """There is nothing to learn."""
        raise SettingsError(self.name, "cannot be trained", "evaluate prints it beside every method")

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """There is nothing to optimise."""
        return {}

    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        """-PSNR of the prediction (peak 1), with the squared error as map."""
        error = (self.predict(windows) - windows[:, :, 1]).square().mean(dim=1)
        score = 10 * torch.log10(error.mean(dim=(1, 2)).clamp_min(_ERROR_FLOOR))
        return Scores(score[:, None], map=error[:, None])


class PreviousFrame(Floor):
    """The frame before."""

    name: ClassVar[str] = "previous-frame"
    length: ClassVar[int] = 2

    def predict(self, windows: Tensor) -> Tensor:
        """The first frame of the window."""
        return windows[:, :, 0]


class NeighbourMean(Floor):
    """The mean of the frames before and after."""

    name: ClassVar[str] = "neighbour-mean"
    length: ClassVar[int] = 3

    def predict(self, windows: Tensor) -> Tensor:
        """The mean of the window's outer frames."""
        return (windows[:, :, 0] + windows[:, :, 2]) / 2


FLOORS: tuple[type[Floor], ...] = (PreviousFrame, NeighbourMean)
