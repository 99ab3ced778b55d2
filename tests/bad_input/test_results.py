"""Results that cannot be written, detectors that cannot be read, commands that are none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import torch
import yaml
from safetensors.torch import load_file, save_file

from oddlens.cli import main


def test_a_run_below_a_file(w):
    w.refuses(w.train(out=w.file("a.txt", "mine") / "run"), "run")


def test_a_run_onto_a_file(w):
    w.refuses(w.train(out=w.file("a.txt", "mine")), "a.txt")


def test_a_run_over_something_else(w):
    w.file("notes.txt", "mine")
    w.refuses(w.train(out=w.at), "is not empty")


def test_a_run_over_another_run(w):
    shutil.copytree(w.run, w.at / "run")
    w.refuses(w.train(out=w.at / "run"), "other settings")


def test_scores_below_a_file(w):
    w.refuses(w.score(w.clip, out=w.file("a.txt", "mine") / "scores"), "a.txt")


def test_scores_onto_a_file(w):
    w.refuses(w.score(w.clip, out=w.file("a.txt", "mine")), "a.txt")


def test_scores_over_something_else(w):
    w.file("notes.txt", "mine")
    w.refuses(w.score(w.clip, out=w.at), "something else")


def test_numbers_below_a_file(w):
    target = w.file("a.txt", "mine") / "numbers.json"
    w.refuses(["evaluate", w.run, "--data", w.scene, "--no-floors", "--mode", "fast", "--json", target], "numbers.json")


def test_a_missing_detector(w):
    w.refuses(w.score(w.clip, detector=w.at / "nowhere"), "nowhere")


def test_a_folder_that_is_no_detector(w):
    w.refuses(["info", w.scene], "walkway: is no detector")


def test_a_run_that_has_not_finished(w):
    (w.at / "run").mkdir()
    shutil.copy(w.run / "run.yaml", w.at / "run")
    w.refuses(["info", w.at / "run"], "has not finished")


def test_damaged_weights(w):
    folder = w.spoilt_detector()
    (folder / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes()[:500])
    w.refuses(w.score(w.clip, detector=folder), "weights.safetensors")


def test_a_damaged_calibration(w):
    folder = w.spoilt_detector()
    (folder / "calibration.json").write_text('{"frames": 3, ')
    w.refuses(w.score(w.clip, detector=folder), "calibration.json")


def test_a_calibration_that_is_a_list(w):
    folder = w.spoilt_detector()
    (folder / "calibration.json").write_text("[]\n[]")
    w.refuses(w.score(w.clip, detector=folder), "calibration.json")


def test_a_detector_of_another_format(w):
    folder = w.spoilt_detector()
    settings = yaml.safe_load((folder / "detector.yaml").read_text())
    (folder / "detector.yaml").write_text(yaml.safe_dump({**settings, "format": 7}))
    w.refuses(["evaluate", folder, "--data", w.scene], "format 7")


def test_weights_that_are_no_numbers(w):
    folder = w.spoilt_detector()
    weights = load_file(folder / "weights.safetensors")
    spoilt = {name: value * float("nan") if value.is_floating_point() else value for name, value in weights.items()}
    save_file(spoilt, folder / "weights.safetensors")
    w.refuses(w.score(w.clip, detector=folder), "is no number")


def test_a_checkpoint_that_is_a_text(w):
    w.refuses(["import", w.file("model.pth", "words"), "--out", w.out], "model.pth")


def test_a_checkpoint_that_is_missing(w):
    w.refuses(["import", w.at / "model.pth", "--out", w.out], "model.pth")


def test_a_checkpoint_of_another_network(w):
    torch.save({"state_dict": torch.nn.Linear(2, 2).state_dict()}, w.at / "model.pth")
    w.refuses(["import", w.at / "model.pth", "--out", w.out], "model.pth")


def test_a_checkpoint_of_a_single_number(w):
    torch.save(3, w.at / "model.pth")
    w.refuses(["import", w.at / "model.pth", "--out", w.out], "model.pth")


def test_an_unknown_command(w):
    w.refuses(["scroe", w.run], "did you mean 'score'")


def test_an_unknown_command_of_a_group(w):
    w.refuses(["data", "chekc", w.scene], "did you mean 'data check'")


def test_an_unknown_option(w):
    w.refuses([*w.score(w.clip), "--lables", "x"], "--lables")


def test_an_option_without_its_value(w):
    w.refuses(["score", w.run, w.clip, "--mode"], "mode")


def test_an_unknown_mode(w):
    w.refuses(["score", w.run, w.clip, "--mode", "slow"], "slow")


def test_a_word_where_a_number_belongs(w):
    w.refuses(["evaluate", w.run, "--data", w.scene, "--resamples", "many"], "many")


def test_no_detector_named(w):
    w.refuses(["evaluate", "--data", w.scene], "missing: DETECTOR")


def test_libraries_add_nothing_to_the_line(w):
    """As a user sees it: decoders write past Python's own stderr."""
    clip = w.file("notes.mp4", b"\x00\x00\x00\x20ftypisom" + bytes(200))
    command = [sys.executable, "-m", "oddlens", *map(str, w.score(clip))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=w.at, env=dict(os.environ), check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "notes.mp4" in done.stderr


def test_after_a_fault_the_same_folder_can_be_used(w):
    assert main([str(word) for word in w.train("--set", "training.batch_size=500")]) == 2
    assert main([str(word) for word in w.train("--quiet", "--set", "training.batch_size=2")]) == 0
    assert json.loads((w.out / "provenance.json").read_text())["steps"] == 1
