"""Which frames of footage larger than a budget are kept: segments spread evenly over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SEGMENT_FRAMES = 256


def plan_segments(counts: Sequence[int], quota: int, span: int) -> list[list[tuple[int, int]]] | None:
    """Segments (start, end) to keep of each video; `None` where every frame fits.

    All videos with room for a window, end to end, make one time line. It is cut into equally long stretches and the
    middle of each keeps one segment, moved where that is needed to lie inside one video. A segment holds about 256
    frames, fewer where that lets more videos have one, and never less than a window.

    Args:
        counts: frames of each video.
        quota: frames to keep in all; below `span` it is taken as `span`.
        span: frames of a window.

    Example:
        >>> plan_segments([1000, 10, 1000], 500, 16)
        [[(375, 625)], [], [(375, 625)]]
        >>> plan_segments([100, 20], 120, 16) is None
        True
    """
    if sum(counts) <= quota:
        return None
    usable = [count if count >= span else 0 for count in counts]
    if sum(usable) <= quota:
        return [[(0, count)] if count else [] for count in usable]
    number, length = _segments(sum(count > 0 for count in usable), quota, span)
    ends = np.cumsum(usable)
    plans: list[list[tuple[int, int]]] = [[] for _ in counts]
    for k in range(number):
        centre = (k + 0.5) * ends[-1] / number
        video = int(np.searchsorted(ends, centre, side="right"))
        high = usable[video]
        low = plans[video][-1][1] if plans[video] else 0
        wanted = int(centre - (ends[video] - high) - length / 2)
        start = max(low, min(wanted, high - length))
        end = min(start + length, high)
        if end - start < span:
            continue
        if plans[video] and start == low:  # nothing lies between the two: clips may cross
            start = plans[video].pop()[0]
        plans[video].append((start, end))
    return plans


def _segments(videos: int, quota: int, span: int) -> tuple[int, int]:
    """Number and length of the segments: number * length <= max(quota, span)."""
    longest = max(_SEGMENT_FRAMES, 2 * span)
    number = max(1, quota // longest, min(videos, quota // (2 * span)))
    return number, max(span, quota // number)
