"""`oddlens data check` on photographs."""

from __future__ import annotations

import shutil

import numpy as np

from oddlens.cli import main
from oddlens.datasets.check_photographs import check_photographs
from oddlens.media.writer import write_image


def test_everything_wrong_is_named_once(tmp_path, make_photographs, make_masks):
    good = make_photographs(tmp_path / "train" / "good", 4)
    bad = make_photographs(tmp_path / "test" / "dent", 3)
    masks = make_masks(tmp_path / "ground_truth" / "dent", 3, size=(24, 32))
    make_photographs(tmp_path / "test" / "good", 1, size=(10, 10))
    shutil.copy(good[2], tmp_path / "test" / "good" / "copy.png")
    good[1].write_bytes(good[1].read_bytes()[:-20])
    bad[0].unlink()
    write_image(masks[1], np.zeros((24, 32, 1), np.uint8))
    report = check_photographs(tmp_path)
    assert report.faults == (
        f"{tmp_path}/ground_truth/dent: no photograph for the mask 000_mask.png, left out",
        f"{good[1]}: cannot be decoded; replace or remove it",
        f"{masks[1]}: marks no pixel",
        "test/good/copy.png is also train/good/002.png",
    )
    assert report.notes == (
        "2 masks of test dent differ in size from their photographs",
        "photographs differ in size: 16x12, 10x10; each is brought to the method's",
        "only 4 good photographs to learn from",
    )
    rows = {(row.split, row.kind): (row.photographs, row.readable, row.masks) for row in report.rows}
    assert rows == {("train", "good"): (4, 3, 0), ("test", "dent"): (2, 2, 2), ("test", "good"): (2, 2, 0)}


def test_the_command(tmp_path, capsys, make_photographs):
    make_photographs(tmp_path / "good", 12)
    make_photographs(tmp_path / "bad", 1)
    assert main(["data", "check", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "(folders layout)" in shown
    assert "no faults found" in shown
    assert "note: no defect has a mask: no pixel numbers" in shown
    assert main(["data", "check", str(tmp_path / "good"), "--layout", "images"]) == 0
    assert "(images layout)" in capsys.readouterr().out
    (tmp_path / "good" / "004.png").write_bytes(b"")
    assert main(["data", "check", str(tmp_path / "good" / "*.png")]) == 2
    assert "004.png: is empty" in capsys.readouterr().out


def test_nothing_to_learn_from(tmp_path, make_photographs):
    (tmp_path / "good").mkdir()
    make_photographs(tmp_path / "bad", 1)
    faults = check_photographs(tmp_path).faults
    assert faults == (f"{tmp_path}/good: holds no photographs", "there is no good photograph to learn from")
