"""Tables of boxes: what is written comes back, with what it belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest

from oddlens.errors import DataError
from oddlens.objects.table import BoxTable, BoxVideo, FrameBoxes, read_about


@pytest.fixture
def table() -> BoxTable:
    made = BoxTable({"sources": ["motion"]}, {"detector_sha256": "abc"})
    motion = FrameBoxes.made_by("motion", [[1, 2, 3.5, 4]])
    made.add(0, FrameBoxes.pooled([motion, FrameBoxes.made_by("detector", [[5, 6, 7, 8]], [0.75])]))
    made.add(2, motion)
    made.close(BoxVideo("a", 4, 64, 48, "print"))
    made.add(0, motion)
    made.discard()
    made.close(BoxVideo("b", 2, 32, 24))
    made.add(1, motion)
    made.close(BoxVideo("c", 2, 32, 24))
    return made


def test_what_is_written_comes_back(table: BoxTable, tmp_path: Path) -> None:
    table.write(tmp_path / "out" / "boxes.parquet")
    rows = pd.read_parquet(tmp_path / "out" / "boxes.parquet")
    assert list(rows) == ["video", "frame", "x1", "y1", "x2", "y2", "source", "score"]
    assert rows["video"].tolist() == ["a", "a", "a", "c"]
    assert rows["frame"].tolist() == [0, 0, 2, 1]
    assert rows["source"].tolist() == ["motion", "detector", "motion", "motion"]
    assert rows[["x1", "y1", "x2", "y2"]].to_numpy().tolist()[:2] == [[1, 2, 3.5, 4], [5, 6, 7, 8]]
    assert rows["score"].isna().tolist() == [True, False, True, True] and rows["score"][1] == 0.75
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["boxes.parquet"]


def test_it_says_what_it_belongs_to(table: BoxTable, tmp_path: Path) -> None:
    table.write(tmp_path / "boxes.parquet")
    about = read_about(parquet.read_schema(tmp_path / "boxes.parquet"))
    assert about["videos"][0] == {"name": "a", "frames": 4, "width": 64, "height": 48, "fingerprint": "print"}
    assert [video["name"] for video in about["videos"]] == ["a", "b", "c"]
    assert about["settings"] == {"sources": ["motion"]}
    assert about["provenance"] == {"detector_sha256": "abc"}


def test_counts(table: BoxTable) -> None:
    assert {name: counts.tolist() for name, counts in table.counts().items()} == {
        "a": [2, 0, 1, 0],
        "b": [0, 0],
        "c": [0, 1],
    }
    assert table.by_source() == {"a": {"motion": 2, "detector": 1}, "b": {}, "c": {"motion": 1}}
    assert len(table) == 4


def test_an_empty_table(tmp_path: Path) -> None:
    made = BoxTable()
    made.close(BoxVideo("a", 3, 8, 8))
    made.write(tmp_path / "a.parquet")
    assert len(pd.read_parquet(tmp_path / "a.parquet")) == 0
    assert made.counts()["a"].tolist() == [0, 0, 0]


def test_two_videos_of_one_name(table: BoxTable) -> None:
    with pytest.raises(DataError, match="b: there are two videos of this name; rename one"):
        table.close(BoxVideo("b", 1, 8, 8))


def test_boxes_of_one_source() -> None:
    found = FrameBoxes.pooled([FrameBoxes.made_by("motion", []), FrameBoxes.made_by("file", [[0, 0, 1, 1]] * 2)])
    assert len(found) == 2 and len(found.of("file")) == 2 and len(found.of("motion")) == 0
    assert np.isnan(found.scores).all()
