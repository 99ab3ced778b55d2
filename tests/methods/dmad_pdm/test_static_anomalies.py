"""The removal of static anomalies, against values of DMAD's official code and a brute-force version."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.config import build
from oddlens.errors import DataError, SettingsError
from oddlens.methods.dmad_pdm.smoothing import robust_smooth
from oddlens.methods.dmad_pdm.static_anomalies import (
    COARSE_OFFSET,
    DIFFERENCE,
    WEIGHTS,
    StaticAnomalies,
    StaticSettings,
    StaticStage,
    fuse_changes,
    quantise_error,
    quantise_offset,
)

PATCH = [0, 0, 0.2075568, 0.1058284, 0.0943564, 0.0920593]
OFFSET = [0, 0.3652824, 0.3654122, 0.3654122, 0.3654122, 0.3654122]


@pytest.fixture(scope="module")
def frames():
    """Six made-up frames of the specification: error images `uint8 (256, 256, 3)` and offsets `int8 (256, 256)`."""
    i, j = np.mgrid[:256, :256].astype(np.float64)
    made = []
    for k in range(6):
        bar = 200 * ((np.abs(i - 60 - 12 * k) < 15) & (np.abs(j - 120) < 10))
        image = np.clip(60 * (1 + np.sin(0.04 * i + 0.05 * j)) + bar, 0, 255).astype(np.uint8)
        offset = np.trunc(100 * np.sin(0.03 * i + 0.02 * j + 0.8 * k)).astype(np.int8)
        made.append((np.repeat(image[..., None], 3, axis=2), offset))
    return made


def scores(frames, settings=None, limit=1.0):
    height, width = frames[0][1].shape
    stage = StaticAnomalies(height, width, limit, settings)
    return np.array([stage.push(*frame) for frame in frames])


def test_official_values(frames):
    found = scores(frames)
    np.testing.assert_allclose(found[:, 0], PATCH, atol=1e-7)
    np.testing.assert_allclose(found[:, 1], OFFSET, atol=1e-7)


def test_float_maps_give_the_same_up_to_rounding(frames):
    exact = [(image / np.float32(127.5), offset / np.float32(127) * 0.02) for image, offset in frames]
    smooth = scores(exact, limit=0.02)
    np.testing.assert_allclose(smooth[:, 0], PATCH, atol=2e-3)
    np.testing.assert_allclose(smooth[:, 1], OFFSET, atol=1e-5)
    rounded = scores(exact, StaticSettings(quantise=True), limit=0.02)
    np.testing.assert_allclose(rounded[:, 0], PATCH, atol=1e-6)
    np.testing.assert_allclose(rounded[:, 1], OFFSET, atol=2e-2)  # rounding towards 0 can take a step off


def test_the_limit_is_a_scale(frames):
    floats = [(image, offset.astype(np.float32)) for image, offset in frames]
    one, other = scores(floats, limit=100.0), scores(floats, limit=50.0)
    np.testing.assert_allclose(other[:, 1], 4 * one[:, 1], rtol=1e-5)
    np.testing.assert_allclose(other[:, 0], one[:, 0])


def brute_force(maps, history, window):
    """Scores by the definition, pixel by pixel, of maps `(T, h, w)`; the history starts out with the first maps."""
    _, height, width = maps.shape
    known = list(maps[:history])
    found = []
    for map in maps:
        nearest = np.full((height, width), np.inf)
        for old in known:
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    moved = np.zeros((height, width))
                    for y in range(height):
                        for x in range(width):
                            if 0 <= y + dy < height and 0 <= x + dx < width:
                                moved[y, x] = old[y + dy, x + dx]
                    nearest = np.minimum(nearest, np.abs(moved - map))
        padded = np.pad(nearest, [(side, side) for side in window])
        windows = np.lib.stride_tricks.sliding_window_view(padded, window)
        found.append(windows.mean(axis=(2, 3)).max())
        known = [map, *known[:-1]]
    return found


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000), st.sampled_from([1, 3]), st.integers(1, 6))
def test_it_is_its_definition(seed, history, length):
    rng = np.random.default_rng(seed)
    small = rng.random((max(length, 3), 7, 9)).astype(np.float32)[:, :, :]
    # twice the size, each pixel fourfold, so that halving gives `small` back
    maps = small.repeat(2, axis=1).repeat(2, axis=2)
    chosen = StaticSettings(
        error_history=history, error_window=(110, 100), offset_history=history, offset_window=(70, 40)
    )
    stage = StaticAnomalies(14, 18, 1.0, chosen)
    found = np.array([stage.push(2 * np.sqrt(map)[..., None], np.sqrt(map)) for map in maps])
    np.testing.assert_allclose(found[:, 0], brute_force(small, history, (3, 3)), atol=1e-5)
    np.testing.assert_allclose(found[:, 1], brute_force(small, history, (1, 1)), atol=1e-5)


def test_what_lies_still_is_odd_once_and_what_moves_stays_odd():
    bag, ball = np.zeros((12, 64, 64, 3), np.float32), np.zeros((12, 64, 64, 3), np.float32)
    bag[4:, 20:32, 20:32] = 1
    for k in range(12):
        ball[k, 20:32, 4 * k : 4 * k + 12] = 1
    still = np.zeros((64, 64), np.float32)
    lying, rolling = (scores([(error, still) for error in errors])[:, 0] for errors in (bag, ball))
    assert np.flatnonzero(lying).tolist() == [4]
    assert (rolling[3:] > 0.05).all()


def test_a_frame_is_scored_without_those_after_it(frames):
    np.testing.assert_array_equal(scores(frames)[:4], scores([*frames[:4], *frames[:2]])[:4])


def test_the_stage_adds_both_changes(frames):
    stage, alone = StaticStage(256, 256, 1.0), StaticAnomalies(256, 256, 1.0)
    for image, offset in frames[:3]:
        error = (image / np.float32(127.5)).astype(np.float32)
        field = np.stack([np.full_like(error[..., 0], 9), offset / np.float32(127)])
        pictures = {DIFFERENCE: error.transpose(2, 0, 1), COARSE_OFFSET: field}
        told = stage.push(0.5, {"deformation": 1.0}, None, pictures)
        assert told.score == 0.5
        assert tuple(told.components.values()) == alone.push(error, field[1])
    assert list(told.components) == ["patch_change", "offset_change"]


def test_fusion_of_the_whole_set():
    rng = np.random.default_rng(0)
    patches, offsets = ([rng.random(30), 5 * rng.random(25)] for _ in range(2))

    def stretched(videos):
        series = np.concatenate(videos)
        return (series - series.min()) / (series.max() - series.min())

    p, o = (robust_smooth(stretched(videos), 11, 5, WEIGHTS) for videos in (patches, offsets))
    expected = robust_smooth(0.2 * o + 0.4 * p, 11, 5, WEIGHTS)
    found = fuse_changes(patches, offsets)
    assert [len(series) for series in found] == [30, 25]
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-12)
    inside = fuse_changes(patches, offsets, across=False)
    np.testing.assert_allclose(inside[0][:15], found[0][:15])
    assert not np.allclose(inside[0][-5:], found[0][-5:])


def test_rounding_to_eight_bits():
    assert quantise_error(np.array([0, 0.2, 2.0, 3.0])).tolist() == [0, 26, 255, 255]
    assert quantise_offset(np.array([-0.02, 0.0199, 0.001]), 0.02).tolist() == [-127, 126, 6]
    same = np.arange(3, dtype=np.uint8)
    assert quantise_error(same) is same


def test_bad_input_is_one_line():
    with pytest.raises(DataError, match=r"give maps \(H, W, C\) and \(H, W\)"):
        StaticAnomalies(4, 4, 1.0).push(np.zeros((4, 4)), np.zeros((4, 4)))
    with pytest.raises(SettingsError, match="a history or window is below 1"):
        StaticSettings(error_history=0)
    with pytest.raises(SettingsError, match="unknown key 'histroy'"):
        build(StaticSettings, {"histroy": 3}, "test")
