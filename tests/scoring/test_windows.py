"""Scores of frames as they come: live equals offline, nothing looks ahead, every frame has one score."""

from __future__ import annotations

import tracemalloc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oddlens.errors import DataError
from oddlens.media.open import open_source
from oddlens.methods.base import Method, MethodSettings
from oddlens.sampling.clips import FrameRun
from oddlens.scoring.table import Calibrator, open_for
from oddlens.scoring.windows import WindowScorer, score_frames, score_run
from oddlens.types import Frame, SamplingSpec, Scores

MODES = ("exact", "fast")
SPEC = SamplingSpec(height=2, width=2, length=16, target=8, fast_targets=tuple(range(4, 12)), low=0.0, high=255.0)


class Echo(Method):
    """Scores a frame by its own grey level; the component `window` weighs every frame it was shown."""

    name = "echo"

    def __init__(self, spec=SPEC):
        super().__init__(MethodSettings())
        self.spec, self.windows = spec, 0

    @property
    def sampling(self):
        return self.spec

    def training_step(self, batch, step, phase):
        raise AssertionError("never trained")

    def configure_optimizers(self):
        return {}

    def score(self, windows, targets):
        self.windows += len(windows)
        levels = windows.mean(dim=(1, 3, 4))
        weights = torch.arange(1.0, levels.shape[1] + 1)
        seen = (levels * weights).sum(dim=1, keepdim=True).repeat(1, len(targets))
        return Scores(levels[:, list(targets)], {"window": seen}, map=windows[:, 0, list(targets)])


def levels_of(length):
    return (np.arange(length) * 7 + 3) % 251


def pictures(levels, size=2):
    return [np.full((size, size, 1), level, np.uint8) for level in levels]


def starts_of(length, mode, spec=SPEC):
    """Window starts by definition: each in exact mode, every so many and one flush with the end in fast mode."""
    last, step = length - spec.span, 1 if mode == "exact" else len(spec.fast_targets)
    return sorted({*range(0, last + 1, step), last})


def expected(levels, mode, spec=SPEC):
    """(frame whose level is the score, start of the window that scored it) of every frame, by definition."""
    targets = (spec.target,) if mode == "exact" else spec.fast_targets
    first: dict[int, int] = {}
    for start in starts_of(len(levels), mode, spec):
        for target in targets:
            first.setdefault(start + target * spec.stride, start)
    known = sorted(first)
    nearest = [min(max(t, known[0]), known[-1]) for t in range(len(levels))]
    return [(levels[t], first[t]) for t in nearest]


def run(scorer, images):
    scores = [score for image in images for score in scorer.push(image)]
    return scores + scorer.finish()


@settings(deadline=None, max_examples=60)
@given(st.integers(16, 60), st.sampled_from(MODES), st.sampled_from([1, 3, 16]))
def test_every_frame_gets_its_own_score_once_and_in_order(length, mode, batch_size):
    levels = levels_of(length)
    scores = run(WindowScorer(Echo(), mode, batch_size), pictures(levels))
    assert [score.index for score in scores] == list(range(length))
    weights = np.arange(1.0, 17)
    for score, (level, start) in zip(scores, expected(levels, mode), strict=True):
        assert score.score == level
        assert score.components["window"] == (levels[start : start + 16] * weights).sum()


@settings(deadline=None, max_examples=30)
@given(st.integers(7, 40), st.sampled_from(MODES), st.integers(1, 5))
def test_windows_with_gaps_between_their_frames(length, mode, batch_size):
    spec = SamplingSpec(2, 2, length=4, stride=2, target=2, fast_targets=(1, 2), low=0.0, high=255.0)
    assert (spec.span, spec.latency) == (7, 2)
    levels = levels_of(length)
    scores = run(WindowScorer(Echo(spec), mode, batch_size), pictures(levels))
    assert [score.index for score in scores] == list(range(length))
    if mode == "exact":
        assert [score.score for score in scores] == [level for level, _ in expected(levels, mode, spec)]


def test_fast_mode_computes_a_sixth_of_the_windows_at_most():
    used = {}
    for mode in MODES:
        method = Echo()
        run(WindowScorer(method, mode), pictures(levels_of(200)))
        used[mode] = method.windows
    assert used["exact"] == 185
    assert used["exact"] >= 6 * used["fast"]


def test_a_live_score_is_out_as_soon_as_its_latency_has_passed():
    scorer, out = WindowScorer(Echo(), batch_size=1), 0
    assert SPEC.latency == 7
    for pushed, image in enumerate(pictures(levels_of(50))):
        scores = scorer.push(image)
        assert [score.index for score in scores] == list(range(out, out + len(scores)))
        out += len(scores)
        # the frames before the first scored one wait for it, every other one for its latency alone
        assert out == (0 if pushed < SPEC.span - 1 else pushed - SPEC.latency + 1)


