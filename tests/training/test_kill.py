"""Killed without warning, again and again: the run goes on, and ends with the weights of one that was left alone."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STEPS, KILLS = 120, 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_ten_kills_change_nothing(footage: Path, lnra: dict[str, Any], tmp_path: Path) -> None:
    kinds = [
        {"kind": "skip-frame", "probability": 0.3},
        {"kind": "smoothmix-s", "probability": 0.3, "intruder": "textures"},
    ]
    training = {"iterations": STEPS, "checkpoint_steps": 1, "validate_every": 7, "select": "best-validation"}
    settings = {**lnra, "method": lnra["method"] | {"pseudo": kinds}, "training": lnra["training"] | training}
    request = {"root": str(tmp_path), "data": str(footage), "settings": settings, "seed": 1, "kills": KILLS}
    words = [sys.executable, str(Path(__file__).parent / "killing.py"), json.dumps(request)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=300)
    assert done.returncode == 0
    kills = json.loads(done.stdout)
    assert kills["steps"] == KILLS and kills["store"] >= 1

    straight, killed = tmp_path / "straight", tmp_path / "killed"
    for name in ("weights.safetensors", "calibration.json"):
        assert (killed / "detector" / name).read_bytes() == (straight / "detector" / name).read_bytes()
    assert losses(killed) == losses(straight)
    assert [int(step) for step, *_ in losses(killed)] == list(range(1, STEPS + 1))
    names = {str(path.relative_to(killed)) for path in killed.rglob("*") if "tensorboard" not in path.parts}
    assert names == {str(path.relative_to(straight)) for path in straight.rglob("*") if "tensorboard" not in path.parts}


def losses(folder: Path) -> list[tuple[str, str, str]]:
    with open(folder / "logs" / "metrics.csv", newline="", encoding="utf-8") as stream:
        return [(row["step"], row["loss"], row["validation_loss"]) for row in csv.DictReader(stream)]
