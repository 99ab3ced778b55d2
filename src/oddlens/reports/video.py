"""What the HTML report knows of one video."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from oddlens.datasets.base import Labels
from oddlens.reports.explanation import Explanation
from oddlens.reports.parts import Part
from oddlens.types import Image

_MOST_ROWS = 200


@dataclass(frozen=True)
class VideoReport:
    """What the report shows of one video."""

    name: str
    table: pd.DataFrame
    """Columns `frame, time, calibrated, alarm`, one row a frame."""
    events: Sequence[Mapping[str, Any]] = ()
    """Events with `start_frame, end_frame, start_time, end_time, peak_frame, peak_score`."""
    thumbnails: Sequence[Image | None] = ()
    """One picture an event (see `oddlens.reports.thumbnails.event_thumbnail`), or none at all."""
    labels: Labels | None = None
    overlay: str | PurePath | None = None
    """Overlay video, relative to the folder of the report."""
    overlay_fps: float | None = None
    """Frames a second of the overlay video; without it, its clock is taken to be the table's."""
    pictures: str | PurePath | None = None
    """Video of the pictures of each frame side by side, relative to the folder of the report."""
    notes: tuple[str, ...] = ()
    """What went wrong while reading it, one line each."""
    parts: Sequence[Part] = ()
    """Parts of the score, drawn beneath it; one value a frame each."""
    explanations: Sequence[Explanation | None] = ()
    """What the peak of each event looked like and which part stood out, or none at all."""
    quiet: Explanation | None = None
    """The same of the highest frame, for a video without any event."""

    @property
    def peak(self) -> float:
        """Highest finite surprise, 0 without any."""
        values = self.table["calibrated"].to_numpy(np.float64)
        finite = values[np.isfinite(values)]
        return float(finite.max()) if finite.size else 0.0

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        times = self.table["time"].to_numpy(np.float64)
        return float(times[-1] - times[0]) if len(times) else 0.0

    def picture(self, event: int) -> Image | None:
        """Thumbnail of an event."""
        return self.thumbnails[event] if event < len(self.thumbnails) else None

    def explanation(self, event: int) -> Explanation | None:
        """What is known of the peak of an event."""
        return self.explanations[event] if event < len(self.explanations) else None

    def shown_events(self) -> list[int]:
        """Indices of the events that get a row: the 200 highest, in their own order."""
        ranked = sorted(range(len(self.events)), key=lambda event: -self.peak_score(event))
        return sorted(ranked[:_MOST_ROWS])

    def peak_time(self, event: int) -> float:
        """Seconds of an event's highest frame."""
        times, peak = self.table["time"].to_numpy(np.float64), int(self.events[event]["peak_frame"])
        return float(times[peak]) if 0 <= peak < len(times) else float(self.events[event]["start_time"])

    def peak_score(self, event: int) -> float:
        """Surprise of an event's highest frame, 0 where it is not finite."""
        score = float(self.events[event]["peak_score"])
        return score if math.isfinite(score) else 0.0
