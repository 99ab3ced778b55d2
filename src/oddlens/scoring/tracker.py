"""Events while frames go by, with a picture of each one's peak."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oddlens.reports.explanation import Explanation
from oddlens.reports.thumbnails import close_up, shrink
from oddlens.scoring.events import Event
from oddlens.scoring.localise import Box, oddest_box, peak_box
from oddlens.scoring.table import ScoredFrame
from oddlens.types import Image

_PICTURES = 200
"""Events of a video that keep the picture of their peak."""
_EXPLAINED = 12
"""Events of a video whose peak is explained."""

Explain: TypeAlias = Callable[[ScoredFrame], Explanation | None]


@dataclass(frozen=True)
class Peak:
    """What an event's highest frame looked like."""

    frame: Image
    """At most 320 pixels wide; a close-up where the method has boxes."""
    map: NDArray[np.float32] | None
    """Heat, `None` where the method has boxes or no map."""
    box: Box | None
    """In pixels of the small picture."""


@dataclass
class _Open:
    first: ScoredFrame
    peak: ScoredFrame
    last: ScoredFrame


class EventTracker:
    """Takes scored frames of one video in order; memory is bounded by the number of events, not of frames.

    Args:
        explain: asked about the peaks of the highest events and, where there is no event, about the highest frame.
        first: the first frame with a score and a map of its own; those before it repeat it.
    """

    def __init__(self, explain: Explain | None = None, first: int = 0) -> None:
        self.events: list[Event] = []
        self.peaks: dict[int, Peak] = {}
        self.explanations: dict[int, Explanation] = {}
        self.quiet: Explanation | None = None
        """What is known of the highest frame of a whole video that had no event."""
        self._explain, self._first = explain, first
        self._kept: list[tuple[float, int]] = []
        self._open: _Open | None = None
        self._highest: ScoredFrame | None = None

    def push(self, scored: ScoredFrame) -> Event | None:
        """Take the next frame; return the event that has just ended, if one has."""
        if self._explain and (self._highest is None or self._higher(scored, self._highest)):
            self._highest = scored
        if not scored.alarm:
            return self.close()
        if self._open is None:
            self._open = _Open(scored, scored, scored)
        self._open.last = scored
        if self._higher(scored, self._open.peak):
            self._open.peak = scored
        return None

    def _higher(self, scored: ScoredFrame, peak: ScoredFrame) -> bool:
        """Whether a later frame is the better peak: of equal ones that which the score was computed for."""
        if scored.frame.index <= self._first:
            return scored.calibrated >= peak.calibrated
        return scored.calibrated > peak.calibrated

    def close(self) -> Event | None:
        """The alarm is over: finish the open event."""
        if self._open is None:
            return None
        now, self._open = self._open, None
        peak = now.peak
        event = Event(
            video=peak.video,
            start_frame=now.first.frame.index,
            end_frame=now.last.frame.index,
            start_time=now.first.frame.time,
            end_time=now.last.frame.time,
            peak_frame=peak.frame.index,
            peak_score=peak.calibrated,
            box=_box(peak),
        )
        self.events.append(event)
        self._keep(peak, len(self.events) - 1)
        return event

    def finish(self) -> Event | None:
        """The footage is over: finish the open event; without any event, look at the highest frame."""
        event = self.close()
        if not self.events and self._explain is not None and self._highest is not None:
            self.quiet = self._explain(self._highest)
        self._highest = None
        return event

    def _keep(self, peak: ScoredFrame, number: int) -> None:
        self.peaks[number] = _object_picture(peak) if peak.raw.boxes is not None else _heat_picture(peak)
        heapq.heappush(self._kept, (peak.calibrated, number))
        if len(self._kept) > _PICTURES:
            del self.peaks[heapq.heappop(self._kept)[1]]
        if self._explain is not None and sum(score >= peak.calibrated for score, _ in self._kept) <= _EXPLAINED:
            self._add_explanation(number, self._explain(peak))

    def _add_explanation(self, number: int, explanation: Explanation | None) -> None:
        if explanation is None:
            return
        self.explanations[number] = explanation
        if len(self.explanations) > _EXPLAINED:
            del self.explanations[min(self.explanations, key=lambda event: self.events[event].peak_score)]


def _box(scored: ScoredFrame) -> Box | None:
    """Box of the oddest object or place, in pixels of the frame."""
    raw, (height, width) = scored.raw, scored.frame.image.shape[:2]
    if raw.boxes is not None:
        return oddest_box(raw.boxes, (height, width))
    return None if raw.map is None else peak_box(raw.map, (height, width))


def _object_picture(peak: ScoredFrame) -> Peak:
    """The oddest object and what is round it: in a small picture of the whole frame nobody would find it."""
    image, box = peak.frame.image, _box(peak)
    if box:
        image, box = close_up(image, box)
    small = _small(image)
    factor = small.shape[1] / image.shape[1]
    return Peak(small, None, box and (*(round(side * factor) for side in box),))


def _heat_picture(peak: ScoredFrame) -> Peak:
    small, heat = _small(peak.frame.image), peak.raw.map
    box = None if heat is None else peak_box(heat, (small.shape[0], small.shape[1]))
    # a map is a view of its whole batch: without the copy every picture would keep that alive
    return Peak(small, None if heat is None else heat.copy(), box)


def _small(image: Image) -> Image:
    """A copy of its own, `(h, w, C)`."""
    small = shrink(image)
    return (small[:, :, None] if small.ndim == 2 else small).copy()
