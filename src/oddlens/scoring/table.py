"""Scored frames: the raw score with its meaning, one after the other or as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oddlens.errors import MediaError, OddLensError
from oddlens.media.open import expand_inputs, open_source
from oddlens.media.source import Source
from oddlens.scoring.events import AlarmState
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
        """The line of the score table."""
        return {
            "video": self.video,
            "frame": self.frame.index,
            "time": self.frame.time,
            "score": self.raw.score,
            "calibrated": self.calibrated,
            "alarm": self.alarm,
            **self.raw.components,
        }


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
    detector: Detector, source: Source, mode: Mode | None = None, details: bool = False
) -> Iterator[ScoredFrame]:
    """Score all frames of a source, in order and in constant memory.

    Raises:
        MediaError: the source cannot be read.
        DataError: it has fewer frames than a window.
    """
    calibrate = Calibrator(detector, source.info.fps)
    scorer = detector.scorer(mode, details=details)
    for frame, raw in score_frames(scorer, source.frames(), source.info.path):
        yield calibrate(source.info.name, frame, raw)


def open_for(detector: Detector, where: str | Path, fps: float | None = None) -> Source:
    """Open a source in the colours the detector was trained on.

    Raises:
        MediaError: it cannot be read, or is grey where the detector needs colour.
    """
    grey = detector.method.sampling.channels == 1
    if not grey and open_source(where, fps=fps).info.channels == 1:
        raise MediaError(where, "is grey, the detector was trained on colour", "give colour footage")
    return open_source(where, colour="grey" if grey else "rgb", fps=fps)


def to_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a data frame with fixed types."""
    table = pd.DataFrame(list(rows))
    if table.empty:
        return pd.DataFrame(columns=["video", "frame", "time", "score", "calibrated", "alarm"])
    return table.astype({"frame": "int64", "alarm": "bool"})


def score_inputs(
    detector: Detector, inputs: Sequence[str | Path], mode: Mode | None, fps: float | None
) -> pd.DataFrame:
    """`Detector.score`: every frame of every input."""
    rows: list[dict[str, Any]] = []
    for where in expand_inputs(inputs):
        source = open_for(detector, where, fps)
        rows.extend(scored.row() for scored in score_source(detector, source, mode))
    return to_table(rows)


@dataclass
class EventTracker:
    """Collects events while frames go by, and keeps the frame and map at each event's peak."""

    events: list[EventRecord] = field(default_factory=list)
    _open: EventRecord | None = None

    def push(self, scored: ScoredFrame) -> None:
        """Take the next frame."""
        if not scored.alarm:
            self._open = None
            return
        if self._open is None:
            self._open = EventRecord(scored, scored, scored.frame)
            self.events.append(self._open)
            return
        self._open.last = scored.frame
        if scored.calibrated > self._open.peak.calibrated:
            self._open.peak = scored


@dataclass
class EventRecord:
    """One run of frames under alarm."""

    first: ScoredFrame
    peak: ScoredFrame
    last: Frame
