"""Motion and class maps of F2LM's clips, each computed once, against computing them for every clip and window again."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.footage import frame_folders
from benchmarks.measure import Result, compare, faster, report
from oddlens.labels.helpers import HelperFeatures
from oddlens.labels.settings import LabelSettings
from oddlens.media.store import Footage, build_store
from oddlens.methods.base import FrameFeatures, Method, MethodSettings
from oddlens.motion.settings import MotionSettings
from oddlens.sampling.clips import FrameRun
from oddlens.scoring.windows import WindowScorer, score_run
from oddlens.training.resources import TrainingResources
from oddlens.types import Losses, SamplingSpec, Scores

GOAL = 2.0
_BATCH = 4
_OWN = ("DIS, appearance classes", MotionSettings(), LabelSettings())
_PAPER = (
    "FlowNet2-SD, DeepLabv3-ResNet101",
    MotionSettings(method="flownet2-sd", weights="random", levels="paper"),
    LabelSettings(source="deeplabv3-resnet101", weights="random", levels="paper"),
)
_SMALL = ("DIS, DeepLabv3-MobileNet", MotionSettings(), LabelSettings(source="deeplabv3-mobilenet", weights="random"))
Kind = tuple[str, MotionSettings, LabelSettings]


def run(quick: bool = False) -> list[Result]:
    """The default on frames of 256x256, and the paper's networks, with random weights, on frames of 128x128."""
    if quick:
        return _of(_OWN, 32, 9, 1) + _of(_SMALL, 32, 6, 1)
    return _of(_OWN, 256, 64, 5) + _of(_PAPER, 128, 16, 1)


def _of(kind: Kind, side: int, frames: int, repetitions: int) -> list[Result]:
    name, motion, labels = kind
    spec = SamplingSpec(side, side, length=5, target=4, fast_targets=(4,))
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # random weights are as slow as any
        folder = Path(temporary)
        footage, videos = frame_folders(folder, frames)
        store = build_store([_cut(videos[0], frames, folder / "cut")], spec, folder, 10**9)
        resources = TrainingResources(folder, 10**9, store)
        helpers = HelperFeatures(motion, labels, side, side)
        helpers.prepare(store.runs(), resources)
        what = f"{name}, {side}x{side} ({footage})"
        run = store.runs()[0]
        return [_training(what, helpers, run, repetitions), _scoring(what, helpers, spec, run, repetitions)]


def _cut(video: Path, frames: int, target: Path) -> Footage:
    """The first frames of a folder of them."""
    target.mkdir()
    for file in sorted(video.glob("*.jpg"))[:frames]:
        shutil.copy(file, target)
    return Footage("cut", target)


def _training(what: str, helpers: HelperFeatures, run: FrameRun, repetitions: int) -> Result:
    """A batch of clips that begin one after another, as they are kept."""
    alone = FrameRun(run.video, run.start, run.frames)  # it has no place in a store
    starts = [k % (len(run) - 4) for k in range(_BATCH)]

    def batch(source: FrameRun) -> list[dict[str, Any]]:
        return [helpers.clip(source, start) for start in starts]

    for ours, theirs in zip(batch(run), batch(alone), strict=True):
        assert all(np.array_equal(ours[kind], theirs[kind]) for kind in ours)
    found = compare(lambda: batch(run), lambda: batch(alone), repetitions)
    baseline = "three flows and four segmentations for every clip, the same numbers"
    return faster(f"helper features of a training clip, {what}", found, GOAL, baseline, 1 / _BATCH)


def _scoring(what: str, helpers: HelperFeatures, spec: SamplingSpec, run: FrameRun, repetitions: int) -> Result:
    """All windows of some frames, one after another as they come live."""

    def scored(once: bool) -> list[float]:
        scorer = WindowScorer(_Looker(helpers, spec, once), batch_size=1)
        return [frame.score for frame in score_run(scorer, run)]

    assert scored(True) == scored(False)
    found = compare(lambda: scored(True), lambda: scored(False), repetitions)
    baseline = "three flows and four segmentations for every window, the same numbers"
    return faster(f"helper features of a scored frame, {what}", found, GOAL, baseline, 1 / len(run))


class _Looker(Method):
    """Scores a window by its helper features alone."""

    name = "looker"

    def __init__(self, helpers: HelperFeatures, spec: SamplingSpec, once: bool) -> None:
        super().__init__(MethodSettings())
        self.helpers, self.spec, self.once = helpers, spec, once

    @property
    def sampling(self) -> SamplingSpec:
        return self.spec

    def training_step(self, batch: Any, step: int, phase: str) -> Losses:
        raise AssertionError("it is never trained")

    def configure_optimizers(self) -> dict[str, Any]:
        return {}

    def open_features(self) -> FrameFeatures | None:
        return self.helpers.stream(torch.device("cpu")) if self.once else None

    def score(self, windows: Tensor, targets: Sequence[int]) -> Scores:
        return self._sum(self.helpers.of_values(windows, self.spec.low, self.spec.high))

    def score_with(self, windows: Tensor, targets: Sequence[int], features: Mapping[str, Tensor]) -> Scores:
        return self._sum(self.helpers.of_window(features))

    def _sum(self, features: Mapping[str, Tensor]) -> Scores:
        sums = [kept.double().flatten(1).sum(dim=1) for kept in features.values()]
        return Scores(torch.stack(sums, dim=1).sum(dim=1, keepdim=True))


if __name__ == "__main__":
    report(run())
