"""Photographs of any size as frames of one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow
from torchvision.transforms.functional import resize

from oddlens.errors import MediaError
from oddlens.media.photographs import PhotographFiles, read_photograph
from oddlens.media.resize import fit_photograph
from oddlens.media.store import Footage, build_store
from oddlens.media.writer import write_image
from oddlens.types import SamplingSpec

SPEC = SamplingSpec(height=8, width=10, channels=3)


def picture(seed=0, size=(40, 30), channels=3):
    return np.random.default_rng(seed).integers(0, 256, (*size, channels)).astype(np.uint8)


@pytest.fixture
def files(tmp_path):
    """Four photographs of different kinds, the second of them damaged."""
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png", "d.jpg")]
    write_image(paths[0], picture())
    write_image(paths[1], picture())
    paths[1].write_bytes(paths[1].read_bytes()[:-100])
    write_image(paths[2], picture(1, (7, 90), 1))
    Pillow.fromarray(picture(2)).save(paths[3])
    return paths


def test_a_photograph_is_resized_as_torchvision_does():
    for size in ((8, 10), (64, 20)):
        ours = fit_photograph(picture(), *size, 3)
        assert (ours == np.asarray(resize(Pillow.fromarray(picture()), list(size)))).all()
    grey = fit_photograph(picture(channels=1), 8, 10, 3)
    assert grey.shape == (8, 10, 3)
    assert (grey == grey[..., :1]).all()
    assert fit_photograph(picture(), 8, 10, 1).shape == (8, 10, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_alpha_and_orientation(tmp_path, channels):
    levels = picture(channels=1)[..., 0]
    Pillow.fromarray(levels.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert (read_photograph(tmp_path / "deep.png", channels) == levels[..., None]).all()
    Pillow.fromarray(np.dstack([levels, levels, levels, 255 - levels])).save(tmp_path / "alpha.png")
    assert (read_photograph(tmp_path / "alpha.png", channels) == levels[..., None]).all()
    exif = Pillow.Exif()
    exif[0x112] = 6
    Pillow.fromarray(levels).save(tmp_path / "turned.png", exif=exif)
    assert (read_photograph(tmp_path / "turned.png", channels) == np.rot90(levels, -1)[..., None]).all()


def test_a_damaged_one_is_left_out_and_named(files):
    source = PhotographFiles(files, SPEC, "parts", "folder")
    frames = list(source.frames())
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert {frame.image.shape for frame in frames} == {(8, 10, 3)}
    assert source.faults == ["b.png: cannot be decoded, left out"]
    assert [frame.index for frame in source.frames(2)] == [2]
    with pytest.raises(MediaError, match="folder: none of its photographs can be decoded"):
        list(PhotographFiles(files[1:2], SPEC, "parts", "folder").frames())


def test_the_frame_store_takes_photographs(files, tmp_path):
    footage = [Footage("parts", tmp_path, photographs=tuple(files))]
    store = build_store(footage, SPEC, tmp_path / "cache", 1 << 20)
    assert (store.kept_frames, store.faults) == (3, ("parts: b.png: cannot be decoded, left out",))
    frames = np.concatenate([run.frames for run in store.runs()])
    assert (frames[0] == fit_photograph(picture(), 8, 10, 3)).all()
    again = build_store(footage, SPEC, tmp_path / "cache", 1 << 20)
    assert again.key == store.key
    fewer = build_store([Footage("parts", tmp_path, photographs=tuple(files[:1]))], SPEC, tmp_path / "cache", 1 << 20)
    assert fewer.kept_frames == 1
    some = build_store(footage, SPEC, tmp_path / "cache", 2 * 8 * 10 * 3)
    assert some.kept_frames == 2
