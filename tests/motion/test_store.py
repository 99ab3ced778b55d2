"""The flow store: what it holds, when it is built anew, whose it is, and what no fault may leave behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models.optical_flow import raft_small

from oddlens.errors import DataError, MediaError, OddLensError
from oddlens.media.open import open_source
from oddlens.media.store import Footage
from oddlens.media.writer import VideoWriter
from oddlens.motion import store as module
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.settings import FlowSettings
from oddlens.motion.store import FlowStore, build_flow_store, open_flow_store
from oddlens.motion.stream import frame_flows

PLENTY = 1 << 30
FAST = FlowSettings(method="dis-fast")
FolderOf = Callable[..., Path]


def build(footage: list[Footage], cache: Path, *, settings: FlowSettings = FAST, **options: Any) -> FlowStore:
    store = build_flow_store(footage, settings, cache, PLENTY, **options)
    assert store is not None
    return store


def direct(path: Path, settings: FlowSettings = FAST, **options: Any) -> Any:
    images = (frame.image for frame in open_source(path).frames())
    return np.stack(list(frame_flows(images, FlowEstimator(settings), **options))).astype(np.float16)


def remains(cache: Path) -> list[str]:
    """All in the cache that is neither a store nor a lock."""
    return [path.name for path in cache.iterdir() if path.suffix != ".lock" and not path.name.startswith("flow-")]


@pytest.mark.parametrize("paper_first", [False, True])
@pytest.mark.parametrize("settings", [FAST, FlowSettings(units="flownet512")])
def test_flow_equals_that_computed_directly(
    folder_of: FolderOf, tmp_path: Path, settings: FlowSettings, paper_first: bool
) -> None:
    sizes = {"a": (5, 1, 48, 64), "b": (1, 1, 48, 64), "c": (40, 0.5, 50, 41)}
    footage = [Footage(name, folder_of(name, *size)) for name, size in sizes.items()]
    store = build(footage, tmp_path / "cache", settings=settings, paper_first=paper_first)
    for item in footage:
        flow = store.video(item.name)
        assert isinstance(flow, np.memmap) and flow.dtype == np.float16
        np.testing.assert_array_equal(flow, direct(item.path, settings, paper_first=paper_first))
    assert np.abs(store.video("a")[0]).max() == 0 if paper_first else np.abs(store.video("a")[0]).max() > 0
    assert [video.frames for video in store.videos] == [5, 1, 40]
    assert store.total_bytes == (store.folder / "flow.f16").stat().st_size
    assert store.summary() == "flow of 46 frames in 3 videos by " + settings.method + ", 0.00 GB"
    assert open_flow_store(store.folder, footage) == store


def test_half_precision_is_precise_enough(folder_of: FolderOf, tmp_path: Path) -> None:
    footage = [Footage("a", folder_of("a", 3, 2.3))]
    images = [frame.image for frame in open_source(footage[0].path).frames()]
    exact = np.stack(list(frame_flows(images, FlowEstimator(FAST))))
    np.testing.assert_allclose(build(footage, tmp_path / "cache").video("a"), exact, rtol=1e-3, atol=1e-4)


def test_a_colour_video_has_the_flow_of_its_frames(tmp_path: Path, moved: Callable[..., Any]) -> None:
    with VideoWriter(tmp_path / "a.mp4", 10) as writer:
        for k in range(4):
            writer.write(moved(k, 0, 48, 64, 3))
    footage = [Footage("a", tmp_path / "a.mp4")]
    np.testing.assert_array_equal(build(footage, tmp_path / "cache").video("a"), direct(tmp_path / "a.mp4"))
    grey = build(footage, tmp_path / "cache", colour="grey")
    assert grey.folder != build(footage, tmp_path / "cache").folder and grey.colour == "grey"


class Computations:
    """Counts the estimators that are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(module, "FlowEstimator", self._make)

    def _make(self, *arguments: Any) -> FlowEstimator:
        self.count += 1
        return FlowEstimator(*arguments)


