"""Benchmarks from end to end: nothing is done twice, whatever stops them, and failures do not stop the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from oddlens import methods
from oddlens.benchmarking import job as jobs_module
from oddlens.benchmarking.folder import BenchmarkFolder
from oddlens.benchmarking.plan import Target, make_entries, make_jobs
from oddlens.benchmarking.run import run_benchmark
from oddlens.cli import main
from oddlens.media.writer import write_image

PLUGIN = Path(__file__).parents[1] / "training" / "plugin"
TINY = """
method: {name: lnra, height: 32, width: 32, widths: [4, 4, 8], learning_rate: 0.01}
training:
  {iterations: 6, batch_size: 2, validation_clips: 2, holdout: 0.5, precision: float32, device: cpu,
   checkpoint_steps: 1}
scoring: {precision: float32, mode: fast}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    file.write_text(TINY, encoding="utf-8")
    return file


def test_what_is_done_is_not_done_again(scene: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    jobs = make_jobs([Target("walkway", scene)], make_entries((), (str(recipe),), "video"), (0, 1))
    gone = [*make_jobs([Target("gone", tmp_path / "gone")], [jobs[0].entry], (0,)), *jobs]
    folder = BenchmarkFolder(tmp_path / "out", "video")
    evaluate, calls, lines = jobs_module.evaluate, [], []

    def stopped_at_the_second(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(jobs_module, "evaluate", stopped_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(gone, folder, told=lines.append, resamples=20, seconds=0.0)
    assert "seed 1: to come" in (folder.path / "tables.md").read_text(encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*/detector/*")}
    assert len(before) == 6
    result = run_benchmark(gone, folder, told=lines.append, resamples=20, seconds=0.0)
    assert [found["seed"] for found in result.results] == [0, 1]
    assert before == {path: path.stat().st_mtime_ns for path in folder.path.rglob("*/detector/*")}
    assert len(calls) == 3
    assert any("[2/3] walkway, lnra/tiny, seed 0: was done before, micro AUC" in line for line in lines)
    assert len(result.missing) == 1
    assert result.missing[0].startswith("gone, lnra/tiny, seed 0: ")
    text = (folder.path / "tables.md").read_text(encoding="utf-8")
    assert "| lnra/tiny | 0 1 |" in text
    assert "to come" not in text
    assert {"event_recall_at_1_per_hour", "training_minutes"} <= set(
        (folder.path / "results.csv").read_text(encoding="utf-8").replace("\n", ",").split(",")
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_without_warning_it_goes_on_where_it_stood(scene: Path, recipe: Path, tmp_path: Path):
    arguments = ["benchmark", "video", "--data", str(scene), "--recipes", str(recipe), "--seeds", "0", "1", "--quiet"]
    request = {
        "arguments": [*arguments, "--out", str(tmp_path / "out"), "--resamples", "20"],
        "out": str(tmp_path / "out"),
        "first": "walkway/lnra-tiny/seed-0",
        "second": "walkway/lnra-tiny/seed-1",
    }
    script = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(script), json.dumps(request)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["signalled"]
    assert told["results"] == ["results/walkway/lnra-tiny/seed-0.json"]
    assert told["tables"]
    assert told["first"] == told["first_again"]
    assert told["ended"] == 0
    straight = tmp_path / "straight"
    assert main([*arguments[:-4], "--seeds", "1", "--quiet", "--out", str(straight), "--resamples", "20"]) == 0
    place = Path("runs", request["second"], "detector", "weights.safetensors")
    killed, whole = load_file(tmp_path / "out" / place), load_file(straight / place)
    assert all(torch.equal(killed[name], whole[name]) for name in whole)


def test_categories_of_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    random = np.random.default_rng(2)
    for category in ("screw", "plate"):
        for place in [
            *(f"train/good/{k}" for k in range(12)),
            *(f"test/{k}/{n}" for k in ("good", "dent") for n in "12"),
        ]:
            image = random.integers(90, 110, (40, 48, 3)).astype(np.uint8)
            if "dent" in place:
                image[10:20, 24:36] = 250
            (tmp_path / "root" / category / place).parent.mkdir(parents=True, exist_ok=True)
            write_image(tmp_path / "root" / category / f"{place}.png", image)
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.setattr(methods, "METHODS", dict(methods.METHODS))
    methods.register("mean-picture", "mean_picture:MeanPicture")
    changes = ["training.iterations=10", "training.epochs=0", "training.holdout=0.5", "training.precision=float32"]
    words = [
        "benchmark",
        "mvtec",
        "--root",
        str(tmp_path / "root"),
        "--methods",
        "mean-picture",
        "--recipes",
        "defaults",
    ]
    words += [
        "--set",
        *changes,
        "--set",
        f"data.cache_dir={tmp_path / 'cache'}",
        "--device",
        "cpu",
        "--resamples",
        "10",
    ]
    words += ["--out", str(tmp_path / "out"), "--categories", "screw", "plate"]
    assert main([*words, "cable"]) == 1
    shown = capsys.readouterr()
    assert "cable: no such category" in shown.err
    assert "[2/2]" in shown.out
    assert main(words) == 0
    assert capsys.readouterr().out.count("was done before, image AUROC") == 2
    lines = (tmp_path / "out" / "tables.md").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("| mean-picture | clean | 0 |") and line.endswith("of 2 |") for line in lines)
    heads = [line for line in lines if line.startswith("| method | protocol")]
    assert heads
    assert all(line.count("|") == 1 + 3 + 16 + 1 for line in heads)
    assert (tmp_path / "out" / "categories.csv").exists()
    assert main([*words[:4], "--methods", "lnra", "--out", str(tmp_path / "other")]) == 2
    assert "looks at video" in capsys.readouterr().err
