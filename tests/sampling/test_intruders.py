"""Intruders from every source, and their preparation: LNRA specification, sections 4.4 and 11.5."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from oddlens.errors import DataError, OddLensError, SettingsError
from oddlens.media.writer import VideoWriter
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.intruders import (
    ClipIntruder,
    Intruder,
    PictureIntruder,
    as_channels,
    enlarge_picture,
    open_still_intruder,
    random_crop,
)
from oddlens.training.resources import TrainingResources
from oddlens.types import SamplingSpec

GREY = SamplingSpec(height=32, width=48, length=8)
COLOUR = SamplingSpec(height=48, width=32, length=8, channels=3)
RNG = np.random.default_rng


def save(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.squeeze()).save(path)
    return path


def noise(*shape: int) -> np.ndarray:
    return RNG(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def resources(tmp_path: Path) -> TrainingResources:
    return TrainingResources(tmp_path / "cache", 1 << 24)


def check(intruder: Intruder, spec: SamplingSpec, frames: int = 1) -> None:
    """Shape, range, and the same content from the same generator."""
    drawn = [intruder.draw(RNG(seed), spec.length) for seed in (0, 0, 1, 2, 3)]
    for content in drawn:
        assert content.shape == (spec.channels, frames, spec.height, spec.width)
        assert content.dtype == np.float32
        assert content.min() >= -1 and content.max() <= 1
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert len({content.tobytes() for content in drawn}) > 1


def oracle_picture() -> np.ndarray:
    channel, row, column = np.mgrid[0:3, 0:32, 0:32]
    levels = (37 * row + 17 * column + 71 * channel) % 256
    return np.moveaxis(levels.astype(np.uint8), 0, -1)


def test_grey_is_pillows() -> None:
    grey = as_channels(oracle_picture(), 1)[:, :, 0]
    assert [grey[place] for place in ((0, 0), (0, 1), (1, 0), (5, 9), (31, 31))] == [58, 75, 95, 140, 167]


def test_enlarging_aligns_the_corners() -> None:
    large = enlarge_picture(oracle_picture(), SamplingSpec(height=256, width=256))
    assert large.shape == (1, 1, 256, 256) and large.dtype == np.float32
    values = {
        (0, 0): -0.5450981,
        (0, 4): -0.4802615,
        (4, 0): -0.4039831,
        (100, 200): 0.1653981,
        (128, 128): 0.0218224,
        (255, 255): 0.3098040,
        (255, 0): 0.1921569,
    }
    for place, value in values.items():
        assert large[0, 0][place] == pytest.approx(value, abs=2e-6)
    assert large.sum(dtype=np.float64) == pytest.approx(-142.4412, abs=2e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_enlarging_to_rectangular_frames(channels: int) -> None:
    spec = SamplingSpec(height=33, width=48, channels=channels)
    for picture in (noise(32, 32, 3), noise(28, 28, 1)):
        large = enlarge_picture(picture, spec)
        assert large.shape == (channels, 1, 33, 48)
        plain = as_channels(picture, channels)
        first, last = plain[0, 0], plain[-1, -1]
        np.testing.assert_allclose(large[:, 0, 0, 0], first / 127.5 - 1, atol=1e-5)
        np.testing.assert_allclose(large[:, 0, -1, -1], last / 127.5 - 1, atol=1e-5)


def test_channels_of_pictures() -> None:
    plane = noise(4, 5)
    np.testing.assert_array_equal(as_channels(plane, 1), plane[:, :, None])
    np.testing.assert_array_equal(as_channels(plane, 3), np.stack([plane] * 3, axis=-1))
    picture = noise(4, 5, 3)
    np.testing.assert_array_equal(as_channels(picture, 3), picture)


@pytest.mark.parametrize("spec", [GREY, COLOUR])
def test_textures(spec: SamplingSpec, resources: TrainingResources) -> None:
    check(resources.open_intruder("textures", spec), spec)


@pytest.mark.parametrize("spec", [GREY, COLOUR])
@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_cifar_files(spec: SamplingSpec, kind: str, tmp_path: Path, resources: TrainingResources) -> None:
    rows = noise(20, 3072)
    name = "data_batch_1" if kind == "cifar10" else "train"
    (tmp_path / name).write_bytes(pickle.dumps({"data": rows}))
    intruder = resources.open_intruder(f"{kind}:{tmp_path}", spec)
    check(intruder, spec)
    wanted = [enlarge_picture(row.reshape(3, 32, 32).transpose(1, 2, 0), spec) for row in rows]
    drawn = {intruder.draw(RNG(seed), 8).tobytes() for seed in range(300)}
    assert drawn == {picture.tobytes() for picture in wanted}


@pytest.mark.parametrize("spec", [GREY, COLOUR])
def test_cifar_in_class_folders(spec: SamplingSpec, tmp_path: Path, resources: TrainingResources) -> None:
    pictures = noise(6, 32, 32, 3)
    for k, picture in enumerate(pictures):
        save(tmp_path / "c" / ("cat", "dog")[k % 2] / f"{k}.png", picture)
    (tmp_path / "c" / "empty").mkdir()
    (tmp_path / "c" / "cat" / ".hidden").write_text("")
    intruder = resources.open_intruder(f"cifar10:{tmp_path / 'c'}", spec)
    check(intruder, spec)
    drawn = {intruder.draw(RNG(seed), 8).tobytes() for seed in range(100)}
    assert drawn == {enlarge_picture(picture, spec).tobytes() for picture in pictures}


def test_class_folders_of_many_sizes_are_no_cifar(tmp_path: Path, resources: TrainingResources) -> None:
    save(tmp_path / "c" / "cat" / "0.png", noise(32, 32, 3))
    save(tmp_path / "c" / "cat" / "1.png", noise(30, 32, 3))
    with pytest.raises(DataError, match="pictures have 2 sizes; use images:DIR"):
        resources.open_intruder(f"cifar10:{tmp_path / 'c'}", GREY)


@pytest.mark.parametrize("spec", [GREY, COLOUR])
def test_photographs_of_any_size(spec: SamplingSpec, tmp_path: Path, resources: TrainingResources) -> None:
    shapes = [(40, 30, 3), (9, 200, 3), (64, 64), (300, 20, 3)]
    for k, shape in enumerate(shapes):
        save(tmp_path / "photos" / f"class{k % 2}" / f"{k}{('.jpg', '.PNG')[k % 2]}", noise(*shape))
    check(resources.open_intruder(f"images:{tmp_path / 'photos'}", spec), spec)


def test_broken_photographs_are_passed_over(tmp_path: Path, resources: TrainingResources) -> None:
    (tmp_path / "photos").mkdir()
    for k in range(3):
        (tmp_path / "photos" / f"{k}.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match="ten images in a row cannot be read; check the intruder folder"):
        resources.open_intruder(f"images:{tmp_path / 'photos'}", GREY).draw(RNG(0), 8)
    save(tmp_path / "photos" / "whole.png", np.full((40, 40), 200, np.uint8))
    content = resources.open_intruder(f"images:{tmp_path / 'photos'}", GREY).draw(RNG(0), 8)
    np.testing.assert_allclose(content, 200 / 127.5 - 1, atol=1e-6)


def test_random_crops_are_parts_of_the_picture() -> None:
    rows, columns = np.mgrid[0:120, 0:160].astype(np.uint8)
    picture = np.stack([rows, columns, np.zeros_like(rows)], axis=-1)
    areas, ratios, flipped = [], [], set()
    for seed in range(300):
        crop = random_crop(picture, RNG(seed)).astype(int)
        height, width = crop.shape[:2]
        down, right = crop[-1, 0, 0] - crop[0, 0, 0], crop[0, -1, 1] - crop[0, 0, 1]
        assert abs(down) == height - 1 and abs(right) == width - 1
        areas.append(height * width / picture[..., 0].size)
        ratios.append(width / height)
        flipped.add((down > 0, right > 0))
    assert len(flipped) == 4
    assert 0.07 < min(areas) < 0.15 and max(areas) > 0.85
    assert 0.7 < min(ratios) < 0.8 and 1.25 < max(ratios) < 1.4


def test_crops_of_tiny_and_narrow_pictures() -> None:
    for shape in ((1, 1, 3), (1, 50, 3), (200, 2, 3)):
        crop = random_crop(noise(*shape), RNG(0))
        assert 0 < crop.size <= np.prod(shape)


def walk(root: Path, frames: int = 12, videos: int = 2) -> None:
    """A small data set of videos whose frame tells its index by its level."""
    for k in range(videos):
        path = root / "normal" / f"{k}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, 10) as writer:
            for level in range(frames):
                writer.write(np.full((32, 48, 1), 16 * level + 20, np.uint8))


@pytest.mark.parametrize("spec", [GREY, COLOUR])
def test_clips_of_other_footage(spec: SamplingSpec, tmp_path: Path, resources: TrainingResources) -> None:
    walk(tmp_path / "other")
    intruder = resources.open_intruder(f"video:{tmp_path / 'other'}", spec)
    check(intruder, spec, frames=8)
    levels = (intruder.draw(RNG(0), 8)[0, :, 8, 8] + 1) * 127.5
    np.testing.assert_allclose(np.diff(levels), 16, atol=3)  # frame t of the intruder goes into frame t


def test_every_clip_of_the_footage_is_equally_likely() -> None:
    levels = np.arange(40, dtype=np.uint8).reshape(-1, 1, 1, 1)
    runs = [FrameRun("a", 0, levels[:20]), FrameRun("short", 0, levels[:3]), FrameRun("b", 20, levels[20:29])]
    spec = SamplingSpec(height=1, width=1, length=8)
    rng, intruder = RNG(0), ClipIntruder(runs, spec)
    starts = [int(np.rint((intruder.draw(rng, 8)[0, 0, 0, 0] + 1) * 127.5)) for _ in range(3000)]
    counts = np.bincount(starts, minlength=40)
    assert set(np.flatnonzero(counts)) == {*range(13), 20, 21}
    np.testing.assert_allclose(counts[counts > 0] / 3000, 1 / 15, atol=0.02)


def test_footage_too_short_for_a_clip(tmp_path: Path, resources: TrainingResources) -> None:
    walk(tmp_path / "other", frames=5)
    with pytest.raises(DataError, match="holds no training video of 8 frames; give longer footage"):
        resources.open_intruder(f"video:{tmp_path / 'other'}", GREY)


@pytest.mark.parametrize("kind", ["cifar10", "cifar100", "images", "video"])
def test_folders_without_pictures(kind: str, tmp_path: Path, resources: TrainingResources) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("no picture")
    for place in (tmp_path / "empty", tmp_path / "file.txt", tmp_path / "gone"):
        with pytest.raises(OddLensError) as caught:
            resources.open_intruder(f"{kind}:{place}", GREY)
        assert str(caught.value).startswith(str(place)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "noise", "textures:now", "cifar10:", "images", "imagenet:x"])
def test_names_that_are_not_known(name: str) -> None:
    with pytest.raises(SettingsError, match=r"is not known; give textures, cifar10:DIR, .* or video:DIR"):
        open_still_intruder(name, GREY)


@pytest.mark.real
def test_the_photographs_at_hand(real_data: Path, resources: TrainingResources) -> None:
    check(resources.open_intruder(f"images:{real_data / 'cifar10'}", COLOUR), COLOUR)
    intruder = resources.open_intruder(f"cifar10:{real_data / 'cifar10'}", GREY)
    check(intruder, GREY)
    assert isinstance(intruder, PictureIntruder)
    assert intruder.pictures.shape == (2000, 32, 32, 3)
    first = cv2.imread(str(min((real_data / "cifar10").rglob("*.jpg"))))
    assert first is not None
    np.testing.assert_array_equal(intruder.pictures[0], cv2.cvtColor(first, cv2.COLOR_BGR2RGB))