def test_only_other_footage_or_settings_are_computed_anew(
    folder_of: FolderOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computations = Computations(monkeypatch)
    folder, cache = folder_of("a", 4), tmp_path / "cache"
    first = build([Footage("a", folder)], cache)
    moved_away = folder.rename(tmp_path / "elsewhere")
    assert build([Footage("a", moved_away)], cache) == first
    assert computations.count == 1
    others = [
        build([Footage("a", moved_away)], cache, settings=FlowSettings(method="farneback")),
        build([Footage("a", moved_away)], cache, settings=replace(FAST, units="flownet512")),
        build([Footage("a", moved_away)], cache, paper_first=True),
        build([Footage("b", moved_away)], cache),
        build([Footage("a", folder_of("other", 4, 2))], cache),
    ]
    assert len({store.folder for store in [first, *others]}) == 6
    assert computations.count == 6


@pytest.mark.filterwarnings("ignore:RAFT runs with random weights")
def test_another_file_of_weights_makes_another_store(folder_of: FolderOf, tmp_path: Path) -> None:
    footage, file = [Footage("a", folder_of("a", 2))], tmp_path / "weights.pth"
    settings = FlowSettings(method="raft-small", weights=str(file), updates=1)
    folders = []
    for _ in range(2):
        torch.save(raft_small(weights=None).state_dict(), file)
        folders.append(build(footage, tmp_path / "cache", settings=settings, device="cpu").folder)
    assert folders[0] != folders[1]


@pytest.mark.parametrize("file", ["index.json", "flow.f16"])
@pytest.mark.parametrize("content", [None, b"", b"[1]", b'{"version": 0}'])
def test_a_damaged_store_is_built_again(folder_of: FolderOf, tmp_path: Path, file: str, content: bytes | None) -> None:
    footage = [Footage("a", folder_of("a", 4))]
    store = build(footage, tmp_path / "cache")
    (store.folder / file).unlink()
    if content is not None:
        (store.folder / file).write_bytes(content)
    with pytest.raises(DataError, match="is no flow store, or a damaged one"):
        open_flow_store(store.folder, footage)
    assert build(footage, tmp_path / "cache") == store
    np.testing.assert_array_equal(store.video("a"), direct(footage[0].path))


def test_a_video_that_is_not_there(folder_of: FolderOf, tmp_path: Path) -> None:
    store = build([Footage("a", folder_of("a", 2))], tmp_path / "cache")
    with pytest.raises(DataError, match="holds no flow of a video 'b'; it has a"):
        store.video("b")


@pytest.mark.parametrize(
    ("name", "frames", "step", "height", "words"),
    [
        ("a", 4, 1, 40, "'a' is 64x40, not 64x48"),
        ("a", 5, 1, 48, "'a' has 5 frames, not 4"),
        ("a", 4, 2, 48, "the pictures have changed"),
        ("b", 4, 1, 48, "names a video 'a' that is 'b' now"),
    ],
)
def test_flow_of_other_footage_is_refused(
    folder_of: FolderOf, tmp_path: Path, name: str, frames: int, step: float, height: int, words: str
) -> None:
    store = build([Footage("a", folder_of("a", 4))], tmp_path / "cache")
    other = folder_of("other", frames, step, height)
    with pytest.raises(DataError, match=f"{words}; build the flow of this footage anew") as caught:
        open_flow_store(store.folder, [Footage(name, other)])
    assert str(store.folder) in str(caught.value) and "\n" not in str(caught.value)


def test_more_footage_than_the_store_has(folder_of: FolderOf, tmp_path: Path) -> None:
    footage = [Footage("a", folder_of("a", 2))]
    store = build(footage, tmp_path / "cache")
    with pytest.raises(DataError, match="1 videos instead of 2"):
        open_flow_store(store.folder, [*footage, Footage("b", folder_of("b", 2))])
    with pytest.raises(DataError, match="is no flow store"):
        open_flow_store(tmp_path, footage)


def test_names(folder_of: FolderOf, tmp_path: Path) -> None:
    folder = folder_of("a", 2)
    with pytest.raises(DataError, match="two videos are called 'a'"):
        build([Footage("a", folder), Footage("a", folder)], tmp_path / "cache")
    with pytest.raises(DataError, match="there is no footage"):
        build([], tmp_path / "cache")


class Liar:
    """A source whose header announces something else than what decodes."""

    def __init__(self, source: Any, frames: int | None) -> None:
        self.info = replace(source.info, frames=frames)
        self.faults: list[str] = ["a fault"]
        self.frames = source.frames


@pytest.mark.parametrize("announced", [None, 4, 1, 9])
def test_what_is_over_the_budget_is_not_stored(
    folder_of: FolderOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: int | None
) -> None:
    monkeypatch.setattr(module, "open_source", lambda *args, **kwargs: Liar(open_source(*args, **kwargs), announced))
    footage, cache, needed = [Footage("a", folder_of("a", 4))], tmp_path / "cache", 4 * 48 * 64 * 2 * 2
    assert build_flow_store(footage, FAST, cache, needed - 1) is None
    assert [path for path in cache.iterdir() if path.suffix != ".lock"] == []
    if announced != 9:
        store = build_flow_store(footage, FAST, cache, needed)
        assert store is not None and store.total_bytes == needed and store.faults == ("a: a fault",)
        assert build_flow_store(footage, FAST, cache, needed - 1) is None
        assert build_flow_store(footage, FAST, cache, needed) == store


def test_progress_counts_frames(folder_of: FolderOf, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    footage = [Footage(name, folder_of(name, 20)) for name in "ab"]
    build(footage, tmp_path / "cache", progress=lambda *values: told.append(values))
    assert told == [("a", 16, 40), ("b", 32, 40)]


def test_an_interruption_leaves_nothing(folder_of: FolderOf, tmp_path: Path) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    footage, cache = [Footage("a", folder_of("a", 20))], tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        build(footage, cache, progress=interrupt)
    assert [path.suffix for path in cache.iterdir()] in ([".lock"], [])
    assert build(footage, cache).total_frames == 20


def test_leftovers_of_killed_processes_are_swept_away_after_a_day(folder_of: FolderOf, tmp_path: Path) -> None:
    footage, cache = [Footage("a", folder_of("a", 2))], tmp_path / "cache"
    store = build(footage, cache)
    fresh, old = (cache / f".{store.folder.name}.{number}.part" for number in ("01234567", "89abcdef"))
    for folder in (fresh, old):
        shutil.copytree(store.folder, folder)
    for path in (*old.iterdir(), old):
        os.utime(path, (time.time() - 1e6,) * 2)
    assert build(footage, cache) == store
    assert remains(cache) == [fresh.name]  # another process may be at it


def test_a_broken_video_is_named(folder_of: FolderOf, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 100)
    footage = [Footage("a", folder_of("a", 4)), Footage("broken", tmp_path / "broken.mp4")]
    with pytest.raises(MediaError, match=r"broken\.mp4") as caught:
        build(footage, tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert remains(tmp_path / "cache") == []
    with pytest.raises(MediaError, match=r"gone\.mp4"):
        build([Footage("gone", tmp_path / "gone.mp4")], tmp_path / "cache")


def test_a_cache_folder_that_is_a_file(folder_of: FolderOf, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(OddLensError, match="the flow cache cannot be written") as caught:
        build([Footage("a", folder_of("a", 2))], tmp_path / "cache")
    assert "--cache-dir" in caught.value.remedy and "\n" not in str(caught.value)


def test_a_full_disk_is_one_line(folder_of: FolderOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OddLensError, match=r"cannot be written \(No space left on device\)"):
        build([Footage("a", folder_of("a", 2))], tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"] == []


_BUILDER = """
import sys, time
from pathlib import Path
from oddlens.media.store import Footage
from oddlens.motion.settings import FlowSettings
from oddlens.motion.store import build_flow_store

told = []
def slowly(*values):
    told.append(values)
    time.sleep(0.05)
footage = [Footage("a", Path(sys.argv[1]))]
store = build_flow_store(footage, FlowSettings(method="dis-fast"), Path(sys.argv[2]), 1 << 30, slowly)
print(store.folder.name, store.video("a").shape, len(told), sep=";")
"""


def test_two_processes_build_one_store(folder_of: FolderOf, tmp_path: Path) -> None:
    folder = folder_of("a", 64)
    words = [sys.executable, "-c", _BUILDER, str(folder), str(tmp_path / "cache")]
    builders = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [builder.communicate(timeout=120)[0].strip().split(";") for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0]
    assert answers[0][:2] == answers[1][:2]
    assert sorted(int(answer[2]) for answer in answers) == [0, 4]
    assert remains(tmp_path / "cache") == []
