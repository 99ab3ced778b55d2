"""A step of the training loop, against the plain network in an empty loop."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import mse_loss

from benchmarks.footage import render
from benchmarks.measure import Comparison, Result, Spent, Stopwatch, no_slower, report
from oddlens.config import build, merge, read_yaml
from oddlens.media.resize import fit as resized
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.methods.lnra.pseudo import PseudoAnomaly
from oddlens.recipes import find_recipe
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.order import ClipSet
from oddlens.training.devices import autocast, pick_device
from oddlens.training.loop import fit, make_accelerator
from oddlens.training.resources import TrainingResources
from oddlens.training.settings import TrainingSettings

GOAL = 1.05
_BATCH = 4
_BLOCK = 10
"""Steps a repetition: as many as from one line of the log to the next."""


def run(quick: bool = False) -> list[Result]:
    """The paper's network on small frames with patches, and the recipe for small machines."""
    if quick:
        tiny = LnraSettings(height=32, width=32, widths=(2, 2, 4))
        return [_of("tiny network", tiny, 1, 24)]
    pseudo = (PseudoAnomaly(kind="smoothmix-s", probability=0.4),)
    paper = LnraSettings(height=64, width=64, pseudo=pseudo)
    return [_of("paper network, 64x64", paper, 4, 60), _of("recipe lnra/cpu", recipe_settings("lnra/cpu"), 5, 60)]


def recipe_settings(name: str) -> LnraSettings:
    """The method's settings in a recipe."""
    values = merge(read_yaml(find_recipe(name)), {})["method"]
    return build(LnraSettings, {key: value for key, value in values.items() if key != "name"}, name)


def _of(network: str, settings: LnraSettings, blocks: int, frames: int) -> Result:
    torch.manual_seed(0)
    method = Lnra(settings)
    scene = [resized(image, settings.height, settings.width, settings.channels) for image in render(frames)]
    training = TrainingSettings(iterations=(blocks + 1) * _BLOCK, batch_size=_BATCH, checkpoint_seconds=1e9)
    in_turn = _InTurn(_plain_step(settings, training))
    with tempfile.TemporaryDirectory() as name:
        folder, accelerator = Path(name), make_accelerator(training)
        method.prepare_training(TrainingResources(folder, 10**9))
        clips = ClipSet([FrameRun("scene", 0, np.stack(scene))], method, training.seed)
        fit(method, clips, None, training, folder, accelerator, in_turn)
    what = f"training step, {network}, batch {_BATCH}"
    baseline = "forward, loss, backward and Adam on one batch in memory"
    return no_slower(what, Comparison.of(in_turn.blocks()), GOAL, baseline, 1 / _BLOCK)


class _InTurn:
    """Called by the loop after each step: does a plain one in between, and keeps both times."""

    def __init__(self, plain: Callable[[], Any]) -> None:
        self.plain, self.watch = plain, Stopwatch()
        self.spent: list[tuple[Spent, Spent]] = []

    def __call__(self, step: int, steps: int, loss: float) -> None:
        ours = self.watch.read()
        self.plain()
        self.spent.append((ours, self.watch.read()))

    def blocks(self) -> list[tuple[Spent, Spent]]:
        """Sums over blocks of steps, the first block left out: it warms up."""
        starts = range(_BLOCK, len(self.spent), _BLOCK)
        chosen = [self.spent[start : start + _BLOCK] for start in starts]
        return [(_sum([ours for ours, _ in block]), _sum([plain for _, plain in block])) for block in chosen]


def _plain_step(settings: LnraSettings, training: TrainingSettings) -> Callable[[], None]:
    """One step of the same network in the same precision and memory format: nothing sampled, nothing logged."""
    device = pick_device(training.device)
    network = Lnra(settings).network.to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    shape = (_BATCH, settings.channels, settings.length, settings.height, settings.width)
    batch = (torch.rand(shape) * 2 - 1).to(device).contiguous(memory_format=torch.channels_last_3d)

    def step() -> None:
        with autocast(training.precision, device):
            loss = mse_loss(network(batch).float(), batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _sum(spent: list[Spent]) -> Spent:
    return Spent(sum(item.wall for item in spent), sum(item.cpu for item in spent))


if __name__ == "__main__":
    report(run())
