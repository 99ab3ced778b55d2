"""The patch store: made once, whole or not at all, and thinned out where it would not fit."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from oddlens.errors import DataError, OddLensError
from oddlens.media.open import open_source
from oddlens.media.store import Footage
from oddlens.sampling.patch_set import PatchSet
from oddlens.sampling.patch_store import PatchStore, build_patch_store, stream_patches
from oddlens.sampling.patch_stream import PatchStream
from oddlens.sampling.patches import PatchSpec

SPEC = PatchSpec(side=8, rows=2, flow=True, units="native")


class Still:
    def many(self, firsts: Sequence[np.ndarray], seconds: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [np.full((*a.shape[:2], 2), 0.5, np.float32) for a in firsts]


class SomeBoxes:
    """One box above and one below in every frame but each fifth."""

    needs_flow = False

    def find_many(self, images, flows, video, indices) -> list[np.ndarray]:
        both = np.array([[1, 1, 9, 9], [10, 13, 20, 23]], np.float32)
        return [both[: 2 * bool(index % 5)] for index in indices]


def stream() -> PatchStream:
    return PatchStream(SPEC, Still(), SomeBoxes())


def write_video(folder: Path, frames: int, channels: int = 1, seed: int = 0) -> Footage:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for k in range(frames):
        shape = (24, 32) if channels == 1 else (24, 32, 3)
        cv2.imwrite(str(folder / f"{k:03d}.png"), rng.integers(0, 256, shape, np.uint8))
    return Footage(folder.name, folder, 10.0)


def build(tmp_path: Path, footage: Sequence[Footage], budget: int = 1 << 30, **identity: object) -> PatchStore:
    return build_patch_store(footage, SPEC, stream, identity, tmp_path / "cache", budget)


@pytest.fixture
def footage(tmp_path: Path) -> list[Footage]:
    return [write_video(tmp_path / "a", 7), write_video(tmp_path / "b", 12, seed=1)]


def test_store_holds_what_the_stream_gives(tmp_path: Path, footage: list[Footage]) -> None:
    store = build(tmp_path, footage)
    direct = [frame for item in footage for frame in stream_patches(stream(), open_source(item.path), item.name)]
    assert (store.frames, store.patches, store.empty_frames, store.channels) == (19, 28, 5, 1)
    assert [video.frames for video in store.videos] == [7, 12]
    for kind in ("raw", "flow", "boxes", "blocks"):
        expected = np.concatenate([getattr(frame, kind) for frame in direct])
        assert np.array_equal(store.array(kind), expected)
    assert np.array_equal(np.unique(store.array("frames")[store.array("videos") == 0]), [1, 2, 3, 4, 6])
    assert "28 patches of 19 frames, 1.5 a frame" in store.summary()
    assert "5 frames (26.3 %) without a box" in store.summary()


def test_store_is_made_once_and_anew_for_other_settings(tmp_path: Path, footage: list[Footage]) -> None:
    first = build(tmp_path, footage, threshold=1)
    made = (first.folder / "raw.bin").stat().st_mtime_ns
    again = build(tmp_path, footage, threshold=1)
    assert again == first
    assert (again.folder / "raw.bin").stat().st_mtime_ns == made
    assert build(tmp_path, footage, threshold=2).folder != first.folder
    assert build(tmp_path, footage[:1], threshold=1).folder != first.folder


def test_damaged_store_is_made_anew(tmp_path: Path, footage: list[Footage]) -> None:
    store = build(tmp_path, footage)
    whole = np.array(store.array("raw"))
    (store.folder / "raw.bin").write_bytes(b"short")
    assert np.array_equal(build(tmp_path, footage).array("raw"), whole)


def test_nothing_half_made_stays(tmp_path: Path, footage: list[Footage]) -> None:
    (footage[1].path / "011.png").write_bytes(b"no picture")
    cv2.imwrite(str(footage[1].path / "005.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(OddLensError, match=r"005\.png|frame 5"):
        build(tmp_path, footage)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_what_a_killed_builder_left_goes_after_a_day(tmp_path: Path, footage: list[Footage]) -> None:
    store = build(tmp_path, footage)
    fresh, old = (store.folder.with_name(f"{store.key}.{number}.part") for number in ("0123abcd", "4567cdef"))
    for folder in (fresh, old):
        shutil.copytree(store.folder, folder)
    for path in (*old.iterdir(), old):
        os.utime(path, (time.time() - 1e6,) * 2)
    assert build(tmp_path, footage) == store
    assert fresh.exists()  # another process may be at it
    assert not old.exists()


@pytest.mark.parametrize(("share", "every"), [(0.6, 2), (0.3, 4), (0.15, 8)])
def test_over_the_budget_fewer_frames_are_kept(
    tmp_path: Path, footage: list[Footage], share: float, every: int
) -> None:
    whole = build(tmp_path, footage)
    size = sum(whole.array(kind).nbytes for kind in ("raw", "flow", "boxes", "blocks", "frames", "videos"))
    thin = build(tmp_path, footage, int(share * size))
    assert thin.every == every
    kept = whole.array("frames") % every == 0
    for kind in ("raw", "flow", "boxes", "frames", "videos"):
        assert np.array_equal(thin.array(kind), whole.array(kind)[kept])
    assert f"of every {every}th frame" in thin.summary()
    assert thin.frames == whole.frames


def test_first_frames_stay_however_small_the_budget(tmp_path: Path, footage: list[Footage]) -> None:
    class Always(SomeBoxes):
        def find_many(self, images, flows, video, indices):
            return [np.array([[1, 1, 9, 9]], np.float32) for _ in indices]

    store = build_patch_store(footage, SPEC, lambda: PatchStream(SPEC, Still(), Always()), {}, tmp_path / "cache", 1)
    assert store.array("frames").tolist() == [0, 0]
    assert store.array("videos").tolist() == [0, 1]


def test_grey_and_colour_side_by_side_are_refused(tmp_path: Path, footage: list[Footage]) -> None:
    colour = write_video(tmp_path / "colour", 5, channels=3)
    with pytest.raises(DataError, match="colour: is colour where the other footage is grey"):
        build(tmp_path, [*footage, colour])
    assert not list((tmp_path / "cache").glob("*.part"))
    assert build(tmp_path, [colour]).channels == 3


def test_footage_without_objects_makes_an_empty_store(tmp_path: Path, footage: list[Footage]) -> None:
    class Nothing(SomeBoxes):
        def find_many(self, images, flows, video, indices):
            return [np.zeros((0, 4), np.float32) for _ in indices]

    store = build_patch_store(
        footage, SPEC, lambda: PatchStream(SPEC, Still(), Nothing()), {}, tmp_path / "cache", 1 << 30
    )
    assert (store.patches, store.empty_frames) == (0, 19)
    assert store.array("raw").shape == (0, 8, 8, 5)


def test_a_set_has_one_part_for_each_block(tmp_path: Path, footage: list[Footage]) -> None:
    store = build(tmp_path, footage)
    patches = PatchSet(store)
    assert list(patches.parts) == [14, 14]
    batch = patches.__getitems__([(0, 0), (3, 20)])
    assert batch["block"].tolist() == [0, 1]
    upper = np.flatnonzero(store.array("blocks") == 0)
    assert np.array_equal(batch["raw"][0].numpy(), store.array("raw")[upper[0]])
    assert batch["flow"].shape == (2, 8, 8, 10)
    chosen = np.asarray(store.array("videos") == 1)
    assert list(PatchSet(store, chosen).parts) == [9, 9]
    assert list(PatchSet(store, every=3).parts) == [5, 5]
    sizes = [len(b["raw"]) for b in patches.validation_batches(10, 3)]
    assert sum(sizes) == 10
    assert max(sizes) == 3
    assert all(len(set(b["block"].tolist())) == 1 for b in patches.validation_batches(10, 3))


def test_ready_flow_is_asked_for_only_when_patches_are_made(tmp_path: Path, footage: list[Footage]) -> None:
    class Ready:
        def number(self, video: int) -> np.ndarray:
            return np.full(((7, 12)[video], 24, 32, 2), video + 1, np.float16)

    asked: list[Ready] = []

    def make() -> Ready:
        asked.append(Ready())
        return asked[-1]

    for _ in range(2):
        store = build_patch_store(footage, SPEC, stream, {}, tmp_path / "cache", 1 << 30, make_flow=make)
        assert len(asked) == 1
    assert set(np.unique(store.array("flow")[store.array("videos") == 0])) == {1}
    assert set(np.unique(store.array("flow")[store.array("videos") == 1])) == {2}
