"""The experiment: choices by rule, weights that are taken up again, folders that are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from oddlens.errors import DetectorError, SettingsError
from oddlens.toy.data import Digits, ToyData
from oddlens.toy.experiment import Outcome, choose_examples, run_experiment
from oddlens.toy.models import KINDS
from oddlens.toy.scoring import DigitScores
from oddlens.toy.settings import ToySettings

CPU = torch.device("cpu")


def test_digits_are_chosen_by_rule(labels_only: Callable[[list[int]], Digits]) -> None:
    test = labels_only([1, 2, 3, 4, 5, 6, 7])
    nothing = np.zeros(7)
    scores = DigitScores(np.array([9, 1, 2, 8, 7, 6, 3.0]), nothing, nothing, np.zeros(7, np.int64))
    examples = choose_examples(test, scores)
    assert [(each.title, each.index) for each in examples] == [("normal", 4), ("odd-looking normal", 0), ("anomaly", 5)]


def test_three_models_for_every_seed(outcome: Outcome) -> None:
    assert [trial.seed for trial in outcome.trials] == [0, 1]
    for trial in outcome.trials:
        assert tuple(trial.scores) == KINDS
        assert all(scores.error.shape == (40,) and (scores.error > 0).all() for scores in trial.scores.values())
    assert outcome.model.deformation is not None
    first, second = (trial.scores["pdm"].error for trial in outcome.trials)
    assert (first != second).any()


def test_an_interrupted_run_goes_on_to_the_same_end(
    data: ToyData, settings: ToySettings, outcome: Outcome, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    told: list[tuple[int, int, str]] = []

    def interrupt(done: int, total: int, remark: str) -> None:
        told.append((done, total, remark))
        if remark.startswith("pdm, seed 0"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(data, out, settings, (0,), CPU, progress=interrupt)
    assert sorted(file.name for file in (out / "weights").iterdir()) == ["memory-0.safetensors", "skip-0.safetensors"]
    assert told[0][:2] == (1, 9) and told[-1][0] == 7
    kept = {file: file.stat().st_mtime_ns for file in (out / "weights").iterdir()}
    told.clear()
    found = run_experiment(data, out, settings, (0,), CPU, progress=lambda *each: told.append(each))
    assert [done for done, _, _ in told] == [3, 6, 7, 8, 9, 9]
    assert all(file.stat().st_mtime_ns == when for file, when in kept.items())
    for kind in KINDS:
        expected = outcome.trials[0].scores[kind].error
        np.testing.assert_array_equal(found.trials[0].scores[kind].error, expected)
    assert found.trials[0].seconds["memory"] >= 0


def test_another_experiment_in_the_folder(data: ToyData, settings: ToySettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_experiment(data, out, settings, (0,), CPU)
    with pytest.raises(SettingsError, match=r"holds an experiment with gamma 0\.1, not 0\.5; name another --out"):
        run_experiment(data, out, replace(settings, gamma=0.5), (0,), CPU)
    other = ToyData("other digits", data.test, data.train)
    with pytest.raises(SettingsError, match="with digits drawn digits, seed 1, not other digits"):
        run_experiment(other, out, settings, (0,), CPU)
    before = load_file(out / "weights" / "memory-0.safetensors")
    run_experiment(other, out, settings, (0,), CPU, overwrite=True)
    after = load_file(out / "weights" / "memory-0.safetensors")
    assert any(not torch.equal(before[name], after[name]) for name in before)
    (out / "toy.json").write_text("[]")
    with pytest.raises(SettingsError, match=r"toy\.json: is damaged"):
        run_experiment(other, out, settings, (0,), CPU)


def test_a_folder_with_something_else(data: ToyData, settings: ToySettings, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(SettingsError, match=r"holds something else than a toy experiment \(thesis.txt\)"):
            run_experiment(data, tmp_path, settings, (0,), CPU, overwrite)
    with pytest.raises(SettingsError, match="is a file; name a folder with --out"):
        run_experiment(data, tmp_path / "thesis.txt", settings, (0,), CPU)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_damaged_weights_are_named(data: ToyData, settings: ToySettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_experiment(data, out, settings, (0,), CPU)
    file = out / "weights" / "skip-0.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DetectorError, match="remove the file, and it is trained anew"):
        run_experiment(data, out, settings, (0,), CPU)
    save_file({"foreign": torch.zeros(1)}, file)
    with pytest.raises(DetectorError, match=r"skip-0\.safetensors: holds other weights"):
        run_experiment(data, out, settings, (0,), CPU)
    file.unlink()
    run_experiment(data, out, settings, (0,), CPU)
