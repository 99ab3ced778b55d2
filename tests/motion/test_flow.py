"""Optical flow by OpenCV's methods: known movements, units, threads, and frames that are none."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.errors import MediaError
from oddlens.motion.flow import FlowEstimator, optical_flow, to_units
from oddlens.motion.settings import FlowMethod, FlowSettings

CLASSICAL = [name for name in get_args(FlowMethod) if not name.startswith("raft")]
INSIDE = np.s_[16:-16, 16:-16]
MoveBy = Callable[..., Any]


@pytest.mark.parametrize("method", CLASSICAL)
@pytest.mark.parametrize(("u", "v"), [(3, 0), (0, -2), (-1.5, 2.25), (0, 0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_known_movement_is_found(method: FlowMethod, u: float, v: float, channels: int, moved: MoveBy) -> None:
    flow = optical_flow(moved(channels=channels), moved(u, v, channels=channels), FlowSettings(method=method))
    assert flow.shape == (96, 128, 2) and flow.dtype == np.float32
    errors = np.hypot(*np.moveaxis(flow[INSIDE] - (u, v), 2, 0))
    assert np.median(errors) < 0.25
    assert np.percentile(errors, 95) < 0.6


@settings(max_examples=20, deadline=None)
@given(st.floats(-5, 5), st.floats(-5, 5))
def test_every_movement_is_found(moved: MoveBy, u: float, v: float) -> None:
    flow = optical_flow(moved(), moved(u, v))
    np.testing.assert_allclose(np.median(flow[INSIDE], axis=(0, 1)), (u, v), atol=0.2)


def test_grey_and_its_repetition_in_colour_are_the_same(moved: MoveBy) -> None:
    first, second = moved(), moved(2, 1)
    colour = optical_flow(first.repeat(3, axis=2), second.repeat(3, axis=2))
    np.testing.assert_array_equal(colour, optical_flow(first, second))


def test_only_what_moves_has_flow(moved: MoveBy) -> None:
    first = moved(height=120, width=160)
    second = first.copy()
    second[40:80, 64:104] = first[40:80, 60:100]
    flow = optical_flow(first, second)
    np.testing.assert_allclose(np.median(flow[48:72, 68:92], axis=(0, 1)), (4, 0), atol=0.3)
    assert np.abs(flow[:24]).max() < 0.1


@pytest.mark.parametrize("method", CLASSICAL)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (8, 64), (64, 8), (41, 333), (12, 2000), (48, 64)])
def test_any_size(method: FlowMethod, height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 1), dtype=np.uint8)
    flow = optical_flow(noise, noise, FlowSettings(method=method))
    assert flow.shape == (height, width, 2)
    assert np.isfinite(flow).all()
    assert np.abs(flow).max() < (2.0 if method == "farneback" else 0.01)


def test_units() -> None:
    flow = np.random.default_rng(0).normal(size=(3, 240, 360, 2)).astype(np.float32)
    np.testing.assert_array_equal(to_units(flow, "native"), flow)
    scaled = to_units(flow, "flownet512")
    np.testing.assert_allclose(scaled[..., 0], flow[..., 0] * 512 / 360, rtol=1e-6)
    np.testing.assert_allclose(scaled[..., 1], flow[..., 1] * 384 / 240, rtol=1e-6)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(to_units(flow[0], "flownet512"), scaled[0])


def test_the_estimator_gives_the_unit_of_its_settings(moved: MoveBy) -> None:
    first, second = moved(), moved(2, 0)
    native = FlowEstimator()(first, second)
    there = FlowEstimator(FlowSettings(units="flownet512"))
    np.testing.assert_array_equal(there(first, second), to_units(native, "flownet512"))
    np.testing.assert_array_equal(there.many([first], [second])[0], to_units(native, "flownet512"))


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_many_is_each(moved: MoveBy, threads: int | None) -> None:
    pictures = [moved(k, -k / 2) for k in range(6)] + [moved(k, 0, 33, 50) for k in range(2)]
    firsts, seconds = pictures[:5] + pictures[6:7], pictures[1:6] + pictures[7:]
    estimator = FlowEstimator(threads=threads)
    flows = estimator.many(firsts, seconds)
    for first, second, flow in zip(firsts, seconds, flows):
        np.testing.assert_array_equal(flow, FlowEstimator()(first, second))
    assert estimator.many([], []) == []


def test_threads_may_share_an_estimator_and_sizes_do_not_disturb_each_other(moved: MoveBy) -> None:
    estimator = FlowEstimator(FlowSettings(method="dis-fast"))
    large, small = (moved(height=120, width=200), moved(2, 0, 120, 200)), (moved(0, 0, 20, 30), moved(1, 0, 20, 30))
    expected = [FlowEstimator(estimator.settings)(*pair) for pair in (large, small)]
    with ThreadPoolExecutor(3) as pool:
        flows = list(pool.map(lambda k: estimator(*(small if k % 2 else large)), range(12)))
    for k, flow in enumerate(flows):
        np.testing.assert_array_equal(flow, expected[k % 2])


def test_opencv_threads_do_not_change_the_flow(moved: MoveBy) -> None:
    before = cv2.getNumThreads()
    flows = []
    try:
        for number in (1, 4):
            cv2.setNumThreads(number)
            flows.append(optical_flow(moved(), moved(1, 2)))
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(*flows)


def test_an_estimator_travels_to_another_process(moved: MoveBy) -> None:
    estimator = FlowEstimator()
    expected = estimator(moved(), moved(1, 0))
    copy = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(copy(moved(), moved(1, 0)), expected)


GREY = np.zeros((8, 8, 1), np.uint8)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (GREY, np.zeros((8, 9, 1), np.uint8), "the frames are 8x8 and 9x8"),
        (GREY, GREY.astype(np.float32), "the second frame is float32, not uint8"),
        (None, GREY, "the first frame is NoneType, not uint8"),
        (GREY[..., 0], GREY, r"the first frame has shape \(8, 8\)"),
        (np.zeros((8, 8, 4), np.uint8), GREY, r"the first frame has shape \(8, 8, 4\)"),
        (GREY[:0], GREY[:0], "the first frame has no pixels"),
    ],
)
def test_what_is_no_pair_of_frames(first: Any, second: Any, words: str) -> None:
    with pytest.raises(MediaError, match=f"^optical flow: {words}.*; give ") as caught:
        optical_flow(first, second)
    assert "\n" not in str(caught.value)
    with pytest.raises(MediaError, match=f"pair 1: {words}"):
        FlowEstimator().many([GREY, first], [GREY, second])


def test_as_many_first_as_second_frames() -> None:
    with pytest.raises(MediaError, match="there are 2 first and 1 second frames"):
        FlowEstimator().many([GREY, GREY], [GREY])


@pytest.mark.real
def test_walkers_and_the_cyclist_of_ped2_move_and_the_ground_does_not(real_data: Path) -> None:
    folder = real_data / "ped2" / "testing"
    frames = [cv2.imread(str(path), 0)[..., None] for path in sorted((folder / "frames" / "01").glob("*.jpg"))]
    difference = np.abs(np.stack(frames)[..., 0] - np.median(frames[::4], axis=0)[..., 0])
    chosen = range(100, 170, 10)
    flows = FlowEstimator(FlowSettings(units="flownet512")).many(
        [frames[t] for t in chosen], [frames[t + 1] for t in chosen]
    )
    moving = np.stack([np.hypot(flow[..., 0], flow[..., 1]) > 1 for flow in flows])
    people = difference[list(chosen)] > 30
    ground = cv2.dilate((difference[list(chosen)] > 15).max(axis=0).astype(np.uint8), np.ones((17, 17))) == 0
    cyclist = np.stack([cv2.imread(str(folder / "masks" / "01" / f"{t:03}.png"), 0) > 0 for t in chosen])
    assert moving[people].mean() > 0.5
    assert moving[cyclist].mean() > 0.9
    assert moving[:, ground].mean() < 0.02
