"""Ready boxes of every format, and files that do not belong to the footage."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oddlens.errors import DataError
from oddlens.objects.imported import read_ready_boxes
from oddlens.objects.table import BoxTable, BoxVideo, FrameBoxes

SIZE = (48, 64)
CSV = "video,frame,x1,y1,x2,y2,score\n01,2,0,0,5,5,0.5\n01,0,1,2,3,4,\n02,0,10,10,20,20,0.9\n01,2,6,6,9,9,0.25\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "boxes.csv"
    file.write_text(CSV)
    return file


def objects(path: Path, frames: list[Any]) -> Path:
    array = np.empty(len(frames), object)
    for number, frame in enumerate(frames):
        array[number] = frame
    np.save(path, array, allow_pickle=True)
    return path


def fault(call: Any, *arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_csv(table: Path) -> None:
    ready = read_ready_boxes(table)
    boxes, scores = ready.of("01", 2, *SIZE)
    assert boxes.tolist() == [[0, 0, 5, 5], [6, 6, 9, 9]] and scores.tolist() == [0.5, 0.25]
    boxes, scores = ready.of("01", 0, *SIZE)
    assert boxes.tolist() == [[1, 2, 3, 4]] and np.isnan(scores).all()
    boxes, scores = ready.of("01", 1, *SIZE)
    assert boxes.shape == (0, 4) and boxes.dtype == np.float32 and scores.shape == (0,)
    assert ready.for_videos({"01": 3, "02": 1}) is ready


def test_csv_without_scores(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("frame,video,x1,y1,x2,y2\n0,7,1,1,4,4\n")
    ready = read_ready_boxes(tmp_path / "a.csv")
    assert ready.of("7", 0, *SIZE)[0].tolist() == [[1, 1, 4, 4]]
    assert ready.of("", 0, *SIZE)[0].tolist() == [[1, 1, 4, 4]]  # the only video


def test_parquet_of_another_program(tmp_path: Path, table: Path) -> None:
    frame = pd.read_csv(table, dtype={"video": str})
    frame.to_parquet(tmp_path / "a.parquet")
    expected, found = read_ready_boxes(table), read_ready_boxes(tmp_path / "a.parquet")
    for video, index in (("01", 0), ("01", 2), ("02", 0)):
        np.testing.assert_array_equal(found.of(video, index, *SIZE)[0], expected.of(video, index, *SIZE)[0])


def test_parquet_of_our_own(tmp_path: Path) -> None:
    made = BoxTable()
    made.add(1, FrameBoxes.made_by("detector", [[1, 1, 9, 9]], [0.5]))
    made.close(BoxVideo("a", 3, 64, 48))
    made.close(BoxVideo("empty", 2, 64, 48))
    made.write(tmp_path / "boxes.parquet")
    ready = read_ready_boxes(tmp_path / "boxes.parquet").for_videos({"a": 3, "empty": 2})
    assert ready.of("a", 1, *SIZE)[0].tolist() == [[1, 1, 9, 9]]
    assert len(ready.of("empty", 1, *SIZE)[0]) == 0
    assert "is for frames of 64x48 in video 'a', these are 360x240" in fault(ready.of, "a", 1, 240, 360)
    assert "is for 3 frames of video 'a', there is a frame 3" in fault(ready.of, "a", 3, *SIZE)
    assert "is for 3 frames of video 'a', which has 4" in fault(ready.for_videos, {"a": 4})


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_object_arrays_are_dealt_out_to_their_videos(tmp_path: Path, protocol: int) -> None:
    frames = [np.float32([[k, k, k + 5, k + 5]] * (k % 3)) for k in range(7)]
    file = objects(tmp_path / "boxes.npy", frames)
    if protocol != 3:  # what numpy does not write itself, but other versions have
        array = np.load(file, allow_pickle=True)
        header = file.read_bytes()[:128]
        file.write_bytes(header + pickle.dumps(array, protocol))
    ready = read_ready_boxes(file).for_videos({"01": 4, "02": 3})
    for k in range(7):
        video, index = ("01", k) if k < 4 else ("02", k - 4)
        np.testing.assert_array_equal(ready.of(video, index, *SIZE)[0], frames[k].reshape(-1, 4))
    assert "is for 3 frames of video '02', there is a frame 3" in fault(ready.of, "02", 3, *SIZE)


def test_arrays_with_scores_and_odd_empty_frames(tmp_path: Path) -> None:
    frames = [np.zeros((0, 4)), [], np.zeros(0), np.float64([[1, 2, 9, 8, 0.5]]), [[0, 0, 4, 4]]]
    ready = read_ready_boxes(objects(tmp_path / "a.npy", frames)).for_videos({"v": 5})
    assert [len(ready.of("v", k, *SIZE)[0]) for k in range(5)] == [0, 0, 0, 1, 1]
    assert ready.of("v", 3, *SIZE)[1].tolist() == [0.5]


def test_a_plain_array_of_as_many_boxes_a_frame(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.tile(np.float32([1, 1, 5, 5]), (3, 2, 1)))
    ready = read_ready_boxes(tmp_path / "a.npy").for_videos({"v": 3})
    assert len(ready.of("v", 2, *SIZE)[0]) == 2


def test_nothing_in_an_object_array_is_run(tmp_path: Path) -> None:
    class Bait:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch '{tmp_path / 'run'}'",)

    file = objects(tmp_path / "a.npy", [np.zeros((1, 4)), Bait()])
    assert "has no (n, 4) array for frame 1" in fault(read_ready_boxes, file)
    assert not (tmp_path / "run").exists()
    np.load(file, allow_pickle=True)  # the bait does bite
    assert (tmp_path / "run").exists()


def test_boxes_by_running_number_need_their_videos(tmp_path: Path) -> None:
    ready = read_ready_boxes(objects(tmp_path / "a.npy", [np.zeros((0, 4))] * 5))
    assert "has boxes by running number, and says nothing of videos; run 'oddlens boxes" in fault(
        ready.of, "01", 0, *SIZE
    )
    message = fault(ready.for_videos, {"01": 4, "02": 3})
    assert f"{tmp_path / 'a.npy'}: has boxes for 5 frames, the videos named have 7; name exactly" in message


def test_videos_that_are_not_in_the_file(table: Path) -> None:
    ready = read_ready_boxes(table)
    assert "has no boxes of video '03'; it has 01, 02" in fault(ready.of, "03", 0, *SIZE)
    assert "has no boxes of video ''" in fault(ready.of, "", 0, *SIZE)
    assert "is for 3 frames of video '01', which has 2" in fault(ready.for_videos, {"01": 2})


def test_boxes_are_cut_at_the_frame_and_those_without_a_pixel_left_out(tmp_path: Path) -> None:
    rows = ["-5,-5,10,10", "60,40,99,99", "20,20,20,30", "63.2,5,63.8,9"]
    (tmp_path / "a.csv").write_text("video,frame,x1,y1,x2,y2\n" + "".join(f"v,0,{row}\n" for row in rows))
    boxes, scores = read_ready_boxes(tmp_path / "a.csv").of("v", 0, *SIZE)
    assert boxes.tolist() == [[0, 0, 10, 10], [60, 40, 64, 48]] and len(scores) == 2


@pytest.mark.parametrize("row", ["64,0,90,20", "0,48,9,60", "-9,0,-1,9", "0,-9,9,0"])
def test_boxes_of_larger_frames_are_told(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.csv").write_text(f"video,frame,x1,y1,x2,y2\nv,3,1,1,9,9\nv,3,{row}\n")
    message = fault(read_ready_boxes(tmp_path / "a.csv").of, "v", 3, *SIZE)
    assert "of frame 3 of video 'v' lies outside the 64x48 frame; the boxes were made for frames of another" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read"),
        ("video,frame,x1,y1,x2\nv,0,1,1,2\n", "lacks the column y2"),
        ("video,frame,x1,y1,x2,y2\nv,0,1,1,2,right\n", "cannot be read"),
        ("video,frame,x1,y1,x2,y2\nv,0,1,1,2,\n", "box 0 is [1.0, 1.0, 2.0, nan]; boxes are left, top, right, bottom"),
        ("video,frame,x1,y1,x2,y2\nv,0,1,1,4,4\nv,1,9,1,4,4\n", "box 1 is [9.0, 1.0, 4.0, 4.0]"),
        ("video,frame,x1,y1,x2,y2\nv,-1,1,1,2,2\n", "row 0 is for frame -1; count frames from 0"),
        ("video,frame,x1,y1,x2,y2\nv,0.5,1,1,2,2\n", "row 0 is for frame 0.5"),
    ],
)
def test_tables_that_hold_no_boxes(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text)
    assert fault(read_ready_boxes, file).startswith(f"{file}: {told}")


def test_files_that_hold_no_boxes(tmp_path: Path) -> None:
    for name in ("a.npy", "a.parquet", "a.csv"):
        (tmp_path / name).write_bytes(b"\x00\x01nothing")
        assert f"{tmp_path / name}: " in fault(read_ready_boxes, tmp_path / name)
    assert "there is no such file of boxes" in fault(read_ready_boxes, tmp_path / "gone.csv")
    assert "is no file of boxes by its name; give .parquet" in fault(read_ready_boxes, tmp_path / "a.txt")
    np.save(tmp_path / "flat.npy", np.zeros((4, 4)))
    assert "has no (n, 4) array for frame 0 but (4,)" in fault(read_ready_boxes, tmp_path / "flat.npy")
    file = objects(tmp_path / "inside-out.npy", [np.zeros((0, 4)), [[5, 5, 1, 1]]])
    assert "box 0 is [5.0, 5.0, 1.0, 1.0]" in fault(read_ready_boxes, file)
