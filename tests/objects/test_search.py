"""Boxes of whole videos: every frame once, broken videos named, backgrounds by frame size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oddlens.datasets.base import Video
from oddlens.errors import DataError, MediaError
from oddlens.media.fingerprint import fingerprint_source
from oddlens.media.open import open_source
from oddlens.media.writer import write_image
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.objects.finder import BoxFinder
from oddlens.objects.search import find_boxes
from oddlens.objects.settings import ObjectSettings

MOTION = ObjectSettings(sources=("motion",))


@pytest.fixture
def walk(tmp_path: Path) -> Callable[..., Video]:
    """Maker of a folder of frames across which a textured square walks."""

    def make(name: str, frames: int, height: int = 64, width: int = 96) -> Video:
        rng = np.random.default_rng(0)
        ground = rng.integers(80, 90, (height, width, 1)).astype(np.uint8)
        square = rng.integers(0, 2, (5, 5)).astype(np.uint8).repeat(4, 0).repeat(4, 1)[..., None] * 255
        (tmp_path / name).mkdir()
        for index in range(frames):
            picture = ground.copy()
            left = 4 + 3 * index
            picture[20:40, left : left + 20] = square[:, : max(0, width - left)]
            write_image(tmp_path / name / f"{index:03}.png", picture)
        return Video(name, tmp_path / name, "test")

    return make


def test_every_frame_is_looked_at_as_if_alone(walk: Callable[..., Video], tmp_path: Path) -> None:
    video = walk("a", 20)
    told: list[tuple[str, int, int | None]] = []
    result = find_boxes([video], MOTION, progress=lambda *values: told.append(values))
    result.table.write(tmp_path / "boxes.parquet")
    rows = pd.read_parquet(tmp_path / "boxes.parquet")
    images = [frame.image for frame in open_source(video.path).frames()]
    estimator, finder = FlowEstimator(), BoxFinder(MOTION)
    for index in range(20):
        now, then = (index, index + 1) if index < 19 else (18, 19)
        expected = finder.find(images[index], estimator(images[now], images[then]))
        found = rows.loc[rows["frame"] == index, ["x1", "y1", "x2", "y2"]].to_numpy(np.float32)
        np.testing.assert_array_equal(found, expected)
    assert len(rows) >= 18
    assert told == [("a", 16, 20), ("a", 20, 20)]
    (made,) = result.table.videos
    assert (made.frames, made.width, made.height) == (20, 96, 64)
    assert made.fingerprint == fingerprint_source(video.path)
    assert result.faults == () and result.overlays == ()


def test_a_background_for_every_frame_size(walk: Callable[..., Video]) -> None:
    videos = [walk("a", 20), walk("b", 20), walk("c", 24, 80, 112)]
    table = find_boxes(videos, ObjectSettings(sources=("background",))).table
    assert {name: set(by) for name, by in table.by_source().items()} == {name: {"background"} for name in "abc"}
    assert all((counts > 0).mean() > 0.8 for counts in table.counts().values())


def test_broken_videos_are_named_and_the_others_done(walk: Callable[..., Video], tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    broken = Video("broken", tmp_path / "broken.mp4", "test")
    result = find_boxes([broken, walk("a", 3)], ObjectSettings(sources=("background", "motion")))
    assert [video.name for video in result.table.videos] == ["a"]
    assert len(result.faults) == 1 and "broken.mp4" in result.faults[0]
    with pytest.raises(MediaError, match=r"broken.mp4: none of 1 inputs could be read"):
        find_boxes([broken], MOTION)


def test_a_video_that_breaks_off_leaves_no_boxes(walk: Callable[..., Video], tmp_path: Path) -> None:
    odd = walk("odd", 20)
    write_image(odd.path / "019.png", np.zeros((10, 10, 1), np.uint8))
    result = find_boxes([odd, walk("a", 4)], MOTION, overlay=tmp_path / "seen.mp4")
    assert [video.name for video in result.table.videos] == ["a"]
    assert set(result.table.by_source()) == {"a"}
    assert len(result.faults) == 1
    assert [path.name for path in tmp_path.glob("*.mp4")] == ["seen-a.mp4"]


def test_short_and_still_footage(walk: Callable[..., Video], tmp_path: Path) -> None:
    one = walk("one", 1)
    still = Video("still", tmp_path / "still", "test")
    still.path.mkdir()
    for index in range(4):
        write_image(still.path / f"{index}.png", np.full((48, 64, 1), 90, np.uint8))
    table = find_boxes([one, still], ObjectSettings(sources=("background", "motion"))).table
    assert table.counts()["still"].tolist() == [0, 0, 0, 0]
    assert len(table.counts()["one"]) == 1


def test_overlays(walk: Callable[..., Video], tmp_path: Path) -> None:
    result = find_boxes([walk("a", 5)], MOTION, overlay=tmp_path / "seen.mp4", fps=5)
    assert result.overlays == (tmp_path / "seen.mp4",)
    source = open_source(tmp_path / "seen.mp4")
    assert sum(1 for _ in source.frames()) == 5 and source.info.fps == 5


def test_object_arrays_are_dealt_out_to_the_videos(walk: Callable[..., Video], tmp_path: Path) -> None:
    videos = [walk("a", 3), walk("b", 2)]
    frames = np.empty(5, object)
    for number in range(5):
        frames[number] = np.float32([[number, 0, number + 20, 20]])
    np.save(tmp_path / "ready.npy", frames, allow_pickle=True)
    settings = ObjectSettings(sources=("file",), ready_boxes=str(tmp_path / "ready.npy"))
    result = find_boxes(videos, settings)
    result.table.write(tmp_path / "boxes.parquet")
    rows = pd.read_parquet(tmp_path / "boxes.parquet")
    assert list(zip(rows["video"], rows["frame"], rows["x1"])) == [
        ("a", 0, 0), ("a", 1, 1), ("a", 2, 2), ("b", 0, 3), ("b", 1, 4)
    ]  # fmt: skip
    assert "ready_boxes_sha256" in result.table.provenance
    with pytest.raises(DataError, match="has boxes for 5 frames, the videos named have 3"):
        find_boxes(videos[:1], settings)


def test_ready_boxes_of_footage_that_does_not_decode_whole(walk: Callable[..., Video], tmp_path: Path) -> None:
    video = walk("a", 4)
    np.save(tmp_path / "ready.npy", np.tile(np.float32([1, 1, 30, 30]), (4, 1, 1)))
    settings = ObjectSettings(sources=("file",), ready_boxes=str(tmp_path / "ready.npy"))
    every = Video("a", video.path / "*.png", "test")
    assert find_boxes([every], settings).table.counts()["a"].tolist() == [1, 1, 1, 1]
    (video.path / "001.png").write_bytes(b"nothing")
    result = find_boxes([video], settings)
    assert any("3 of 4 frames decode, so its ready boxes may be some frames off" in fault for fault in result.faults)


def test_marked_regions_are_counted(walk: Callable[..., Video], tmp_path: Path) -> None:
    class Masks:
        def __len__(self) -> int:
            return 5  # fewer than there are frames

        def read(self, index: int) -> np.ndarray:
            mask = np.zeros((64, 96), bool)
            mask[20:40, 4 + 3 * index : 24 + 3 * index] = True
            return mask

    video = walk("a", 8)
    marked = Video("marked", video.path, "test", masks=Masks())
    rows = [f"{name},{k},{4 + 3 * k},20,{24 + 3 * k},40\n" for name in ("a", "marked") for k in (0, 1, 3, 7)]
    (tmp_path / "ready.csv").write_text("video,frame,x1,y1,x2,y2\n" + "".join(rows))
    result = find_boxes([video, marked], ObjectSettings(sources=("file",), ready_boxes=str(tmp_path / "ready.csv")))
    assert result.truth == {"marked": (5, 3)}


def test_flow_that_nothing_rests_on_is_not_loaded(walk: Callable[..., Video], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("no source rests on flow")

    monkeypatch.setattr("oddlens.objects.search.FlowEstimator", fail)
    found = find_boxes([walk("a", 4)], ObjectSettings(sources=("background",)), FlowSettings(method="raft-large"))
    assert found.table.videos[0].frames == 4
