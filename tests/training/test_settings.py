"""Settings that make no training are refused in one line that names them."""

from __future__ import annotations

from typing import Any

import pytest

from oddlens.config import build
from oddlens.errors import SettingsError
from oddlens.training.settings import DataSettings, RunSettings, ScoringSettings, TrainingSettings

NAN, INF = float("nan"), float("inf")
TRAINING: list[tuple[dict[str, Any], str]] = [
    ({"iterations": 0}, "iterations is 0 and epochs is 0"),
    ({"epochs": 5}, "iterations is 3 and epochs is 5"),
    ({"iterations": -3}, "exactly one"),
    ({"epochs": -1}, "negative"),
    ({"batch_size": 0}, "batch_size"),
    ({"log_every": 0}, "log_every"),
    ({"validation_clips": 0}, "validation_clips"),
    ({"holdout": 1.0}, "holdout"),
    ({"holdout": -0.1}, "holdout"),
    ({"holdout": NAN}, "holdout"),
    ({"holdout": 0, "select": "best-validation"}, "training.select"),
    ({"seed": -1}, "training.seed"),
    ({"seed": 1 << 64}, "training.seed"),
    ({"workers": -1}, "training.workers"),
    ({"threads": -1}, "training.threads"),
    ({"validate_every": -1}, "training.validate_every"),
    ({"checkpoint_steps": -1}, "training.checkpoint_steps"),
    ({"checkpoint_seconds": NAN}, "training.checkpoint_seconds"),
    ({"precision": "float16"}, "precision"),
    ({"device": "tpu"}, "device"),
    ({"schedule": "linear"}, "schedule"),
    ({"batchsize": 4}, "did you mean 'batch_size'"),
]
OTHERS: list[tuple[type[Any], dict[str, Any], str]] = [
    (DataSettings, {"cache_gb": 0}, "data.cache_gb"),
    (DataSettings, {"cache_gb": NAN}, "data.cache_gb"),
    (DataSettings, {"cache_gb": INF}, "data.cache_gb"),
    (ScoringSettings, {"false_alarms_per_hour": 0}, "scoring.false_alarms_per_hour"),
    (ScoringSettings, {"false_alarms_per_hour": NAN}, "scoring.false_alarms_per_hour"),
    (ScoringSettings, {"batch_size": 0}, "batch_size"),
    (ScoringSettings, {"open_frames": 0}, "open_frames"),
    (ScoringSettings, {"close_seconds": NAN}, "close_seconds"),
    (ScoringSettings, {"hysteresis": -1}, "hysteresis"),
]


def refusal(kind: type[Any], values: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        build(kind, values, "recipe.yaml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("values", "named"), TRAINING)
def test_training_that_makes_no_sense(values: dict[str, Any], named: str) -> None:
    assert named in refusal(TrainingSettings, {"iterations": 3, **values})


@pytest.mark.parametrize(("kind", "values", "named"), OTHERS)
def test_data_and_scoring_that_make_no_sense(kind: type[Any], values: dict[str, Any], named: str) -> None:
    assert named in refusal(kind, values)


def test_defaults_survive_a_file() -> None:
    assert build(RunSettings, RunSettings().to_dict(), "run.yaml") == RunSettings()