@pytest.mark.parametrize(("mode", "look_ahead"), [("exact", SPEC.latency), ("fast", SPEC.span - 1 - 4)])
@pytest.mark.parametrize("frame", [8, 23])
def test_no_score_depends_on_frames_beyond_its_look_ahead(tiny, mode, look_ahead, frame):
    # exact: frame t is the target of one window, which ends at t + latency; fast: a window scores its middle
    # frames, so the earliest of them sees all that follow it in the window
    rng = np.random.default_rng(frame)
    images = list(rng.integers(0, 256, (48, 32, 32, 1), dtype=np.uint8))
    changed = images[: frame + look_ahead + 1] + [255 - image for image in images[frame + look_ahead + 1 :]]
    before, after = (run(tiny.scorer(mode, batch_size=1), each) for each in (images, changed))
    scores = np.array([[score.score for score in scored] for scored in (before, after)])
    np.testing.assert_allclose(scores[0, : frame + 1], scores[1, : frame + 1], rtol=0, atol=1e-5)
    assert abs(scores[0, -1] - scores[1, -1]) > 1e-5


@pytest.mark.parametrize("mode", MODES)
def test_live_equals_offline_frame_by_frame(tiny, scene, mode):
    clip = scene / "test" / "test_01.mp4"
    ranked = np.sort(tiny.score(clip, mode)["calibrated"])
    gap = 10 + int(np.argmax(np.diff(ranked[10:31])))  # a threshold that no score comes near
    calibration = replace(tiny.calibration, threshold=float(ranked[gap : gap + 2].mean()))
    detector = replace(tiny.with_scoring(hysteresis=0.0, close_seconds=0.0), calibration=calibration)
    offline = detector.score(clip, mode)
    assert 0 < offline["alarm"].sum() < len(offline)
    for batch_size in (1, 16):
        source = open_for(detector, clip)
        calibrate = Calibrator(detector, source.info.fps)
        scorer = detector.scorer(mode, batch_size=batch_size)
        live = [calibrate("live", frame, raw) for frame, raw in score_frames(scorer, source.frames(), "live")]
        np.testing.assert_allclose([s.raw.score for s in live], offline["score"], rtol=0, atol=1e-4)
        np.testing.assert_allclose([s.calibrated for s in live], offline["calibrated"], rtol=1e-5, atol=1e-3)
        assert [s.alarm for s in live] == offline["alarm"].tolist()
        assert [s.frame.index for s in live] == list(range(40))


def test_a_run_of_stored_frames_scores_as_the_file_does(tiny, scene):
    clip = scene / "test" / "test_02.mp4"
    frames = np.stack([frame.image for frame in open_source(clip, colour="grey").frames()])
    scores = score_run(tiny.scorer(), FrameRun("clip", 0, frames))
    np.testing.assert_allclose([s.score for s in scores], tiny.score(clip)["score"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_a_scorer_serves_one_video_after_another(mode):
    scorer, one, other = WindowScorer(Echo(), mode, 3), pictures(levels_of(41)), pictures(levels_of(18)[::-1])
    first, second, again = run(scorer, one), run(scorer, other), run(scorer, one)
    assert first == again
    assert len(second) == 18
    assert second == run(WindowScorer(Echo(), mode, 3), other)


def test_footage_shorter_than_a_window_is_refused_and_the_scorer_stays_usable():
    scorer = WindowScorer(Echo())
    for image in pictures(levels_of(15)):
        assert scorer.push(image) == []
    with pytest.raises(DataError, match=r"gate\.mp4: has 15 frames, one window takes 16"):
        scorer.finish("gate.mp4")
    assert len(run(scorer, pictures(levels_of(16)))) == 16


def test_maps_come_with_their_frames_where_they_are_asked_for():
    images = pictures(levels_of(20))
    assert all(score.map is None for score in run(WindowScorer(Echo()), images))
    for score in run(WindowScorer(Echo(), details=True), images):
        assert score.map.shape == (2, 2)
        assert (score.map == score.score).all()


@pytest.mark.parametrize("mode", MODES)
def test_frames_waiting_for_their_score_are_few_and_do_not_grow(mode):
    alive, most = [], 0

    def stream(length):
        for index in range(length):
            frame = Frame(index, index / 25, np.full((2, 2, 1), index % 251, np.uint8))
            alive.append(weakref.ref(frame))
            yield frame

    step = 1 if mode == "exact" else 8
    for count, _ in enumerate(score_frames(WindowScorer(Echo(), mode, 4), stream(600), "long")):
        if count % 20 == 0:
            alive[:] = [ref for ref in alive if ref() is not None]
            most = max(most, len(alive))
    assert most <= SPEC.span + 4 * step + 1


@pytest.mark.parametrize("mode", MODES)
def test_memory_does_not_grow_with_the_length(mode):
    spec = replace(SPEC, height=48, width=48)

    def peak(length):
        scorer = WindowScorer(Echo(spec), mode, 4)
        tracemalloc.start()
        for level in levels_of(length):
            scorer.push(np.full((48, 48, 1), level, np.uint8))
        scorer.finish()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(20)
    assert peak(300) < 1.05 * peak(100)  # by then the ring is as full as it gets
