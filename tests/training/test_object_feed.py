"""Patches for a run, and the calibration on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from oddlens.config import merge
from oddlens.errors import DataError, OddLensError
from oddlens.media.open import open_source
from oddlens.media.store import Footage
from oddlens.methods.lbr_spr.method import LbrSpr
from oddlens.methods.objects import ObjectMethod
from oddlens.sampling.patch_set import PatchSet
from oddlens.sampling.patch_store import PatchStore, build_patch_store, stream_patches
from oddlens.scoring.calibration import Calibration, NormalScores, calibrate
from oddlens.scoring.detector import Detector
from oddlens.scoring.objects import open_stream
from oddlens.scoring.windows import score_frames
from oddlens.training.feeds import Feed
from oddlens.training.object_feed import (
    Stretch,
    calibrate_on_store,
    object_feed,
    score_store,
    stored_flow,
)
from oddlens.training.progress import Progress
from oddlens.training.run import resolve_settings


def feed_of(method: ObjectMethod, footage: list[Footage], cache: Path, **changes: Any) -> Feed:
    values = merge({"data": {"cache_dir": str(cache)}, "training": {"iterations": 1, "epochs": 0}}, changes)
    run = resolve_settings("lbr-spr", "footage", None, values, [])
    return object_feed(method, run, footage, "footage", Progress(True))


def noise(folder: Path, frames: int, seed: int = 0, size: tuple[int, int] = (48, 64), channels: int = 1) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for k in range(frames):
        shape = size if channels == 1 else (*size, channels)
        cv2.imwrite(str(folder / f"{k:03d}.png"), rng.integers(0, 256, shape, np.uint8))
    return folder


def write_boxes(file: Path, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    pd.DataFrame(rows, columns=["video", "frame", "x1", "y1", "x2", "y2"]).to_csv(file, index=False)
    return {"sources": ["file"], "ready_boxes": str(file)}


@pytest.fixture
def footage(tmp_path: Path) -> list[Footage]:
    return [Footage(name, noise(tmp_path / name, 12, seed), 10.0) for seed, name in enumerate("ab")]


def boxed(tmp_path: Path, every: int = 1, **settings: Any) -> LbrSpr:
    """One box in each frame of videos a and b, a second one below in each `every`-th."""
    rows = [(video, frame, 5, 4, 20, 19) for video in "ab" for frame in range(12)]
    rows += [(video, frame, 30, 30, 44, 45) for video in "ab" for frame in range(0, 12, every)]
    objects = write_boxes(tmp_path / "boxes.csv", rows)
    method = LbrSpr.from_values({"width": 1, "objects": objects, **settings}, "test")
    assert isinstance(method, LbrSpr)
    return method


def test_held_out_patches_are_of_other_frames(tmp_path: Path, footage: list[Footage]) -> None:
    feed = feed_of(boxed(tmp_path), footage, tmp_path / "cache", training={"holdout": 0.25})
    assert isinstance(feed.train, PatchSet) and isinstance(feed.held_out, PatchSet)
    frames = np.asarray(feed.train.store.array("frames"))
    assert set(frames[feed.train.rows]) == set(range(9))
    assert set(frames[feed.held_out.rows]) == {9, 10, 11}
    assert (len(feed.train), len(feed.held_out)) == (36, 12)
    assert (feed.frames, feed.frames_seen, feed.fps) == (24, 24, 10)


def test_every_so_many_th_frame_is_trained_on_and_all_held_out_ones_validate(
    tmp_path: Path, footage: list[Footage]
) -> None:
    feed = feed_of(boxed(tmp_path), footage, tmp_path / "cache")
    assert isinstance(feed.train, PatchSet)
    whole = len(feed.train)
    method = LbrSpr.from_values({**boxed(tmp_path).settings.to_dict(), "every": 3}, "test")
    assert isinstance(method, ObjectMethod)
    thin = feed_of(method, footage, tmp_path / "cache")
    assert isinstance(thin.train, PatchSet)
    assert len(thin.train) < whole / 2
    assert set(np.asarray(thin.train.store.array("frames"))[thin.train.rows] % 3) == {0}


def trained(method: LbrSpr, store: PatchStore) -> Detector:
    method.eval()
    method.conclude_training(PatchSet(store), 8)
    return Detector(method, Calibration(frames=0))


def store_of(method: LbrSpr, footage: list[Footage], cache: Path, budget: int = 1 << 30) -> PatchStore:
    return build_patch_store(footage, method.patches, lambda: open_stream(method), {}, cache, budget)


@pytest.mark.parametrize("motion", [False, True])
def test_calibration_rests_on_the_scores_that_live_frames_get(
    tmp_path: Path, footage: list[Footage], motion: bool
) -> None:
    method = boxed(tmp_path, motion=motion)
    store = store_of(method, footage, tmp_path / "cache")
    detector = trained(method, store).with_scoring(precision="float32")
    live = []
    for item in footage:
        scores = score_frames(detector.scorer(batch_size=1), open_source(item.path).frames(), item.name, item.name)
        live.append(NormalScores(np.array([score.score for _, score in scores]), 10.0))
    expected = calibrate(live, detector.alarm_rule, False, score_store(method, store, "float32"))
    found = calibrate_on_store(detector, store, [Stretch(0, 0, 12), Stretch(1, 0, 12)], False)
    assert found.quantiles == pytest.approx(expected.quantiles, abs=1e-4)
    assert found.threshold == pytest.approx(expected.threshold, rel=1e-3)
    assert (found.frames, found.hours, found.map_high) == pytest.approx((24, expected.hours, expected.map_high))


def test_scores_of_stored_patches_are_those_of_live_ones(tmp_path: Path, footage: list[Footage]) -> None:
    method = boxed(tmp_path, 3, motion=True)
    store = store_of(method, footage, tmp_path / "cache")
    detector = trained(method, store).with_scoring(precision="float32")
    live = []
    for item in footage:
        scores = score_frames(detector.scorer(batch_size=1), open_source(item.path).frames(), item.name, item.name)
        live += [score.boxes for _, score in scores]
    boxes = np.concatenate(live)
    np.testing.assert_array_equal(boxes[:, :4], store.array("boxes"))
    np.testing.assert_allclose(boxes[:, 4], score_store(method, store, "float32"), rtol=1e-4, atol=1e-4)


def test_calibration_of_a_thinned_store_counts_the_frames_it_kept(tmp_path: Path, footage: list[Footage]) -> None:
    method = boxed(tmp_path)
    whole = store_of(method, footage, tmp_path / "whole")
    store = store_of(method, footage, tmp_path / "thin", sum(whole.array(k).nbytes for k in ("raw", "boxes")) // 3)
    assert store.every == 4
    detector = trained(method, store)
    scores = score_store(method, store)
    for stretch, frames in ((Stretch(0, 1, 12), 2), (Stretch(0, 0, 12), 3), (Stretch(1, 3, 9), 2)):
        found = calibrate_on_store(detector, store, [stretch], False)
        assert found.frames == frames
        assert found.quantiles[0] >= scores.min()  # no frame without a box among them


def test_calibration_sees_the_patches_of_its_own_frames_alone(
    tmp_path: Path, footage: list[Footage], monkeypatch: pytest.MonkeyPatch
) -> None:
    method = boxed(tmp_path)
    store = store_of(method, footage, tmp_path / "cache")
    detector, scored = trained(method, store), []
    whole = method.score_patches
    monkeypatch.setattr(method, "score_patches", lambda raw, *rest: scored.append(len(raw)) or whole(raw, *rest))
    found = calibrate_on_store(detector, store, [Stretch(0, 3, 6), Stretch(1, 9, 12)], True)
    assert sum(scored) == 2 * (3 + 3)  # two boxes a frame
    assert found.frames == 6 and np.isfinite([found.threshold, found.map_low, found.map_high]).all()


def test_a_stretch_of_which_nothing_was_kept_is_not_held_out(tmp_path: Path, footage: list[Footage]) -> None:
    feed = feed_of(
        boxed(tmp_path), footage, tmp_path / "cache", data={"cache_gb": 1e-6}, training={"holdout": 0.25, "epochs": 0}
    )
    assert feed.held_out is None
    assert isinstance(feed.train, PatchSet)
    calibration = feed.calibrate(trained(boxed(tmp_path), feed.train.store))
    assert not calibration.held_out
    assert np.isfinite(calibration.threshold)


def test_a_box_where_training_had_none_is_odd_by_twenty(tmp_path: Path, footage: list[Footage]) -> None:
    method = boxed(tmp_path, rows=4)  # boxes in the first and the last of four bands
    store = store_of(method, footage, tmp_path / "cache")
    detector = trained(method, store)
    write_boxes(tmp_path / "boxes.csv", [("a", 0, 10, 14, 20, 22), ("a", 1, 5, 1, 20, 10)])
    table = detector.score(footage[0].path)
    assert table["frame_score"].iloc[0] == 20
    assert table["frame_score"].iloc[1] < 20


# Footage that does not do


def test_no_object_in_all_the_footage(tmp_path: Path, footage: list[Footage]) -> None:
    method = LbrSpr.from_values(
        {"width": 1, "objects": write_boxes(tmp_path / "boxes.csv", [("a", 0, 1, 1, 1, 1), ("b", 0, 1, 1, 1, 1)])}, "t"
    )
    assert isinstance(method, ObjectMethod)
    with pytest.raises(DataError, match="footage: not one object was found in 24 frames"):
        feed_of(method, footage, tmp_path / "cache")


def test_no_object_in_what_is_left_for_training(tmp_path: Path, footage: list[Footage]) -> None:
    objects = write_boxes(tmp_path / "boxes.csv", [(video, 11, 5, 5, 20, 20) for video in "ab"])
    method = LbrSpr.from_values({"width": 1, "objects": objects}, "test")
    assert isinstance(method, ObjectMethod)
    with pytest.raises(DataError, match="left for training holds no object"):
        feed_of(method, footage, tmp_path / "cache", training={"holdout": 0.25})


def test_grey_beside_colour_is_named(tmp_path: Path, footage: list[Footage]) -> None:
    mixed = [*footage, Footage("c", noise(tmp_path / "c", 5, channels=3), None)]
    with pytest.raises(DataError, match="c: is colour where the other footage is grey"):
        feed_of(LbrSpr.from_values({"width": 1}, "test"), mixed, tmp_path / "cache")


def test_another_size_is_named_before_a_background_and_does_without(tmp_path: Path, footage: list[Footage]) -> None:
    mixed = [*footage, Footage("c", noise(tmp_path / "c", 5, size=(40, 56)), None)]
    with pytest.raises(DataError, match="c: is 56x40, the footage before it 64x48"):
        feed_of(LbrSpr.from_values({"width": 1}, "test"), mixed, tmp_path / "cache")
    rows = [(video, 1, 5, 5, 20, 20) for video in "abc"]
    method = LbrSpr.from_values({"width": 1, "objects": write_boxes(tmp_path / "boxes.csv", rows)}, "test")
    assert isinstance(method, ObjectMethod)
    feed = feed_of(method, mixed, tmp_path / "cache", training={"last_batch": "keep"})
    assert isinstance(feed.train, PatchSet)
    assert feed.train.store.patches == 3


def test_ready_boxes_for_two_videos_of_one_name(tmp_path: Path, footage: list[Footage]) -> None:
    twice = [footage[0], Footage("a", footage[1].path, 10.0)]
    with pytest.raises(DataError, match="two videos called 'a', which ready boxes cannot tell apart"):
        feed_of(boxed(tmp_path), twice, tmp_path / "cache")


def test_a_cache_that_cannot_be_written(tmp_path: Path, footage: list[Footage]) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OddLensError, match="cache"):
        feed_of(boxed(tmp_path), footage, tmp_path / "cache")


class CountedRaft:
    """Stands in for RAFT: noise that half precision does not hold, and how many pairs were computed."""

    pairs_done = 0

    def __init__(self, *_: Any) -> None:
        pass

    def pairs(self, firsts: list[Any], seconds: list[Any]) -> list[Any]:
        CountedRaft.pairs_done += len(firsts)
        seeds = [int(a.sum()) + int(b.sum()) for a, b in zip(firsts, seconds)]
        return [np.random.default_rng(seed).normal(0, 2, (*firsts[0].shape[:2], 2)).astype("f4") for seed in seeds]


@pytest.fixture
def raft(monkeypatch: pytest.MonkeyPatch) -> type[CountedRaft]:
    monkeypatch.setattr("oddlens.motion.raft.RaftFlow", CountedRaft)
    monkeypatch.setattr(CountedRaft, "pairs_done", 0)
    return CountedRaft


def moving(**settings: Any) -> LbrSpr:
    values = {"width": 1, "motion": True, "flow": {"method": "raft-small", "weights": "random"}}
    objects = {"sources": ["motion"], "smallest_area": 20}
    method = LbrSpr.from_values(merge({**values, "objects": objects}, settings), "test")
    assert isinstance(method, LbrSpr)
    return method


def test_flow_of_raft_is_computed_once_whatever_the_boxes(
    tmp_path: Path, footage: list[Footage], raft: type[CountedRaft]
) -> None:
    twins = [footage[0], Footage("a", footage[1].path, 10.0)]  # splits may share names
    for area in (20, 30):
        feed = feed_of(moving(objects={"smallest_area": area}), twins, tmp_path / "cache")
        assert raft.pairs_done == 22
    assert isinstance(feed.train, PatchSet)
    store = feed.train.store
    live = [
        frame
        for item in twins
        for frame in stream_patches(open_stream(moving(objects={"smallest_area": 30})), open_source(item.path), "a")
    ]
    for kind in ("raw", "flow", "boxes"):
        np.testing.assert_array_equal(store.array(kind), np.concatenate([getattr(frame, kind) for frame in live]))


def test_flow_over_the_budget_is_computed_where_it_is_needed(
    tmp_path: Path, footage: list[Footage], raft: type[CountedRaft]
) -> None:
    needed = 24 * 48 * 64 * 4
    method = moving()
    assert stored_flow(method, footage, tmp_path / "cache", needed - 1) is None
    assert raft.pairs_done == 0
    kept = stored_flow(method, footage, tmp_path / "cache", needed)
    assert kept is not None and kept.total_frames == 24
    assert stored_flow(moving(flow={"method": "dis-fast", "weights": "default"}), footage, tmp_path, needed) is None


def test_patches_are_made_anew_for_other_weights_of_raft_under_one_name(
    tmp_path: Path, footage: list[Footage], raft: type[CountedRaft]
) -> None:
    weights, keys = tmp_path / "raft.pth", set()
    for content in (b"one", b"two"):
        weights.write_bytes(content)
        feed = feed_of(moving(flow={"weights": str(weights)}), footage, tmp_path / "cache")
        assert isinstance(feed.train, PatchSet)
        keys.add(feed.train.store.key)
    assert len(keys) == 2
    assert raft.pairs_done == 44
