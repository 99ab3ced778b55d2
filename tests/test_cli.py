"""The command line: help at once, exit codes that mean something, and the whole way from footage to a report."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import pandas as pd
import pytest
import torch

import oddlens
from oddlens.cli import _COMMANDS, main

HEAVY = ("torch", "torchvision", "cv2", "av", "numpy", "pandas", "matplotlib", "sklearn", "scipy")
TINY = ["method.height=32", "method.width=32", "method.widths=[4,4,8]", "training.epochs=0", "training.batch_size=2"]


def call(*arguments):
    return main([str(word) for word in arguments])


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview_names_every_command(words, capsys):
    assert call(*words) == 0
    shown = capsys.readouterr().out
    for name, (_, summary) in _COMMANDS.items():
        assert f"  {name} " in shown
        assert summary in shown


def test_a_group_shows_its_commands(capsys):
    assert call("data") == 0
    shown = capsys.readouterr().out
    assert "data check" in shown
    assert "import" not in shown


def test_help_loads_nothing_heavy():
    words = [["--help"], ["--version"], *([*name.split(), "--help"] for name in _COMMANDS)]
    program = (
        "import sys; from oddlens.cli import main\n"
        f"codes = [main(words) for words in {words!r}]\n"
        f"print('RESULT', set(codes), [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = python("-c", program)
    assert done.stdout.splitlines()[-1] == "RESULT {0} []", done.stdout[-2000:] + done.stderr


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_explains_itself(name, capsys):
    assert call(*name.split(), "--help") == 0
    shown = capsys.readouterr()
    assert f"oddlens {name}" in shown.out
    assert shown.err == ""


def test_the_version(capsys):
    assert call("--version") == 0
    assert capsys.readouterr().out == f"oddlens {oddlens.__version__}\n"


def test_as_a_module():
    done = python("-m", "oddlens", "--version")
    assert (done.returncode, done.stdout) == (0, f"oddlens {oddlens.__version__}\n")
    assert python("-m", "oddlens", "nonsense").returncode == 2


def test_the_package_gives_its_public_names_and_no_others():
    assert set(oddlens.__all__) <= set(oddlens._PUBLIC)
    assert oddlens.Detector.__name__ == "Detector"
    with pytest.raises(AttributeError):
        _ = oddlens.Detectro


def test_a_reader_that_closes_early_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "oddlens", "--help"], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert b"Traceback" not in done.stderr


def test_the_whole_way(tmp_path, capsys):
    scene, run, out = tmp_path / "scene", tmp_path / "run", tmp_path / "scores"
    sizes = ["--train-videos", 2, "--train-frames", 40, "--test-videos", 1, "--test-frames", 40, "--width", 64]
    assert call("data", "walkway", scene, "--height", 48, *sizes) == 0
    assert "oddlens train" in capsys.readouterr().out
    assert call("data", "check", scene) == 0
    assert "walkway" in capsys.readouterr().out

    sets = [word for item in [*TINY, "training.iterations=2"] for word in ("--set", item)]
    assert call("train", "lnra", "--data", scene, "--out", run, *sets, "--false-alarms-per-hour", 3, "--seed", 5) == 0
    assert "trained: 2 steps" in capsys.readouterr().out
    assert (run / "detector" / "weights.safetensors").is_file()

    assert call("info", run) == 0
    shown = capsys.readouterr().out
    assert "16 frames of 32x32, grey" in shown
    assert "7 frames" in shown

    assert call("score", run, scene, "--out", out, "--mode", "fast") == 0
    assert "report.html" in capsys.readouterr().out
    assert len(pd.read_csv(out / "scores.csv")) == 40

    numbers = tmp_path / "numbers.json"
    assert call("evaluate", run, "--data", scene, "--json", numbers, "--no-floors", "--resamples", 10) == 0
    shown = capsys.readouterr().out
    assert "micro AUC" in shown
    assert json.loads(numbers.read_text())["provenance"]["detector"]["seed"] == 5
    assert "micro AUC" in (run / "evaluation-walkway.md").read_text()


def test_quiet_commands_say_nothing(tiny_run, scene, tmp_path, capsys):
    clip = scene / "test" / "test_01.mp4"
    options = ["--mode", "fast", "--quiet"]
    assert call("score", tiny_run, clip, "--out", tmp_path / "out", "--no-overlay", *options) == 0
    table = tmp_path / "table.md"
    assert call("evaluate", tiny_run, "--data", scene, "--no-floors", "--out", table, "--resamples", 10, *options) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
    assert "lnra" in table.read_text()


def test_work_done_in_part_ends_with_one(tiny_run, scene, tmp_path, capsys):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    clip = scene / "test" / "test_01.mp4"
    assert call("score", tiny_run, broken, clip, "--out", tmp_path / "out", "--mode", "fast", "--no-overlay") == 1
    shown = capsys.readouterr()
    assert "could not be scored: " in shown.err
    assert "broken.mp4" in shown.err
    assert "test_01" in shown.out
    assert len(pd.read_csv(tmp_path / "out" / "scores.csv")) == 40


def test_a_data_set_with_faults_ends_with_two(scene, tmp_path, capsys):
    spoilt = shutil.copytree(scene, tmp_path / "scene")
    (spoilt / "test" / "test_02.mp4").write_bytes(b"nothing")
    assert call("data", "check", spoilt) == 2
    shown = capsys.readouterr()
    assert "test_02" in shown.out + shown.err
    assert "Traceback" not in shown.err


def test_frames_and_back(scene, tmp_path, capsys):
    assert call("data", "prepare", scene, "--out", tmp_path / "frames") == 0
    assert "4 videos written" in capsys.readouterr().out
    assert call("data", "check", tmp_path / "frames") == 0


def test_lists(capsys):
    assert call("list") == 0
    shown = capsys.readouterr().out
    for word in ("lnra", "ped2", "avenue", "shanghai", "walkway", "own", "lnra/cpu"):
        assert word in shown


def test_an_official_checkpoint_becomes_a_detector(scene, tmp_path, capsys):
    from oddlens.methods.lnra.network import AutoEncoder

    torch.manual_seed(0)
    state = AutoEncoder(1, (4, 4, 8)).state_dict()
    official = {name.replace("encoder.", "encoder.encoder.").replace("decoder.", "decoder.decoder."): value
                for name, value in state.items()}  # fmt: skip
    torch.save({"state_dict": official}, tmp_path / "model_EE.pth")
    assert call("import", tmp_path / "model_EE.pth", "--out", tmp_path / "detector") == 0
    capsys.readouterr()
    assert call("info", tmp_path / "detector") == 0
    assert "not calibrated" in capsys.readouterr().out
    clip, out = scene / "test" / "test_01.mp4", tmp_path / "out"
    assert call("score", tmp_path / "detector", clip, "--out", out, "--mode", "fast") == 0
    table = pd.read_parquet(out / "scores.parquet")
    assert (table["score"] == table["calibrated"]).all()


def test_ctrl_c_ends_with_130(tiny_run, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("oddlens.scoring.detector.Detector.load", interrupted)
    assert call("info", tiny_run) == 130
    assert capsys.readouterr().err.startswith("oddlens: interrupted")


def test_ctrl_c_in_training_leaves_a_checkpoint_to_go_on_from(scene, tmp_path, monkeypatch, capsys):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread alone")
    from oddlens.training.progress import Progress

    sets = [word for item in [*TINY, "training.iterations=5"] for word in ("--set", item)]
    words = ["train", "lnra", "--data", scene, "--out", tmp_path / "run", "--quiet", *sets]
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "step", lambda self, done, *rest: done == 2 and os.kill(os.getpid(), signal.SIGINT))
        assert call(*words) == 130
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert "the checkpoint is written" in shown
    assert call("info", tmp_path / "run") == 2
    assert "has not finished" in capsys.readouterr().err
    assert call(*words) == 0
    assert json.loads((tmp_path / "run" / "provenance.json").read_text())["steps"] == 5
