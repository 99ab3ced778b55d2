"""Alarms from scores: causal hysteresis, the same live and offline, and the events a user is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError, SettingsError
from oddlens.metrics.validation import check_scores

Run: TypeAlias = tuple[int, int]
"""First and last frame of a run, **both included**, counted from 0."""


@dataclass(frozen=True)
class Event:
    """A run of frames under alarm. Times are seconds from the video's start; both ends are included."""

    video: str
    start_frame: int
    end_frame: int
    start_time: float
    end_time: float
    peak_frame: int
    peak_score: float
    box: tuple[int, int, int, int] | None = None
    """Left, top, right, bottom in pixels of the frame as decoded, where the method localises."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        values = asdict(self)
        values["box"] = None if self.box is None else list(self.box)
        return values


class AlarmState:
    """Hysteresis fed one score at a time, as a live camera delivers them.

    The alarm goes on with the `open_frames`-th consecutive frame whose score is >= `threshold`, and off with
    the `close_frames`-th consecutive frame whose score is < `low`. No frame's state depends on later frames.

    Args:
        threshold: in units of the score.
        low: at most `threshold`, which is the default.
        open_frames: at least 1.
        close_frames: at least 1.

    Raises:
        SettingsError: a value outside its range.

    Example:
        >>> alarm = AlarmState(threshold=0.5, open_frames=2)
        >>> [alarm.push(score) for score in (0.6, 0.7, 0.4)]
        [False, True, False]
    """

    def __init__(self, threshold: float, low: float | None = None, open_frames: int = 1, close_frames: int = 1) -> None:
        self.threshold = threshold
        self.low = _checked_low(threshold, low, open_frames, close_frames)
        self.open_frames, self.close_frames = open_frames, close_frames
        self.active = False
        self._high_run = 0
        self._low_run = 0

    def push(self, score: float) -> bool:
        """Take the next frame's score; return whether the alarm is on at that frame.

        Raises:
            DataError: the score is NaN.
        """
        if math.isnan(score):
            raise DataError("alarm", "the score is NaN", "find out why the method failed at this frame")
        self._high_run = self._high_run + 1 if score >= self.threshold else 0
        self._low_run = self._low_run + 1 if score < self.low else 0
        if self._high_run >= self.open_frames:
            self.active = True
        elif self._low_run >= self.close_frames:
            self.active = False
        return self.active


def alarm_runs(
    scores: ArrayLike, threshold: float, low: float | None = None, open_frames: int = 1, close_frames: int = 1
) -> list[Run]:
    """Runs of frames at which `AlarmState` with the same settings is on, for all scores `(T,)` at once.

    Raises:
        DataError: a score is NaN.
        SettingsError: a setting outside its range.

    Example:
        >>> alarm_runs([0, 0.9, 0.9, 0.3, 0.9, 0.1], threshold=0.5, low=0.2)
        [(1, 4)]
    """
    floor = _checked_low(threshold, low, open_frames, close_frames)
    values = check_scores(scores)
    index = np.arange(len(values))
    opens = _run_length(values >= threshold) >= open_frames
    closes = _run_length(values < floor) >= close_frames
    # The alarm is on where the latest trigger was an opening one.
    last_open = np.maximum.accumulate(np.where(opens, index, -1))
    last_close = np.maximum.accumulate(np.where(closes, index, -1))
    return runs_of(last_open > last_close)


def runs_of(flags: ArrayLike) -> list[Run]:
    """Maximal runs of true values in `flags` `(T,)`.

    Example:
        >>> runs_of([1, 1, 0, 1])
        [(0, 1), (3, 3)]
    """
    padded = np.concatenate([[False], np.asarray(flags, dtype=np.bool_), [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(start), int(end) - 1) for start, end in zip(edges[::2], edges[1::2])]


def events_of(
    video: str,
    scores: ArrayLike,
    times: Sequence[float] | NDArray[np.float64],
    runs: Sequence[Run],
    frames: Sequence[int] | NDArray[np.int64] | None = None,
) -> list[Event]:
    """Describe alarm runs, with the frame of the highest score as peak.

    Args:
        video: name the events carry.
        scores: `(T,)`.
        times: seconds of every scored frame, `(T,)`.
        runs: positions in `scores`, from `alarm_runs`.
        frames: frame index of every score, `(T,)`; by default the position itself.

    Raises:
        DataError: a score is NaN.
    """
    values = check_scores(scores, video)
    numbers = range(len(values)) if frames is None else frames
    events = []
    for start, end in runs:
        peak = start + int(np.argmax(values[start : end + 1]))
        events.append(
            Event(
                video=video,
                start_frame=int(numbers[start]),
                end_frame=int(numbers[end]),
                start_time=float(times[start]),
                end_time=float(times[end]),
                peak_frame=int(numbers[peak]),
                peak_score=float(values[peak]),
            )
        )
    return events


def _run_length(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of consecutive true values that end at each position."""
    index = np.arange(len(flags))
    return index - np.maximum.accumulate(np.where(flags, -1, index))


def _checked_low(threshold: float, low: float | None, open_frames: int, close_frames: int) -> float:
    floor = threshold if low is None else low
    if not floor <= threshold:  # also catches NaN
        raise SettingsError("low", f"{floor} is above the threshold {threshold}", "give a lower value")
    for name, value in (("open_frames", open_frames), ("close_frames", close_frames)):
        if value < 1:
            raise SettingsError(name, f"{value} is less than 1", "give a whole number from 1")
    return floor
