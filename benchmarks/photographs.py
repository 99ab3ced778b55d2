"""DMAD-PPDM: scoring in batches against one photograph at a time, and how long a training of the small recipe takes."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from benchmarks.measure import Comparison, Result, compare, duration, faster, report
from oddlens.config import build
from oddlens.heap import keep_freed_memory
from oddlens.methods.dmad_ppdm.method import DmadPpdm
from oddlens.methods.dmad_ppdm.settings import DmadPpdmSettings
from oddlens.training.devices import autocast, pick_device, use_bfloat16
from oddlens.training.run import resolve_settings
from oddlens.training.settings import Precision

RECIPE = "dmad-ppdm/cpu"
GOAL_RATE = 15.0
"""Photographs a second, of 256x256, on two cores."""
GOAL_TRAINING = 20.0
"""Minutes on two cores, for a category of 320 photographs."""


def run(quick: bool = False) -> list[Result]:
    """The recipe for ordinary computers and the paper's network at 256x256, random weights and pictures in memory."""
    keep_freed_memory()  # as the command line does
    small = _recipe(**({"height": 32, "width": 32} if quick else {}))
    paper = {"height": 32, "width": 32, "deformation_features": 4} if quick else {}
    wide = DmadPpdmSettings(teacher="resnet18" if quick else "wide_resnet50_2", weights="random", **paper)
    batch, repetitions = (2, 1) if quick else (16, 5)
    found: list[Result] = []
    for precision in _precisions():
        found += _scoring(f"recipe {RECIPE}", small, batch, precision, repetitions, GOAL_RATE)
        found += _scoring(f"{wide.teacher}, as published", wide, batch // 2, precision, max(1, repetitions // 2), None)
    return found + [_training(small, 2 if quick else 8, precision, repetitions) for precision in _precisions()]


def _recipe(**changes: Any) -> DmadPpdmSettings:
    values = resolve_settings(None, "photographs", RECIPE, {"method": {"weights": "random", **changes}}, []).method
    return build(DmadPpdmSettings, {key: value for key, value in values.items() if key != "name"}, RECIPE)


def _precisions() -> tuple[Precision, ...]:
    return ("float32", "bfloat16") if use_bfloat16("auto", pick_device()) else ("float32",)


def _method(settings: DmadPpdmSettings) -> DmadPpdm:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the weights are random on purpose
        torch.manual_seed(0)
        return DmadPpdm(settings).to(pick_device())


def _photographs(settings: DmadPpdmSettings, count: int) -> Tensor:
    return torch.rand(count, 3, 1, settings.height, settings.width, device=pick_device())


def _scoring(
    what: str, settings: DmadPpdmSettings, batch: int, precision: Precision, repetitions: int, goal: float | None
) -> list[Result]:
    """Network, maps and scores of `batch` photographs that lie in memory."""
    method, photographs = _method(settings).eval(), _photographs(settings, batch)

    def score(part: Tensor) -> None:
        with torch.inference_mode(), autocast(precision, part.device):
            method.score(part, (0,)).score.cpu()

    def one_by_one() -> None:
        for number in range(batch):
            score(photographs[number : number + 1])

    found = compare(lambda: score(photographs), one_by_one, repetitions)
    name = f"scoring photographs of {settings.width}x{settings.height}, {what}, {precision}"
    together = faster(f"{name}, {batch} at a time", found, 1.0, "one photograph at a time", 1 / batch)
    if goal is None:
        return [together]
    return [together, _rate(f"{name}, rate", found, batch, goal)]


def _rate(what: str, found: Comparison, batch: int, goal: float) -> Result:
    """Photographs a second, in batches; one at a time stands beside."""
    together, alone = batch / found.ours.wall, batch / found.baseline.wall
    return Result(
        what,
        f"{duration(found.ours.wall / batch)} each",
        f"{alone:.1f} a second: one at a time",
        f"{together:.1f} a second",
        f"at least {goal:g} a second",
        together >= goal,
    )


def _training(settings: DmadPpdmSettings, batch: int, precision: Precision, repetitions: int) -> Result:
    """A step with forward, losses, backward and optimiser, against one of Reverse Distillation; and what all take.

    The mean of as many steps as it takes until the deformation has learned once.
    """
    every = settings.deformation_every
    step, plain = (_steps(each, every, batch, precision) for each in (settings, _without_deformation(settings)))
    found = compare(step, plain, repetitions)
    steps = resolve_settings(None, "photographs", RECIPE, {}, []).training.iterations
    minutes = steps * found.ours.wall / every / 60
    return Result(
        f"training step, recipe {RECIPE}, batch {batch}, {precision}",
        duration(found.ours.wall / every),
        f"{duration(found.baseline.wall / every)}: the same without deformation",
        f"{minutes:.1f} minutes for the recipe's {steps} steps",
        f"at most {GOAL_TRAINING:g} minutes",
        minutes <= GOAL_TRAINING,
    )


def _without_deformation(settings: DmadPpdmSettings) -> DmadPpdmSettings:
    return build(DmadPpdmSettings, {**settings.to_dict(), "deformation": False}, RECIPE)


def _steps(settings: DmadPpdmSettings, count: int, batch: int, precision: Precision) -> Any:
    method, photographs = _method(settings).train(), _photographs(settings, batch)
    optimizer = method.configure_optimizers()["main"]

    def work() -> None:
        for step in range(1, count + 1):
            with autocast(precision, photographs.device):
                losses = method.training_step({"clip": photographs}, step, "main")
            optimizer.zero_grad()
            losses.total.backward()
            optimizer.step()

    return work


if __name__ == "__main__":
    report(run())
