"""The tree of MVTec AD and of the sets that share it."""

from __future__ import annotations

from pathlib import Path

import pytest

from oddlens.datasets.mvtec import categories
from oddlens.datasets.open import open_dataset
from oddlens.datasets.open_photographs import holds_photographs, open_photographs, recognise_photographs
from oddlens.errors import DataError


@pytest.fixture
def screw(tmp_path, make_photographs, make_masks):
    root = tmp_path / "screw"
    make_photographs(root / "train" / "good", 4)
    make_photographs(root / "test" / "good", 2)
    make_photographs(root / "test" / "scratch", 3)
    make_masks(root / "ground_truth" / "scratch", 3)
    return root


def test_mvtec_ad(screw):
    assert recognise_photographs(screw) == "mvtec"
    found = open_photographs(screw)
    assert (found.name, found.layout, found.kinds, found.faults) == ("screw", "mvtec", ("scratch",), ())
    assert [item.name for item in found.train] == [f"train/good/{k:03d}.png" for k in range(4)]
    assert {item.label for item in found.train} == {0}
    assert [(item.kind, item.label) for item in found.test] == [("good", 0)] * 2 + [("scratch", 1)] * 3
    masks = [item.mask for item in found.test]
    assert masks[:2] == [None, None]
    assert [mask.name for mask in masks[2:] if mask] == ["000_mask.png", "001_mask.png", "002_mask.png"]


def test_btad_calls_good_ok_and_masks_by_the_photographs_name(tmp_path, make_photographs, make_masks):
    root = tmp_path / "01"
    make_photographs(root / "train" / "ok", 2, ".bmp")
    make_photographs(root / "test" / "ok", 1, ".bmp")
    make_photographs(root / "test" / "ko", 2, ".bmp")
    make_masks(root / "ground_truth" / "ko", 2, "")
    found = open_photographs(root)
    assert [item.kind for item in found.test] == ["ko", "ko", "good"]
    assert all(item.mask for item in found.test if item.label)
    assert not found.faults


def test_mvtec_ad_2_has_validation_and_public_test(tmp_path, make_photographs, make_masks):
    root = tmp_path / "can"
    make_photographs(root / "train" / "good", 3)
    make_photographs(root / "validation" / "good", 2)
    make_photographs(root / "test_public" / "good", 1)
    make_photographs(root / "test_public" / "bad", 2)
    make_photographs(root / "test_private", 5)
    make_masks(root / "test_public" / "ground_truth" / "bad", 2)
    found = open_photographs(root)
    assert (len(found.train), len(found.held_out), len(found.test)) == (3, 2, 3)
    assert [item.mask is not None for item in found.test] == [True, True, False]


def test_masks_and_photographs_without_partner_are_named(screw):
    (screw / "ground_truth" / "scratch" / "001_mask.png").unlink()
    (screw / "test" / "scratch" / "002.png").unlink()
    found = open_photographs(screw)
    assert len(found.test) == 4
    assert found.faults == (
        f"{screw}/test/scratch: no mask for 001.png, left out of pixel numbers",
        f"{screw}/ground_truth/scratch: no photograph for the mask 002_mask.png, left out",
    )


def test_an_empty_folder_is_named(tmp_path, make_photographs):
    make_photographs(tmp_path / "test" / "good", 2)
    (tmp_path / "train" / "good").mkdir(parents=True)
    found = open_photographs(tmp_path)
    assert not found.train
    assert found.faults == (f"{tmp_path}/train/good: holds no photographs",)


def test_no_masks_at_all_are_no_fault(tmp_path, make_photographs):
    make_photographs(tmp_path / "train" / "good", 2)
    make_photographs(tmp_path / "test" / "dent", 2)
    assert open_photographs(tmp_path).faults == ()


def test_categories_are_named(screw, make_photographs):
    make_photographs(screw.parent / "hazelnut" / "train" / "good", 1)
    assert [folder.name for folder in categories(screw.parent)] == ["hazelnut", "screw"]
    with pytest.raises(DataError, match=r"holds 2 categories \(hazelnut, screw\); name one of them, such as"):
        open_photographs(screw.parent)


def test_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match="there is no such file or folder"):
        open_photographs(tmp_path / "nothing")
    with pytest.raises(DataError, match="looked for mvtec"):
        open_photographs(tmp_path)
    with pytest.raises(DataError, match="no layout 'ped2' of photographs"):
        open_photographs(tmp_path, "ped2")


def test_videos_and_photographs_are_told_apart(screw, scene: Path):
    assert holds_photographs(screw)
    assert not holds_photographs(scene)
    assert not holds_photographs(screw / "train" / "good")
    assert holds_photographs(screw / "train" / "good", "images")
    assert holds_photographs(screw / "train" / "good" / "*.png")
    with pytest.raises(DataError, match="holds photographs, not footage"):
        open_dataset(screw)


@pytest.mark.real
def test_the_real_sets(real_data):
    screw = open_photographs(real_data / "mvtec" / "screw")
    assert (len(screw.train), len(screw.test)) == (320, 160)
    assert [sum(item.kind == kind for item in screw.test) for kind in screw.kinds] == [24, 24, 25, 23, 23]
    assert sum(item.mask is not None for item in screw.test) == 119
    toy = open_photographs(real_data / "hazelnut_toy")
    assert (len(toy.train), len(toy.test), sum(item.mask is not None for item in toy.test)) == (28, 23, 17)
    assert screw.faults == toy.faults == ()
