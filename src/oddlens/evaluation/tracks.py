"""One pass over a video for a method and its floors: decode once, score, count pixels and boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import Video
from oddlens.evaluation.places import PlaceCollector, Places, VideoTruth
from oddlens.evaluation.protocols import PaperProtocol, VideoScores
from oddlens.media.source import Source
from oddlens.scoring.windows import FrameScore, Scorer


@dataclass
class Track:
    """Scores of one scorer over some videos, and where it sees oddness."""

    scores: list[NDArray[np.float64]] = field(default_factory=list)
    paper_scores: list[VideoScores] = field(default_factory=list)
    """The component that the paper ranks; several by name, where it ranks by several."""
    places: Places = field(default_factory=Places)
    levels: NDArray[np.float32] | None = None
    """Levels that make boxes of its maps; without them only a method's own boxes count."""


@dataclass
class _Collector:
    """Takes the scores of one video as they come."""

    track: Track
    places: PlaceCollector | None
    paper_scores: dict[str, list[float]]
    """Empty, for every component that the paper looks at."""
    scores: list[float] = field(default_factory=list)

    def take(self, score: FrameScore, size: tuple[int, int]) -> None:
        self.scores.append(score.score)
        for name, values in self.paper_scores.items():
            values.append(score.components.get(name, score.score))
        if self.places is not None:
            self.places.take(score, size)

    def close(self) -> None:
        self.track.scores.append(np.asarray(self.scores))
        series = {name: np.asarray(values) for name, values in self.paper_scores.items()}
        self.track.paper_scores.append(series if len(series) > 1 else next(iter(series.values())))
        if self.places is not None:
            self.places.close()


def score_video(
    video: Video,
    source: Source,
    scorers: Mapping[str, Scorer],
    tracks: Mapping[str, Track],
    paper: PaperProtocol,
) -> int:
    """Score `video` once for every scorer, appending to its track; returns the number of frames.

    Raises:
        DataError: the video is shorter than a window, or a map or mask is damaged.
        MediaError: it cannot be decoded.
    """
    frames = len(video.labels) if video.labels is not None else 0
    kept = range(paper.head, max(paper.head, frames - paper.tail))
    truth = VideoTruth(video.masks, len(scorers)) if video.masks is not None else None
    collectors = {}
    for name, track in tracks.items():
        places = PlaceCollector(track.places, truth, kept, track.levels) if truth else None
        collectors[name] = _Collector(track, places, {component: [] for component in paper.components})
    count, size = 0, (0, 0)
    for frame in source.frames():
        count, size = count + 1, (frame.image.shape[0], frame.image.shape[1])
        for name, scorer in scorers.items():
            for score in scorer.push(frame.image, video.name):
                collectors[name].take(score, size)
    for name, scorer in scorers.items():
        for score in scorer.finish(video.name):
            collectors[name].take(score, size)
    for collector in collectors.values():
        collector.close()
    return count
