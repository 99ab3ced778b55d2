"""Footage, backgrounds and detectors that DMAD-PDM cannot use, and those it makes the best of."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from oddlens.cli import main

SMALL = ["method.height=32", "method.width=48", "method.features=4", "method.deformation_features=4"]
SMALL += ["method.codes=6", "training.iterations=2", "training.epochs=0", "training.batch_size=2"]


def train(w, *assignments, data=None, out=None):
    words = ["train", "dmad-pdm", "--data", data or w.scene, "--out", out or w.out, "--quiet"]
    return [*words, *(word for item in (*SMALL, *assignments) for word in ("--set", item))]


def works(w, arguments):
    w.capsys.readouterr()
    code = main([str(word) for word in arguments])
    assert code == 0, w.capsys.readouterr().err


def background(w, name, size=(48, 32), mode="L"):
    w.at.joinpath(name).parent.mkdir(exist_ok=True)
    Image.new(mode, size, 90).save(w.at / name)
    return f"method.background.file={w.at / name}"


@pytest.fixture
def run(w):
    works(w, train(w))
    return w.out


def test_frames_that_cannot_be_halved(w):
    w.refuses(train(w, "method.width=60"), "frame size is 60x32; give sides that are multiples of 16")


def test_colour_where_the_footage_is_grey(w):
    folder = w.images("footage", 30, (64, 48))
    w.refuses(train(w, "method.channels=3", data=folder), "footage: is grey, the method is set to colour")


def test_colour_footage_is_looked_at_in_grey(w, run):
    folder = w.images("colour", 12, (64, 48), mode="RGB")
    works(w, w.score(folder, detector=run, out=w.at / "scores"))


def test_a_clip_of_four_frames_and_one_of_five(w, run):
    w.refuses(w.score(w.images("four", 4, (64, 48)), detector=run, out=w.at / "a"), "four: has 4 frames")
    works(w, w.score(w.images("five", 5, (64, 48)), detector=run, out=w.at / "b"))


def test_frames_smaller_than_every_window(w, run):
    works(w, w.score(w.images("tiny", 8, (4, 3)), detector=run, out=w.at / "scores"))


def test_a_background_of_another_size(w):
    told = "background bkg: is 64x48, the method's frames are 48x32; make it with 'oddlens background --size 48x32'"
    w.refuses(train(w, background(w, "bkg.png", (64, 48))), told)


def test_a_background_that_is_not_there(w):
    w.refuses(train(w, "method.background.file=gone.png"), "gone.png")


def test_a_background_that_is_no_picture(w):
    w.refuses(train(w, f"method.background.file={w.file('bkg.png', 'no picture')}"), "bkg.png: cannot be decoded")


def test_several_backgrounds_where_one_is_known(w):
    background(w, "views/a.png")
    background(w, "views/b.png")
    w.refuses(train(w, f"method.background.file={w.at / 'views'}"), "there are 2 backgrounds, 'ped2' takes one")


def test_a_scene_without_background(w):
    background(w, "views/05.png")
    settings = ("method.variant=shanghai", f"method.background.file={w.at / 'views'}")
    w.refuses(train(w, *settings), "views: holds no picture called 'normal_01' for video 'normal_01', but 05")


def test_a_detector_of_another_variant(w, run):
    folder = shutil.copytree(run / "detector", w.at / "detector")
    settings = yaml.safe_load((folder / "detector.yaml").read_text())
    settings["method"]["variant"] = "shanghai"
    (folder / "detector.yaml").write_text(yaml.safe_dump(settings))
    refused = w.score(w.clip, detector=folder, out=w.at / "scores")
    w.refuses(refused, "the weights are of variant 'ped2' with 1 channel, the settings of variant 'shanghai'")


def test_footage_in_which_nothing_happens(w):
    folder = w.at / "still"
    folder.mkdir()
    for number in range(30):
        Image.fromarray(np.full((48, 64), 100, np.uint8)).save(folder / f"{number:03d}.png")
    works(w, train(w, data=folder))
    works(w, w.score(folder, detector=w.out, out=w.at / "scores"))
