from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oddlens.media.open import open_source
from oddlens.media.resize import fit

ROWS, COLUMNS = np.mgrid[0:240, 0:360]


@pytest.mark.parametrize(
    ("image", "points", "total"),
    [
        (
            (3 * ROWS + 2 * COLUMNS) % 256,
            {(0, 0): 0, (0, 255): 205, (255, 0): 205, (255, 255): 155, (100, 37): 130, (128, 128): 208},
            8_370_424,
        ),
        (
            np.floor(0.5 * ROWS + 0.25 * COLUMNS),
            {(0, 255): 89, (255, 0): 119, (255, 255): 209, (100, 37): 60, (128, 128): 105},
            6_828_025,
        ),
    ],
    ids=["sawtooth", "ramp"],
)
def test_agrees_with_the_frame_preparation_oracle(
    image: NDArray[np.generic], points: dict[tuple[int, int], int], total: int
) -> None:
    fitted = fit(image.astype(np.uint8)[..., None], 256, 256, 1)
    assert fitted.shape == (256, 256, 1) and fitted.dtype == np.uint8
    for place, value in points.items():
        assert abs(int(fitted[(*place, 0)]) - value) <= 1
    assert int(fitted.sum()) == pytest.approx(total, rel=1e-3)


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 3]),
    st.integers(0, 255),
)
def test_flat_grey_stays_flat_in_any_size_and_channels(
    size: tuple[int, int], target: tuple[int, int], have: int, want: int, level: int
) -> None:
    fitted = fit(np.full((*size, have), level, np.uint8), *target, want)
    assert fitted.shape == (*target, want) and fitted.dtype == np.uint8
    assert (fitted == level).all()


def test_right_size_and_channels_are_passed_through() -> None:
    image = np.zeros((5, 7, 3), np.uint8)
    assert fit(image, 5, 7, 3) is image


def test_colour_becomes_grey_as_opencv_does(rng_image: Callable[..., NDArray[np.uint8]]) -> None:
    image = rng_image(20, 30, 3)
    assert np.array_equal(fit(image, 20, 30, 1)[..., 0], cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def test_grey_becomes_three_equal_channels(rng_image: Callable[..., NDArray[np.uint8]]) -> None:
    fitted = fit(rng_image(20, 30, 1), 10, 12, 3)
    assert np.array_equal(fitted[..., 0], fitted[..., 1]) and np.array_equal(fitted[..., 1], fitted[..., 2])


@pytest.mark.real
def test_pedestrians_give_the_published_no_learning_psnr(real_data: Path) -> None:
    folder = real_data / "ped2" / "testing" / "frames" / "01"
    frames = [fit(frame.image, 256, 256, 1) for frame in islice(open_source(folder, colour="grey").frames(), 9)]
    levels = [frame.astype(np.float64) / 127.5 - 1 for frame in frames]
    assert -10 * np.log10(np.mean((levels[8] - levels[7]) ** 2)) == pytest.approx(24.83135, abs=0.01)
