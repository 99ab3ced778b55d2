"""How long a training takes, and at which learning rates."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Any

from oddlens.sampling.order import Place, Samples, Timetable
from oddlens.training.settings import TrainingSettings

_WARM_UP = 0.05


@dataclass(frozen=True)
class Plan:
    """Steps and learning rates of a training; in every part of the samples they begin anew."""

    timetable: Timetable
    schedule: str
    rates: dict[str, list[float]]
    """Base learning rates of each optimiser's parameter groups."""

    @classmethod
    def of(cls, settings: TrainingSettings, samples: Samples, optimizers: dict[str, Any]) -> Plan:
        """The plan of a run.

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
        return cls(timetable, settings.schedule, rates)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.timetable.steps

    def factor(self, place: Place) -> float:
        """Factor on the learning rates at a step."""
        return schedule_factor(self.schedule, place.step - 1, place.steps)


def schedule_factor(schedule: str, step: int, steps: int) -> float:
    """Factor on the learning rate at `step` (from 0) of `steps`.

    Example:
        >>> [round(schedule_factor("one-cycle", step, 101), 3) for step in (0, 5, 50, 100)]
        [0.167, 1.0, 0.541, 0.0]
    """
    if schedule == "constant":
        return 1.0
    warm = max(1, round(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + cos(pi * (step - warm) / max(1, steps - 1 - warm)))
