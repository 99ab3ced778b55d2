"""Scores of frames by their objects: the same live and offline, one frame by its oddest box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from oddlens.errors import DataError
from oddlens.media.open import open_source
from oddlens.methods.lbr_spr.settings import LbrSprSettings
from oddlens.methods.objects import ObjectMethod, PatchScores
from oddlens.motion.settings import FlowSettings
from oddlens.objects.settings import ObjectSettings
from oddlens.sampling.patches import FramePatches, PatchSpec
from oddlens.scoring.calibration import AlarmRule, NormalScores, calibrate
from oddlens.scoring.detector import Detector
from oddlens.scoring.objects import ObjectScorer, Smoother, painted
from oddlens.scoring.windows import FrameScore

SHAPE = (48, 64, 1)


class Brightness(ObjectMethod):
    """Odd is what is bright: the mean level of the box's own frame."""

    name = "brightness"
    settings_type = LbrSprSettings

    def __init__(self, objects: ObjectSettings, **spec: Any) -> None:
        super().__init__(LbrSprSettings())
        self.weight = torch.nn.Parameter(torch.ones(()))
        self._objects, self._spec = objects, PatchSpec(side=8, **spec)

    @property
    def patches(self) -> PatchSpec:
        return self._spec

    @property
    def sampling(self):
        raise AssertionError

    @property
    def motion_settings(self) -> FlowSettings:
        return FlowSettings(method="dis-ultrafast")

    @property
    def object_settings(self) -> ObjectSettings:
        return self._objects

    @property
    def empty_score(self) -> float:
        return -1.0

    @property
    def official_empty_score(self) -> float:
        return -20.0

    def score_patches(self, raw: torch.Tensor, flow: torch.Tensor | None, blocks: torch.Tensor) -> PatchScores:
        level = raw[..., raw.shape[3] // 2].float().mean(dim=(1, 2))
        return PatchScores(level + 1000 * blocks, {"level": level, "minus": -level})

    def training_step(self, batch, step, phase):
        raise AssertionError

    def configure_optimizers(self):
        raise AssertionError


@pytest.fixture
def brightness(tmp_path: Path):
    """Makes the method above with ready boxes, rows (video, frame, x1, y1, x2, y2)."""

    def make(lines: Sequence[tuple[Any, ...]], smoothing: int = 1, **spec: Any) -> Brightness:
        table = pd.DataFrame(list(lines), columns=["video", "frame", "x1", "y1", "x2", "y2"])
        table.to_csv(tmp_path / "boxes.csv", index=False)
        method = Brightness(ObjectSettings(sources=("file",), ready_boxes=str(tmp_path / "boxes.csv")), **spec)
        method.smoothing = smoothing
        return method

    return make


def levels(*values: int) -> list[np.ndarray]:
    return [np.full(SHAPE, value, np.uint8) for value in values]


def run(scorer: Any, images: Sequence[np.ndarray], video: str = "v") -> list[FrameScore]:
    scores: list[FrameScore] = []
    for image in images:
        scores += scorer.push(image, video)
    return scores + scorer.finish(video)


def assert_alike(one: Sequence[FrameScore], other: Sequence[FrameScore]) -> None:
    assert [score.index for score in one] == [score.index for score in other]
    for a, b in zip(one, other):
        assert a.score == pytest.approx(b.score, rel=1e-4, abs=1e-4)
        assert a.components == pytest.approx(b.components, rel=1e-4, abs=1e-4)
        assert a.boxes is not None and b.boxes is not None
        np.testing.assert_array_equal(a.boxes[:, :4], b.boxes[:, :4])
        np.testing.assert_allclose(a.boxes[:, 4], b.boxes[:, 4], rtol=1e-4, atol=1e-4)
        assert (a.map is None) == (b.map is None)
        if a.map is not None:
            np.testing.assert_allclose(a.map, b.map, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def detector(patch_run: Path) -> Detector:
    return Detector.load(patch_run, "cpu")


@pytest.fixture(scope="module")
def clip(scene: Path) -> list[np.ndarray]:
    return [frame.image for frame in open_source(scene / "test" / "test_02.mp4").frames()]


def still(count: int, like: np.ndarray) -> list[np.ndarray]:
    return [like.copy() for _ in range(count)]


# What a frame's score is


def test_a_frame_scores_as_its_oddest_box(brightness) -> None:
    picture = np.zeros(SHAPE, np.uint8)
    picture[:20, :20], picture[:20, 30:50] = 90, 40
    boxes = [("v", 0, 0, 0, 20, 20), ("v", 0, 30, 0, 50, 20), ("v", 0, 30, 30, 40, 40)]
    (score,) = run(ObjectScorer(brightness(boxes), details=True), [picture])
    assert score.score == score.components["frame_score"] == score.components["official"] == 90
    assert score.components["boxes"] == 3
    assert score.components["level"] == 90
    assert score.components["minus"] == 0  # each component has its own oddest box
    assert score.boxes is not None and score.boxes[:, 4].tolist() == [90, 40, 0]
    assert score.boxes[1, :4].tolist() == [30, 0, 50, 20]
    assert score.map is not None and score.map.max() == 90


def test_a_frame_without_a_box_has_the_empty_score(brightness) -> None:
    first, second = run(ObjectScorer(brightness([("v", 1, 0, 0, 9, 9)]), details=True), levels(7, 7))
    assert (first.score, first.components["frame_score"], first.components["official"]) == (-1, -1, -20)
    assert first.components["boxes"] == 0
    assert first.boxes is not None and first.boxes.shape == (0, 5)
    assert first.map is not None and (first.map == -1).all()
    assert second.score == second.components["official"] == 7


def test_box_without_a_pixel_is_no_box(brightness) -> None:
    boxes = [("v", 0, 10.2, 5, 10.8, 20), ("v", 0, 5, 9, 5, 9)]
    (score,) = run(ObjectScorer(brightness(boxes)), levels(7))
    assert score.score == -1
    assert score.components["boxes"] == 0


def test_each_box_is_scored_in_its_block(brightness) -> None:
    boxes = [("v", 0, 0, 0, 10, 10), ("v", 0, 0, 30, 10, 40)]
    (score,) = run(ObjectScorer(brightness(boxes, rows=2)), levels(7))
    assert score.boxes is not None and score.boxes[:, 4].tolist() == [7, 1007]


def patches_of(boxes: Sequence[Sequence[float]], size: tuple[int, int]) -> FramePatches:
    count = len(boxes)
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return FramePatches(0, size, array, np.zeros(count, np.int64), np.zeros((count, 8, 8, 5), np.uint8))


def test_a_box_paints_the_official_pixels() -> None:
    heat = painted(patches_of([(10.2, 20.7, 50.1, 84.0)], (240, 360)), np.array([3.0], np.float32), -20)
    assert (heat == 3).sum() == 2520
    assert (heat == -20).sum() == 240 * 360 - 2520
    assert (heat[21:84, 11:51] == 3).all()


def test_boxes_paint_their_maximum() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(-10, 60, (12, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 30, (12, 2))], axis=1)
    scores = rng.normal(size=12).astype(np.float32)
    expected = np.full((48, 64), -20, np.float32)
    y, x = np.mgrid[:48, :64]
    for (left, top, right, bottom), score in zip(np.ceil(boxes), scores):
        inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        expected[inside] = np.maximum(expected[inside], score)
    np.testing.assert_array_equal(painted(patches_of(boxes, (48, 64)), scores, -20), expected)


def test_no_maps_unless_asked_for(brightness) -> None:
    (score,) = run(ObjectScorer(brightness([("v", 0, 0, 0, 9, 9)])), levels(7))
    assert score.map is None


# Smoothing


def test_smoothing_is_a_mean_of_the_latest_frames_of_the_same_video(brightness) -> None:
    rows = [(video, frame, 0, 0, 9, 9) for video in ("v", "w") for frame in range(6)]
    scorer = ObjectScorer(brightness(rows, smoothing=3))
    values = (9, 3, 6, 0, 60, 30)
    expected = [9, 6, 6, 3, 22, 30]
    for video in ("v", "w"):
        scores = run(scorer, levels(*values), video)
        assert [score.score for score in scores] == pytest.approx(expected)
        assert [score.components["frame_score"] for score in scores] == list(values)


def test_smoothing_is_causal() -> None:
    scores = np.random.default_rng(0).normal(size=40)
    whole, changed = Smoother(10), Smoother(10)
    before = [whole.push(score) for score in scores]
    after = [changed.push(score) for score in np.r_[scores[:25], scores[25:] + 100]]
    assert before[:25] == after[:25]
    assert before[30] != after[30]


# Live is offline


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_live_scores_are_the_offline_ones(detector: Detector, clip: list[np.ndarray], batch_size: int) -> None:
    offline = run(detector.scorer(batch_size=16, details=True), clip, "test_02")
    live = run(detector.scorer(batch_size=batch_size, details=True), clip, "test_02")
    assert len(offline) == len(clip)
    assert sum(score.components["boxes"] for score in offline) > 20
    assert_alike(live, offline)


@pytest.mark.parametrize("batch_size", [1, 16])
def test_a_second_video_starts_afresh(detector: Detector, clip: list[np.ndarray], batch_size: int) -> None:
    scorer = detector.scorer(batch_size=batch_size, details=True)
    first = run(scorer, clip[:20], "test_02")
    run(scorer, clip[20:], "test_02")
    assert_alike(run(scorer, clip[:20], "test_02"), first)


def test_a_live_score_waits_for_the_methods_latency_alone(detector: Detector, clip: list[np.ndarray]) -> None:
    scorer = detector.scorer(batch_size=1)
    latency = detector.method.latency
    for number, image in enumerate(clip[:12]):
        assert [score.index for score in scorer.push(image)] == ([number - latency] if number >= latency else [])


def test_detector_scores_are_the_scorers(detector: Detector, scene: Path, clip: list[np.ndarray]) -> None:
    table = detector.score(scene / "test" / "test_02.mp4")
    offline = run(detector.scorer(), clip, "test_02")
    np.testing.assert_allclose(table["score"], [score.score for score in offline], rtol=1e-5)
    for name in ("frame_score", "official", "boxes", "appearance", "motion"):
        np.testing.assert_allclose(table[name], [score.components[name] for score in offline], rtol=1e-4, atol=1e-4)
    empty = table["boxes"] == 0
    assert empty.any()
    assert (table["official"][empty] == -20).all()
    np.testing.assert_allclose(table["frame_score"][empty], detector.method.empty_score, rtol=1e-6)


# Footage that is none, or hardly any


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_every_frame_of_a_very_short_clip_has_a_score(
    detector: Detector, clip: list[np.ndarray], frames: int, batch_size: int
) -> None:
    scores = run(detector.scorer(batch_size=batch_size, details=True), clip[10 : 10 + frames])
    assert [score.index for score in scores] == list(range(frames))
    assert np.isfinite([list(score.components.values()) for score in scores]).all()
    assert_alike(scores, run(detector.scorer(details=True), clip[10 : 10 + frames]))


def test_no_frame_at_all_is_refused(detector: Detector) -> None:
    with pytest.raises(DataError, match=r"empty\.mp4: has no frames"):
        detector.scorer().finish("empty.mp4")


def test_where_nothing_moves_nothing_is_odd(detector: Detector) -> None:
    background = np.array(detector.method.background()["level"])
    scores = run(detector.scorer(), still(30, background))
    assert all(score.components["boxes"] == 0 for score in scores)
    assert [score.score for score in scores] == pytest.approx([detector.method.empty_score] * 30)
    assert (detector.calibration.surprise([score.score for score in scores]) < detector.calibration.threshold).all()


def test_where_everything_moves_the_frame_is_one_box(brightness) -> None:
    texture = np.random.default_rng(0).integers(0, 256, (12, 16)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    images = [np.roll(texture, 4 * k, axis=1)[:, :, None] for k in range(6)]
    method = Brightness(ObjectSettings(sources=("motion",), flow_threshold=0.0, margin=0), flow=True)
    scores = run(ObjectScorer(method, details=True), images)
    assert all(score.components["boxes"] >= 1 for score in scores)
    whole = [score for score in scores if score.components["boxes"] == 1]
    assert whole
    assert whole[0].boxes is not None and whole[0].boxes[0, :4].tolist() == [0, 0, 128, 96]


def test_frames_of_another_size_than_the_background_are_refused_by_name(
    detector: Detector, clip: list[np.ndarray]
) -> None:
    with pytest.raises(DataError, match="gate: is 32x24, the detector's background 64x48"):
        detector.scorer().push(np.zeros((24, 32, 3), np.uint8), "gate")


def test_frames_change_size_in_mid_video(brightness) -> None:
    scorer = ObjectScorer(brightness([("v", 0, 0, 0, 9, 9)]), batch_size=1)
    scorer.push(np.zeros(SHAPE, np.uint8), "v")
    with pytest.raises(DataError, match="v: frame 1 is 32x24 in grey"):
        scorer.push(np.zeros((24, 32, 1), np.uint8), "v")


def test_grey_footage_before_a_colour_background(detector: Detector, clip: list[np.ndarray]) -> None:
    grey = [image.mean(axis=2, keepdims=True).round().astype(np.uint8) for image in clip]
    scores = run(detector.scorer(), grey)
    assert len(scores) == len(grey)
    assert np.isfinite([score.score for score in scores]).all()
    assert sum(score.components["boxes"] for score in scores) > 0


def test_flow_and_boxes_are_computed_where_the_method_is(brightness, monkeypatch: pytest.MonkeyPatch) -> None:
    devices: list[str] = []
    for place in ("oddlens.motion.flow.FlowEstimator", "oddlens.objects.finder.BoxFinder"):
        name = place.rpartition(".")[2]
        monkeypatch.setattr(place, lambda settings, *rest, name=name: devices.append(f"{name} {rest[-1]}") or StandIn())
    ObjectScorer(brightness([("a", 0, 1, 2, 9, 9)]))
    assert sorted(devices) == ["BoxFinder cpu", "FlowEstimator cpu"]


class StandIn:
    needs_flow = False


def test_calibration_of_nothing_but_empty_frames_is_a_scale() -> None:
    calibration = calibrate([NormalScores(np.full(50, -1.5), 25.0)], AlarmRule())
    assert np.isfinite(calibration.threshold)
    assert (calibration.surprise([-1.5]) < calibration.threshold).all()
