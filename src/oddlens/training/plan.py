"""How long a training takes, and at which learning rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from typing import Any

from oddlens.sampling.order import Place, Samples, Timetable
from oddlens.training.settings import TrainingSettings

_WARM_UP = 0.05

AdjustRates = Callable[[str, list[float], Place], list[float]]
"""A method's last word on its learning rates: phase, the schedule's rates, place."""


@dataclass(frozen=True)
class Plan:
    """Steps and learning rates of a training; in every part of the samples they begin anew."""

    timetable: Timetable
    schedule: str
    base_rates: dict[str, list[float]]
    """Learning rates of each optimiser's parameter groups, before any schedule."""
    adjust: AdjustRates | None = None

    @classmethod
    def of(
        cls,
        settings: TrainingSettings,
        samples: Samples,
        optimizers: dict[str, Any],
        adjust: AdjustRates | None = None,
    ) -> Plan:
        """The plan of a run; without optimisers it only checks that there are samples and steps enough.

        Raises:
            DataError: a part has fewer samples than a batch holds, and incomplete batches are dropped.
            SettingsError: there are fewer iterations than parts.
        """
        timetable = Timetable(
            tuple(samples.parts),
            settings.batch_size,
            settings.iterations,
            settings.epochs,
            settings.last_batch == "keep",
        )
        rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in optimizers.items()}
        return cls(timetable, settings.schedule, rates, adjust)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.timetable.steps

    def rates(self, phase: str, place: Place) -> list[float]:
        """Learning rates of the phase's parameter groups at a step."""
        factor = schedule_factor(self.schedule, place.step - 1, place.steps, place.per_epoch)
        rates = [rate * factor for rate in self.base_rates[phase]]
        return self.adjust(phase, rates, place) if self.adjust else rates


def schedule_factor(schedule: str, step: int, steps: int, per_epoch: int = 1) -> float:
    """Factor on the learning rate at `step` (from 0) of `steps`, `per_epoch` of them an epoch.

    Example:
        >>> [round(schedule_factor("one-cycle", step, 101), 3) for step in (0, 5, 50, 100)]
        [0.167, 1.0, 0.541, 0.0]
        >>> [round(schedule_factor("cosine", step, 30, per_epoch=10), 3) for step in (0, 9, 10, 29)]
        [1.0, 1.0, 0.75, 0.25]
    """
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        epochs = -(-steps // per_epoch)
        return 0.5 * (1 + cos(pi * (step // per_epoch) / epochs))
    warm = max(1, round(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + cos(pi * (step - warm) / max(1, steps - 1 - warm)))
