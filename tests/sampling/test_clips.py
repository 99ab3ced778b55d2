"""Windows, their enumeration, and levels as network values: LNRA specification, sections 2 and 11.6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.sampling.clips import Clip, FrameRun, count_clips, to_network_values, window
from oddlens.sampling.order import ClipSet
from oddlens.types import SamplingSpec

PAPER = SamplingSpec(height=4, width=6, length=16, target=8)


def counting_run(frames: int, name: str = "video") -> FrameRun:
    levels = np.arange(frames, dtype=np.uint8)[:, None, None, None]
    return FrameRun(name, 0, np.tile(levels, (1, 4, 6, 1)))


def test_levels() -> None:
    spec = SamplingSpec(height=1, width=1)
    levels = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    values = to_network_values(levels, spec)
    assert values.shape == (1, 256, 1, 1) and values.dtype == np.float32
    found = values.ravel()
    expected = [-1, -0.99215686, -0.00392157, 0.00392163, 1]
    np.testing.assert_allclose(found[[0, 1, 127, 128, 255]], expected, atol=1e-7)
    official = np.arange(256, dtype=np.float32) / np.float32(127.5) - 1
    np.testing.assert_allclose(found, official, atol=2e-7)
    assert found.min() == -1 and found.max() == 1
    np.testing.assert_array_equal(np.rint((found + 1) * 127.5), np.arange(256))


def test_other_value_ranges() -> None:
    levels = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    values = to_network_values(levels, SamplingSpec(height=1, width=3, low=0.0, high=1.0))
    np.testing.assert_allclose(values.ravel(), [0, 0.2, 1], atol=1e-7)


def test_channels_come_first() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    values = to_network_values(frames, SamplingSpec(height=4, width=6, channels=3, length=5))
    assert values.shape == (3, 5, 4, 6) and values.flags.c_contiguous
    np.testing.assert_allclose(values[2, 3], frames[3, :, :, 2] / 127.5 - 1, atol=1e-6)


@dataclass(frozen=True)
class Maker:
    """Makes a sample `clip` in some way."""

    make: Callable[[Clip], np.ndarray]
    sampling: SamplingSpec = PAPER

    def training_sample(self, clip: Clip, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"clip": self.make(clip)}

    def validation_sample(self, clip: Clip) -> dict[str, np.ndarray]:
        return {"clip": self.make(clip)}


def test_clips_of_40_20_and_16_frames() -> None:
    runs = [counting_run(frames) for frames in (40, 20, 16, 15, 1)]
    assert [count_clips(len(run), PAPER) for run in runs] == [25, 5, 1, 0, 0]
    clips = ClipSet(runs, Maker(lambda clip: window(clip.run.frames, clip.start, PAPER)), seed=0)
    assert len(clips) == 31
    starts = [(len(clip.run), clip.start) for clip in map(clips.clip, range(31))]
    assert starts == [(40, n) for n in range(25)] + [(20, n) for n in range(5)] + [(16, 0)]
    for index, (_, start) in enumerate(starts):
        assert clips[0, index]["clip"][:, 0, 0, 0].tolist() == list(range(start, start + 16))


def test_an_item_is_a_clip_of_the_network() -> None:
    clips = ClipSet([counting_run(20)], Maker(lambda clip: to_network_values(clip.run.frames, PAPER)), 0)
    item = clips[0, 0]["clip"]
    assert item.shape == (1, 20, 4, 6) and item.is_floating_point() and item.element_size() == 4


@given(st.integers(1, 60), st.integers(1, 16), st.integers(1, 4))
def test_every_window_fits_and_none_is_left_out(frames: int, length: int, stride: int) -> None:
    spec = SamplingSpec(height=4, width=6, length=length, stride=stride)
    run = counting_run(frames)
    count = count_clips(frames, spec)
    for start in range(count):
        found = window(run.frames, start, spec)[:, 0, 0, 0].tolist()
        assert found == [start + k * stride for k in range(length)]
        assert found[-1] < frames
    assert count == 0 or count - 1 + (length - 1) * stride == frames - 1
    assert (count == 0) == (spec.span > frames)


@pytest.mark.parametrize(("length", "stride", "target", "span", "latency"), [(16, 1, 8, 16, 7), (5, 2, 2, 9, 4)])
def test_span_and_latency(length: int, stride: int, target: int, span: int, latency: int) -> None:
    spec = SamplingSpec(height=1, width=1, length=length, stride=stride, target=target)
    assert (spec.span, spec.latency) == (span, latency)
