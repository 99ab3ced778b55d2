"""Own photographs: `good/`, folders of defects, bare images, globs."""

from __future__ import annotations

import pytest

from oddlens.datasets.open_photographs import open_photographs, recognise_photographs
from oddlens.errors import DataError


def test_good_alone(tmp_path, make_photographs):
    make_photographs(tmp_path / "good", 6)
    found = open_photographs(tmp_path)
    assert (found.layout, len(found.train), found.test, found.notes) == ("folders", 6, (), ())


def test_good_and_bad_keep_some_good_ones_for_the_test(tmp_path, make_photographs, make_masks):
    make_photographs(tmp_path / "good", 40)
    make_photographs(tmp_path / "bad", 3)
    make_masks(tmp_path / "masks", 3, "")
    found = open_photographs(tmp_path)
    good = {item.name for item in found.test if item.label == 0}
    assert 2 <= len(good) <= 16
    assert not good & {item.name for item in found.train}
    assert len(good) + len(found.train) == 40
    assert found.notes == (
        f"{len(good)} photographs in good/ are kept for the test; put some into test/good to choose them",
    )
    assert [item.kind for item in found.test if item.label] == ["bad"] * 3
    assert all(item.mask for item in found.test if item.label)
    make_photographs(tmp_path / "good", 60)
    more = {item.name for item in open_photographs(tmp_path).test if item.label == 0}
    assert good == {name for name in more if int(name[5:8]) < 40}


def test_folders_beside_good_and_in_bad_are_kinds(tmp_path, make_photographs, make_masks):
    make_photographs(tmp_path / "good", 5)
    make_photographs(tmp_path / "dent", 1)
    make_photographs(tmp_path / "bad" / "stain", 2)
    make_masks(tmp_path / "masks" / "stain", 2)
    (tmp_path / "scores" / "panels").mkdir(parents=True)
    (tmp_path / "scores" / "scores.csv").touch()
    make_photographs(tmp_path / "scores" / "panels", 2)
    found = open_photographs(tmp_path)
    assert found.kinds == ("stain", "dent")
    assert found.faults == (f"{tmp_path}/dent: no mask for 000.png, left out of pixel numbers",)


def test_a_test_folder_may_hold_what_nobody_looked_at(tmp_path, make_photographs):
    make_photographs(tmp_path / "good", 5)
    make_photographs(tmp_path / "test" / "good", 2)
    make_photographs(tmp_path / "test" / "bad", 1)
    make_photographs(tmp_path / "test", 2, seed=4)
    found = open_photographs(tmp_path)
    assert len(found.train) == 5
    assert [item.label for item in found.test] == [1, 0, 0, None, None]


def test_two_images(tmp_path, make_photographs):
    make_photographs(tmp_path / "good", 1)
    make_photographs(tmp_path / "bad", 1)
    found = open_photographs(tmp_path)
    assert (len(found.train), len(found.test)) == (1, 1)


def test_an_empty_good_folder(tmp_path, make_photographs):
    (tmp_path / "good").mkdir()
    make_photographs(tmp_path / "bad", 2)
    found = open_photographs(tmp_path)
    assert found.faults == (f"{tmp_path}/good: holds no photographs",)


def test_bare_images_a_glob_and_a_file(tmp_path, make_photographs):
    paths = make_photographs(tmp_path, 12)
    make_photographs(tmp_path, 2, ".jpg")
    assert recognise_photographs(tmp_path) == "images"
    assert len(open_photographs(tmp_path).train) == 14
    some = open_photographs(tmp_path / "00*.png")
    assert [item.name for item in some.train] == [f"00{k}.png" for k in range(10)]
    one = open_photographs(paths[3])
    assert [(item.name, item.kind) for item in one.train] == [("003.png", "good")]
    with pytest.raises(DataError, match="no image matches"):
        open_photographs(tmp_path / "*.bmp")
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(DataError, match="is no image"):
        open_photographs(tmp_path / "clip.mp4")
