"""Appearance classes: the same footage gives the same ones, and they tell apart what looks different."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from oddlens.labels.appearance import AppearanceClasses, cell_features
from oddlens.sampling.clips import FrameRun

Clips = Callable[..., NDArray[np.uint8]]


def learned(*clips: NDArray[np.uint8], seed: int = 0) -> AppearanceClasses:
    classes = AppearanceClasses()
    classes.learn([FrameRun(str(number), 0, frames) for number, frames in enumerate(clips)], seed)
    return classes


def test_same_footage_same_classes(clips: Clips) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, again, other = learned(clips(9)), learned(clips(9)), learned(clips(9), clips(9, 1))
    assert torch.rand(1) == expected
    assert one.fingerprint() == again.fingerprint() != other.fingerprint()
    assert one.fingerprint() != learned(clips(9), seed=1).fingerprint()


@pytest.mark.parametrize("channels", [1, 3])
def test_membership(clips: Clips, channels: int) -> None:
    frames = clips(9, channels=channels)
    classes = learned(frames)
    shares = classes.membership(frames[3])
    assert shares.shape == (21, 11, 13) and shares.dtype == np.float16
    np.testing.assert_allclose(shares.astype(np.float64).sum(axis=0), 1, atol=5e-3)
    assert len(np.unique(shares.argmax(axis=0))) > 5


def test_a_detector_carries_them(clips: Clips) -> None:
    frames = clips(9)
    classes, loaded = learned(frames), AppearanceClasses()
    assert not list(classes.parameters())
    with pytest.raises(RuntimeError, match="learn the classes first"):
        loaded.membership(frames[0])
    loaded.load_state_dict(classes.state_dict())
    assert loaded.fingerprint() == classes.fingerprint()
    np.testing.assert_array_equal(loaded.membership(frames[0]), classes.membership(frames[0]))


def test_what_moves_has_classes_of_its_own() -> None:
    rng = np.random.default_rng(0)
    still = np.full((40, 80, 1), 180, np.uint8) + rng.integers(0, 3, (40, 80, 1), dtype=np.uint8)
    frames = np.repeat(still[None], 30, axis=0)
    for index in range(30):  # a dark square of one part in 50 of the picture
        frames[index, 16:24, 2 * index : 2 * index + 8] = 20
    shares = learned(frames).membership(frames[10])
    there = np.zeros((10, 20), bool)
    there[4:6, 5:7] = True
    classes = shares.argmax(axis=0)
    assert not {*classes[there].tolist()} & {*classes[~there].tolist()}


@pytest.mark.parametrize("frames", [np.zeros((1, 4, 4, 1), np.uint8), np.full((7, 3, 5, 3), 9, np.uint8)])
def test_footage_without_content(frames: NDArray[np.uint8]) -> None:
    shares = learned(frames).membership(frames[0])
    assert np.isfinite(shares).all()


@settings(deadline=None, max_examples=40)
@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]))))
def test_features_of_any_frame_are_within_one(image: NDArray[np.uint8]) -> None:
    cells = cell_features(image)
    assert cells.shape == (-(-image.shape[0] // 4), -(-image.shape[1] // 4), 7)
    assert np.abs(cells).max() <= 1 + 1e-6


def test_features_of_a_ramp() -> None:
    ramp = np.broadcast_to((4 * np.arange(20, dtype=np.uint8))[:, None, None], (20, 16, 3))
    cells = cell_features(np.stack([ramp[..., 0], ramp[..., 0] // 2, ramp[..., 0] // 4], axis=2))
    inner = cells[1:-1, 1:-1]
    levels = 4 * (np.arange(20).reshape(5, 4).mean(axis=1)[1:-1]) / 255
    np.testing.assert_allclose(inner[..., 0].T, np.broadcast_to(levels * 1.75 / 3, (2, 3)), atol=1e-6)
    np.testing.assert_allclose(inner[..., 1].T, np.broadcast_to(levels * 0.5, (2, 3)), atol=1e-6)
    np.testing.assert_allclose(inner[..., 2].T, np.broadcast_to(levels * 0.5, (2, 3)), atol=1e-6)
    np.testing.assert_allclose(inner[..., 3], 0, atol=1e-6)
    np.testing.assert_allclose(inner[..., 4], 2 * 4 * 1.75 / 3 / 255, atol=1e-6)  # both neighbours' difference
    np.testing.assert_allclose(cells[0, :, 5], (np.arange(4) + 0.5) / 4)
    np.testing.assert_allclose(cells[:, 0, 6], (np.arange(5) + 0.5) / 5)
