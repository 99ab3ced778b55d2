"""Two processes on one machine, started by `torchrun`, train one detector."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from oddlens.config import to_yaml
from oddlens.files import read_json
from oddlens.media.writer import write_image

PLUGIN = Path(__file__).parent / "plugin"
PACED = {"statistics": "batch", "warm_up": 0.1, "initial_width": 1}


@pytest.fixture
def entry_point(tmp_path: Path) -> Path:
    """A folder that makes the made-up method known as an installed package would."""
    info = tmp_path / "site" / "toy_methods-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-methods\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[oddlens.methods]\ntoy = toy_methods:Toy\n")
    return info.parent


@pytest.mark.parametrize("paced", ["none", "hard"])
def test_two_processes_share_each_batch_and_write_one_detector(
    paced: str,
    run: Callable[..., Any],
    toy: dict[str, Any],
    footage: Path,
    metrics: Callable[[Path], list[dict[str, float | None]]],
    entry_point: Path,
    tmp_path: Path,
) -> None:
    settings = {**toy, "training": {**toy["training"], "batch_size": 6, "self_paced": PACED | {"mode": paced}}}
    (tmp_path / "toy.yaml").write_text(to_yaml(settings))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "oddlens"]
    command += ["train", "toy", "--data", str(footage), "--out", str(tmp_path / "shared")]
    command += ["--config", str(tmp_path / "toy.yaml")]
    path = os.pathsep.join([str(entry_point), str(PLUGIN)])
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert "destroy_process_group" not in done.stderr and "Traceback" not in done.stderr
    assert done.stdout.count("trained: 10 steps") == 1

    alone = run(settings, tmp_path / "alone")
    rows = metrics(tmp_path / "shared")
    assert [row["step"] for row in rows] == list(range(1, 11))
    assert {row["samples"] for row in rows} == {3.0}
    assert all(row["loss"] is not None and np.isfinite(row["loss"]) for row in rows)
    assert read_json(tmp_path / "shared" / "provenance.json")["steps"] == 10
    if paced == "hard":
        expected = [row["pace_dropped"] for row in metrics(alone.folder)]
        assert [row["pace_dropped"] for row in rows] == expected and max(expected) > 0
    # the mean of two gradients over halves of a batch is the gradient over the batch
    weights = [load_file(folder / "detector" / "weights.safetensors") for folder in (tmp_path / "shared", alone.folder)]
    for name, value in weights[1].items():
        np.testing.assert_allclose(weights[0][name], value, atol=2e-5)
    assert not list((tmp_path / "shared").rglob(".*"))


def test_two_processes_bear_steps_in_which_a_part_rests(tmp_path: Path) -> None:
    folder = tmp_path / "good"
    folder.mkdir()
    for number in range(6):
        picture = np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        write_image(folder / f"{number}.png", picture)
    small = {"height": 32, "width": 32, "teacher": "mobilenet_v3_small", "weights": "random", "deformation_features": 2}
    settings = {
        "method": {"name": "dmad-ppdm", "codes": 4, "thin_features": 4, "deformation_every": 2, **small},
        "training": {"iterations": 4, "batch_size": 4, "device": "cpu", "holdout": 0.0, "precision": "float32"},
    }
    (tmp_path / "small.yaml").write_text(to_yaml(settings))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "oddlens"]
    command += ["train", "dmad-ppdm", "--data", str(folder), "--out", str(tmp_path / "run")]
    command += ["--config", str(tmp_path / "small.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "run" / "provenance.json")["steps"] == 4
