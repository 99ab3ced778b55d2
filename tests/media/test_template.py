"""Background templates: mean, mode and median over time, in one pass and constant memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oddlens.errors import MediaError, SettingsError
from oddlens.media import template as module
from oddlens.media.open import open_source
from oddlens.media.resize import fit
from oddlens.media.template import TemplateBuilder, level_kernel, make_template
from oddlens.media.writer import write_image

KINDS = ("mean", "mode", "median")
stacks = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 5), st.sampled_from([1, 3])))


def built(frames, kind, expected=None):
    builder = TemplateBuilder(*frames.shape[1:], kind, expected)
    for frame in frames:
        builder.add(frame)
    return builder.template()


def of_values(values, kind):
    return built(np.array(values, np.uint8).reshape(-1, 1, 1, 1), kind).levels.item()


def folder_of(path: Path, frames) -> Path:
    path.mkdir()
    for number, frame in enumerate(frames):
        write_image(path / f"{number}.png", frame)
    return path


def test_kernel_over_grey_levels():
    kernel = level_kernel()
    assert kernel[6] == pytest.approx(0.17345317, abs=1e-8)
    assert kernel[0] == kernel[12] == pytest.approx(0.00577340, abs=1e-8)
    assert kernel.sum() == pytest.approx(0.99560640, abs=1e-8)


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ([10] * 5 + [11] * 4 + [12] * 5 + [200] * 9, 11),
        ([10] * 5 + [13] * 5 + [16] * 5 + [200] * 7, 13),
        ([7], 7),
        ([40, 200], 40),  # the first of equal ones
        ([0] * 3 + [255] * 2, 0),
        ([0] * 2 + [255] * 3, 255),
    ],
)
def test_mode_of_the_smoothed_histogram(values, mode):
    assert of_values(values, "mode") == mode


@given(stacks)
def test_mean_and_median_are_numpys(frames):
    np.testing.assert_allclose(built(frames, "mean").levels, frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(built(frames, "median").levels, np.median(frames, axis=0))


@given(stacks)
def test_mode_is_its_definition(frames):
    found = built(frames, "mode").levels
    for place in np.ndindex(frames.shape[1:]):
        counts = np.bincount(frames[(slice(None), *place)], minlength=256)
        smooth = np.convolve(counts, level_kernel(), mode="same")
        assert smooth[int(found[place])] == pytest.approx(smooth.max(), rel=1e-12)


@pytest.mark.parametrize("kind", ["mode", "median"])
def test_blocks_and_wide_counts_change_nothing(kind, monkeypatch):
    frames = np.random.default_rng(0).integers(0, 256, (9, 5, 7, 1), dtype=np.uint8)
    whole = built(frames, kind)
    assert built(frames, kind, expected=9).levels.tolist() == whole.levels.tolist()
    monkeypatch.setattr(module, "_BLOCK", 4)
    monkeypatch.setattr(module, "_MOST_COUNT", 5)  # as if 16 bits ended there
    assert built(frames, kind, expected=3).levels.tolist() == whole.levels.tolist()


def test_more_frames_than_sixteen_bits_count():
    builder = TemplateBuilder(1, 1, 1, "mode", expected=10)
    for _ in range(70_000):
        builder.add(np.full((1, 1, 1), 9, np.uint8))
    for _ in range(60_000):
        builder.add(np.full((1, 1, 1), 90, np.uint8))
    assert builder.template().image.item() == 9


def test_the_picture_is_rounded():
    made = built(np.array([3, 4, 4], np.uint8).reshape(3, 1, 1, 1), "mean")
    assert made.levels.dtype == np.float32
    assert (made.levels.item(), made.image.item(), made.frames) == (pytest.approx(11 / 3), 4, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_source(kind, tmp_path, rng_image):
    frames = [rng_image(6, 8, 1) for _ in range(5)]
    source = open_source(folder_of(tmp_path / "frames", frames))
    told = []
    made = make_template([source], kind, progress=lambda *call: told.append(call))
    np.testing.assert_array_equal(made.levels, built(np.stack(frames), kind).levels)
    assert told == [("frames", k, 5) for k in range(1, 6)]
    resized = make_template([source], kind, size=(3, 4))
    expected = built(np.stack([fit(frame, 3, 4, 1) for frame in frames]), kind)
    np.testing.assert_array_equal(resized.levels, expected.levels)


def test_first_frames_and_spread_ones(tmp_path, flat_pictures):
    pictures = flat_pictures(12, 4, 4, 1)
    sources = [open_source(folder_of(tmp_path / name, pictures[a:b])) for name, a, b in (("a", 0, 4), ("b", 4, 12))]
    assert make_template(sources, frames=6).levels.mean() == pytest.approx(25)
    assert make_template(sources, frames=3, spread=True).levels.mean() == pytest.approx((0 + 60 + 110) / 3)
    assert make_template(sources, frames=100).frames == make_template(sources, frames=100, spread=True).frames == 12
    assert make_template(sources).levels.mean() == pytest.approx(55)


def test_of_a_video_and_of_grey_beside_colour(tmp_path, make_video, flat_pictures):
    video = open_source(make_video(flat_pictures(10)))
    grey = open_source(folder_of(tmp_path / "grey", flat_pictures(3, channels=1)))
    assert make_template([video]).levels.mean() == pytest.approx(45, abs=2)
    assert make_template([grey]).levels.shape == (48, 64, 1)
    made = make_template([grey, video], "median", size=(24, 32))
    assert (made.levels.shape, made.frames) == ((24, 32, 3), 13)


def test_footage_of_two_sizes_needs_a_size(tmp_path, rng_image):
    one = open_source(folder_of(tmp_path / "one", [rng_image(6, 8, 1)]))
    other = open_source(folder_of(tmp_path / "other", [rng_image(4, 8, 1)]))
    with pytest.raises(MediaError, match="other: is 8x4, one 8x6; name a size"):
        make_template([one, other])
    assert make_template([one, other], size=(2, 2)).frames == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"frames": 0}, "frames: is 0"),
        ({"size": (0, 4)}, "size: is 4x0"),
        ({"size": (4000, 4000), "kind": "mode"}, "takes 7.6 GB; name a smaller size, or take the mean"),
    ],
)
def test_options_that_make_no_sense(tmp_path, rng_image, options, says):
    source = open_source(folder_of(tmp_path / "frames", [rng_image(4, 4, 1)]))
    with pytest.raises(SettingsError, match=says):
        make_template([source], **options)


def test_nothing_to_make_it_of():
    with pytest.raises(MediaError, match="there is no footage"):
        make_template([])
    for kind in KINDS:
        with pytest.raises(MediaError, match="there are no frames"):
            TemplateBuilder(2, 2, 1, kind).template()


@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_with_the_length(kind):
    rng = np.random.default_rng(0)

    def peak(length):
        tracemalloc.start()
        builder = TemplateBuilder(32, 32, 1, kind)
        for _ in range(length):
            builder.add(rng.integers(0, 256, (32, 32, 1), dtype=np.uint8))
        builder.template()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(400) < 1.02 * peak(40)
