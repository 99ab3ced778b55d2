"""Mask readers: every form of storage gives the same masks; damaged ones are refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image as Pillow

from oddlens.datasets.base import MaskReader
from oddlens.datasets.labels import from_masks
from oddlens.datasets.masks import ArrayMasks, FolderMasks, MatMasks, VideoMasks, find_masks
from oddlens.errors import DataError
from oddlens.media.writer import VideoWriter

L, H, W = 5, 16, 26


@pytest.fixture
def truth() -> np.ndarray:
    masks = np.zeros((L, H, W), bool)
    masks[1, 3:9, 8:25], masks[4, :, :8] = True, True
    return masks


def stored(folder: Path, truth: np.ndarray, kind: str) -> MaskReader:
    levels = truth.astype(np.uint8)
    if kind in ("1", "L", "P"):
        for k, mask in enumerate(levels):
            picture = Pillow.fromarray(mask * (1 if kind == "P" else 255))
            if kind == "P":
                picture.putpalette([0, 0, 0, 0, 0, 1])
            (picture.convert("1") if kind == "1" else picture).save(folder / f"{k}.{'bmp' if kind == 'L' else 'png'}")
        return FolderMasks(folder)
    if kind == "packed":
        np.save(folder / "m.npy", np.packbits(truth, axis=-1))
        return ArrayMasks(folder / "m.npy", W)
    if kind == "array":
        np.save(folder / "m.npy", levels)
        return ArrayMasks(folder / "m.npy")
    if kind == "video":
        with VideoWriter(folder / "m.mp4", 10, crf=0) as writer:
            for mask in levels:
                writer.write(mask[..., None] * 255)
        return VideoMasks(folder / "m.mp4")
    cells = np.empty((1, L), object)
    for k, mask in enumerate(levels):
        cells[0, k] = mask
    scipy.io.savemat(folder / "m.mat", {"volLabel": cells if kind == "cells" else np.moveaxis(levels, 0, -1)})
    return MatMasks(folder / "m.mat")


@pytest.mark.parametrize("kind", ["1", "L", "P", "packed", "array", "video", "cells", "volume"])
def test_all_forms_agree(tmp_path: Path, truth: np.ndarray, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "masks").mkdir()
    reader = stored(tmp_path / "masks", truth, kind)
    assert len(reader) == L
    for index in (4, 0, 1, 2, 1):  # in any order
        mask = reader.read(index)
        assert mask.dtype == bool and np.array_equal(mask, truth[index])
    assert from_masks(reader).tolist() == [0, 1, 0, 0, 1]
    copy = pickle.loads(pickle.dumps(reader))  # as workers of a data loader get it
    assert np.array_equal(copy.read(1), truth[1])


def test_damaged_masks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"0\.png.*mask"):
        FolderMasks(tmp_path / "a").read(0)
    (tmp_path / "1_label.mat").write_bytes(b"no matrix")
    with pytest.raises(DataError, match="MATLAB"):
        len(MatMasks(tmp_path / "1_label.mat"))
    scipy.io.savemat(tmp_path / "2_label.mat", {"other": 1})
    with pytest.raises(DataError, match="volLabel"):
        MatMasks(tmp_path / "2_label.mat").read(0)
    np.save(tmp_path / "b.npy", np.array([{"code": "runs"}], object), allow_pickle=True)
    with pytest.raises(DataError, match="numpy"):
        ArrayMasks(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", np.zeros((2, 3, 4), np.uint8))
    with pytest.raises(DataError, match=r"\(2, 3, 4\), not \(L, H, 2\)"):
        ArrayMasks(tmp_path / "c.npy", 12)


def test_masks_are_found_by_name(tmp_path: Path) -> None:
    assert find_masks(tmp_path / "none", "a") is None and find_masks(tmp_path, "a") is None
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4), bool))
    assert isinstance(find_masks(tmp_path, "a"), ArrayMasks)
