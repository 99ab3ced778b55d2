"""`oddlens train` on footage that is not all normal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oddlens.cli import main
from oddlens.config import read_yaml
from oddlens.files import read_json

TINY = ["method.height=32", "method.width=32", "method.widths=[4,4,8]", "training.epochs=0", "training.batch_size=2"]
SETS = [word for item in [*TINY, "training.iterations=10"] for word in ("--set", item)]


def call(*words: Any) -> int:
    return main(["train", "lnra", *map(str, words), *SETS])


def test_self_paced_training_on_the_test_footage(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert call("--data", scene, "--out", run, "--self-paced", "mixture", "--split", "test") == 0
    shown = capsys.readouterr()
    told = "self-paced: k from 4.00 to 3.96 standard deviations above the mean; 0.0 % of the samples after the warm-up"
    assert told in " ".join(shown.out.split())
    assert "self-paced training gave no sample less weight: train longer, or in larger batches" in shown.err
    settings = read_yaml(run / "run.yaml")
    assert settings["training"]["self_paced"]["mode"] == "mixture"
    assert settings["data"]["split"] == read_json(run / "provenance.json")["split"] == "test"


def test_a_mode_that_does_not_exist(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--data", scene, "--out", tmp_path / "run", "--self-paced", "soft") == 2
    shown = capsys.readouterr().err
    assert "self-paced" in shown and "mixture" in shown
    assert not (tmp_path / "run").exists()
