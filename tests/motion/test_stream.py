"""Which flow belongs to which frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from oddlens.errors import MediaError
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.motion.stream import frame_flows

ESTIMATOR = FlowEstimator(FlowSettings(method="dis-fast"))


@pytest.mark.parametrize("batch", [0, 1, 2, 3, 32])
@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("paper_first", [False, True])
def test_each_frame_has_the_flow_to_the_next(
    moved: Callable[..., Any], batch: int, count: int, paper_first: bool
) -> None:
    images = [moved(k, k**2 / 8, 48, 64) for k in range(count)]
    expected = [ESTIMATOR(first, second) for first, second in pairwise(images)]
    expected.append(expected[-1])
    if paper_first:
        expected[0] = np.zeros_like(expected[0])
    flows = list(frame_flows(images, ESTIMATOR, paper_first=paper_first, batch=batch))
    assert len(flows) == count
    np.testing.assert_array_equal(flows, expected)


@pytest.mark.parametrize("paper_first", [False, True])
def test_a_single_frame_does_not_move(moved: Callable[..., Any], paper_first: bool) -> None:
    (flow,) = frame_flows([moved(height=48, width=64)], ESTIMATOR, paper_first=paper_first)
    assert flow.dtype == np.float32
    np.testing.assert_array_equal(flow, np.zeros((48, 64, 2)))


def test_no_frames_no_flow() -> None:
    assert list(frame_flows([], ESTIMATOR)) == []


def test_live_flow_comes_one_frame_later(moved: Callable[..., Any]) -> None:
    taken = 0

    def camera() -> Iterator[Any]:
        nonlocal taken
        for k in range(5):
            taken += 1
            yield moved(k, 0, 48, 64)

    flows = frame_flows(camera(), ESTIMATOR, batch=1)
    for k in range(3):
        next(flows)
        assert taken == k + 2


def test_frames_that_change_their_size(moved: Callable[..., Any]) -> None:
    with pytest.raises(MediaError, match="the frames are 64x48 and 64x40"):
        list(frame_flows([moved(height=48, width=64), moved(height=40, width=64)], ESTIMATOR))
