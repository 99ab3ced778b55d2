"""The running score curve below an overlay video, drawn column by column."""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np

from oddlens.datasets.base import Labels
from oddlens.reports.lettering import lettering
from oddlens.reports.series import runs
from oddlens.reports.style import (
    LABEL,
    NIGHT,
    NIGHT_ALARM,
    NIGHT_CURVE,
    NIGHT_MUTED,
    NIGHT_RULE,
    NIGHT_TEXT,
    Rgb,
)
from oddlens.types import Image

_MARGIN, _HEAD = 10, 26
_SUBPIXEL = 4


class ScoreStrip:
    """Curve of the scores so far, on a fixed vertical scale, in constant memory.

    The whole width stands for `frames_total` frames. Where more come (headers lie, streams have no end) the
    time axis is halved as often as needed, each column keeping its highest score.

    Args:
        width: pixels, even.
        height: pixels.
        threshold: level of the dashed line.
        top: surprise at the upper edge; higher ones are drawn on the edge.
        frames_total: expected number of frames.
        labels: `uint8 (L,)`, 1 = abnormal; shaded where given.
    """

    def __init__(
        self,
        width: int,
        height: int,
        threshold: float,
        top: float,
        frames_total: int,
        labels: Labels | None = None,
    ) -> None:
        self.width, self.height = width, height
        self._threshold, self._scale_top, self._labels = threshold, top, labels
        self._columns = (width - 2 * _MARGIN) // 2 * 2
        self._capacity = max(frames_total, 1)
        self._count = 0
        self._peaks = np.full(self._columns, np.nan)
        self._alarms = np.zeros(self._columns, dtype=bool)
        self._ends: list[int] = []
        self._redraw()

    def push(self, surprise: float, alarm: bool) -> None:
        """Append one frame; a NaN leaves a gap in the curve."""
        if self._count >= self._capacity:
            self._halve()
        column = self._column(self._count)
        self._count += 1
        self._peaks[column] = np.fmax(self._peaks[column], surprise)
        self._alarms[column] |= alarm
        if not self._ends or self._ends[-1] != column:
            self._ends = [*self._ends[-1:], column]
        self._draw_step(self._ends[0], column)

    def render(self, left_text: str, right_text: str, right_colour: Rgb = NIGHT_TEXT) -> Image:
        """The strip as it stands, `uint8 (height, width, 3)`, with a text at each side of its head."""
        picture = self._picture.copy()
        letters = lettering(13)
        letters.draw(picture, left_text, _MARGIN, 5, NIGHT_MUTED)
        letters.draw(picture, right_text, self.width - _MARGIN - letters.width(right_text), 5, right_colour)
        if self._ends and math.isfinite(self._peaks[self._ends[-1]]):
            column = self._ends[-1]
            colour = NIGHT_ALARM if self._alarms[column] else NIGHT_CURVE
            centre = (_MARGIN + column, round(self._level(self._peaks[column])))
            cv2.circle(picture, centre, 3, colour, -1, cv2.LINE_AA)
        return picture

    def _column(self, frame: int) -> int:
        return min(frame * self._columns // self._capacity, self._columns - 1)

    def _level(self, surprise: float) -> float:
        share = min(max(surprise / self._scale_top, 0.0), 1.0)
        return self.height - _MARGIN - share * (self.height - _MARGIN - _HEAD - 4)

    def _halve(self) -> None:
        half = self._columns // 2
        self._capacity *= 2
        self._peaks[:half] = np.fmax(self._peaks[0::2], self._peaks[1::2])
        self._alarms[:half] = self._alarms[0::2] | self._alarms[1::2]
        self._peaks[half:], self._alarms[half:] = np.nan, False
        self._ends = [column // 2 for column in self._ends[-1:]]
        self._redraw()

    def _redraw(self) -> None:
        self._draw_background()
        self._picture = self._background.copy()
        filled = np.flatnonzero(~np.isnan(self._peaks))
        for before, column in pairwise(filled):
            self._draw_step(int(before), int(column))

    def _draw_background(self) -> None:
        picture = np.full((self.height, self.width, 3), NIGHT, np.uint8)
        bottom = self.height - _MARGIN
        for first, last in [] if self._labels is None else runs(self._labels[: self._capacity]):
            ends = [min(frame * self._columns // self._capacity, self._columns) for frame in (first, last)]
            left, right = _MARGIN + ends[0], _MARGIN + max(ends[1], ends[0] + 1)
            shaded = picture[_HEAD : bottom + 1, left:right]
            shaded[:] = np.rint(shaded * 0.72 + np.array(LABEL) * 0.28)
            picture[bottom + 1 : bottom + 4, left:right] = LABEL
        cv2.line(picture, (_MARGIN, bottom), (self.width - _MARGIN, bottom), NIGHT_RULE, 1)
        level = round(self._level(self._threshold))
        for left in range(_MARGIN, self.width - _MARGIN, 9):
            picture[level, left : min(left + 5, self.width - _MARGIN)] = NIGHT_ALARM
        self._background = picture
        self._filled = {
            alarm: np.rint(picture * 0.65 + np.array(colour) * 0.35).astype(np.uint8)
            for alarm, colour in ((False, NIGHT_CURVE), (True, NIGHT_ALARM))
        }

    def _draw_step(self, before: int, column: int) -> None:
        ends = self._peaks[[before, column]]
        if np.isnan(ends).any():
            return
        alarm = bool(self._alarms[column])
        levels = [self._level(value) for value in ends]
        for each in range(before + (before < column), column + 1):
            share = (each - before) / max(column - before, 1)
            level = round(levels[0] + share * (levels[1] - levels[0]))
            x = _MARGIN + each
            self._picture[:, x] = self._background[:, x]
            self._picture[level : self.height - _MARGIN, x] = self._filled[alarm][level : self.height - _MARGIN, x]
        points = [
            (round((_MARGIN + x) * 2**_SUBPIXEL), round(y * 2**_SUBPIXEL)) for x, y in zip((before, column), levels)
        ]
        colour = NIGHT_ALARM if alarm else NIGHT_CURVE
        cv2.line(self._picture, points[0], points[1], colour, 1, cv2.LINE_AA, _SUBPIXEL)
