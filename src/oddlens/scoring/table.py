"""Scored frames: the raw score with its meaning, one after the other or as a table."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oddlens.errors import MediaError, OddLensError
from oddlens.media.open import open_source
from oddlens.media.source import Source
from oddlens.methods.objects import ObjectMethod
from oddlens.scoring.events import AlarmState
from oddlens.scoring.jobs import find_videos
from oddlens.scoring.windows import FrameScore, Mode, score_frames
from oddlens.types import Frame

if TYPE_CHECKING:
    from oddlens.scoring.detector import Detector

DEFAULT_FPS = 25.0
"""Assumed where neither the footage nor the user says."""


@dataclass(frozen=True)
class ScoredFrame:
    """One frame with its score and what the score means."""

    video: str
    frame: Frame
    raw: FrameScore
    calibrated: float
    alarm: bool

    def row(self) -> dict[str, Any]:
        """What a picture of the frame shows."""
        return {"time": self.frame.time, "calibrated": self.calibrated, "alarm": self.alarm}


class Calibrator:
    """Gives raw scores of one stream their meaning: surprise, and whether the alarm is on. Causal."""

    def __init__(self, detector: Detector, fps: float | None) -> None:
        self.calibration, rule = detector.calibration, detector.alarm_rule
        close = max(1, round(rule.close_seconds * (fps or DEFAULT_FPS)))
        threshold = self.calibration.threshold
        self.alarm = AlarmState(threshold, threshold - rule.hysteresis, rule.open_frames, close)

    def __call__(self, video: str, frame: Frame, raw: FrameScore) -> ScoredFrame:
        """Take the next frame."""
        calibrated = float(self.calibration.surprise(raw.score))
        if not np.isfinite(calibrated):
            fault = f"the score of frame {frame.index} is no number"
            raise OddLensError(video, fault, "train the detector again, or score with precision float32")
        return ScoredFrame(video, frame, raw, calibrated, self.alarm.push(calibrated))


def score_source(
    detector: Detector, source: Source, mode: Mode | None = None, details: bool = False, name: str | None = None
) -> Iterator[ScoredFrame]:
    """Score all frames of a source, in order and in constant memory, under `name` or the source's own.

    Raises:
        MediaError: the source cannot be read.
        DataError: it has fewer frames than a window.
    """
    calibrate = Calibrator(detector, source.info.fps)
    scorer = detector.scorer(mode, details=details)
    video = name or source.info.name
    for frame, raw in score_frames(scorer, source.frames(), source.info.path, video):
        yield calibrate(video, frame, raw)


def open_for(detector: Detector, where: str | Path, fps: float | None = None, name: str | None = None) -> Source:
    """Open a source in the colours the detector was trained on.

    Args:
        detector: that will score it.
        where: anything `open_source` takes.
        fps: frame rate of folders of images.
        name: of the video, as it will be scored under.

    Raises:
        MediaError: it cannot be read, or is grey where the detector needs colour.
        DataError: the detector looks at ready boxes, and has those of other footage under this name, or none.
    """
    if name is not None and isinstance(detector.method, ObjectMethod):
        from oddlens.objects.finder import BoxFinder

        BoxFinder(detector.method.object_settings).check_footage(name, where)
    colour = detector.method.colour
    if colour == "rgb" and open_source(where, fps=fps).info.channels == 1:
        raise MediaError(where, "is grey, the detector was trained on colour", "give colour footage")
    return open_source(where, colour=colour, fps=fps)


class ScoreTable:
    """Collects scored frames compactly: a ten-hour video takes some 40 MB."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._videos = array("l")
        self._frames = array("q")
        self._alarms = array("b")
        self._numbers: dict[str, array[float]] = {name: array("d") for name in ("time", "score", "calibrated")}

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, scored: ScoredFrame) -> None:
        """Append one frame."""
        if not self._names or self._names[-1] != scored.video:
            self._names.append(scored.video)
        self._videos.append(len(self._names) - 1)
        self._frames.append(scored.frame.index)
        self._alarms.append(scored.alarm)
        numbers = {"time": scored.frame.time, "score": scored.raw.score, "calibrated": scored.calibrated}
        for name, value in {**numbers, **scored.raw.components}.items():
            self._numbers.setdefault(name, array("d")).append(value)

    def frame(self) -> pd.DataFrame:
        """Columns `video`, `frame`, `time`, `score`, `calibrated`, `alarm`, then the components."""
        names = pd.Series(self._names, dtype="str").to_numpy()
        fixed: dict[str, Any] = {
            "video": names[np.asarray(self._videos, np.int64)] if len(self) else [],
            "frame": np.asarray(self._frames, np.int64),
            "time": np.asarray(self._numbers["time"]),
            "score": np.asarray(self._numbers["score"]),
            "calibrated": np.asarray(self._numbers["calibrated"]),
            "alarm": np.asarray(self._alarms, np.bool_),
        }
        others = {name: np.asarray(values) for name, values in self._numbers.items() if name not in fixed}
        return pd.DataFrame({**fixed, **others})


def score_inputs(
    detector: Detector, inputs: Sequence[str | Path], mode: Mode | None, fps: float | None
) -> pd.DataFrame:
    """`Detector.score`: every frame of every input, under the names that `oddlens score` gives them."""
    table = ScoreTable()
    videos, rate = find_videos(inputs)
    for video in videos:
        for scored in score_source(
            detector, open_for(detector, video.path, fps or rate, video.name), mode, name=video.name
        ):
            table.add(scored)
    return table.frame()
