"""The whole experiment: three models for every seed, their scores, and three digits to look at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from oddlens.toy.data import Digits, ToyData
from oddlens.toy.folder import load_model, open_folder, save_model
from oddlens.toy.models import KINDS, Kind, ToyModel
from oddlens.toy.scoring import DigitScores, score_digits
from oddlens.toy.settings import ToySettings
from oddlens.toy.training import train_model

StepsDone = Callable[[int, int, str], None]
"""Called with the training steps done so far, their total over all models, and a remark."""


@dataclass(frozen=True)
class Trial:
    """One seed."""

    seed: int
    scores: dict[Kind, DigitScores]
    """Of the whole test split, by each of the three models."""
    seconds: dict[Kind, float]
    """Time that training took."""


@dataclass(frozen=True)
class Example:
    """A test digit that the figure shows."""

    title: str
    rule: str
    """How it was chosen, by the memory-only model of the first seed."""
    index: int


@dataclass(frozen=True)
class Outcome:
    """What the experiment found."""

    trials: tuple[Trial, ...]
    examples: tuple[Example, ...]
    model: ToyModel
    """The model with deformation of the first seed, in eval mode."""


def run_experiment(
    data: ToyData,
    folder: Path,
    settings: ToySettings,
    seeds: Sequence[int],
    device: torch.device,
    overwrite: bool = False,
    progress: StepsDone = lambda done, total, remark: None,
) -> Outcome:
    """Train and score the three models for every seed; models that `folder` has already are not trained again.

    Raises:
        SettingsError: the folder holds something else.
        DetectorError: a model there is damaged.
    """
    origin = {**settings.to_dict(), "digits": data.name, "fingerprint": data.fingerprint()}
    open_folder(folder, origin, overwrite)
    normal = torch.from_numpy(data.train.pictures[data.train.normal])
    test = torch.tensor(data.test.pictures)
    total = len(KINDS) * len(seeds) * settings.iterations
    trials: list[Trial] = []
    shown: ToyModel | None = None
    for place, seed in enumerate(seeds):
        scores, seconds = {}, {}
        for number, kind in enumerate(KINDS):
            before = (place * len(KINDS) + number) * settings.iterations
            text = f"{kind}, seed {seed}"

            def step(done: int, _: int, loss: float, before: int = before, text: str = text) -> None:
                progress(before + done, total, f"{text}, loss {loss:.4f}")

            model, seconds[kind] = _model(folder, kind, seed, normal, settings, device, step)
            scores[kind] = score_digits(model, test, device)
            progress(before + settings.iterations, total, f"{text}, scored")
            shown = shown or (model if kind == "pdm" else None)
        trials.append(Trial(seed, scores, seconds))
    assert shown is not None
    return Outcome(tuple(trials), choose_examples(data.test, trials[0].scores["memory"]), shown)


def choose_examples(test: Digits, memory_only: DigitScores) -> tuple[Example, ...]:
    """An ordinary normal digit, an odd-looking one, and an anomaly: by rule, so that nobody picks the prettiest."""
    error = memory_only.error
    odd, even = (np.flatnonzero(which) for which in (test.normal, ~test.normal))
    by_error, even_by_error = (which[np.argsort(error[which], kind="stable")] for which in (odd, even))
    middle, even_middle = (len(which) // 2 for which in (odd, even))
    return (
        Example("normal", "odd digit of median error", int(by_error[middle])),
        Example("odd-looking normal", "odd digit of highest error", int(by_error[-1])),
        Example("anomaly", "even digit of median error", int(even_by_error[even_middle])),
    )


def _model(
    folder: Path,
    kind: Kind,
    seed: int,
    normal: Tensor,
    settings: ToySettings,
    device: torch.device,
    step: Callable[[int, int, float], None],
) -> tuple[ToyModel, float]:
    found = load_model(folder, kind, seed, settings, device)
    if found is not None:
        return found
    began = time.monotonic()
    model = train_model(kind, normal, settings, seed, device, step)
    seconds = time.monotonic() - began
    save_model(folder, kind, seed, model, seconds)
    saved = load_model(folder, kind, seed, settings, device)
    assert saved is not None
    return saved  # what a later run takes up, to the last digit
