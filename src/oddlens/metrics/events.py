"""What an operator feels: events caught, false alarms an hour, time to detect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oddlens.errors import DataError, SettingsError
from oddlens.metrics.validation import check_labels, check_videos
from oddlens.scoring.events import Run, alarm_runs, runs_of

FrameRate = float | Sequence[float]
"""Frames a second: one number for all videos, or one a video."""


@dataclass(frozen=True)
class EventMetrics:
    """Alarms of V videos held against their labels; NaN where undefined."""

    events: int
    alarms: int
    detected: int
    false_alarms: int
    normal_hours: float
    """Length of the frames outside all events."""
    delays: tuple[float, ...]
    """Seconds from an event's start to its first alarm, one a detected event."""
    alarmed_normal_share: float
    """Part of the normal frames under alarm: shows an alarm that never ends, which nothing else punishes."""

    @property
    def recall(self) -> float:
        """Detected events / events."""
        return self.detected / self.events if self.events else math.nan

    @property
    def undetected(self) -> int:
        """Events without any alarm; they have no delay."""
        return self.events - self.detected

    @property
    def false_alarms_per_hour(self) -> float:
        """Alarms that overlap no event, an hour of normal video."""
        return self.false_alarms / self.normal_hours if self.normal_hours else math.nan

    @property
    def time_to_detect(self) -> float:
        """Median delay in seconds."""
        return float(np.median(self.delays)) if self.delays else math.nan

    @property
    def time_to_detect_p95(self) -> float:
        """95th percentile of the delays in seconds."""
        return float(np.percentile(self.delays, 95)) if self.delays else math.nan


@dataclass(frozen=True)
class EventCurve:
    """Event metrics over falling thresholds, arrays `(K,)`."""

    thresholds: NDArray[np.float64]
    recall: NDArray[np.float64]
    false_alarms_per_hour: NDArray[np.float64]

    def recall_at(self, false_alarms_per_hour: float) -> float:
        """Recall at the lowest threshold that is reached without ever exceeding the given rate.

        The rate does not rise steadily: far down, alarms run together and it falls again. So the search stops
        where the rate is first exceeded. 0 when the first threshold exceeds it, NaN without a rate.
        """
        if np.isnan(self.false_alarms_per_hour).any():
            return math.nan
        over = self.false_alarms_per_hour > false_alarms_per_hour
        allowed = int(np.argmax(over)) if over.any() else len(over)
        return float(self.recall[:allowed].max(initial=0.0))


def truth_events(labels: ArrayLike, fps: float = 1.0, gap: float = 0.0) -> list[Run]:
    """Maximal runs of abnormal frames, ends included; runs less than `gap` seconds apart are joined.

    Example:
        >>> truth_events([0, 1, 1, 0, 1], fps=10)
        [(1, 2), (4, 4)]
        >>> truth_events([0, 1, 1, 0, 1], fps=10, gap=0.2)
        [(1, 4)]
    """
    events: list[Run] = []
    for start, end in runs_of(check_labels(labels)):
        if events and (start - events[-1][1] - 1) / fps < gap:
            events[-1] = (events[-1][0], end)
        else:
            events.append((start, end))
    return events


def event_metrics(
    labels: Sequence[ArrayLike],
    alarms: Sequence[Sequence[Run]],
    fps: FrameRate,
    gap: float = 0.0,
    tolerance: float = 0.0,
) -> EventMetrics:
    """Match alarms with truth events.

    An event is detected by an alarm that shares a frame with it; an alarm is false when it stays further than
    `tolerance` from every event.

    Args:
        labels: V arrays `(T_v,)` of 0 and 1.
        alarms: V lists of runs, first and last frame included.
        fps: frames a second.
        gap: seconds below which neighbouring truth runs are one event.
        tolerance: seconds by which an alarm may miss an event and still not be false.

    Raises:
        DataError: numbers of videos differ, or an alarm lies outside its video.
        SettingsError: a frame rate that is not positive.

    Example:
        >>> found = event_metrics([[0, 0, 1, 1, 0, 0]], [[(0, 0), (3, 4)]], fps=2)
        >>> found.recall, found.false_alarms, found.time_to_detect
        (1.0, 1, 0.5)
    """
    rates = _frame_rates(fps, len(labels))
    if len(alarms) != len(labels):
        counts = f"alarms of {len(alarms)} but labels of {len(labels)} videos"
        raise DataError("videos", counts, "give both for every video")
    events = false = normal = alarmed = 0
    hours = 0.0
    delays: list[float] = []
    for v, (truth, runs, rate) in enumerate(zip(labels, alarms, rates)):
        length = len(check_labels(truth, f"video {v}"))
        _check_runs(runs, length, f"video {v}")
        spans = truth_events(truth, rate, gap)
        events += len(spans)
        delays += _delays(spans, runs, rate)
        slack = tolerance * rate
        false += sum(not any(_overlap(run, span, slack) for span in spans) for run in runs)
        outside = ~_covered(spans, length)
        normal += int(outside.sum())
        alarmed += int((outside & _covered(runs, length)).sum())
        hours += outside.sum() / rate / 3600
    return EventMetrics(
        events=events,
        alarms=sum(map(len, alarms)),
        detected=len(delays),
        false_alarms=false,
        normal_hours=float(hours),
        delays=tuple(delays),
        alarmed_normal_share=alarmed / normal if normal else math.nan,
    )


