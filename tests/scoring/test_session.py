"""`oddlens score` into a folder: everything asked for is there, agrees, and a broken input spoils only itself."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from oddlens.errors import OddLensError
from oddlens.media.open import open_source
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.events import runs_of
from oddlens.scoring.session import ScoreOptions, score_to_folder, threshold_source
from oddlens.scoring.table import open_for, score_source
from oddlens.training.run import train

FAST = ScoreOptions("fast", overlay=False)
EVENT_KEYS = {
    "video", "start_frame", "end_frame", "start_time", "end_time", "peak_frame", "peak_score", "box",
}  # fmt: skip


@pytest.fixture(scope="module")
def alert(tiny, scene):
    """The tiny detector with a threshold that about half of the frames exceed."""
    table = tiny.score(scene, mode="fast")
    threshold = float(table["calibrated"].median())
    return replace(
        tiny,
        calibration=replace(tiny.calibration, threshold=threshold),
        scoring=replace(tiny.scoring, hysteresis=0.0, close_seconds=0.0),
    )


@pytest.fixture(scope="module")
def scored(alert, scene, tmp_path_factory):
    """A data set with labels, scored whole."""
    return score_to_folder(alert, [scene], tmp_path_factory.mktemp("scored") / "out", ScoreOptions("fast"))


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_written(scored):
    videos = {f"{name}/{part}" for name in ("test_01", "test_02") for part in ("overlay.mp4", "timeline.png")}
    peaks = {f"{event.video}/peaks/{event.peak_frame:04d}.jpg" for event in scored.events}
    assert files(scored.folder) == {"scores.csv", "scores.parquet", "events.json", "report.html", *videos, *peaks}
    assert scored.faults == []


def test_csv_and_parquet_hold_the_same_table(scored):
    parquet = pd.read_parquet(scored.folder / "scores.parquet")
    csv = pd.read_csv(scored.folder / "scores.csv")
    pd.testing.assert_frame_equal(parquet, scored.table)
    pd.testing.assert_frame_equal(csv, parquet, rtol=1e-4, check_dtype=False)
    assert list(parquet.columns[:6]) == ["video", "frame", "time", "score", "calibrated", "alarm"]
    assert parquet.groupby("video").size().to_dict() == {"test_01": 40, "test_02": 40}


def test_events_agree_with_the_alarms_of_the_table(scored):
    events = json.loads((scored.folder / "events.json").read_text())
    assert events
    assert [event.to_dict() for event in scored.events] == events
    for name, rows in scored.table.groupby("video"):
        mine = [event for event in events if event["video"] == name]
        runs = runs_of(rows["alarm"].to_numpy())
        assert [(event["start_frame"], event["end_frame"]) for event in mine] == runs
        for event in mine:
            assert set(event) == EVENT_KEYS
            inside = rows[event["start_frame"] : event["end_frame"] + 1]
            assert event["peak_score"] == pytest.approx(inside["calibrated"].max())
            assert inside["time"].iloc[0] == pytest.approx(event["start_time"])
            assert inside["time"].iloc[-1] == pytest.approx(event["end_time"])
            left, top, right, bottom = event["box"]
            assert 0 <= left < right <= 64
            assert 0 <= top < bottom <= 48


def test_overlays_have_a_picture_for_every_frame(scored):
    for name in ("test_01", "test_02"):
        source = open_source(scored.folder / name / "overlay.mp4")
        assert sum(1 for _ in source.frames()) == 40
        assert source.info.fps == pytest.approx(12.5)
        assert source.info.width >= 320
        with Image.open(scored.folder / name / "timeline.png") as picture:
            assert picture.width > 400


def test_the_report_speaks_of_every_video(scored):
    report = (scored.folder / "report.html").read_text(encoding="utf-8")
    assert "test_01" in report
    assert "test_02" in report
    assert "test_01/overlay.mp4" in report


def test_labels_are_shaded_in(alert, scene, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("video,start,end\ntest_01,5,30\n")
    clip = scene / "test" / "test_01.mp4"
    plain = score_to_folder(alert, [clip], tmp_path / "plain", FAST)
    marked = score_to_folder(alert, [clip], tmp_path / "marked", FAST, labels)
    assert plain.table.equals(marked.table)
    pictures = [np.asarray(Image.open(r.folder / "test_01" / "timeline.png").convert("RGB")) for r in (plain, marked)]
    assert pictures[0].shape != pictures[1].shape or (pictures[0] != pictures[1]).any()


def test_the_mode_is_the_one_asked_for(alert, scene, tmp_path):
    clip = scene / "test" / "test_01.mp4"
    for mode in ("exact", "fast"):
        result = score_to_folder(alert, [clip], tmp_path / mode, ScoreOptions(mode, overlay=False))
        np.testing.assert_allclose(result.table["score"], alert.score(clip, mode)["score"], rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def objects(scene, tmp_path_factory):
    """A detector of objects with a threshold that half of the frames exceed."""
    settings = {
        "method": {"width": 2, "objects": {"smallest_area": 10, "background": {"smallest_area": 10}}},
        "training": {"iterations": 2, "epochs": 0, "batch_size": 8, "precision": "float32", "device": "cpu"},
        "scoring": {"precision": "float32", "hysteresis": 0.0, "close_seconds": 0.0},
    }
    detector = train("lbr-spr", scene, tmp_path_factory.mktemp("objects") / "run", settings=settings).detector
    threshold = float(detector.score(scene)["calibrated"].median())
    return replace(detector, calibration=replace(detector.calibration, threshold=threshold))


def test_of_objects_the_oddest_is_the_box_and_overlay_and_report_show_it(objects, scene, tmp_path):
    clip = scene / "test" / "test_01.mp4"
    result = score_to_folder(objects, [clip], tmp_path / "out")
    frames = list(score_source(objects, open_for(objects, clip)))
    assert result.events
    for event in result.events:
        boxes = frames[event.peak_frame].raw.boxes
        left, top, right, bottom = boxes[boxes[:, 4].argmax(), :4]
        assert event.box == (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
    assert "data:image/jpeg" in (tmp_path / "out" / "report.html").read_text()
    shown = list(open_source(tmp_path / "out" / "test_01" / "overlay.mp4", colour="rgb").frames())
    assert len(shown) == 40


def test_methods_of_objects_draw_no_figures(objects, scene, tmp_path):
    with pytest.raises(OddLensError, match="draws no reconstructions"):
        score_to_folder(objects, [scene / "test" / "test_01.mp4"], tmp_path / "out", ScoreOptions(figures=True))


def test_figures_of_the_originals(alert, scene, tmp_path):
    result = score_to_folder(alert, [scene / "test" / "test_01.mp4"], tmp_path / "out", replace(FAST, figures=True))
    film = open_source(result.folder / "test_01" / "demonstration.mp4")
    assert sum(1 for _ in film.frames()) == 40
    pictures = list((result.folder / "test_01" / "figures").rglob("*.*"))
    assert len(pictures) >= 3 * 40
    assert {Image.open(path).mode for path in pictures[:3]} <= {"RGB", "L"}


def test_a_broken_file_among_good_ones_is_reported_and_the_rest_is_done(alert, scene, tmp_path):
    footage = tmp_path / "footage"
    shutil.copytree(scene / "test", footage)
    (footage / "broken.mp4").write_bytes(b"no video at all")
    whole = (footage / "test_02.mp4").read_bytes()
    (footage / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    result = score_to_folder(alert, [footage], tmp_path / "out", ScoreOptions("fast"))
    done = set(result.table["video"])
    assert {"test_01", "test_02"} <= done
    assert "broken" not in done
    assert len(result.faults) == 4 - len(done)
    assert any("broken.mp4" in fault for fault in result.faults)
    assert not (result.folder / "broken").exists()
    assert "broken.mp4" in (result.folder / "report.html").read_text()
    assert not [path for path in files(result.folder) if "/." in path or path.startswith(".")]


@pytest.mark.parametrize("frames", [0, 9])
def test_a_single_broken_file_leaves_nothing_behind(alert, scene, tmp_path, frames):
    clip = tmp_path / "gate"
    clip.mkdir()
    for index in range(frames):
        Image.fromarray(np.full((24, 32), index, np.uint8)).save(clip / f"{index}.png")
    with pytest.raises(OddLensError, match="gate"):
        score_to_folder(alert, [clip], tmp_path / "out", ScoreOptions("fast"))
    assert not (tmp_path / "out").exists()


def test_labels_of_another_length_stop_the_video_and_leave_nothing(alert, scene, tmp_path):
    shutil.copytree(scene, tmp_path / "scene")
    labels = tmp_path / "scene" / "labels" / "test_01.npy"
    np.save(labels, np.load(labels)[:-3])
    (tmp_path / "scene" / "test" / "test_02.mp4").unlink()
    with pytest.raises(OddLensError):
        score_to_folder(alert, [tmp_path / "scene"], tmp_path / "out", ScoreOptions("fast"))
    assert not (tmp_path / "out").exists()


def test_where_every_input_fails_nothing_is_left(alert, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_bytes(b"nothing")
    with pytest.raises(OddLensError, match="none of 2 inputs could be scored"):
        score_to_folder(alert, [tmp_path / "a.mp4", tmp_path / "b.mp4"], tmp_path / "out", FAST)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_images_takes_the_rate_that_is_given(alert, tmp_path):
    clip = tmp_path / "gate"
    clip.mkdir()
    rng = np.random.default_rng(0)
    for index in range(20):
        Image.fromarray(rng.integers(0, 255, (24, 32), dtype=np.uint8)).save(clip / f"{index}.png")
    result = score_to_folder(alert, [clip], tmp_path / "out", ScoreOptions("fast", fps=4))
    assert result.table["time"].tolist() == pytest.approx([k / 4 for k in range(20)])
    assert open_source(tmp_path / "out" / "gate" / "overlay.mp4").info.fps == pytest.approx(4)


def test_scores_may_be_written_again_but_not_over_anything_else(alert, scene, tmp_path):
    clip, out = scene / "test" / "test_01.mp4", tmp_path / "out"
    first = score_to_folder(alert, [clip], out, FAST)
    assert score_to_folder(alert, [clip], out, FAST).table.equals(first.table)
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(OddLensError, match="holds something else"):
        score_to_folder(alert, [clip], other, FAST)
    with pytest.raises(OddLensError, match="is a file"):
        score_to_folder(alert, [clip], other / "notes.txt", FAST)
    assert (other / "notes.txt").read_text() == "mine"


def test_an_interrupted_session_can_be_repeated(alert, scene, tmp_path):
    def stop(video, done, total):
        if video == "test_02":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_to_folder(alert, [scene], tmp_path / "out", ScoreOptions("fast"), progress=stop)
    left = files(tmp_path / "out")
    assert {name for name in left if "/peaks/" not in name} == {"test_01/overlay.mp4", "test_01/timeline.png"}
    assert len(score_to_folder(alert, [scene], tmp_path / "out", FAST).table) == 80


def test_progress_names_the_video_and_never_goes_back(alert, scene, tmp_path):
    calls = []
    score_to_folder(alert, [scene], tmp_path / "out", FAST, progress=lambda *call: calls.append(call))
    assert {video for video, _, _ in calls} == {"test_01", "test_02"}
    for name in ("test_01", "test_02"):
        done = [count for video, count, _ in calls if video == name]
        assert done == sorted(done)
        assert done[-1] <= 40


def test_without_calibration_scores_stay_raw_and_the_report_says_so(alert, scene, tmp_path):
    raw = replace(alert, calibration=Calibration(frames=0))
    result = score_to_folder(raw, [scene / "test" / "test_01.mp4"], tmp_path / "out", ScoreOptions("fast"))
    assert result.events == []
    assert (result.table["score"] == result.table["calibrated"]).all()
    assert "not calibrated" in (tmp_path / "out" / "report.html").read_text()


def test_the_source_of_the_threshold_in_words():
    known = Calibration(frames=1200, levels=(0.0,), quantiles=(1.0,), threshold=3.0, false_alarms_per_hour=2)
    assert "measured on 1,200 frames of held-out normal footage" in threshold_source(known)
    assert "extrapolated" in threshold_source(replace(known, extrapolated=True))
    assert "training footage" in threshold_source(replace(known, held_out=False))
    assert "not calibrated" in threshold_source(Calibration(frames=0))
