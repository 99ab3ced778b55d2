"""Patch masks against the oracles of the LNRA specification, section 11.4, and against a loop over all pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oddlens.methods.lnra.masks import MASKS, PatchKind, cutmix, mixup_patch, smoothmix_c, smoothmix_s

PAPER = (256, 256)
Mask = NDArray[np.float32]


def one(kind: PatchKind, x: int, y: int, height: int, width: int, size: tuple[int, int] = PAPER) -> Mask:
    """The mask of a single frame; arguments in the order of the specification's tables."""
    mask: Mask = MASKS[kind](np.array([x]), np.array([y]), width, height, size)[0]
    return mask


def extent(mask: Mask) -> tuple[int, int, int, int]:
    """First and last row, first and last column that are not zero."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


SMOOTH = [
    (
        (100, 120, 40, 60),
        {
            (120, 70): 1,
            (120, 69): 2 / 3,
            (120, 68): 1 / 3,
            (120, 67): 0,
            (120, 130): 1,
            (120, 131): 2 / 3,
            (120, 133): 0,
            (100, 100): 1,
            (99, 100): 0.5,
            (98, 100): 0,
            (140, 100): 1,
            (141, 100): 0.5,
            (99, 69): 1 / 3,
            (141, 132): 1 / 6,
        },
        2646.0,
        (99, 141, 68, 132),
    ),
    (
        (5, 250, 41, 63),  # cut by the left and the lower border
        {
            (250, 0): 1,
            (250, 36): 1,
            (250, 37): 0.6774193548,
            (250, 39): 0.0322580645,
            (229, 5): 0.5,
            (228, 5): 0,
            (255, 38): 0.3548387097,
            (229, 37): 0.3387096774,
        },
        1008.7096774194,
        (229, 255, 0, 39),
    ),
    (
        (256, 128, 10, 10),  # its centre lies one outside
        {(128, 251): 1, (128, 250): 0, (123, 255): 1, (122, 255): 0, (133, 255): 1, (134, 255): 0},
        55.0,
        (123, 133, 251, 255),
    ),
    (
        (0, 0, 128, 128),
        {(64, 64): 1, (65, 65): 0.7119140625, (67, 10): 0.53125, (10, 70): 0.0625, (70, 70): 0.00390625, (71, 0): 0},
        4585.8291015625,
        (0, 70, 0, 70),
    ),
]


@pytest.mark.parametrize(("patch", "values", "total", "where"), SMOOTH)
def test_smoothmix_s(
    patch: tuple[int, int, int, int],
    values: dict[tuple[int, int], float],
    total: float,
    where: tuple[int, int, int, int],
) -> None:
    mask = one("smoothmix-s", *patch)
    for pixel, value in values.items():
        assert mask[pixel] == pytest.approx(value, abs=1e-6), pixel
    assert mask.sum(dtype=np.float64) == pytest.approx(total, rel=1e-6)

    assert extent(mask) == where


def test_smoothmix_s_halves_the_sides_downwards() -> None:
    np.testing.assert_array_equal(one("smoothmix-s", 100, 120, 41, 61), one("smoothmix-s", 100, 120, 40, 60))


@pytest.mark.parametrize(
    ("patch", "where", "area"),
    [
        ((100, 120, 40, 60), (100, 139, 70, 129), 2400),
        ((5, 250, 41, 63), (230, 255, 0, 62), 1638),
        ((256, 128, 10, 10), (123, 132, 251, 255), 50),
        ((0, 0, 128, 128), (0, 127, 0, 127), 16384),
        ((250, 5, 63, 41), (0, 62, 230, 255), 1638),
        ((100, 120, 41, 61), (100, 140, 70, 130), 2501),
    ],
)
def test_cutmix(patch: tuple[int, int, int, int], where: tuple[int, int, int, int], area: int) -> None:
    mask = one("cutmix", *patch)
    top, bottom, left, right = where
    assert extent(mask) == where
    assert mask[top : bottom + 1, left : right + 1].min() == 1
    assert mask.sum() == area
    np.testing.assert_array_equal(one("mixup-patch", *patch), 0.5 * mask)


def test_smoothmix_c() -> None:
    mask = one("smoothmix-c", 100, 150, 40, 20)
    values = {(100, 150): 1, (120, 150): 0.6065306597, (100, 190): 0.6065306597, (120, 190): 0.3678794412}
    values[150, 100] = 0.0201157940
    for (x, y), value in values.items():
        assert mask[y, x] == pytest.approx(value, rel=1e-6)  # the official array is the transpose
    assert mask.sum(dtype=np.float64) == pytest.approx(5005.1378428584, rel=1e-6)
    assert mask.min() > 0


def clipped(value: float, low: float = 0, high: float = 1) -> float:
    return min(max(value, low), high)


def smooth_pixel(position: int, centre: int, side: int, extent: int) -> float:
    half = side // 2
    low, high, ramp = clipped(centre - half, 0, extent), clipped(centre + half, 0, extent), 0.1 * half
    return clipped((position - (low - ramp)) / ramp if position < centre else (high + ramp - position) / ramp)


def gaussian_pixel(position: int, centre: int, side: int, extent: int) -> float:
    return math.exp(-((position - centre) ** 2) / (2 * side**2))


def box_pixel(position: int, centre: int, side: int, extent: int) -> float:
    low = clipped(centre - side // 2, 0, extent)
    return float(low <= position < clipped(low + side, 0, extent))


PIXELS = {"smoothmix-s": smooth_pixel, "smoothmix-c": gaussian_pixel, "cutmix": box_pixel, "mixup-patch": box_pixel}


@given(st.data())
def test_every_pixel_of_rectangular_frames(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(MASKS)))
    height, width = data.draw(st.integers(4, 20)), data.draw(st.integers(4, 20))
    xs = data.draw(st.lists(st.integers(0, width), min_size=1, max_size=3))
    ys = data.draw(st.lists(st.integers(0, height), min_size=len(xs), max_size=len(xs)))
    patch_width, patch_height = data.draw(st.integers(2, width)), data.draw(st.integers(2, height))
    masks = MASKS[kind](np.array(xs), np.array(ys), patch_width, patch_height, (height, width))
    pixel, strength = PIXELS[kind], 0.5 if kind == "mixup-patch" else 1.0
    expected = [
        [
            [
                strength * pixel(row, y, patch_height, height) * pixel(column, x, patch_width, width)
                for column in range(width)
            ]
            for row in range(height)
        ]
        for x, y in zip(xs, ys)
    ]
    assert masks.shape == (len(xs), height, width) and masks.dtype == np.float32
    np.testing.assert_allclose(masks, expected, atol=1e-6)


@pytest.mark.parametrize("make", [smoothmix_s, smoothmix_c, cutmix, mixup_patch])
def test_turning_the_frame_turns_the_mask(make: type) -> None:
    x, y = np.array([3, 40]), np.array([20, 9])
    upright, lying = make(x, y, 11, 16, (32, 48)), make(y, x, 16, 11, (48, 32))
    np.testing.assert_array_equal(upright, lying.transpose(0, 2, 1))
