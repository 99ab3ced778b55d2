"""DMAD-PDM: scoring in batches against one frame at a time, its windows against a loop, and what follows scoring."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measure import Result, compare, duration, faster, report
from oddlens.config import build
from oddlens.methods.dmad_pdm.method import DmadPdm
from oddlens.methods.dmad_pdm.pipelines import paper_pipeline
from oddlens.methods.dmad_pdm.settings import DmadPdmSettings
from oddlens.nn.window_max import window_max
from oddlens.training.devices import autocast, pick_device, use_bfloat16
from oddlens.training.run import resolve_settings
from oddlens.training.settings import Precision

GOAL_POST_PROCESSING = 1.0
"""Seconds for all test clips of Ped2."""
_CLIPS = (180, 180, 150, 180, 150, 180, 180, 180, 120, 150, 180, 180)
"""Frames of Ped2's test clips."""
_WINDOW = (16, 14)


def run(quick: bool = False) -> list[Result]:
    """The paper's network of Ped2 at 256x256 and the recipe for ordinary computers, random weights and pictures."""
    paper = DmadPdmSettings(height=64, width=64, features=4) if quick else DmadPdmSettings()
    chosen = [("the paper's network for Ped2", paper), ("recipe dmad-pdm/cpu", _recipe())]
    batch = 2 if quick else 8
    found = [_scoring(what, settings, batch, precision) for what, settings in chosen for precision in _precisions()]
    return [*found, _windows(quick), _post_processing()]


def _recipe() -> DmadPdmSettings:
    values = resolve_settings(None, "footage", "dmad-pdm/cpu", {}, []).method
    return build(DmadPdmSettings, {key: value for key, value in values.items() if key != "name"}, "recipe")


def _precisions() -> tuple[Precision, ...]:
    return ("float32", "bfloat16") if use_bfloat16("auto", pick_device()) else ("float32",)


def _scoring(what: str, settings: DmadPdmSettings, batch: int, precision: Precision) -> Result:
    """Network, errors and score of `batch` windows that lie in memory."""
    torch.manual_seed(0)
    device = pick_device()
    method = DmadPdm(settings).eval().to(device)
    spec = method.sampling
    windows = torch.rand(batch, spec.channels, spec.length, spec.height, spec.width, device=device) * 2 - 1

    def score(part: Tensor) -> None:
        with torch.inference_mode(), autocast(precision, device):
            method.score(part, spec.fast_targets).score.cpu()

    def one_by_one() -> None:
        for number in range(batch):
            score(windows[number : number + 1])

    found = compare(lambda: score(windows), one_by_one, 3)
    rate = batch / found.ours.wall
    size = f"{spec.width}x{spec.height}, {precision}"
    return Result(
        f"scoring by {what}, {size}, batches of {batch}",
        f"{duration(found.ours.wall / batch)} a frame, {rate:.1f} frames a second",
        f"{duration(found.baseline.wall / batch)}: one frame at a time",
        f"{1 / found.ratio:.2f}x faster",
        "no slower",
        found.ratio <= 1.05,
        f"{1 / found.cpu_ratio:.2f}x",
    )


def _windows(quick: bool) -> Result:
    """Highest window mean of a batch of maps, against a loop over the places of the window."""
    side = 48 if quick else 256
    maps = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))

    def looped() -> list[float]:
        rows, columns = _WINDOW
        return [_looped(plane[0].numpy(), rows, columns) for plane in maps]

    assert np.allclose(window_max(maps, *_WINDOW).numpy(), looped(), rtol=1e-5)
    found = compare(lambda: window_max(maps, *_WINDOW), looped, 3)
    return faster(f"highest of all {_WINDOW[0]}x{_WINDOW[1]} window means, {side}x{side}", found, 10, "a loop", 1 / 2)


def _looped(plane: NDArray[np.float32], rows: int, columns: int) -> float:
    """Windows count outside of the map as zeros, as the method's do."""
    top, left = rows // 2, columns // 2
    wide = np.pad(plane, ((top, rows - 1 - top), (left, columns - 1 - left)))
    height, width = plane.shape
    return max(float(wide[y : y + rows, x : x + columns].mean()) for y in range(height) for x in range(width))


def _post_processing() -> Result:
    """The paper's smoothing and fusion of components as long as Ped2's test set."""
    rng = np.random.default_rng(0)
    pipeline = paper_pipeline("ped2")
    clips = [{name: rng.random(frames) for name in pipeline.components} for frames in _CLIPS]
    start = time.perf_counter()
    pipeline.transform(clips)
    seconds = time.perf_counter() - start
    return Result(
        f"the paper's post-processing of {sum(_CLIPS):,} scored frames",
        duration(seconds),
        f"{duration(GOAL_POST_PROCESSING)}: the goal",
        f"{sum(_CLIPS) / seconds:,.0f} frames a second",
        f"under {GOAL_POST_PROCESSING:g} s",
        seconds < GOAL_POST_PROCESSING,
    )


if __name__ == "__main__":
    report(run())
