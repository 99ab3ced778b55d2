"""Scored frames as a table, and the colours a detector asks its footage for."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from oddlens.errors import MediaError, OddLensError
from oddlens.media.writer import VideoWriter
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.events import alarm_runs, runs_of
from oddlens.scoring.table import Calibrator, ScoredFrame, ScoreTable, open_for, score_source
from oddlens.scoring.windows import FrameScore
from oddlens.types import Frame

PICTURE = np.zeros((4, 4, 1), np.uint8)


def scored(video, index, score=1.0, alarm=False, **components):
    raw = FrameScore(index, score, components)
    return ScoredFrame(video, Frame(index, index / 10, PICTURE), raw, score / 2, alarm)


def test_every_frame_becomes_a_row_in_order():
    table = ScoreTable()
    assert len(table) == 0
    for video in ("gate", "yard"):
        for index in range(3):
            table.add(scored(video, index, 2.0 * index, index == 2, odd=0.5 + index))
    frame = table.frame()
    assert len(table) == len(frame) == 6
    assert list(frame.columns) == ["video", "frame", "time", "score", "calibrated", "alarm", "odd"]
    assert frame["video"].tolist() == ["gate"] * 3 + ["yard"] * 3
    assert frame["frame"].tolist() == [0, 1, 2] * 2
    assert frame["time"].tolist() == pytest.approx([0.0, 0.1, 0.2] * 2)
    assert frame["score"].tolist() == [0.0, 2.0, 4.0] * 2
    assert frame["calibrated"].tolist() == [0.0, 1.0, 2.0] * 2
    assert frame["alarm"].tolist() == [False, False, True] * 2
    assert frame["odd"].tolist() == [0.5, 1.5, 2.5] * 2
    assert frame["alarm"].dtype == np.bool_


def test_an_empty_table_has_its_columns():
    frame = ScoreTable().frame()
    assert frame.empty
    assert list(frame.columns) == ["video", "frame", "time", "score", "calibrated", "alarm"]


def test_a_row_costs_a_few_bytes():
    table, rows = ScoreTable(), 5000
    for index in range(rows):
        table.add(scored("gate", index, odd=1.0))
    held = [table._videos, table._frames, table._alarms, *table._numbers.values()]
    assert sum(map(sys.getsizeof, held)) < 64 * rows


def test_a_row_holds_what_a_picture_of_the_frame_shows():
    assert scored("gate", 5, 3.0, True).row() == {"time": 0.5, "calibrated": 1.5, "alarm": True}


def test_alarms_follow_the_rule_of_the_detector(tiny):
    rule = {"open_frames": 2, "close_seconds": 0.2, "hysteresis": 0.5}
    raw = Calibration(frames=0, threshold=2.0)
    detector = replace(tiny, calibration=raw, scoring=replace(tiny.scoring, **rule))
    scores = np.random.default_rng(2).normal(1.8, 0.6, 300)
    calibrate = Calibrator(detector, 10.0)
    alarms = [calibrate("gate", Frame(k, k / 10, PICTURE), FrameScore(k, s)).alarm for k, s in enumerate(scores)]
    assert runs_of(alarms) == alarm_runs(scores, 2.0, 1.5, open_frames=2, close_frames=2)
    assert 0 < sum(alarms) < len(alarms)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_refused(tiny, value):
    calibrate = Calibrator(replace(tiny, calibration=Calibration(frames=0)), None)
    with pytest.raises(OddLensError, match="gate: the score of frame 7 is no number"):
        calibrate("gate", Frame(7, 0.0, PICTURE), FrameScore(7, value))


def test_a_source_may_be_given_another_name(tiny, scene):
    clip = scene / "test" / "test_01.mp4"
    names = {scored.video for scored in score_source(tiny, open_for(tiny, clip), "fast", name="gate")}
    assert names == {"gate"}
    assert {scored.video for scored in score_source(tiny, open_for(tiny, clip), "fast")} == {"test_01"}


def test_a_detector_gets_its_colours_or_says_why_not(tiny, scene, tmp_path):
    assert open_for(tiny, scene / "test" / "test_01.mp4").info.channels == 1
    settings = LnraSettings(height=16, width=16, channels=3, widths=(4, 4, 4))
    colour = Detector(Lnra(settings).eval(), Calibration(frames=0))
    assert open_for(colour, scene / "test" / "test_01.mp4").info.channels == 3
    folder = tmp_path / "grey"
    folder.mkdir()
    from PIL import Image

    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "0.png")
    with pytest.raises(MediaError, match="is grey, the detector was trained on colour"):
        open_for(colour, folder)


def test_times_of_image_folders_follow_the_rate_given(tiny, scene, tmp_path):
    from PIL import Image

    for index in range(17):
        Image.fromarray(np.full((24, 32), index, np.uint8)).save(tmp_path / f"{index:03d}.png")
    table = tiny.score(tmp_path, mode="fast", fps=5)
    assert table["time"].tolist() == pytest.approx([k / 5 for k in range(17)])
    assert isinstance(table, pd.DataFrame)


def test_footage_shorter_than_a_window_is_named(tiny, tmp_path):
    file = tmp_path / "short.mp4"
    with VideoWriter(file, fps=10) as writer:
        for level in range(15):
            writer.write(np.full((32, 32, 1), level, np.uint8))
    with pytest.raises(OddLensError, match=r"short\.mp4: has 15 frames, one window takes 16"):
        tiny.score(file)
