"""A method whose samples hold helper features: training, held-out clips and scoring see the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from rich.console import Console

from oddlens.labels.helpers import HelperFeatures
from oddlens.labels.settings import LabelSettings
from oddlens.media.store import Footage
from oddlens.methods.base import Batch, Method, MethodSettings, Sample
from oddlens.motion.settings import MotionSettings
from oddlens.sampling.clips import Clip, FrameRun
from oddlens.sampling.order import ClipSet
from oddlens.training.feeds import Feed, clip_feed
from oddlens.training.progress import Progress
from oddlens.training.run import resolve_settings, train
from oddlens.types import Losses, SamplingSpec, Scores


@dataclass(frozen=True, kw_only=True)
class FollowerSettings(MethodSettings):
    """Settings of a method that looks at helper features alone."""

    side: int = 32


class Follower(Method):
    """Learns how much moves, and scores what moves more."""

    name: ClassVar[str] = "follower"
    settings_type: ClassVar[type[MethodSettings]] = FollowerSettings

    def __init__(self, settings: FollowerSettings) -> None:
        super().__init__(settings)
        self.helpers = HelperFeatures(MotionSettings(), LabelSettings(), settings.side, settings.side)
        self.appearance = self.helpers.classes
        self.usual = torch.nn.Parameter(torch.zeros(1))

    @property
    def sampling(self) -> SamplingSpec:
        side = self.base_settings.side  # type: ignore[attr-defined]
        return SamplingSpec(side, side, length=5, target=4, fast_targets=(4,))

    def prepare_training(self, resources: Any) -> None:
        self.resources = resources

    def prepare_footage(self, runs: Sequence[FrameRun]) -> None:
        self.helpers.prepare(runs, self.resources)

    def validation_sample(self, clip: Clip) -> Sample:
        return super().validation_sample(clip) | self.helpers.clip(clip.run, clip.start)

    def training_step(self, batch: Batch, step: int, phase: str) -> Losses:
        loss = (self._moving(batch) - self.usual).square().mean()
        return Losses(loss, {"loss": loss})

    def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": torch.optim.SGD(self.parameters(), lr=0.1)}

    def open_features(self) -> Any:
        return self.helpers.stream(self.usual.device)

    def score(self, windows: torch.Tensor, targets: Sequence[int]) -> Scores:
        return self._scores(self.helpers.of_values(windows, -1, 1))

    def score_with(self, windows: torch.Tensor, targets: Sequence[int], features: Mapping[str, torch.Tensor]) -> Scores:
        return self._scores(self.helpers.of_window(features))

    def _scores(self, features: Mapping[str, torch.Tensor]) -> Scores:
        return Scores((self._moving(features) - self.usual)[:, None])

    def _moving(self, features: Mapping[str, torch.Tensor]) -> torch.Tensor:
        motion, labels = self.helpers.expand(features)
        return 100 * motion.abs().mean(dim=(1, 2, 3)) + labels[:, 0].mean(dim=(1, 2))


def feed_of(scene: Path, cache: Path, *names: str, **data: Any) -> tuple[Follower, Feed]:
    settings = {
        "data": {"root": str(scene), "cache_dir": str(cache), **data},
        "training": {"batch_size": 2, "iterations": 1},
    }
    run = resolve_settings("lnra", None, None, settings, [])
    method = Follower(FollowerSettings())
    footage = [Footage(Path(name).stem[-2:], scene / name) for name in names]
    return method, clip_feed(method, run, footage, "scene", Progress(quiet=True))


def clips_of(samples: Any) -> list[Clip]:
    assert isinstance(samples, ClipSet)
    return [samples.clip(index) for index in range(0, len(samples), 7)]


def test_training_and_held_out_clips_have_the_features_of_their_own_frames(scene: Path, tmp_path: Path) -> None:
    # the two are called alike, and the last part of each is held out
    method, feed = feed_of(scene, tmp_path, "normal/normal_01.mp4", "test/test_01.mp4")
    assert {run.video for run in feed.train.runs} == {"01"}  # type: ignore[attr-defined]
    for clip in (*clips_of(feed.train), *clips_of(feed.held_out)):
        stored = method.helpers.clip(clip.run, clip.start)
        alone = method.helpers.clip(FrameRun("alone", 0, np.asarray(clip.run.frames)), clip.start)
        for kind in ("motion", "labels"):
            np.testing.assert_array_equal(stored[kind], alone[kind])
    assert len(list(tmp_path.glob("motion-*.lock"))) == len(list(tmp_path.glob("labels-*.lock"))) == 1


def test_what_does_not_fit_is_computed_anew(scene: Path, tmp_path: Path) -> None:
    # 60 frames take 61 kB, their flow 246 kB, their classes 161 kB
    method, feed = feed_of(scene, tmp_path, "normal/normal_01.mp4", cache_gb=0.0002)
    assert method.helpers.uncached == ("motion",)
    batch = feed.train.__getitems__([(0, 0), (0, 1)])
    assert batch["motion"].shape == (2, 3, 2, 32, 32) and batch["labels"].shape == (2, 4, 21, 8, 8)


def test_a_whole_run_and_its_detector(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oddlens.training.run.method_class", lambda name: Follower)
    monkeypatch.setattr("oddlens.training.earlier.method_class", lambda name: Follower)
    monkeypatch.setattr("oddlens.scoring.detector.method_class", lambda name: Follower)
    settings = {
        "data": {"cache_dir": str(tmp_path / "cache")},
        "training": {"iterations": 4, "epochs": 0, "batch_size": 2, "workers": 1, "device": "cpu"},
        "scoring": {"precision": "float32"},
    }
    detector = train("follower", scene, tmp_path / "run", settings=settings).detector
    assert any(name.startswith("appearance.") for name in detector.method.state_dict())
    clip = scene / "test" / "test_01.mp4"
    ringed = detector.score(clip)["score"]
    monkeypatch.setattr(Follower, "open_features", lambda self: None)
    np.testing.assert_array_equal(detector.score(clip)["score"], ringed)  # every window by itself
    assert ringed.std() > 0


def test_a_bar_takes_the_place_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress()
    progress.console, progress.live = Console(force_terminal=True, quiet=True), True
    with progress.message("looking at the footage"), progress.decoding("computing motion") as advance:
        advance("gate", 1, 2)
    assert progress._status is None
