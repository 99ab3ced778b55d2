"""One pass over a test video for a method and its floors: decode once, score, pool the pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import MaskReader, Video
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.media.source import Source
from oddlens.metrics.pixel import PixelAUC
from oddlens.scoring.windows import FrameScore, WindowScorer


@dataclass
class Track:
    """Scores of one scorer over all test videos, and its pixels under both protocols."""

    scores: list[NDArray[np.float64]] = field(default_factory=list)
    paper_scores: list[NDArray[np.float64]] = field(default_factory=list)
    pixel: PixelAUC | None = None
    paper_pixel: PixelAUC | None = None


@dataclass
class _Collector:
    """Takes the scores of one video as they come."""

    track: Track
    paper: PaperProtocol
    masks: MaskReader | None
    frames: int
    scores: list[float] = field(default_factory=list)
    paper_scores: list[float] = field(default_factory=list)

    def take(self, score: FrameScore) -> None:
        self.scores.append(score.score)
        self.paper_scores.append(score.components.get(self.paper.component, score.score))
        if self.masks is None or score.map is None or score.index >= len(self.masks):
            return
        mask = self.masks.read(score.index)
        self.track.pixel = self.track.pixel or PixelAUC()
        self.track.pixel.update(score.map, mask)
        if self.paper.head <= score.index < self.frames - self.paper.tail:
            self.track.paper_pixel = self.track.paper_pixel or PixelAUC()
            self.track.paper_pixel.update(score.map, mask)

    def close(self) -> None:
        self.track.scores.append(np.asarray(self.scores))
        self.track.paper_scores.append(np.asarray(self.paper_scores))


def score_video(
    video: Video,
    source: Source,
    scorers: Mapping[str, WindowScorer],
    tracks: Mapping[str, Track],
    paper: PaperProtocol,
) -> int:
    """Score `video` once for every scorer, appending to its track; returns the number of frames.

    Raises:
        DataError: the video is shorter than a window.
        MediaError: it cannot be decoded.
    """
    frames = len(video.labels) if video.labels is not None else 0
    collectors = {name: _Collector(tracks[name], paper, video.masks, frames) for name in scorers}
    count = 0
    for frame in source.frames():
        count += 1
        for name, scorer in scorers.items():
            for score in scorer.push(frame.image):
                collectors[name].take(score)
    for name, scorer in scorers.items():
        for score in scorer.finish(video.name):
            collectors[name].take(score)
    for collector in collectors.values():
        collector.close()
    return count
