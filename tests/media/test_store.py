"""The frame store: what it holds, when it is built anew, and what no fault may leave behind."""

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

from oddlens.errors import MediaError, OddLensError
from oddlens.media import store as module
from oddlens.media.open import open_source
from oddlens.media.resize import fit
from oddlens.media.store import Footage, FrameStore, build_store
from oddlens.media.writer import VideoWriter, write_image
from oddlens.sampling.clips import count_clips
from oddlens.types import SamplingSpec

SPEC = SamplingSpec(height=16, width=24, channels=1, length=4)
FRAME_BYTES = 16 * 24
PLENTY = 1 << 30


def video(path: Path, frames: int, seed: int = 0) -> Path:
    generator = np.random.default_rng(seed)
    with VideoWriter(path, 10) as writer:
        for _ in range(frames):
            writer.write(np.kron(generator.integers(0, 256, (6, 8, 1)), np.ones((8, 8, 1))).astype(np.uint8))
    return path


def pictures(folder: Path, frames: int) -> Path:
    """A folder of flat pictures whose level is their index."""
    folder.mkdir(parents=True)
    for index in range(frames):
        write_image(folder / f"{index:04}.png", np.full((16, 24, 1), index, np.uint8))
    return folder


def indices(store: FrameStore) -> dict[str, list[list[int]]]:
    """Frame numbers kept, read from the levels of `pictures`, for each run of each video."""
    kept: dict[str, list[list[int]]] = {}
    for run in store.runs():
        levels = run.frames[:, 0, 0, 0].tolist()
        assert levels == list(range(run.start, run.start + len(run)))
        kept.setdefault(run.video, []).append(levels)
    return kept


