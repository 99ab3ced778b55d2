"""Numbers, tables and files of the experiment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from oddlens.media.images import read_image
from oddlens.toy.data import ToyData
from oddlens.toy.experiment import Outcome
from oddlens.toy.figure import WIDTH
from oddlens.toy.models import KINDS
from oddlens.toy.report import write_results
from oddlens.toy.settings import ToySettings
from oddlens.toy.tables import auroc_rows, markdown, numbers

ALPHAS = (0.1, 2.0)


def test_auroc_against_an_oracle(data: ToyData, outcome: Outcome, settings: ToySettings) -> None:
    found = numbers(data, outcome, settings, ALPHAS)["models"]
    even = data.test.labels % 2 == 0
    for kind in KINDS:
        seeds = [roc_auc_score(even, trial.scores[kind].error) for trial in outcome.trials]
        assert found[kind]["auroc"]["error"]["seeds"] == pytest.approx(seeds, abs=1e-6)
        assert found[kind]["auroc"]["error"]["mean"] == pytest.approx(np.mean(seeds), abs=1e-6)
        assert found[kind]["auroc"]["error"]["deviation"] == pytest.approx(np.std(seeds, ddof=1), abs=1e-6)
    scores = outcome.trials[1].scores["pdm"]
    both = roc_auc_score(even, scores.error + 2 * scores.diversity)
    assert found["pdm"]["auroc"]["error + 2 diversity"]["seeds"][1] == pytest.approx(both, abs=1e-6)
    assert set(found["memory"]["auroc"]) == {"error"}


def test_means_and_codes(data: ToyData, outcome: Outcome, settings: ToySettings) -> None:
    result = numbers(data, outcome, settings, ALPHAS)
    odd = data.test.labels % 2 == 1
    expected = np.mean([trial.scores["pdm"].diversity[odd].mean() for trial in outcome.trials])
    assert result["models"]["pdm"]["means"]["normal"]["diversity"] == pytest.approx(expected, abs=1e-5)
    used = [len(set(trial.scores["skip"].codes[odd].tolist())) for trial in outcome.trials]
    assert result["models"]["skip"]["codes_in_use"] == used
    assert list(result["by_digit"]) == [str(digit) for digit in range(10)]
    assert result["test_digits"] == {"normal": 20, "anomalous": 20} and result["normal_training_digits"] == 30


def test_one_seed_has_no_spread(data: ToyData, outcome: Outcome, settings: ToySettings) -> None:
    single = Outcome(outcome.trials[:1], outcome.examples, outcome.model)
    result = numbers(data, single, settings, ALPHAS)
    assert result["models"]["pdm"]["auroc"]["error"]["deviation"] is None
    assert "±" not in " ".join(cell for row in auroc_rows(result) for cell in row)


def test_markdown(data: ToyData, outcome: Outcome, settings: ToySettings) -> None:
    text = markdown(numbers(data, outcome, settings, ALPHAS), "oddlens toy --out here")
    rows = [line for line in text.splitlines() if line.startswith("| error + 0.1 diversity")]
    assert len(rows) == 1 and rows[0].count("| - ") == 2 and "±" in rows[0]
    assert "`oddlens toy --out here`" in text and data.fingerprint()[:12] in text
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    for table in tables:
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1


def test_files(data: ToyData, outcome: Outcome, settings: ToySettings, tmp_path: Path) -> None:
    result = write_results(tmp_path, data, outcome, settings, ALPHAS, torch.device("cpu"), "oddlens toy")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["figure.png", "results.json", "results.md"]
    assert json.loads((tmp_path / "results.json").read_text()) == result
    assert result["provenance"]["command"] == "oddlens toy"
    assert [example["title"] for example in result["examples"]] == ["normal", "odd-looking normal", "anomaly"]
    assert result["examples"][0]["scores"]["memory only"]["normal_below"] == 0.5
    assert read_image(tmp_path / "figure.png").shape[1:] == (WIDTH, 3)
