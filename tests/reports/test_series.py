from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oddlens.reports.series import bin_starts, ceiling, clock, pool_max, runs, spans


@given(st.lists(st.booleans(), max_size=40))
def test_runs_rebuild_the_flags(flags: list[bool]) -> None:
    rebuilt = np.zeros(len(flags), bool)
    for first, last in runs(flags):
        rebuilt[first:last] = True
    assert rebuilt.tolist() == flags


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=200), st.integers(1, 50))
def test_pooling_keeps_the_highest_value_and_bounds_the_length(values: list[float], most: int) -> None:
    pooled = pool_max(values, bin_starts(len(values), most))
    assert len(pooled) == min(most, len(values))
    assert pooled.max() == max(values)


def test_pooling_passes_nan_only_where_a_bin_has_nothing_else() -> None:
    pooled = pool_max([np.nan, 1.0, np.nan, np.nan], bin_starts(4, 2))
    assert pooled[0] == 1.0 and np.isnan(pooled[1])


def test_spans_never_lose_a_short_alarm_in_a_long_video() -> None:
    flags = np.zeros(100_000, bool)
    flags[54_321] = True
    times = np.arange(100_000) / 25
    ((first, last),) = spans(flags, times, bin_starts(100_000, 1000))
    assert first <= times[54_321] < last


def test_spans_of_nothing() -> None:
    assert spans([], np.zeros(0), bin_starts(0, 10)) == []


def test_labels_shorter_than_the_video_are_shaded_as_far_as_they_go() -> None:
    assert spans([0, 1], np.arange(4.0), bin_starts(4, 4)) == [(1.0, 2.0)]


def test_clock_carries_over() -> None:
    assert clock(3599.96, 1) == "1:00:00.0"


def test_ceiling_survives_scores_that_are_not_finite() -> None:
    assert ceiling(1.0, [np.inf, np.nan]) == 4.0
    assert ceiling(np.inf) == 4.0