class Decodings:
    """Counts the times that sources are opened to be decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(module, "open_source", self._open)

    def _open(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        return open_source(*args, **kwargs)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> Decodings:
    return Decodings(monkeypatch)


@pytest.mark.parametrize("channels", [1, 3])
def test_frames_equal_those_decoded_directly(tmp_path: Path, channels: int) -> None:
    spec = SamplingSpec(height=16, width=24, channels=channels, length=4)
    paths = [video(tmp_path / "a.mp4", 12), pictures(tmp_path / "b", 5)]
    footage = [Footage(path.stem, path, 5.0) for path in paths]
    store = build_store(footage, spec, tmp_path / "cache", PLENTY)
    runs = store.runs()
    assert [(run.video, run.start, len(run), run.fps) for run in runs] == [("a", 0, 12, 10.0), ("b", 0, 5, 5.0)]
    for path, run in zip(paths, runs):
        source = open_source(path, colour="grey" if channels == 1 else "rgb")
        direct = np.stack([fit(frame.image, 16, 24, channels) for frame in source.frames()])
        np.testing.assert_array_equal(run.frames, direct)
    assert store.summary() == "17 frames, all kept"


def test_second_opening_decodes_nothing(tmp_path: Path, decodings: Decodings) -> None:
    footage = [Footage("a", pictures(tmp_path / "a", 6))]
    first = build_store(footage, SPEC, tmp_path / "cache", PLENTY)
    opened = decodings.count
    second = build_store(footage, SPEC, tmp_path / "cache", PLENTY)
    assert decodings.count == opened > 0
    assert second == first


def test_key_depends_on_content_and_settings(tmp_path: Path, decodings: Decodings) -> None:
    folder = pictures(tmp_path / "a", 6)

    def key(spec: SamplingSpec = SPEC, budget: int = PLENTY, fps: float | None = None, name: str = "a") -> str:
        return build_store([Footage(name, folder, fps)], spec, tmp_path / "cache", budget).key

    keys = [key(), key(SamplingSpec(height=16, width=32, length=4)), key(budget=5 * FRAME_BYTES), key(fps=7.0)]
    keys.append(key(name="b"))
    write_image(folder / "0003.png", np.full((16, 24, 1), 99, np.uint8))
    keys.append(key())
    assert len(set(keys)) == len(keys)


def test_moved_footage_is_the_same_footage(tmp_path: Path, decodings: Decodings) -> None:
    folder = pictures(tmp_path / "a", 6)
    first = build_store([Footage("a", folder)], SPEC, tmp_path / "cache", PLENTY)
    opened = decodings.count
    moved = folder.rename(tmp_path / "elsewhere")
    assert build_store([Footage("a", moved)], SPEC, tmp_path / "cache", PLENTY) == first
    assert decodings.count == opened


def test_footage_above_the_budget_is_sampled_over_time(tmp_path: Path) -> None:
    footage = [Footage(name, pictures(tmp_path / name, frames)) for name, frames in (("a", 100), ("b", 60), ("c", 3))]
    store = build_store(footage, SPEC, tmp_path / "cache", 40 * FRAME_BYTES)
    kept = indices(store)
    assert list(kept) == ["a", "b"]
    assert store.kept_frames <= 40
    assert (store.folder / "frames.u8").stat().st_size == store.kept_frames * FRAME_BYTES
    assert kept["a"][0][0] > 10 and kept["a"][-1][-1] < 90
    assert all(count_clips(len(run), SPEC) > 0 for run in store.runs())
    assert store.total_frames == 163
    assert f"{store.kept_frames} of 163 frames kept" in store.summary() and "--cache-gb" in store.summary()


def test_clips_never_straddle_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oddlens.media.budget._SEGMENT_FRAMES", 10)
    store = build_store([Footage("a", pictures(tmp_path / "a", 200))], SPEC, tmp_path / "cache", 50 * FRAME_BYTES)
    runs = indices(store)["a"]
    assert [run[0] for run in runs] == [15, 55, 95, 135, 175]
    assert [len(run) for run in runs] == [10] * 5


def test_budget_below_a_window_keeps_one_window(tmp_path: Path) -> None:
    store = build_store([Footage("a", pictures(tmp_path / "a", 30))], SPEC, tmp_path / "cache", 1)
    assert indices(store) == {"a": [[13, 14, 15, 16]]}


def test_footage_shorter_than_a_window_above_the_budget_gives_no_runs(tmp_path: Path) -> None:
    footage = [Footage(name, pictures(tmp_path / name, 3)) for name in "ab"]
    assert build_store(footage, SPEC, tmp_path / "cache", 1).runs() == []


@pytest.mark.parametrize("announced", [None, 5, 1000])
def test_wrong_or_missing_frame_counts_do_not_bias_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: int | None
) -> None:
    path = pictures(tmp_path / "a", 100)
    honest = build_store([Footage("a", path)], SPEC, tmp_path / "honest", 20 * FRAME_BYTES)
    monkeypatch.setattr(module, "open_source", lambda *args, **kwargs: Liar(open_source(*args, **kwargs), announced))
    store = build_store([Footage("a", path)], SPEC, tmp_path / "cache", 20 * FRAME_BYTES)
    assert indices(store) == indices(honest) == {"a": [list(range(40, 60))]}
    everything = build_store([Footage("a", path)], SPEC, tmp_path / "cache", PLENTY)
    assert indices(everything) == {"a": [list(range(100))]}
    assert everything.total_frames == 100


class Liar:
    """A source whose header announces something else than what decodes."""

    def __init__(self, source: Any, frames: int | None) -> None:
        self.info = replace(source.info, frames=frames)
        self.faults: list[str] = []
        self.frames = source.frames


@pytest.mark.real
def test_header_that_announces_six_times_the_frames(real_data: Path, tmp_path: Path) -> None:
    footage = [Footage("tree", real_data / "videos" / "tree.avi")]
    whole = build_store(footage, SPEC, tmp_path / "cache", PLENTY)
    assert (whole.kept_frames, whole.total_frames) == (68, 68)
    assert any("444" in fault and fault.startswith("tree: ") for fault in whole.faults)
    part = build_store(footage, SPEC, tmp_path / "cache", 20 * FRAME_BYTES)
    assert [(run.start, len(run)) for run in part.runs()] == [(24, 20)]
    np.testing.assert_array_equal(part.runs()[0].frames, whole.runs()[0].frames[24:44])


def test_progress_counts_frames(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    footage = [Footage(name, pictures(tmp_path / name, 20)) for name in "ab"]
    build_store(footage, SPEC, tmp_path / "cache", PLENTY, lambda *values: told.append(values))
    assert told == [("a", 16, 40), ("b", 32, 40)]


def test_exception_while_building_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    footage = [Footage("a", pictures(tmp_path / "a", 20))]
    with pytest.raises(KeyboardInterrupt):
        build_store(footage, SPEC, tmp_path / "cache", PLENTY, interrupt)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] in ([".lock"], [])
    assert build_store(footage, SPEC, tmp_path / "cache", PLENTY).kept_frames == 20


def test_what_a_killed_builder_left_is_never_taken_for_whole(tmp_path: Path) -> None:
    footage, cache = [Footage("a", pictures(tmp_path / "a", 20))], tmp_path / "cache"
    store = build_store(footage, SPEC, cache, PLENTY)
    fresh, old = cache / f"{store.key}.0123abcd.part", cache / f"{store.key}.4567cdef.part"
    shutil.copytree(store.folder, fresh)
    store.folder.rename(old)
    (old / "index.json").unlink()
    for path in (old / "frames.u8", old):
        os.utime(path, (time.time() - 1e6,) * 2)
    again = build_store(footage, SPEC, cache, PLENTY)
    assert again == store and indices(again) == {"a": [list(range(20))]}
    assert fresh.exists()  # another process may be at it
    assert not old.exists()


@pytest.mark.parametrize("file", ["index.json", "frames.u8"])
@pytest.mark.parametrize("content", [None, b"", b"[1]"])
def test_damaged_store_is_built_again(tmp_path: Path, file: str, content: bytes | None) -> None:
    footage = [Footage("a", pictures(tmp_path / "a", 20))]
    store = build_store(footage, SPEC, tmp_path / "cache", PLENTY)
    (store.folder / file).unlink()
    if content is not None:
        (store.folder / file).write_bytes(content)
    assert indices(build_store(footage, SPEC, tmp_path / "cache", PLENTY)) == {"a": [list(range(20))]}


def test_unreadable_video_among_the_footage_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 100)
    footage = [Footage("a", pictures(tmp_path / "a", 20)), Footage("broken", tmp_path / "broken.mp4")]
    with pytest.raises(MediaError, match=r"broken\.mp4") as caught:
        build_store(footage, SPEC, tmp_path / "cache", PLENTY)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").glob("*.part"))


def test_missing_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone\.mp4"):
        build_store([Footage("gone", tmp_path / "gone.mp4")], SPEC, tmp_path / "cache", PLENTY)


def test_footage_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "fingerprint_source", refuse)
    with pytest.raises(MediaError, match=r"a\.mp4: cannot be read \(Input/output error\)"):
        build_store([Footage("a", tmp_path / "a.mp4")], SPEC, tmp_path / "cache", PLENTY)


def test_cache_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(OddLensError, match="the frame cache cannot be written") as caught:
        build_store([Footage("a", pictures(tmp_path / "a", 5))], SPEC, tmp_path / "cache", PLENTY)
    assert "--cache-dir" in caught.value.remedy and "\n" not in str(caught.value)


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OddLensError, match=r"cannot be written \(No space left on device\)"):
        build_store([Footage("a", pictures(tmp_path / "a", 5))], SPEC, tmp_path / "cache", PLENTY)
    assert [path for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"] == []


_BUILDER = """
import sys, time
from dataclasses import replace
from pathlib import Path
from oddlens.media.store import Footage, build_store
from oddlens.types import SamplingSpec

told = []
def slowly(*values):
    told.append(values)
    time.sleep(0.05)
spec = SamplingSpec(height=16, width=24, channels=1, length=4)
store = build_store([Footage("a", Path(sys.argv[1]))], spec, Path(sys.argv[2]), 1 << 30, slowly)
print(store.key, int(store.runs()[0].frames.sum()), len(told))
"""


def test_two_processes_build_one_store(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    folder = pictures(tmp_path / "a", 100)
    builders = [run_python(_BUILDER, folder, tmp_path / "cache") for _ in range(2)]
    answers = [builder.communicate(timeout=120)[0].split() for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0]
    assert answers[0][:2] == answers[1][:2]
    assert sorted(int(answer[2]) for answer in answers) == [0, 6]
    assert [path.suffix for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"] == [""]


@pytest.fixture
def run_python() -> Callable[..., subprocess.Popen[str]]:
    """Starts a program in a process of its own."""

    def run(program: str, *arguments: Any) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    return run
