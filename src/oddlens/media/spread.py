"""A sample of footage: some frames, evenly spread over all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from oddlens.media.source import Source, frames_at
from oddlens.types import Frame, Image


def spread_frames(sources: Sequence[Source], count: int) -> Iterator[tuple[Source, Frame]]:
    """At most `count` frames spread evenly over all sources end to end, in order, each with its source.

    The first frame and the last are among them. Each source is read once; announced lengths are trusted, unknown ones
    counted.
    """
    lengths = [source.info.frames or sum(1 for _ in source.frames()) for source in sources]
    total = sum(lengths)
    places = np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))
    ends = np.cumsum(lengths)
    for source, end, length in zip(sources, ends, lengths):
        mine = places[(places >= end - length) & (places < end)] - (end - length)
        yield from ((source, frame) for frame in frames_at(source, mine.tolist()))


def spread_images(sources: Sequence[Source], count: int = 120) -> Iterator[Image]:
    """The images of `spread_frames`, `uint8 (H, W, C)` each; as many as show a still background."""
    return (frame.image for _, frame in spread_frames(sources, count))
