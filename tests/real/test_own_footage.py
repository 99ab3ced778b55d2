"""Real footage: a walkers' camera learned from its first half, a file whose header lies, a clip of CUHK Avenue."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import oddlens
from oddlens.cli import main
from oddlens.media.open import open_source
from oddlens.media.resize import fit
from oddlens.media.writer import VideoWriter

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def halves(real_data, tmp_path_factory):
    """Stretches of the first and of the second half of vtest.avi, at half their size."""
    folder, source = tmp_path_factory.mktemp("vtest"), open_source(real_data / "videos" / "vtest.avi")
    assert source.info.frames == 795
    first, second = folder / "first.mp4", folder / "second.mp4"
    with VideoWriter(first, fps=10) as early, VideoWriter(second, fps=10) as late:
        for frame in source.frames():
            if frame.index < 120 or 400 <= frame.index < 480:
                picture = fit(frame.image, 288, 384, frame.image.shape[2])
                (early if frame.index < 120 else late).write(picture)
            if frame.index == 480:
                break
    return first, second


@pytest.fixture(scope="module")
def run(halves, tmp_path_factory):
    """A tiny detector of the first half."""
    folder = tmp_path_factory.mktemp("run")
    settings = {
        "method": {"height": 32, "width": 48, "widths": [4, 4, 8], "learning_rate": 0.01},
        "data": {"cache_dir": str(folder / "cache")},
        "training": {"iterations": 12, "epochs": 0, "holdout": 0.4, "validation_clips": 4, "device": "cpu"},
    }
    return oddlens.train("lnra", halves[0], folder / "run", settings=settings).folder


def score(run, source, out, *more):
    return main(["score", str(run), str(source), "--out", str(out), "--mode", "fast", *more])


def test_the_second_half_is_scored_by_what_the_first_half_taught(halves, run, tmp_path):
    assert score(run, halves[1], tmp_path / "out") == 0
    table = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert table["frame"].tolist() == list(range(80))
    assert table["time"].iloc[-1] == pytest.approx(7.9)
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    assert table["score"].nunique() > 40
    # the same camera on the same square: nowhere near the scores that a foreign scene gets
    assert -3 < table["calibrated"].median() < 3
    assert sum(1 for _ in open_source(tmp_path / "out" / "second" / "overlay.mp4").frames()) == 80
    assert "second" in (tmp_path / "out" / "report.html").read_text()


def test_another_place_is_odder(halves, run, real_data):
    detector = oddlens.Detector.load(run, "cpu")
    own = detector.score(halves[1], "fast")["score"]
    foreign = detector.score(real_data / "videos" / "tree.avi", "fast")["score"]
    assert foreign.median() > own.max()


def test_a_header_that_lies_is_noted(run, real_data, tmp_path):
    assert score(run, real_data / "videos" / "tree.avi", tmp_path / "out") == 0
    table = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert len(table) == 68
    assert "header announces 444 frames, 68 decode" in (tmp_path / "out" / "report.html").read_text()


def test_a_clip_of_avenue(run, real_data, tmp_path, capsys):
    root, truth = tmp_path / "avenue", "ground_truth_demo/testing_label_mask"
    (root / "testing_videos").mkdir(parents=True)
    (root / truth).mkdir(parents=True)
    shutil.copy(real_data / "avenue" / "testing_videos" / "21.avi", root / "testing_videos")
    shutil.copy(real_data / "avenue" / truth / "21_label.mat", root / truth)
    assert score(run, root, tmp_path / "out", "--no-overlay") == 0
    assert len(pd.read_csv(tmp_path / "out" / "scores.csv")) == 76

    numbers = tmp_path / "numbers.json"
    options = ["--json", str(numbers), "--out", str(tmp_path / "table.md"), "--mode", "fast", "--resamples", "20"]
    assert main(["evaluate", str(run), "--data", str(root), *options]) == 0
    result = json.loads(numbers.read_text())
    assert (result["dataset"], result["frames"]) == ("avenue", 76)
    clean = result["protocols"]["clean"]
    assert 0 < clean["abnormal_frames"] < 76
    assert 0 <= clean["micro_auc"] <= 1
    assert 0 <= clean["pixel_auc"] <= 1
    assert clean["events"] >= 1
    assert set(result["baselines"]) == {"clock", "random", "previous-frame", "neighbour-mean"}
    assert "micro AUC" in (tmp_path / "table.md").read_text()


def test_a_folder_with_a_broken_file(halves, run, tmp_path, capsys):
    footage = tmp_path / "footage"
    footage.mkdir()
    shutil.copy(halves[1], footage / "good.mp4")
    (footage / "bad.avi").write_bytes(halves[1].read_bytes()[5000:9000])
    assert score(run, footage, tmp_path / "out", "--no-overlay") == 1
    assert "bad.avi" in capsys.readouterr().err
    assert set(pd.read_csv(tmp_path / "out" / "scores.csv")["video"]) == {"good"}
    assert not (tmp_path / "out" / "bad").exists()
