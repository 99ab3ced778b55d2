"""Scoring a video from decoding to scores, against the network alone and the two modes against each other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.footage import render, write_video
from benchmarks.measure import Result, compare, faster, no_slower, report
from benchmarks.training_step import recipe_settings
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.training.devices import autocast, pick_device

EXACT_GOAL = 1.10
FAST_GOAL = 5.0


def run(quick: bool = False) -> list[Result]:
    """A generated video of 320x240, scored into a table by the network of recipe lnra/cpu."""
    if quick:
        return _of(LnraSettings(height=32, width=32, widths=(2, 2, 4)), "tiny network", 24, 1)
    return _of(recipe_settings("lnra/cpu"), "recipe lnra/cpu", 143, 5)


def _of(settings: LnraSettings, name: str, frames: int, repetitions: int) -> list[Result]:
    torch.manual_seed(0)
    device = pick_device()
    detector = Detector(Lnra(settings).eval().to(device), Calibration(frames=0))
    with tempfile.TemporaryDirectory() as folder:
        video = write_video(Path(folder) / "scene.mp4", render(min(frames, 60), 320, 240), frames)
        exact = compare(lambda: detector.score(video, "exact"), _network_alone(detector, frames), repetitions)
        fast = compare(lambda: detector.score(video, "fast"), lambda: detector.score(video, "exact"), repetitions)
    footage = f"{frames} frames of 320x240, {name}"
    windows = "forward of the same windows, in memory, in batches of the same size"
    return [
        no_slower(f"exact scoring, {footage}", exact, EXACT_GOAL, windows),
        faster(f"fast scoring, {footage}", fast, FAST_GOAL, "exact scoring of the same video"),
    ]


def _network_alone(detector: Detector, frames: int) -> Callable[[], Any]:
    method, spec = detector.method, detector.method.sampling
    assert isinstance(method, Lnra)
    network, device = method.network, next(method.parameters()).device
    windows = frames - spec.span + 1
    size = detector.scoring.batch_size
    shape = (spec.channels, spec.length, spec.height, spec.width)
    batch = (torch.rand((size, *shape)) * 2 - 1).to(device).contiguous(memory_format=torch.channels_last_3d)

    def forward() -> None:
        with torch.inference_mode(), autocast(detector.scoring.precision, device):
            for start in range(0, windows, size):
                network(batch[: min(size, windows - start)])

    return forward


if __name__ == "__main__":
    report(run())