def event_curve(
    scores: Sequence[ArrayLike],
    labels: Sequence[ArrayLike],
    fps: FrameRate,
    *,
    hysteresis: float = 0.0,
    open_frames: int = 1,
    close_frames: int = 1,
    gap: float = 0.0,
    tolerance: float = 0.0,
    points: int = 200,
) -> EventCurve:
    """Event recall over false alarms an hour, for at most `points` thresholds taken from the scores.

    `hysteresis` is how far below the threshold, in score units, an alarm closes; the rest as for
    `event_metrics` and `alarm_runs`. Where there are more distinct scores than `points`, the thresholds lie
    at ranks that grow geometrically from the highest score, because the rates that matter are the low ones.

    Raises:
        DataError: numbers of videos or frames differ, or a score is NaN.
    """
    values, truth = check_videos(scores, labels)
    thresholds = _thresholds(np.concatenate(values), points)
    found = [
        event_metrics(
            truth,
            [alarm_runs(s, tau, tau - hysteresis, open_frames, close_frames) for s in values],
            fps,
            gap,
            tolerance,
        )
        for tau in thresholds.tolist()
    ]
    return EventCurve(
        thresholds=thresholds,
        recall=np.array([one.recall for one in found]),
        false_alarms_per_hour=np.array([one.false_alarms_per_hour for one in found]),
    )


def calibration_error(reached: float, target: float) -> float:
    """log2(reached / target) of a false-alarm rate: 1 = twice too many, -inf = none came.

    Example:
        >>> calibration_error(4.0, 1.0)
        2.0
    """
    if math.isnan(reached) or not target > 0:
        return math.nan
    return math.log2(reached / target) if reached > 0 else -math.inf


def _thresholds(scores: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    distinct = np.unique(scores)[::-1]
    if len(distinct) <= points:
        return distinct
    ranks = np.geomspace(1, len(distinct), points).round().astype(np.int64) - 1
    return distinct[np.unique(ranks)]


def _frame_rates(fps: FrameRate, videos: int) -> list[float]:
    rates = [float(rate) for rate in np.atleast_1d(np.asarray(fps, dtype=np.float64))]
    if len(rates) == 1:
        rates *= videos
    if len(rates) != videos:
        raise DataError("fps", f"{len(rates)} frame rates for {videos} videos", "give one, or one a video")
    if not all(rate > 0 and math.isfinite(rate) for rate in rates):
        raise SettingsError("fps", f"{fps} is not a positive frame rate", "give frames a second")
    return rates


def _check_runs(runs: Sequence[Run], length: int, subject: str) -> None:
    for start, end in runs:
        if not 0 <= start <= end < length:
            raise DataError(subject, f"alarm {start}-{end} lies outside its {length} frames", "score it again")


def _overlap(run: Run, span: Run, slack: float = 0.0) -> bool:
    return run[0] <= span[1] + slack and run[1] >= span[0] - slack


def _delays(spans: Sequence[Run], runs: Sequence[Run], fps: float) -> list[float]:
    """Seconds to the first alarm of every detected event; 0 for an alarm already on at its start."""
    firsts = [(span, min((run[0] for run in runs if _overlap(run, span)), default=None)) for span in spans]
    return [max(0, first - span[0]) / fps for span, first in firsts if first is not None]


def _covered(runs: Sequence[Run], length: int) -> NDArray[np.bool_]:
    covered = np.zeros(length, dtype=np.bool_)
    for start, end in runs:
        covered[start : end + 1] = True
    return covered
