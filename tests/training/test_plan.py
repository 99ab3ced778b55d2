"""Learning rates over the steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.training.plan import schedule_factor


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
