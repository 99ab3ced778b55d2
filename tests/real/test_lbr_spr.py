"""LBR-SPR on real footage: clips of Ped2, unlabelled, and the walkers of vtest.avi."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import oddlens
from oddlens.media.open import open_source
from oddlens.media.writer import VideoWriter
from oddlens.scoring.detector import Detector
from oddlens.scoring.session import score_to_folder
from oddlens.scoring.windows import score_frames

pytestmark = pytest.mark.real
FRAMES = 30
TINY = {"epochs": 0, "batch_size": 32, "last_batch": "keep", "precision": "float32", "device": "cpu"}


@pytest.fixture(scope="module")
def ped2(real_data, tmp_path_factory):
    """Thirty frames of two training and two test clips, with masks; each test clip turns abnormal on the way."""
    root = tmp_path_factory.mktemp("ped2")
    for part, name, first in (
        ("training", "01", 0),
        ("training", "02", 0),
        ("testing", "01", 45),
        ("testing", "02", 80),
    ):
        source = real_data / "ped2" / part
        kinds = ("frames", "masks") if part == "testing" else ("frames",)
        for kind in kinds:
            (root / part / kind / name).mkdir(parents=True)
            for file in sorted((source / kind / name).iterdir())[first : first + FRAMES]:
                shutil.copy(file, root / part / kind / name)
    return root


@pytest.fixture(scope="module", params=[("test", 2), ("merge", 4)], ids=["test", "merge"])
def run(request, ped2, tmp_path_factory):
    """A tiny detector in each mode that trains on unlabelled test footage, of so many clips."""
    split, clips = request.param
    base = tmp_path_factory.mktemp(split)
    settings = {
        "method": {"width": 2, "motion": True},
        "data": {"cache_dir": str(base / "cache"), "split": split},
        "training": {**TINY, "iterations": 6, "holdout": 0, "self_paced": {"mode": "mixture", "warm_up": 0.5}},
        "scoring": {"precision": "float32"},
    }
    found = oddlens.train("lbr-spr", ped2, base / "run", settings=settings)
    assert f"patches of {clips * FRAMES} frames" in found.footage
    return found


def test_people_of_ped2_are_found_scored_and_judged(run, ped2):
    table = run.detector.score(ped2)
    assert len(table) == 2 * FRAMES
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    assert 2 < table["boxes"].mean() < 40
    numbers = oddlens.evaluate(run.folder, ped2, resamples=10, floors=False)
    clean = numbers["protocols"]["clean"]
    assert 0 < clean["abnormal_frames"] < 2 * FRAMES
    assert 0 <= clean["micro_auc"] <= 1
    assert 0 <= clean["pixel_auc"] <= 1


def test_live_is_offline_on_ped2(run, ped2):
    clip = ped2 / "testing" / "frames" / "01"
    detector = Detector.load(run.folder, "cpu")
    found = []
    for batch_size in (1, 16):
        scorer = detector.scorer(batch_size=batch_size, details=True)
        found.append([score for _, score in score_frames(scorer, open_source(clip).frames(), "01", "01")])
    live, offline = found
    assert [score.index for score in live] == list(range(FRAMES))
    for one, other in zip(live, offline):
        assert one.components == pytest.approx(other.components, rel=1e-4, abs=1e-4)
        assert one.score == pytest.approx(other.score, rel=1e-4, abs=1e-4)
        np.testing.assert_array_equal(one.boxes[:, :4], other.boxes[:, :4])
        np.testing.assert_allclose(one.boxes[:, 4], other.boxes[:, 4], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(one.map, other.map, rtol=1e-4, atol=1e-4)


def test_the_walkers_of_vtest_are_scored_into_a_folder(real_data, tmp_path):
    source = open_source(real_data / "videos" / "vtest.avi")
    short = tmp_path / "walkers.mp4"
    with VideoWriter(short, fps=10) as video:
        for frame in source.frames():
            if frame.index == 60:
                break
            video.write(frame.image)
    settings = {
        "method": {"width": 2, "flow": {"method": "dis-fast"}},
        "data": {"cache_dir": str(tmp_path / "cache")},
        "training": {**TINY, "iterations": 6, "holdout": 0.3, "validation_clips": 32},
    }
    run = oddlens.train("lbr-spr", short, tmp_path / "run", settings=settings)
    result = score_to_folder(run.detector, [short], tmp_path / "out")
    out = tmp_path / "out"
    assert len(result.table) == 60 and not result.faults
    assert result.table["boxes"].mean() > 2
    assert len(pd.read_parquet(out / "scores.parquet")) == 60
    events = json.loads((out / "events.json").read_text())
    assert len(events) == len(result.events)
    for event in events:
        left, top, right, bottom = event["box"]
        assert 0 <= left < right <= source.info.width and 0 <= top < bottom <= source.info.height
    overlay = list(open_source(out / "walkers" / "overlay.mp4").frames())
    assert len(overlay) == 60
    assert overlay[0].image.shape[2] == 3
    assert (out / "walkers" / "timeline.png").stat().st_size > 1000
    report = (out / "report.html").read_text()
    assert "walkers" in report and "lbr-spr" in report
