"""What the loop computes, logs and refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError, OddLensError
from oddlens.media.store import Footage, build_store
from oddlens.sampling.clips import count_clips, to_network_values, window
from oddlens.sampling.holdout import split_holdout
from oddlens.training.plan import schedule_factor

Train = Callable[..., Any]
Metrics = Callable[[Path], list[dict[str, float | None]]]


def test_learning_rate_follows_the_schedule(run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Metrics) -> None:
    run(lnra, tmp_path / "run", training={"schedule": "one-cycle"})
    rates = [row["learning_rate"] for row in metrics(tmp_path / "run")]
    expected = [0.01 * schedule_factor("one-cycle", step, 10) for step in range(10)]
    assert rates == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_training_lowers_the_loss(run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Metrics) -> None:
    run(lnra, tmp_path / "run", training={"iterations": 60, "log_every": 20})
    rows = metrics(tmp_path / "run")
    losses = [row["loss"] for row in rows if row["loss"] is not None]
    assert [row["step"] for row in rows if row["step"] is not None and row["step"] % 20 == 0] == [20, 40, 60]
    assert losses[-1] < 0.5 * losses[0]


def test_epochs_are_as_many_steps_as_whole_batches(
    run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Metrics
) -> None:
    result = run(lnra, tmp_path / "run", training={"iterations": 0, "epochs": 2, "batch_size": 7, "holdout": 0})
    assert result.fit.steps == 2 * (2 * (36 - 7) // 7)
    assert [row["epoch"] for row in metrics(tmp_path / "run")] == [0] * 8 + [1] * 8


def test_log_has_every_term_of_every_phase(run: Train, toy: dict[str, Any], tmp_path: Path, metrics: Metrics) -> None:
    run(toy, tmp_path / "run", training={"log_every": 5})
    rows = metrics(tmp_path / "run")
    assert [row["step"] for row in rows] == list(range(1, 11))  # ten validations a run, each of them a row
    for row in rows:
        assert row["samples"] == 2
        assert row["loss"] is not None and row["error"] is not None and row["critic"] is not None
        assert row["loss"] > row["error"] + row["critic"]
        assert row["validation_loss"] is not None and row["clips_per_second"] is not None
    assert rows[-1]["seconds"] is not None and rows[0]["seconds"] is not None
    assert rows[-1]["seconds"] > rows[0]["seconds"]


def held_out_clips(footage: Path, settings: dict[str, Any], spec: Any, share: float = 0.1) -> torch.Tensor:
    dataset = open_dataset(footage)
    store = build_store(
        [Footage(video.name, video.path, dataset.fps) for video in dataset.train],
        spec,
        Path(settings["data"]["cache_dir"]),
        int(4e9),
    )
    _, held = split_holdout(store.runs(), share, spec)
    clips = [
        to_network_values(window(run.frames, start, spec), spec)
        for run in held
        for start in range(count_clips(len(run), spec))
    ]
    return torch.from_numpy(np.stack(clips))


def test_validation_loss_is_that_of_held_out_normal_clips(
    run: Train, lnra: dict[str, Any], footage: Path, tmp_path: Path, metrics: Metrics
) -> None:
    pseudo = [{"kind": "smoothmix-s", "probability": 1.0, "intruder": "textures"}]
    changes = {"holdout": 0.3, "validation_clips": 64}
    result = run(lnra, tmp_path / "run", method={"pseudo": pseudo}, training=changes)
    method = result.detector.method
    clips = held_out_clips(footage, lnra, method.sampling, 0.3)
    assert len(clips) == 2 * (11 - 7)
    with torch.no_grad():
        by_hand = float((method.network(clips) - clips).square().mean())
    assert result.fit.validation_loss == pytest.approx(by_hand, rel=1e-4)
    last = metrics(tmp_path / "run")[-1]
    assert last["validation_loss"] == pytest.approx(by_hand, rel=1e-4)
    assert last["pseudo"] is not None and last["normal"] is None  # every training sample was a pseudo anomaly


def test_best_validation_keeps_the_best_weights(
    run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Metrics
) -> None:
    changes, wild = {"iterations": 24, "validate_every": 2}, {"learning_rate": 0.3}
    run(lnra, tmp_path / "long", method=wild, training=changes)
    falls = [row["validation_loss"] for row in metrics(tmp_path / "long") if row["validation_loss"] is not None]
    # which steps are bad ones depends on the machine's arithmetic: end at the worst
    changes["iterations"] = 2 * (2 + falls[1:].index(max(falls[1:])))
    best = run(lnra, tmp_path / "best", method=wild, training={**changes, "select": "best-validation"})
    last = run(lnra, tmp_path / "last", method=wild, training=changes)
    losses = [row["validation_loss"] for row in metrics(tmp_path / "best") if row["validation_loss"] is not None]
    assert losses == falls[: len(losses)]
    assert best.fit.validation_loss == pytest.approx(min(losses), rel=1e-4)
    assert last.fit.validation_loss == pytest.approx(losses[-1], rel=1e-4)
    assert best.fit.validation_loss < last.fit.validation_loss


def test_nothing_held_out(run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Metrics) -> None:
    result = run(lnra, tmp_path / "run", training={"holdout": 0})
    assert math.isnan(result.fit.validation_loss)
    assert result.detector.provenance["validation_loss"] is None
    assert {row["validation_loss"] for row in metrics(tmp_path / "run")} == {None}
    calibration = result.detector.calibration
    assert not calibration.held_out and calibration.frames == 72
    assert any("trained on" in warning for warning in calibration.warnings)
    again = run(lnra, tmp_path / "run", training={"holdout": 0})
    assert math.isnan(again.fit.validation_loss)


def test_bfloat16_after_float32_in_one_process(
    run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Metrics
) -> None:
    run(lnra, tmp_path / "float32")
    run(lnra, tmp_path / "bfloat16", training={"precision": "bfloat16"}, scoring={"precision": "bfloat16"})
    precise, coarse = ([row["loss"] for row in metrics(tmp_path / name)] for name in ("float32", "bfloat16"))
    assert all(loss is not None and math.isfinite(loss) for loss in coarse)
    assert coarse != precise and coarse == pytest.approx(precise, rel=0.3)


@pytest.mark.parametrize("nan_step", [1, 5])
def test_loss_that_is_no_number_stops_the_run(
    run: Train, toy: dict[str, Any], tmp_path: Path, metrics: Metrics, nan_step: int
) -> None:
    with pytest.raises(OddLensError, match=f"no longer a number at step {nan_step}") as caught:
        run(toy, tmp_path / "run", method={"nan_step": nan_step}, training={"checkpoint_steps": 1})
    assert "\n" not in str(caught.value) and "learning rate" in caught.value.remedy
    assert not (tmp_path / "run" / "detector").exists()
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    if nan_step == 1:
        assert not last.exists()
    else:
        state = torch.load(last)
        assert state["step"] == nan_step - 1
        assert all(bool(torch.isfinite(value).all()) for value in state["method"].values())


def test_fewer_clips_than_a_batch(run: Train, lnra: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\d+ clips.*, a batch takes 1000"):
        run(lnra, tmp_path / "run", training={"batch_size": 1000})


def test_tensorboard_has_every_logged_step(
    run: Train, lnra: dict[str, Any], tmp_path: Path, press_ctrl_c: Callable[[int], None]
) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from oddlens.training.loop import Interrupted

    press_ctrl_c(4)
    with pytest.raises(Interrupted):
        run(lnra, tmp_path / "run")
    run(lnra, tmp_path / "run")
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "logs" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == list(range(1, 11))


def test_without_tensorboard(
    run: Train, lnra: dict[str, Any], tmp_path: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run(lnra, tmp_path / "run")
    assert len(metrics(tmp_path / "run")) == 10
    assert not (tmp_path / "run" / "logs" / "tensorboard").exists()
