"""The simplest method, and samples in parts: what the loop is tested with."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from oddlens.methods.base import Batch, Method, MethodSettings
from oddlens.sampling.order import Key
from oddlens.types import Losses, SamplingSpec, Scores


class Level(Method):
    """One number for each part; the loss of a sample is its squared distance from its part's number."""

    name: ClassVar[str] = "level"

    def __init__(self, settings: MethodSettings | None = None) -> None:
        super().__init__(settings or MethodSettings())
        self.levels = nn.Parameter(torch.zeros(3))
        self.register_buffer("concluded", torch.zeros(()))
        self.seen: list[tuple[int, int, bool]] = []
        self.per_sample = True

    @property
    def sampling(self) -> SamplingSpec:
        return SamplingSpec(height=1, width=1)

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        self.seen.append((int(batch["part"][0]), step, self.training))
        per_sample = (batch["value"] - self.levels[batch["part"]]).square()
        return Losses(per_sample.mean(), {"error": per_sample.detach().mean()}, per_sample if self.per_sample else None)

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": torch.optim.SGD(self.parameters(), lr=0.05)}

    def score(self, windows: Tensor, targets: Any) -> Scores:
        raise AssertionError("is trained only")

    def conclude_training(self, samples: Any, batch_size: int) -> None:
        assert not self.training
        self.concluded.fill_(len(samples))


class Values:
    """Samples that are numbers, in parts."""

    def __init__(self, *parts: list[float]) -> None:
        self.parts = [len(part) for part in parts]
        self.values = torch.tensor([value for part in parts for value in part])
        self.part = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor(self.parts))

    def __len__(self) -> int:
        return len(self.values)

    def __getitems__(self, keys: list[Key]) -> dict[str, Tensor]:
        rows = torch.tensor([index for _, index in keys])
        return {"value": self.values[rows], "part": self.part[rows]}

    def validation_batches(self, count: int, batch_size: int) -> list[dict[str, Tensor]]:
        return [self.__getitems__([(0, index)]) for index in range(min(count, len(self)))]


def mostly(level: float, outliers: int = 0, count: int = 256) -> list[float]:
    spread = torch.linspace(-0.5, 0.5, count - outliers)
    return [*(level + spread).tolist(), *[level + 20.0] * outliers]
