"""Which flow belongs to which frame of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from oddlens.motion.flow import FlowEstimator
from oddlens.motion.frames import Flow
from oddlens.types import Image


def frame_flows(
    images: Iterable[Image], estimator: FlowEstimator, *, paper_first: bool = False, batch: int = 32
) -> Iterator[Flow]:
    """Yield one flow for each frame of a video, in order.

    Frame t has the flow from t to t + 1; the last frame repeats the flow before it. The only frame of a video of one
    has no movement: zeros. Memory holds `batch` frames, whatever the video's length.

    Args:
        images: all frames of one video, `uint8 (H, W, C)`.
        estimator: gives the flow and its unit.
        paper_first: the first frame has no movement, as in LBR-SPR's official code.
        batch: pairs computed together; 1 gives each flow as soon as the next frame is there.

    Raises:
        MediaError: frames change their size, or are no frames.
    """
    waiting: list[Image] = []
    last: Flow | None = None
    blank = paper_first
    for image in images:
        waiting.append(image)
        if len(waiting) <= max(1, batch):
            continue
        for last in estimator.many(waiting[:-1], waiting[1:]):
            yield np.zeros_like(last) if blank else last
            blank = False
        waiting = waiting[-1:]
    if not waiting:
        return
    for last in estimator.many(waiting[:-1], waiting[1:]):
        yield np.zeros_like(last) if blank else last
        blank = False
    height, width = waiting[-1].shape[:2]
    yield np.zeros((height, width, 2), np.float32) if last is None else last
