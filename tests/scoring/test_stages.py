"""Stages follow the scored frames of a video: live equals offline, and every video starts anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oddlens.methods.base import Method, MethodSettings, Stage, Staged
from oddlens.sampling.clips import FrameRun
from oddlens.scoring.windows import WindowScorer, score_run
from oddlens.types import SamplingSpec, Scores

SPEC = SamplingSpec(height=2, width=2, length=5, target=3, fast_targets=(1, 2, 3), low=0.0, high=255.0)


class Jump(Stage):
    """How far the map has moved since the last scored frame; the score becomes its running sum."""

    pictures = ("frame",)

    def __init__(self, log):
        self.log, self.before, self.total = log, None, 0.0

    def push(self, score, components, map, pictures):
        assert set(pictures) == {"frame"} and pictures["frame"].shape == (1, 2, 2)
        np.testing.assert_array_equal(pictures["frame"][0], map)
        jump = 0.0 if self.before is None else float(np.abs(map - self.before).mean())
        self.before, self.total = map.copy(), self.total + score
        self.log.append(components["level"])
        return Staged(self.total, {"jump": jump})


class Levels(Method):
    """Scores a frame by its grey level."""

    name = "levels"

    def __init__(self, staged=True):
        super().__init__(MethodSettings())
        self.staged, self.pushed = staged, []

    @property
    def sampling(self):
        return SPEC

    def training_step(self, batch, step, phase):
        raise AssertionError("never trained")

    def configure_optimizers(self):
        return {}

    def score(self, windows, targets):
        frames = windows[:, 0, list(targets)]
        level = frames.mean(dim=(2, 3))
        pictures = {"frame": frames[:, :, None], "unasked": torch.zeros(len(level), len(targets), 1, 1, 1)}
        return Scores(level, {"level": level}, map=frames, pictures=pictures)

    def open_stage(self):
        return Jump(self.pushed) if self.staged else None


def footage(length, seed=0):
    levels = np.random.default_rng(seed).integers(0, 256, length)
    return FrameRun("clip", 0, np.repeat(levels, 4).reshape(length, 2, 2, 1).astype(np.uint8)), levels.astype(float)


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("batch_size", [1, 3, 16])
@pytest.mark.parametrize("details", [True, False])
def test_every_scored_frame_is_pushed_once_and_in_order(mode, batch_size, details):
    run, levels = footage(23)
    method = Levels()
    found = score_run(WindowScorer(method, mode, batch_size, details=details), run)
    first, last = (3, 21) if mode == "exact" else (1, 21)
    assert method.pushed == levels[first : last + 1].tolist()
    sums = np.cumsum(levels[first : last + 1])
    jumps = np.abs(np.diff(levels[first : last + 1], prepend=levels[first]))
    # frames that no window scores repeat the nearest scored one
    repeat = np.clip(np.arange(23), first, last) - first
    assert [s.index for s in found] == list(range(23))
    assert [s.score for s in found] == pytest.approx(sums[repeat].tolist())
    assert [s.components["jump"] for s in found] == pytest.approx(jumps[repeat].tolist())
    assert [s.components["level"] for s in found] == levels[first:][repeat].tolist()
    assert all((s.map is not None) == details for s in found)
    assert all(set(s.pictures) == ({"frame", "unasked"} if details else set()) for s in found)


def test_live_is_offline():
    run, _ = footage(40)
    offline, live = (score_run(WindowScorer(Levels(), batch_size=size), run) for size in (16, 1))
    assert offline == live


def test_every_video_starts_anew():
    scorer = WindowScorer(Levels())
    run, other = footage(20)[0], footage(11, seed=1)[0]
    first = score_run(scorer, run)
    assert score_run(scorer, other) == score_run(WindowScorer(Levels()), other)
    assert score_run(scorer, run) == first


def test_scores_without_a_stage_are_as_they_were():
    run, levels = footage(12)
    found = score_run(WindowScorer(Levels(staged=False)), run)
    assert [s.score for s in found] == levels[[3] * 4 + list(range(4, 11)) + [10]].tolist()
    assert set(found[0].components) == {"level"}
