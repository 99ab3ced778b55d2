"""Masks of photographs: read, and brought to another size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from oddlens.datasets.photograph_masks import fit_mask, read_photograph_mask
from oddlens.datasets.photographs import Photograph
from oddlens.errors import DataError


def photograph(kind, mask=None):
    return Photograph("a.png", "a.png", "test", kind, mask)


def test_a_good_one_has_an_empty_mask_and_an_unmarked_one_none():
    assert not read_photograph_mask(photograph("good"), 4, 5).any()
    assert read_photograph_mask(photograph("good"), 4, 5).shape == (4, 5)
    assert read_photograph_mask(photograph("dent"), 4, 5) is None
    assert read_photograph_mask(photograph(""), 4, 5) is None


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_masks_of_all_kinds(tmp_path, mode):
    marked = np.zeros((8, 12), np.uint8)
    marked[2:6, 3:9] = 255
    Image.fromarray(marked).convert(mode).save(tmp_path / "mask.png")
    read = read_photograph_mask(photograph("dent", tmp_path / "mask.png"), 8, 12)
    assert (read == (marked > 0)).all()
    half = read_photograph_mask(photograph("dent", tmp_path / "mask.png"), 4, 6)
    assert half.sum() == pytest.approx(6, abs=2)
    double = read_photograph_mask(photograph("dent", tmp_path / "mask.png"), 16, 24)
    assert (double == np.kron(marked > 0, np.ones((2, 2), bool))).all()


def test_a_mask_is_resized_as_torchvision_does():
    rng = np.random.default_rng(5)
    mask = rng.random((40, 60)) > 0.5
    from torchvision.transforms.functional import resize

    expected = np.asarray(resize(Image.fromarray(mask.astype(np.float32)), [16, 16])) > 0.5
    assert (fit_mask(mask, 16, 16) == expected).all()


def test_a_broken_mask(tmp_path):
    (tmp_path / "mask.png").write_bytes(b"none")
    with pytest.raises(DataError, match="cannot be read as a mask"):
        read_photograph_mask(photograph("dent", tmp_path / "mask.png"), 4, 4)
