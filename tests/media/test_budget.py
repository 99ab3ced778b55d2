"""What is kept of footage larger than the budget: laws that hold for any footage."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.media.budget import plan_segments

COUNTS = st.lists(st.integers(0, 3000), min_size=1, max_size=12)


@given(COUNTS, st.integers(0, 4000), st.integers(1, 40))
def test_segments_lie_in_order_inside_their_videos_and_keep_to_the_budget(
    counts: list[int], quota: int, span: int
) -> None:
    plans = plan_segments(counts, quota, span)
    if plans is None:
        assert sum(counts) <= quota
        return
    assert sum(counts) > quota
    assert len(plans) == len(counts)
    for count, plan in zip(counts, plans):
        edges = [edge for segment in plan for edge in segment]
        assert edges == sorted(edges)
        assert all(start >= 0 and start + span <= end <= count for start, end in plan)
        assert all(end < start for (_, end), (start, _) in pairwise(plan))  # something lies between
    kept = sum(end - start for plan in plans for start, end in plan)
    assert kept <= max(quota, span)
    assert (kept >= span) == any(count >= span for count in counts)


@given(st.integers(1, 8), st.integers(100, 5000), st.integers(1, 16), st.floats(0.05, 0.99))
def test_equal_videos_use_most_of_the_budget(videos: int, frames: int, span: int, share: float) -> None:
    quota = max(2 * span * videos, int(share * videos * frames))
    plans = plan_segments([frames] * videos, quota, span)
    if plans is not None:
        kept = [sum(end - start for start, end in plan) for plan in plans]
        assert min(kept) > 0
        assert sum(kept) >= 0.5 * quota


def test_long_footage_is_sampled_evenly_over_time() -> None:
    plans = plan_segments([100_000], 5120, 16)
    assert plans is not None
    starts = np.array([start for start, _ in plans[0]])
    assert len(starts) == 20
    assert set(np.diff(starts)) == {5000}
    assert starts[0] == pytest.approx(2500 - 128) and plans[0][-1][1] == pytest.approx(97_500 + 128)


def test_every_one_of_many_short_videos_has_its_part() -> None:
    plans = plan_segments([150] * 16, 1200, 16)
    assert plans == [[(37, 112)]] * 16


def test_budget_below_one_window_keeps_one_window() -> None:
    assert plan_segments([100, 100], 3, 16) == [[], [(0, 16)]]


def test_videos_without_room_for_a_window_take_nothing() -> None:
    assert plan_segments([10, 200, 10], 100, 16) == [[], [(50, 150)], []]
    assert plan_segments([10, 40, 10], 50, 16) == [[], [(0, 40)], []]
    assert plan_segments([10, 10], 12, 16) == [[], []]
