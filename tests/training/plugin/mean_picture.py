"""The simplest method of photographs: learns the mean picture; what differs from it is odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from oddlens.evaluation.photograph_protocol import PhotographProtocol, stretched
from oddlens.methods.base import Batch, Method, MethodSettings
from oddlens.types import Losses, SamplingSpec, Scores


@dataclass(frozen=True, kw_only=True)
class MeanPictureSettings(MethodSettings):
    side: int = 16
    learning_rate: float = 0.1


class MeanPicture(Method):
    name: ClassVar[str] = "mean-picture"
    settings_type: ClassVar[type[MethodSettings]] = MeanPictureSettings
    subject: ClassVar[Literal["video", "photographs"]] = "photographs"

    def __init__(self, settings: MeanPictureSettings) -> None:
        super().__init__(settings)
        self.settings = settings
        self.mean = torch.nn.Parameter(torch.full((3, settings.side, settings.side), 0.5))

    @property
    def sampling(self) -> SamplingSpec:
        side = self.settings.side
        return SamplingSpec(height=side, width=side, channels=3, low=0.0)

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        loss = (batch["clip"][:, :, 0] - self.mean).square().mean(dim=(1, 2, 3))
        return Losses(loss.mean(), {}, loss)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": torch.optim.SGD(self.parameters(), lr=self.settings.learning_rate)}

    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        error = (windows - self.mean.detach()[:, None]).abs().mean(dim=1)
        mean = error.mean(dim=(2, 3))
        expected = self.mean.detach().expand(len(windows), 1, -1, -1, -1)
        pictures = {"reconstruction": expected, "square": error.square()[:, :, None]}
        return Scores(error.amax(dim=(2, 3)), {"mean": mean}, error, pictures)

    def photograph_protocol(self) -> PhotographProtocol:
        return PhotographProtocol(
            name="larger of two",
            components=("score", "mean"),
            scores=lambda of: {"score": stretched(of["score"]), "both": stretched(of["score"]) + stretched(of["mean"])},
            maps=lambda of: {"map": of["map"], "square": of["square"]},
            pictures=("square",),
        )
