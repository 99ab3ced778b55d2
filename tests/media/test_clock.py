from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.media.clock import Clock

STAMPS = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1)


@given(STAMPS, st.floats(1e-3, 1.0))
def test_starts_at_zero_and_never_runs_backwards(stamps: list[float | None], period: float) -> None:
    clock = Clock(period)
    times = [clock.tick(stamp) for stamp in stamps]
    assert times[0] == 0.0
    assert all(a <= b for a, b in pairwise(times)) and all(map(math.isfinite, times))


@given(st.lists(st.floats(0, 1e4), min_size=1).map(sorted), st.floats(-1e4, 1e4))
def test_rising_stamps_are_only_shifted(gaps: list[float], origin: float) -> None:
    clock = Clock(0.04)
    times = [clock.tick(origin + gap) for gap in gaps]
    assert times == pytest.approx([gap - gaps[0] for gap in gaps], abs=1e-6)


def test_without_stamps_frames_come_one_period_apart() -> None:
    clock = Clock(0.5)
    assert [clock.tick(None) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
