"""Cutting patches: the crop, context, channel order and blocks of the specification's oracles."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.sampling.patches import (
    PatchSpec,
    block_of,
    context_indices,
    crop,
    cut_patches,
    unit_factors,
    whole_pixels,
)


@pytest.fixture(scope="module")
def gradient() -> np.ndarray:
    """240x360 picture: x mod 256, y, (x + y) mod 256."""
    y, x = np.mgrid[:240, :360]
    return np.stack([x % 256, y, (x + y) % 256], axis=2).astype(np.uint8)


CROPS = {
    (10.2, 20.7, 50.1, 84.0): ((31112, 53152, 84349), (11, 12, 14, 15), (46, 47, 49, 50), (21, 23, 25, 27)),
    (0, 0, 32, 32): ((15872, 15872, 31744), (0, 1, 2, 3), (28, 29, 30, 31), (0, 1, 2, 3)),
    (340.5, 220.5, 365, 250): (
        (96130, 235328, 69508),
        (85, 85, 86, 86),
        (101, 102, 103, 103),
        (221, 221, 222, 222),
    ),
    (100, 100, 116, 116): ((110080, 110080, 219935), (100, 100, 101, 101), (114, 114, 115, 115), (100, 100, 101, 101)),
}


@pytest.mark.parametrize("box", CROPS)
def test_crops_are_those_of_the_official_code(gradient: np.ndarray, box: tuple[float, ...]) -> None:
    edges, kept = whole_pixels(np.array([box], np.float32), (240, 360))
    assert kept.all()
    patch = crop([gradient], edges, 32)[0].astype(int)
    sums, first, last, column = CROPS[box]
    assert np.abs(patch.sum(axis=(0, 1)) - sums).max() <= 32 * 32  # one level a pixel for other versions of OpenCV
    assert np.abs(patch[0, :4, 0] - first).max() <= 1
    assert np.abs(patch[0, -4:, 0] - last).max() <= 1
    assert np.abs(patch[:4, 0, 1] - column).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_crop_of_many_frames_equals_a_crop_of_each(channels: int, dtype: type) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 70, 80, channels)).astype(dtype)
    boxes = np.array([[3, 4, 20, 50], [60.5, 0, 90, 31], [9, 5, 73, 69], [7, 7, 8, 8]], np.float32)
    edges, _ = whole_pixels(boxes, (70, 80))
    together = crop(list(frames), edges, 32)
    assert together.shape == (4, 32, 32, 5 * channels)
    for number, (left, top, right, bottom) in enumerate(edges):  # the third one is halved, which rounds differently
        single = [cv2.resize(frame[top:bottom, left:right], (32, 32)).reshape(32, 32, channels) for frame in frames]
        assert np.array_equal(together[number], np.concatenate(single, axis=2))


@pytest.mark.parametrize(
    ("index", "context", "frames", "expected"),
    [
        (0, 2, 10, [0, 0, 0, 1, 2]),
        (1, 2, 10, [0, 0, 1, 2, 3]),
        (8, 2, 10, [6, 7, 8, 9, 9]),
        (9, 2, 10, [7, 8, 9, 9, 9]),
        (0, 1, 10, [0, 0, 1]),
        (9, 1, 10, [8, 9, 9]),
        (0, 2, 1, [0, 0, 0, 0, 0]),
        (1, 2, 3, [0, 0, 1, 2, 2]),
    ],
)
def test_context_is_clamped_to_the_video(index: int, context: int, frames: int, expected: list[int]) -> None:
    assert context_indices(index, context, frames).tolist() == expected


def test_planes_go_frame_after_frame_in_blue_green_red() -> None:
    frames = [np.stack([np.full((40, 40), 10 * t + c, np.uint8) for c in (2, 1, 0)], axis=2) for t in range(5)]
    flows = [np.stack([np.full((40, 40), t, np.float32), np.full((40, 40), t + 0.1, np.float32)], 2) for t in range(5)]
    spec = PatchSpec(flow=True, units="native")
    cut = cut_patches(7, frames, flows, np.array([[4, 4, 30, 30]], np.float32), spec)
    assert cut.raw.shape == (1, 32, 32, 15)
    assert cut.raw[0, 5, 5].tolist() == [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42]
    assert cut.flow is not None
    assert np.allclose(cut.flow[0, 5, 5], [0, 0.1, 1, 1.1, 2, 2.1, 3, 3.1, 4, 4.1], atol=2e-3)


def test_flow_is_scaled_to_the_papers_units() -> None:
    assert unit_factors((240, 360), "flownet512") == pytest.approx((1.4222, 1.6), abs=1e-4)
    assert unit_factors((240, 360), "native") == (1, 1)
    flow = np.ones((240, 360, 2), np.float32)
    frames = [np.zeros((240, 360, 1), np.uint8)] * 5
    cut = cut_patches(0, frames, [flow] * 5, np.array([[4, 4, 30, 30]], np.float32), PatchSpec(flow=True))
    assert cut.flow is not None
    assert np.allclose(cut.flow[0, 0, 0, :2], [512 / 360, 384 / 240], rtol=1e-3)


@pytest.mark.parametrize(
    ("box", "row"),
    [((10, 20, 30, 60), 1), ((5, 75, 20, 83), 2), ((0, 0, 238, 158), 2), ((100, 140, 120, 158), 3)],
)
def test_a_patch_belongs_to_the_block_of_its_centre(box: tuple[int, ...], row: int) -> None:
    assert block_of(np.array([box], np.float32), (158, 238), 4, 1).tolist() == [row]


def test_boxes_without_a_pixel_are_dropped() -> None:
    boxes = np.array([[5, 5, 5, 9], [400, 10, 420, 30], [10.2, 3, 10.9, 8], [-8, -8, 6, 6]], np.float32)
    cut = cut_patches(0, [np.zeros((240, 360, 1), np.uint8)] * 5, [], boxes, PatchSpec())
    assert cut.boxes.tolist() == [[-8, -8, 6, 6]]
    assert cut.raw.shape == (1, 32, 32, 5)
    nothing = cut_patches(0, [np.zeros((240, 360, 1), np.uint8)] * 5, [], boxes[:1], PatchSpec(flow=False))
    assert nothing.raw.shape == (0, 32, 32, 5)
    assert nothing.boxes.shape == (0, 4)


@given(
    st.lists(st.tuples(*[st.floats(-50, 400, width=32)] * 4), max_size=8),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_cut_boxes_lie_in_the_frame_and_in_a_block(boxes: list[tuple[float, ...]], rows: int, columns: int) -> None:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    edges, kept = whole_pixels(array, (240, 360))
    inside = edges[kept]
    assert (inside[:, :2] >= 0).all()
    assert (inside[:, 2] <= 360).all()
    assert (inside[:, 3] <= 240).all()
    assert (inside[:, 2:] > inside[:, :2]).all()
    blocks = block_of(array, (240, 360), rows, columns)
    assert ((blocks >= 0) & (blocks < rows * columns)).all()
