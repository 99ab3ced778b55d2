"""A video of the flow in colours, to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oddlens.errors import MediaError, SettingsError
from oddlens.media.formats import ASSUMED_FPS
from oddlens.media.open import open_source
from oddlens.media.source import Source, frames_at
from oddlens.media.writer import VideoWriter
from oddlens.motion.colour import flow_colours
from oddlens.motion.flow import FlowEstimator
from oddlens.motion.stream import frame_flows

_SAMPLES = 16
"""Frame pairs, spread over the video, that the scale of colours is taken from."""
_FAST_SHARE = 99.0
"""Percent of pixels in them that are slower than the strongest colour."""
_SLOWEST = 0.5
"""In pixels a frame: below it, noise of a scene in which nothing moves would be coloured."""


@dataclass(frozen=True)
class FlowVideo:
    """What was written."""

    path: Path
    frames: int
    width: int
    height: int
    limit: float
    """Speed of the strongest colour."""
    moving: float
    """Mean share of pixels that move by more than half a unit a frame."""
    faults: tuple[str, ...]
    """What could not be decoded, one line each."""


def write_flow_video(
    where: str | Path,
    out: Path,
    estimator: FlowEstimator,
    limit: float | None = None,
    fps: float | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> FlowVideo:
    """Write the flow of a video or folder of images as a video in colours; see `flow_colours`.

    Args:
        where: anything `open_source` takes.
        out: video to write.
        estimator: gives the flow.
        limit: speed of the strongest colour in the flow's unit; default: taken from frames all over the video.
        fps: frame rate of folders of images.
        progress: called with (frames done, frames expected).

    Raises:
        MediaError: the input cannot be read, or has a single frame.
        SettingsError: `out` is the input, or `limit` is not above 0.
    """
    if limit is not None and not 0 < limit < float("inf"):
        raise SettingsError("--limit", f"is {limit:g}", "give a speed in pixels a frame, above 0")
    if Path(where).resolve() == Path(out).resolve():
        raise SettingsError(out, "is the input itself", "name another file with --out")
    source = open_source(where, fps=fps)
    writer = VideoWriter(out, source.info.fps or ASSUMED_FPS)
    limit = limit or flow_limit(source, estimator)
    frames, moving = 0, 0.0
    with writer:
        for flow in frame_flows((frame.image for frame in source.frames()), estimator):
            writer.write(flow_colours(flow, limit))
            moving += float(np.mean(np.hypot(flow[..., 0], flow[..., 1]) > _SLOWEST))
            frames += 1
            if progress:
                progress(frames, source.info.frames)
        if frames == 1:
            raise MediaError(where, "has a single frame", "flow needs two; name a video or a folder of frames")
    info = source.info
    return FlowVideo(
        Path(out),
        frames,
        info.width,
        info.height,
        limit,
        moving / frames,
        tuple(f"{where}: {fault}" for fault in source.faults),
    )


def flow_limit(source: Source, estimator: FlowEstimator) -> float:
    """Speed that 99 % of the pixels of frames spread over the video stay below, at least half a unit."""
    last = max(0, (source.info.frames or 0) - 2)
    starts = sorted({round(last * k / (_SAMPLES - 1)) for k in range(_SAMPLES)})
    images = {frame.index: frame.image for frame in frames_at(source, [*starts, *(start + 1 for start in starts)])}
    whole = [start for start in starts if start + 1 in images]
    flows = estimator.many([images[start] for start in whole], [images[start + 1] for start in whole])
    speeds = [np.hypot(flow[..., 0], flow[..., 1]) for flow in flows]
    return max(_SLOWEST, float(np.percentile(speeds, _FAST_SHARE))) if speeds else _SLOWEST
