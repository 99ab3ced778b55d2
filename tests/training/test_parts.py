"""Parts of the samples are trained one after another, each as if alone."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from levels import Level, Values, mostly

from oddlens.errors import DataError
from oddlens.training.loop import FitResult
from oddlens.training.settings import TrainingSettings

Fit = Callable[..., FitResult]


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings(**{"batch_size": 8, "device": "cpu", "precision": "float32", "holdout": 0.1, **changes})


def test_each_part_is_trained_as_if_alone(train: Fit) -> None:
    first, last = mostly(1.0, count=20), mostly(-3.0, count=50)
    chosen = settings(epochs=3, last_batch="keep", schedule="one-cycle")
    together = Level()
    result = train(together, Values(first, [], last), chosen, name="together")
    assert result.steps == 3 * (3 + 7)
    assert [(part, step) for part, step, _ in together.seen] == [
        *((0, step) for step in range(1, 10)),
        *((2, step) for step in range(1, 22)),
    ]
    alone = Level()
    train(alone, Values(first), chosen, name="alone")
    assert alone.levels[0] == together.levels[0] and together.levels[1] == 0
    assert together.levels[2] < -1 and together.concluded == 70 and math.isnan(result.validation_loss)


def test_log_counts_epochs_and_rates_of_the_part(train: Fit, tmp_path: Path) -> None:
    chosen = settings(iterations=20, schedule="one-cycle", log_every=1)
    train(Level(), Values(mostly(1.0, count=40), mostly(0.0, count=40)), chosen)
    with open(tmp_path / "run" / "logs" / "metrics.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == 2 * (5 * ["0"] + 5 * ["1"])
    rates = [row["learning_rate"] for row in rows]
    assert rates[:10] == rates[10:] and len(set(rates)) > 5


def test_best_weights_of_each_part(train: Fit) -> None:
    class Wild(Level):
        def configure_optimizers(self) -> dict[str, torch.optim.Optimizer]:
            return {"main": torch.optim.SGD(self.parameters(), lr=0.97)}

    samples = Values([2.0, -2.0, 1.0, -1.0] * 4, [5.0, 1.0, 4.0, 2.0] * 4)
    held_out = Values([0.0], [3.0])
    chosen = settings(batch_size=1, iterations=64, validate_every=1)
    best, last = Wild(), Wild()
    kept = train(best, samples, replace(chosen, select="best-validation"), held_out=held_out)
    left = train(last, samples, chosen, held_out=held_out, name="last")
    assert kept.validation_loss < left.validation_loss
    assert abs(float(best.levels[0].detach())) <= abs(float(last.levels[0].detach()))
    assert abs(float(best.levels[1].detach()) - 3) < 1


def test_a_part_smaller_than_a_batch(train: Fit) -> None:
    samples = Values(mostly(1.0, count=20), mostly(1.0, count=5))
    with pytest.raises(DataError, match=r"only 5 samples in one of its parts .*, a batch takes 8"):
        train(Level(), samples, settings(epochs=2))
    assert train(Level(), samples, settings(epochs=2, last_batch="keep")).steps == 8
