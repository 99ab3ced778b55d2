"""Made-up methods that training is tested with: two phases, dropout, and losses that go wrong when told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from oddlens.methods.base import Batch, Method, MethodSettings
from oddlens.types import Losses, SamplingSpec, Scores

SIDE, LENGTH = 8, 4
VALUES = LENGTH * SIDE * SIDE


@dataclass(frozen=True, kw_only=True)
class ToySettings(MethodSettings):
    dropout: float = 0.0
    nan_step: int = 0
    """Training step whose loss is NaN."""


class Toy(Method):
    """A generator that copies clips and a critic that tells copies from clips, each with its optimiser."""

    name: ClassVar[str] = "toy"
    settings_type: ClassVar[type[MethodSettings]] = ToySettings
    phases: ClassVar[tuple[str, ...]] = ("generator", "critic")

    def __init__(self, settings: ToySettings) -> None:
        super().__init__(settings)
        self.settings = settings
        self.generator = nn.Sequential(nn.Linear(VALUES, 8), nn.Dropout(settings.dropout), nn.Linear(8, VALUES))
        self.critic = nn.Linear(VALUES, 1)

    @property
    def sampling(self) -> SamplingSpec:
        return SamplingSpec(height=SIDE, width=SIDE, length=LENGTH, target=LENGTH - 1, fast_targets=(2, 3))

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        clips = batch["clip"].flatten(1)
        copies = self.generator(clips)
        if phase == "critic":
            total = (softplus(-self.critic(clips)) + softplus(self.critic(copies.detach()))).mean()
            return Losses(total, {"critic": total})
        per_sample = (copies - clips).square().mean(dim=1)
        error = per_sample.mean()
        if self.training and step == self.settings.nan_step:
            error = error * float("nan")
        total = error + 0.1 * softplus(-self.critic(copies)).mean()
        terms = {"error": error, "samples": torch.tensor(float(len(clips)))}
        return Losses(total, terms, per_sample)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "generator": torch.optim.Adam(self.generator.parameters(), lr=1e-3),
            "critic": torch.optim.SGD(self.critic.parameters(), lr=1e-2, momentum=0.9),
        }

    @torch.no_grad()
    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        copies = self.generator(windows.flatten(1)).view_as(windows)
        error = (copies - windows).square().mean(dim=(1, 3, 4))
        return Scores(error[:, list(targets)])
