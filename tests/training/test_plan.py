"""Learning rates over the steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oddlens.sampling.order import Place
from oddlens.training.plan import Plan, schedule_factor
from oddlens.training.settings import TrainingSettings


@given(st.integers(1, 3000))
def test_one_cycle_rises_then_falls_to_nothing(steps: int) -> None:
    factors = [schedule_factor("one-cycle", step, steps) for step in range(steps)]
    assert all(0 <= factor <= 1 for factor in factors)
    top = int(np.argmax(factors))
    assert top <= max(1, round(0.05 * steps))
    assert np.all(np.diff(factors[: top + 1]) > 0) and np.all(np.diff(factors[top:]) <= 1e-12)
    assert steps < 3 or factors[-1] == pytest.approx(0, abs=1e-12)


def test_constant_schedule_is_constant() -> None:
    assert {schedule_factor("constant", step, 50) for step in range(50)} == {1.0}


class Counted:
    """So many samples."""

    def __init__(self, *parts: int) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(self.parts)


def plan_of(schedule: Any, rates: list[float], adjust: Any = None, epochs: int = 60) -> Plan:
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in rates]
    groups = [{"params": [parameter], "lr": rate} for parameter, rate in zip(parameters, rates)]
    settings = TrainingSettings(epochs=epochs, batch_size=8, schedule=schedule)
    return Plan.of(settings, Counted(85), {"main": torch.optim.AdamW(groups)}, adjust)  # type: ignore[arg-type]


def test_a_cosine_falls_from_epoch_to_epoch_as_torchs_does() -> None:
    plan = plan_of("cosine", [2e-4, 1e-2])
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    for epoch in range(60):
        steps = range(epoch * 10 + 1, epoch * 10 + 11)
        found = [plan.rates("main", plan.timetable.place(step)) for step in steps]
        assert all(rates == found[0] for rates in found)
        assert found[0] == pytest.approx([scheduler.get_last_lr()[0], 50 * scheduler.get_last_lr()[0]], rel=1e-6)
        optimizer.step()
        scheduler.step()


def test_a_method_has_the_last_word_on_its_rates() -> None:
    def adjust(phase: str, rates: list[float], place: Place) -> list[float]:
        return [rates[0], 7.0 if place.epoch else rates[1]]

    plan = plan_of("constant", [1.0, 2.0], adjust, epochs=2)
    assert [plan.rates("main", plan.timetable.place(step)) for step in (1, 10, 11, 20)] == [
        *([1.0, 2.0],) * 2,
        *([1.0, 7.0],) * 2,
    ]
