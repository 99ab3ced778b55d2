"""Presentation times that start at 0 and never run backwards, whatever the container says."""

from __future__ import annotations

_JITTER_SECONDS = 1.0


class Clock:
    """Turns the time stamps of a stream into seconds since its first frame.

    A missing stamp counts as one frame period. A stamp slightly before the last one is raised to it; one more
    than a second back (recordings joined, a counter that wrapped) starts a new count one period later.

    Args:
        period: seconds from frame to frame, used where stamps are missing.

    Example:
        >>> clock = Clock(0.5)
        >>> [clock.tick(stamp) for stamp in (7.0, 7.4, None, 7.8, 0.0, 0.5)]
        [0.0, 0.4, 0.9, 0.9, 1.4, 1.9]
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._offset: float | None = None
        self._last: float | None = None

    def tick(self, stamp: float | None) -> float:
        """Seconds from the first frame to the one with this stamp (seconds, `None` = unknown)."""
        expected = 0.0 if self._last is None else self._last + self._period
        if stamp is None:
            time = expected
        elif self._offset is None:
            self._offset, time = expected - stamp, expected
        else:
            time = stamp + self._offset
        if self._last is not None and stamp is not None and time < self._last:
            if self._last - time > _JITTER_SECONDS:
                self._offset, time = expected - stamp, expected
            else:
                time = self._last
        self._last = round(time, 9)
        return self._last
