"""Live scoring by objects: a video frame by frame, from decoding to scores."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch

from benchmarks.footage import frame_folders, write_video
from benchmarks.measure import Result, Stopwatch, duration, report
from oddlens.config import build
from oddlens.media.open import open_source
from oddlens.media.store import Footage
from oddlens.methods.lbr_spr.method import LbrSpr
from oddlens.methods.lbr_spr.settings import LbrSprSettings
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.objects import ObjectScorer
from oddlens.scoring.table import open_for
from oddlens.scoring.windows import score_frames
from oddlens.training.devices import pick_device, use_bfloat16
from oddlens.training.object_feed import learn_background
from oddlens.training.run import resolve_settings

GOAL = 25.0
"""Frames a second on two cores."""
_WARM_UP = 10


def run(quick: bool = False) -> list[Result]:
    """Ped2's test clips as one video of 360x240, by the paper's network without and with motion enhancement, and by
    the recipe for ordinary computers."""
    frames = 20 if quick else 400
    with tempfile.TemporaryDirectory() as base:
        name, folders = frame_folders(Path(base), frames, "testing")
        pictures = chain.from_iterable(open_source(folder).frames() for folder in folders)
        images = [frame.image for frame in islice(pictures, frames if quick else None)]
        video = write_video(Path(base) / "camera.mp4", images, len(images))
        return [_of(what, settings, video, name, frames) for what, settings in _choices(4 if quick else 32)]


def _choices(width: int) -> list[tuple[str, LbrSprSettings]]:
    """Background and motion boxes, DIS, patches of 32x32, in all of them."""
    recipe = resolve_settings(None, "footage", "lbr-spr/cpu", {}, []).method
    small = build(LbrSprSettings, {key: value for key, value in recipe.items() if key != "name"}, "recipe")
    return [
        ("LBR-SPR", LbrSprSettings(width=width)),
        ("LBR-SPR with motion", LbrSprSettings(width=width, motion=True)),
        ("recipe lbr-spr/cpu", replace(small, width=min(width, small.width))),
    ]


def _of(what: str, settings: LbrSprSettings, video: Path, name: str, frames: int) -> Result:
    """One detector with random weights.

    The background is learned from all of the video; its first `frames` are scored.
    """
    torch.manual_seed(0)
    method = LbrSpr(settings)
    learn_background(method, [Footage("camera", video, None)])
    detector = Detector(method.eval().to(pick_device()), Calibration(frames=0))
    source, scorer = open_for(detector, video), ObjectScorer(method, 1, detector.scoring.precision)
    boxes, seconds = [], []
    watch, before = Stopwatch(), time.perf_counter()
    for _, scored in score_frames(scorer, islice(source.frames(), frames), "camera", "camera"):
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
        boxes.append(scored.components["boxes"])
    spent, count = watch.read(), len(seconds)
    steady = seconds[_WARM_UP : count - method.latency]  # the first one loads, the last ones come together
    middle, slow = np.quantile(steady, [0.5, 0.95])
    rate = len(steady) / sum(steady)
    precision = "bfloat16" if use_bfloat16(detector.scoring.precision, scorer.device) else "float32"
    return Result(
        f"live scoring by {what}, {count} frames of {name}, {np.mean(boxes):.1f} boxes each, {precision}",
        f"{duration(float(middle))} a frame, {duration(float(slow))} at the 95th percentile",
        f"{duration(1 / GOAL)}: a frame of {GOAL:g} a second",
        f"{rate:.0f} frames a second at {source.info.width}x{source.info.height}, {method.latency} frames behind",
        f"at least {GOAL:g} frames a second",
        rate >= GOAL,
        f"{duration(spent.cpu / count)} a frame",
    )


if __name__ == "__main__":
    report(run())
