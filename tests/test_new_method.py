"""A made-up method needs one file and one registration: train, score, evaluate and info take it as any other."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import oddlens
from oddlens import methods
from oddlens.cli import main

SOURCE = '''
"""Background: learns the mean frame; what differs from it is odd."""

from dataclasses import dataclass

import torch

from oddlens.errors import SettingsError
from oddlens.methods.base import Method, MethodSettings
from oddlens.types import Losses, SamplingSpec, Scores


@dataclass(frozen=True, kw_only=True)
class BackgroundSettings(MethodSettings):
    side: int = 16
    learning_rate: float = 0.1

    def __post_init__(self):
        if self.side < 2:
            raise SettingsError("background", f"side is {self.side}", "give 2 or more")


class Background(Method):
    name = "background"
    settings_type = BackgroundSettings

    def __init__(self, settings):
        super().__init__(settings)
        self.settings = settings
        self.mean = torch.nn.Parameter(torch.zeros(1, settings.side, settings.side))

    @property
    def sampling(self):
        side = self.settings.side
        return SamplingSpec(height=side, width=side, length=3, target=1, fast_targets=(0, 1, 2))

    def training_step(self, batch, step, phase):
        loss = (batch["clip"] - self.mean[:, None]).square().mean(dim=(1, 2, 3, 4))
        return Losses(loss.mean(), {"distance": loss.mean()}, loss)

    def configure_optimizers(self):
        return {"main": torch.optim.Adam(self.parameters(), lr=self.settings.learning_rate)}

    def score(self, windows, targets):
        error = (windows - self.mean[:, None]).square()[:, 0, list(targets)]
        return Scores(error.amax(dim=(2, 3)), {"mean": error.mean(dim=(2, 3))}, map=error)
'''


@pytest.fixture
def background(tmp_path, monkeypatch):
    """The made-up method, known for the length of a test."""
    (tmp_path / "made_up_background.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(methods, "METHODS", dict(methods.METHODS))
    oddlens.register("background", "made_up_background:Background", "distance to the mean frame")


def test_one_file_and_one_registration_are_enough(background, scene, tmp_path, capsys):
    run, out = tmp_path / "run", tmp_path / "scores"
    train = ["train", "background", "--data", str(scene), "--out", str(run), "--set", "training.iterations=40"]
    assert main([*train, "--set", "training.epochs=0", "--set", "method.side=12"]) == 0
    assert "background trained: 40 steps" in capsys.readouterr().out

    assert main(["score", str(run), str(scene), "--out", str(out)]) == 0
    table = pd.read_parquet(out / "scores.parquet")
    assert table.groupby("video").size().to_dict() == {"test_01": 40, "test_02": 40}
    assert (table["score"] >= table["mean"]).all()
    assert (out / "test_01" / "overlay.mp4").stat().st_size > 0
    assert "background" in (out / "report.html").read_text()

    numbers = tmp_path / "numbers.json"
    assert main(["evaluate", str(run), "--data", str(scene), "--json", str(numbers), "--mode", "fast"]) == 0
    result = json.loads(numbers.read_text())
    assert result["method"] == "background"
    assert result["protocols"]["paper"]["frames"] == 80  # no paper of its own: nothing is cropped
    assert set(result["baselines"]) == {"clock", "random", "previous-frame", "neighbour-mean"}
    assert result["protocols"]["clean"]["pixel_auc"] is not None

    capsys.readouterr()
    assert main(["info", str(run)]) == 0
    shown = capsys.readouterr().out
    assert "background detector" in shown
    assert "side" in shown
    assert main(["list"]) == 0
    assert "distance to the mean frame" in capsys.readouterr().out


def test_it_learns(background, scene, tmp_path):
    settings = {"training": {"iterations": 60, "epochs": 0}, "method": {"side": 8}}
    result = oddlens.train("background", scene, tmp_path / "run", settings=settings)
    losses = pd.read_csv(tmp_path / "run" / "logs" / "metrics.csv")["validation_loss"].dropna()
    assert losses.iloc[-1] < losses.iloc[0] / 2
    fast, exact = (result.detector.score(scene, mode)["score"] for mode in ("fast", "exact"))
    assert len(fast) == len(exact) == 80
    # frame 0 is scored by itself in fast mode, and takes the score of frame 1 in exact mode
    assert (fast[1:39] - exact[1:39]).abs().max() < 1e-4


def test_its_settings_are_checked_as_any_other(background, scene, tmp_path, capsys):
    start = ["train", "background", "--data", str(scene), "--out", str(tmp_path / "run")]
    assert main([*start, "--set", "method.sied=4"]) == 2
    assert "did you mean 'side'" in capsys.readouterr().err
    assert main([*start, "--set", "method.side=1"]) == 2
    assert capsys.readouterr().err.startswith("oddlens: background: side is 1")


def test_what_it_does_not_draw_cannot_be_written(background, scene, tmp_path, capsys):
    settings = {"training": {"iterations": 1, "epochs": 0}}
    oddlens.train("background", scene, tmp_path / "run", settings=settings)
    clip, out = scene / "test" / "test_01.mp4", tmp_path / "out"
    assert main(["score", str(tmp_path / "run"), str(clip), "--out", str(out), "--figures"]) == 2
    assert "draws no reconstructions" in capsys.readouterr().err
    assert not out.exists()
