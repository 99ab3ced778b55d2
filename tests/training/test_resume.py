"""A run that was interrupted ends as one that was not, bit for bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from oddlens.errors import DetectorError
from oddlens.training.loop import Interrupted
from oddlens.training.progress import Progress

Metrics = Callable[[Path], list[dict[str, float | None]]]
SKIP = {"kind": "skip-frame", "probability": 0.4}
PATCH = {"kind": "smoothmix-s", "probability": 0.4, "intruder": "textures"}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("lnra", {}),
    "pseudo anomalies": ("lnra", {"method": {"pseudo": [SKIP, PATCH]}}),
    "best weights, one cycle": (
        "lnra",
        {
            "training": {"select": "best-validation", "validate_every": 2, "schedule": "one-cycle"},
            "method": {"learning_rate": 0.1},
        },
    ),
    "epochs": ("lnra", {"training": {"iterations": 0, "epochs": 2, "batch_size": 9}}),
    "two phases with dropout": ("toy", {"method": {"dropout": 0.5}}),
    "self-paced": (
        "lnra",
        {
            "method": {"pseudo": [SKIP]},
            "training": {"iterations": 50, "self_paced": {"mode": "mixture", "shrink_rate": 0.2, "warm_up": 0.1}},
        },
    ),
    "worker process": ("lnra", {"method": {"pseudo": [PATCH]}, "training": {"workers": 1}}),
}
_UNTIMED = ("step", "epoch", "learning_rate", "loss", "validation_loss", "normal", "pseudo", "error", "critic")
_UNTIMED += ("pace_weight", "pace_dropped", "pace_width")


def results(folder: Path) -> tuple[bytes, str]:
    detector = folder / "detector"
    return (detector / "weights.safetensors").read_bytes(), (detector / "calibration.json").read_text()


def untimed(rows: list[dict[str, float | None]]) -> list[dict[str, float | None]]:
    return [{name: row[name] for name in _UNTIMED if name in row} for row in rows]


@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_twice_changes_nothing(
    case: str,
    run: Callable[..., Any],
    press_ctrl_c: Callable[[int], None],
    metrics: Metrics,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    name, changes = CASES[case]
    settings = request.getfixturevalue(name)
    straight = run(settings, tmp_path / "straight", **changes)
    last = straight.fit.steps
    for step in (3, last - 2):
        press_ctrl_c(step)
        with pytest.raises(Interrupted, match=f"after step {step}"):
            run(settings, tmp_path / "cut", **changes)
        assert not (tmp_path / "cut" / "detector").exists()
    press_ctrl_c(0)
    resumed = run(settings, tmp_path / "cut", **changes)
    assert (straight.resumed, resumed.resumed) == (False, True)
    assert results(tmp_path / "cut") == results(tmp_path / "straight")
    assert resumed.fit.validation_loss == straight.fit.validation_loss
    assert untimed(metrics(tmp_path / "cut")) == untimed(metrics(tmp_path / "straight"))


@pytest.mark.parametrize("name", ["lnra", "toy"])
def test_crash_between_checkpoints_changes_nothing(
    name: str,
    run: Callable[..., Any],
    metrics: Metrics,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    settings = request.getfixturevalue(name)
    run(settings, tmp_path / "straight", training={"checkpoint_steps": 3})

    def crash(self: Progress, done: int, total: int, loss: float) -> None:
        if done == 8:
            raise MemoryError

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(Progress, "step", crash)
        run(settings, tmp_path / "cut", training={"checkpoint_steps": 3})
    assert torch.load(tmp_path / "cut" / "checkpoints" / "last.pt")["step"] == 6
    assert [row["step"] for row in metrics(tmp_path / "cut")] == list(range(1, 9))
    run(settings, tmp_path / "cut", training={"checkpoint_steps": 3})
    assert results(tmp_path / "cut") == results(tmp_path / "straight")
    assert untimed(metrics(tmp_path / "cut")) == untimed(metrics(tmp_path / "straight"))


def test_ctrl_c_at_the_last_step_finishes(
    run: Callable[..., Any], lnra: dict[str, Any], press_ctrl_c: Callable[[int], None], tmp_path: Path
) -> None:
    press_ctrl_c(10)
    assert run(lnra, tmp_path / "run").fit.steps == 10
    assert (tmp_path / "run" / "detector" / "detector.yaml").exists()


def test_second_ctrl_c_stops_at_once(
    run: Callable[..., Any], lnra: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(self: Progress, done: int, total: int, loss: float) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Progress, "step", twice)
        run(lnra, tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is before
    assert run(lnra, tmp_path / "run").fit.steps == 10


def test_seed_changes_the_weights(run: Callable[..., Any], lnra: dict[str, Any], tmp_path: Path) -> None:
    run(lnra, tmp_path / "a")
    run(lnra, tmp_path / "b", training={"seed": 1})
    assert results(tmp_path / "a")[0] != results(tmp_path / "b")[0]


@pytest.mark.parametrize("damage", ["cut", "emptied", "version", "other network", "other content"])
def test_damaged_checkpoint_is_one_line(
    damage: str, run: Callable[..., Any], lnra: dict[str, Any], press_ctrl_c: Callable[[int], None], tmp_path: Path
) -> None:
    press_ctrl_c(2)
    with pytest.raises(Interrupted):
        run(lnra, tmp_path / "run")
    file = tmp_path / "run" / "checkpoints" / "last.pt"
    values = torch.load(file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "emptied":
        file.write_bytes(b"")
    elif damage == "version":
        torch.save({**values, "version": 99}, file)
    elif damage == "other network":
        torch.save({**values, "method": {}}, file)
    else:
        torch.save([1, 2], file)
    with pytest.raises(DetectorError) as caught:
        run(lnra, tmp_path / "run")
    assert caught.value.subject == str(file) and "--overwrite" in caught.value.remedy
    assert "\n" not in str(caught.value)
    press_ctrl_c(0)
    assert run(lnra, tmp_path / "run", overwrite=True).fit.steps == 10
