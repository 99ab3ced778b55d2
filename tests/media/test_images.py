from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

from oddlens.errors import MediaError
from oddlens.media.images import ImageFolder, read_image
from oddlens.media.open import open_source

Picture = NDArray[np.uint8]
Noise = Callable[[int, int, int], Picture]


def save(path: Path, picture: NDArray[np.generic]) -> Path:
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
    return path


def cut(path: Path, share: float = 0.5) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve grey pictures, unpadded names, level 10 times the index."""
    (tmp_path / "clip").mkdir()
    for k in range(12):
        save(tmp_path / "clip" / f"f{k}.png", np.full((20, 30), 10 * k, np.uint8))
    return tmp_path / "clip"


def test_images_come_in_the_order_of_their_numbers(folder: Path) -> None:
    source = open_source(folder, fps=5)
    frames = list(source.frames())
    assert [frame.image[0, 0, 0] for frame in frames] == [10 * k for k in range(12)]
    assert [frame.time for frame in frames] == pytest.approx([k / 5 for k in range(12)])
    assert (source.info.name, source.info.frames, source.info.fps) == ("clip", 12, 5)
    assert (source.info.width, source.info.height, source.info.channels) == (30, 20, 1)


def test_without_a_rate_times_are_counted_at_25(folder: Path) -> None:
    source = open_source(folder)
    assert source.info.fps is None
    assert [frame.time for frame in source.frames(10)] == pytest.approx([10 / 25, 11 / 25])


def test_broken_images_are_left_out_and_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cut(folder / "f0.png")
    (folder / "f4.png").write_bytes(b"")
    (folder / "f5.png").write_text("no picture")
    source = open_source(folder, fps=1)
    frames = list(source.frames())
    assert [frame.index for frame in frames] == list(range(9))
    assert [frame.image[0, 0, 0] // 10 for frame in frames] == [1, 2, 3, 6, 7, 8, 9, 10, 11]
    assert [frame.time for frame in frames] == [0, 1, 2, 5, 6, 7, 8, 9, 10]
    assert [line.split(":")[0] for line in source.faults] == ["f0.png", "f4.png", "f5.png"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("start", [0, 2, 3, 5, 20])
def test_starting_later_counts_only_what_decodes(folder: Path, start: int, warm: bool) -> None:
    (folder / "f3.png").write_text("no picture")
    whole = list(open_source(folder).frames())
    source = open_source(folder)
    if warm:
        list(source.frames())
    late = list(source.frames(start))
    assert [(frame.index, frame.time) for frame in late] == [(f.index, f.time) for f in whole[start:]]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(late, whole[start:]))


def test_mixed_sizes_are_refused_with_file_and_sizes(folder: Path) -> None:
    save(folder / "f7.png", np.zeros((20, 31), np.uint8))
    with pytest.raises(MediaError, match=r"f7\.png.*31x20.*30x20"):
        list(open_source(folder).frames())


def test_nothing_decodable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(MediaError, match="none of its images"):
        ImageFolder([tmp_path / "a.jpg"], path=str(tmp_path), name="a")


def test_deep_grey_is_scaled_to_8_bits(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, 500).astype(np.uint16).reshape(20, 25)
    path = save(tmp_path / "deep.png", deep)
    for colour in ("native", "grey"):
        image = read_image(path, colour)
        assert image.shape == (20, 25, 1) and image.dtype == np.uint8
        assert np.array_equal(image[..., 0], np.rint(deep / 257))
    assert np.array_equal(read_image(path, "rgb")[..., 2], np.rint(deep / 257))


def test_other_depths_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "float.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(MediaError, match="float32"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_grey_is_opencvs_own_grey_read(tmp_path: Path, rng_image: Noise, suffix: str) -> None:
    path = save(tmp_path / f"noise{suffix}", rng_image(20, 30, 3))
    assert np.array_equal(read_image(path, "grey")[..., 0], cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    assert np.array_equal(read_image(path)[..., ::-1], cv2.imread(str(path), cv2.IMREAD_COLOR))


def test_transparency_is_dropped_and_colours_are_rgb(tmp_path: Path) -> None:
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[..., 0] = 200  # blue, in OpenCV's order
    image = read_image(save(tmp_path / "clear.png", picture))
    assert image.shape == (4, 4, 3) and image[0, 0].tolist() == [0, 0, 200]


@pytest.mark.parametrize("colour", ["native", "grey", "rgb"])
def test_exif_orientation_is_applied(tmp_path: Path, colour: str) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "phone.jpg", exif=exif)
    assert open_source(tmp_path / "phone.jpg", colour=colour).info.height == 30  # type: ignore[arg-type]


def test_later_images_take_the_channels_of_the_first(tmp_path: Path, rng_image: Noise) -> None:
    save(tmp_path / "0.png", rng_image(8, 8, 1)[..., 0])
    save(tmp_path / "1.png", rng_image(8, 8, 3))
    assert [frame.image.shape for frame in open_source(tmp_path).frames()] == [(8, 8, 1)] * 2


def test_names_may_be_in_any_script(tmp_path: Path) -> None:
    (tmp_path / "съёмка ñ").mkdir()
    save(tmp_path / "съёмка ñ" / "画像1.png", np.full((5, 6), 9, np.uint8))
    source = open_source(tmp_path / "съёмка ñ")
    assert source.info.name == "съёмка ñ" and next(source.frames()).image[0, 0, 0] == 9


@pytest.mark.real
def test_pedestrians(real_data: Path) -> None:
    folder = real_data / "ped2" / "testing" / "frames" / "01"
    source = open_source(folder, fps=10)
    frames = list(source.frames())
    assert len(frames) == 180 and frames[-1].time == pytest.approx(17.9)
    assert frames[0].image.shape == (240, 360, 1) and source.faults == []
    assert np.array_equal(frames[7].image[..., 0], cv2.imread(str(folder / "007.jpg"), cv2.IMREAD_GRAYSCALE))
