from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from oddlens.errors import MediaError, OddLensError
from oddlens.media.images import read_image
from oddlens.media.open import open_source
from oddlens.media.writer import VideoWriter, write_image

Picture = NDArray[np.uint8]
Noise = Callable[[int, int, int], Picture]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_what_is_written_is_read_back(tmp_path: Path, rng_image: Noise, channels: int, suffix: str) -> None:
    pictures = [cv2.resize(rng_image(3, 4, channels), (64, 48)).reshape(48, 64, channels) for _ in range(8)]
    path = tmp_path / f"clip{suffix}"
    with VideoWriter(path, Fraction(30000, 1001), crf=8) as writer:
        for picture in pictures:
            writer.write(picture)
    source = open_source(path)
    frames = list(source.frames())
    assert len(frames) == 8 and source.faults == []
    assert source.info.fps == pytest.approx(30000 / 1001, rel=1e-3)
    for frame, picture in zip(frames, pictures):
        assert np.abs(frame.image.astype(int) - picture).mean() < 4


def test_times_follow_the_rate(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "clip.mp4", 12.5) as writer:
        for _ in range(5):
            writer.write(np.zeros((32, 32, 3), np.uint8))
    times = [frame.time for frame in open_source(tmp_path / "clip.mp4").frames()]
    assert times == pytest.approx([0, 0.08, 0.16, 0.24, 0.32])


def test_odd_sizes_grow_to_even_by_repetition(tmp_path: Path) -> None:
    picture = np.full((31, 45, 3), 200, np.uint8)
    with VideoWriter(tmp_path / "odd.mp4", 10) as writer:
        writer.write(picture)
    image = next(open_source(tmp_path / "odd.mp4").frames()).image
    assert image.shape == (32, 46, 3)
    assert np.abs(image.astype(int) - 200).max() <= 4


@pytest.mark.parametrize("written", [0, 1, 40])
def test_an_exception_leaves_nothing_behind(tmp_path: Path, written: int) -> None:
    (tmp_path / "clip.mp4").write_text("what was there before")
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "clip.mp4", 10) as writer:
        for _ in range(written):
            writer.write(np.zeros((32, 32, 1), np.uint8))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert (tmp_path / "clip.mp4").read_text() == "what was there before"


def test_no_picture_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="not one picture"), VideoWriter(tmp_path / "clip.mp4", 10):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("announced", [True, False])
def test_another_size_is_refused(tmp_path: Path, announced: bool) -> None:
    size = (16, 32) if announced else (None, None)
    with (
        pytest.raises(MediaError, match="is 32x18, the video 32x16"),
        VideoWriter(tmp_path / "clip.mp4", 10, height=size[0], width=size[1]) as writer,
    ):
        writer.write(np.zeros((18 if announced else 16, 32, 3), np.uint8))
        writer.write(np.zeros((18, 32, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "fps"), [("clip.gif", 10), ("clip", 10), ("clip.mp4", 0), ("clip.mp4", float("nan"))])
def test_senseless_targets_are_refused(tmp_path: Path, name: str, fps: float) -> None:
    with pytest.raises(MediaError):
        VideoWriter(tmp_path / name, fps)


def test_a_target_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()
    with pytest.raises(OddLensError, match="cannot be written"), VideoWriter(tmp_path / "clip.mp4", 10) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_read_back_exactly_as_png(tmp_path: Path, rng_image: Noise, channels: int) -> None:
    picture = rng_image(9, 7, channels)
    write_image(tmp_path / "new" / "picture.png", picture)
    assert np.array_equal(read_image(tmp_path / "new" / "picture.png"), picture)


@pytest.mark.parametrize("name", ["picture.xyz", "picture"])
def test_unknown_picture_formats_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match="png"):
        write_image(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_reproducible_files_are_equal_byte_for_byte(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (40, 240, 320, 3), dtype=np.uint8)
    files = []
    for number in range(4):
        with VideoWriter(tmp_path / f"{number}.mp4", 10, reproducible=True) as writer:
            for picture in pictures:
                writer.write(picture)
        files.append((tmp_path / f"{number}.mp4").read_bytes())
    assert len(set(files)) == 1
