"""The finder pools its sources in order, and a frame's boxes rest on that frame alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from oddlens.errors import DataError, DetectorError, SettingsError
from oddlens.objects.background import Background, learn_background
from oddlens.objects.finder import BoxFinder
from oddlens.objects.settings import SOURCES, ObjectSettings
from oddlens.types import Image

MakeOnnx = Callable[..., Path]
HEIGHT, WIDTH = 64, 96
CELLS = 8 * 12 + 4 * 6 + 2 * 3


def frame(*blobs: tuple[int, int, int, int], level: int = 200) -> Image:
    picture = np.full((HEIGHT, WIDTH, 1), 60, np.uint8)
    for left, top, right, bottom in blobs:
        picture[top:bottom, left:right] = level
    return picture


def moving(*places: tuple[int, int, int, int]) -> NDArray[np.float32]:
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    for left, top, right, bottom in places:
        flow[top:bottom, left:right] = 1, 0
    return flow


@pytest.fixture
def background() -> Background:
    return learn_background([frame()] * 5)


@pytest.fixture
def onnx(make_onnx: MakeOnnx) -> str:
    """A detector that sees a person at 10...30, 10...50, half of it a second time, and a speck."""
    rows = np.zeros((CELLS, 7), np.float32)
    rows[:, 0] = np.linspace(0, WIDTH, CELLS)
    rows[7] = 20, 30, 20, 40, 1, 0.9, 0
    rows[8] = 20, 20, 16, 16, 1, 0, 0.8
    rows[9] = 80, 50, 5, 5, 1, 0.9, 0
    return str(make_onnx(rows))


def test_motion_is_sought_outside_the_boxes_before(onnx: str) -> None:
    finder = BoxFinder(ObjectSettings(sources=("detector", "motion"), detector=onnx))
    (found,) = finder.look([frame()], [moving((10, 10, 31, 51), (50, 20, 70, 40))])
    assert found.boxes.round(3).tolist() == [[10, 10, 30, 50], [48, 18, 72, 42]]
    assert [SOURCES[k] for k in found.sources] == ["detector", "motion"]
    assert found.scores[0] == pytest.approx(0.9) and np.isnan(found.scores[1])
    assert finder.needs_flow and not finder.needs_background


def test_the_other_way_round_the_detector_adds_what_is_new(onnx: str) -> None:
    finder = BoxFinder(ObjectSettings(sources=("motion", "detector"), detector=onnx))
    person, elsewhere = moving((10, 10, 30, 50)), moving((50, 20, 70, 40))
    assert len(finder.find(frame(), person)) == 1
    assert len(finder.find(frame(), elsewhere)) == 2


def test_the_threshold_of_motion_is_in_the_papers_unit() -> None:
    flow = moving((50, 20, 70, 40)) * np.float32(1.1 * WIDTH / 512)
    assert len(BoxFinder(ObjectSettings(sources=("motion",))).find(frame(), flow)) == 1
    assert len(BoxFinder(ObjectSettings(sources=("motion",), flow_threshold=1.3)).find(frame(), flow)) == 0


def test_a_frame_in_which_all_moves() -> None:
    flow = np.full((HEIGHT, WIDTH, 2), 9, np.float32)
    assert BoxFinder(ObjectSettings(sources=("motion",))).find(frame(), flow).tolist() == [[0, 0, WIDTH, HEIGHT]]
    assert BoxFinder(ObjectSettings(sources=("motion",), whole_frame=False)).find(frame(), flow).shape == (0, 4)


def test_the_background_alone_needs_no_flow(background: Background) -> None:
    finder = BoxFinder(ObjectSettings(sources=("background",)), background)
    assert finder.needs_background and not finder.needs_flow
    boxes = finder.find(frame((20, 10, 40, 50)), None)
    assert boxes.dtype == np.float32 and len(boxes) == 1
    left, top, right, bottom = boxes[0]
    assert 16 <= left <= 20 and 6 <= top <= 10 and 40 <= right <= 44 and 50 <= bottom <= 54
    assert finder.find(frame(), None).shape == (0, 4)


def test_another_background(background: Background, onnx: str) -> None:
    finder = BoxFinder(ObjectSettings(sources=("detector", "background"), detector=onnx), background)
    other = finder.with_background(learn_background([frame((60, 10, 80, 50))] * 5))
    picture = frame((60, 10, 80, 50))
    assert len(finder.find(picture, None)) == 2 and len(other.find(picture, None)) == 1


@pytest.mark.parametrize("source", ["detector", "background"])
def test_boxes_known_before_are_not_repeated(source: Any, onnx: str, background: Background, tmp_path: Path) -> None:
    (tmp_path / "ready.csv").write_text("video,frame,x1,y1,x2,y2\nv,0,5,5,35,55\n")
    options = {"detector": onnx, "ready_boxes": str(tmp_path / "ready.csv")}
    both = BoxFinder(ObjectSettings(sources=("file", source), **options), background)
    (found,) = both.look([frame((10, 10, 30, 50))], None, "v", [0])
    assert [SOURCES[k] for k in found.sources] == ["file"]
    alone = BoxFinder(ObjectSettings(sources=(source,), **options), background)
    assert len(alone.find(frame((10, 10, 30, 50)), None)) == 1


def test_ready_boxes_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = ["0,0,50,50", "10,10,20,20", "60,60,63,63"]  # one within another, and a small one
    (tmp_path / "a.csv").write_text("video,frame,x1,y1,x2,y2\n" + "".join(f"v,1,{row}\n" for row in rows))
    finder = BoxFinder(ObjectSettings(sources=("file",), ready_boxes=str(tmp_path / "a.csv")), lengths={"v": 2})
    boxes = finder.find_many([frame(), frame()], None, "v", [0, 1])
    assert [len(some) for some in boxes] == [0, 3]
    assert len(finder.provenance()["ready_boxes_sha256"]) == 64


def test_many_frames_are_as_single_ones_in_any_thread(onnx: str, background: Background) -> None:
    settings = ObjectSettings(sources=("detector", "background", "motion"), detector=onnx)
    finder = BoxFinder(settings, background)
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 40, (12, 2))
    images = [frame((x, y, x + 20, y + 20)) for x, y in corners.tolist()]
    flows = [moving((y, x, y + 15, x + 15)) for x, y in corners.tolist()]
    many = finder.find_many(images, flows, "v", range(12))
    fresh = BoxFinder(settings, background)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(fresh.find, images, flows))
    for one, other in zip(many, alone):
        np.testing.assert_array_equal(one, other)
    assert finder.find_many([], []) == []


def test_small_detections_and_those_beyond_the_frame_are_dropped(make_onnx: MakeOnnx) -> None:
    rows = np.zeros((CELLS, 6), np.float32)
    rows[:, 0] = np.linspace(0, WIDTH, CELLS)
    rows[5] = 5, 5, 30, 30, 1, 0.9  # sticks out
    rows[6] = 130, 30, 20, 20, 1, 0.9  # beyond
    rows[7] = 60, 30, 8.9, 8.9, 1, 0.9  # 9.9 * 9.9 with both edges
    rows[8] = 60, 50, 9, 9, 1, 0.9  # exactly 100
    finder = BoxFinder(ObjectSettings(sources=("detector",), detector=str(make_onnx(rows))))
    assert sorted(finder.find(frame(), None).round(3).tolist()) == [[0, 0, 20, 20], [55.5, 45.5, 64.5, 54.5]]


def test_tiles_look_closer(onnx: str) -> None:
    plain = BoxFinder(ObjectSettings(sources=("detector",), detector=onnx))
    tiled = BoxFinder(ObjectSettings(sources=("detector",), detector=onnx, tiles=(2, 2)))
    assert len(tiled.find(frame(), None)) > len(plain.find(frame(), None))
    assert tiled.provenance() == plain.provenance()
    assert len(plain.provenance()["detector_sha256"]) == 64


def test_what_is_missing_is_told(onnx: str, tmp_path: Path, background: Background) -> None:
    with pytest.raises(SettingsError, match="source 'background' has no background; learn one"):
        BoxFinder(ObjectSettings(sources=("background",))).load()
    with pytest.raises(SettingsError, match="source 'motion' was given no flow"):
        BoxFinder(ObjectSettings(sources=("motion",))).find(frame(), None)
    with pytest.raises(DetectorError, match="there is no such ONNX file"):
        BoxFinder(ObjectSettings(sources=("detector",), detector=str(tmp_path / "gone.onnx"))).load()
    with pytest.raises(DataError, match="there is no such file of boxes"):
        BoxFinder(ObjectSettings(sources=("file",), ready_boxes=str(tmp_path / "gone.csv"))).load()
    with pytest.raises(DataError, match=r"is 50x50, its background 96x64"):
        BoxFinder(ObjectSettings(sources=("background",)), background).find(np.zeros((50, 50, 1), np.uint8), None)


def test_nothing_is_loaded_to_ask_what_is_needed(tmp_path: Path) -> None:
    settings = ObjectSettings(sources=("detector", "motion"), detector=str(tmp_path / "gone.onnx"))
    assert BoxFinder(settings).needs_flow and not BoxFinder(settings).needs_background
