"""A little footage, settings for tiny runs, and the made-up method."""

from __future__ import annotations

import csv
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oddlens.config import merge
from oddlens.media.writer import VideoWriter
from oddlens.methods import METHODS
from oddlens.methods.base import Method
from oddlens.training.loop import fit, make_accelerator
from oddlens.training.progress import Progress
from oddlens.training.run import RunResult, train

PLUGIN = Path(__file__).parent / "plugin"
sys.path.append(str(PLUGIN))
Train = Callable[..., RunResult]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks as small as these lose most of their time to waiting for one another's threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Own footage: two videos of 36 frames, a bright block that wanders over noise."""
    root = tmp_path_factory.mktemp("footage")
    (root / "normal").mkdir()
    for number in range(2):
        generator = np.random.default_rng(number)
        with VideoWriter(root / "normal" / f"gate{number}.mp4", 10) as writer:
            for index in range(36):
                picture = generator.integers(0, 60, (32, 32, 1), dtype=np.uint8)
                picture[8:16, (index + 9 * number) % 24 :][:, :8] = 200
                writer.write(picture)
    return root


@pytest.fixture
def lnra(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of an LNRA run of ten steps that takes a fraction of a second."""
    return {
        "method": {"name": "lnra", "height": 16, "width": 32, "length": 8, "widths": [4, 4, 8], "learning_rate": 0.01},
        "data": {"cache_dir": str(tmp_path_factory.getbasetemp() / "frames")},
        "training": {
            "iterations": 10,
            "epochs": 0,
            "batch_size": 2,
            "validation_clips": 4,
            "log_every": 1,
            "precision": "float32",
            "device": "cpu",
        },
        "scoring": {"precision": "float32"},
    }


@pytest.fixture
def toy(lnra: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The same for the made-up two-phase method."""
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.setitem(METHODS, "toy", ("toy_methods:Toy", "made up"))
    return {**lnra, "method": {"name": "toy"}}


@pytest.fixture
def run(footage: Path) -> Train:
    """Trains with settings, changes laid over them, into a folder."""

    def start(settings: dict[str, Any], out: Path, overwrite: bool = False, **changes: Any) -> RunResult:
        return train(data=footage, out=out, settings=merge(settings, changes), overwrite=overwrite)

    return start


@pytest.fixture(name="train")
def train_samples(tmp_path: Path) -> Callable[..., Any]:
    """Trains a method on samples of any kind, without footage."""

    def start(method: Method, samples: Any, settings: Any, on_step: Any = None, **given: Any) -> Any:
        folder = tmp_path / given.get("name", "run")
        return fit(method, samples, given.get("held_out"), settings, folder, make_accelerator(settings), on_step)

    return start


@pytest.fixture
def press_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Arranges a Ctrl-C after a step."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread alone")

    def arrange(at: int) -> None:
        def step(self: Progress, done: int, total: int, loss: float) -> None:
            if done == at:
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(Progress, "step", step)

    return arrange


@pytest.fixture
def metrics() -> Callable[[Path], list[dict[str, float | None]]]:
    """Reads the log of a run."""

    def read(folder: Path) -> list[dict[str, float | None]]:
        with open(folder / "logs" / "metrics.csv", newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return [{name: float(value) if value else None for name, value in row.items()} for row in rows]

    return read
