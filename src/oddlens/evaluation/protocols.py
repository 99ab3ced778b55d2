"""How scores become a number: `clean` takes them as they are, `paper` does what a paper's code did."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from oddlens.errors import DataError
from oddlens.metrics.validation import check_videos

Series: TypeAlias = NDArray[np.float64]
"""One value a frame of one video, `float64 (T,)`."""
VideoScores: TypeAlias = ArrayLike | Mapping[str, ArrayLike]
"""Series of one video: one, which stands for every component a paper looks at, or one for each component by name."""


@dataclass(frozen=True)
class Pipeline:
    """What a paper's code made of several components of all videos at once."""

    name: str
    """What provenance calls it."""
    components: tuple[str, ...]
    """Outputs of the method that it looks at, higher = odder."""
    transform: Callable[..., Sequence[Series]] = field(repr=False)
    """From the components of each video, cropped, to one series a video of the same length, higher = odder; with
    `uses_labels` also from the labels of each video."""
    uses_labels: bool = False
    """Whether something in it is fitted to the labels it is judged by: its numbers are then optimistic."""


@dataclass(frozen=True)
class PaperProtocol:
    """What a paper's evaluation code did to its scores. Order: crop, pipeline, smooth, normalise, moving mean.

    The default is LNRA's: 8 frames at the head and 7 at the tail of a video have no score in the paper, and
    every video is stretched to 0..1 with its own minimum and maximum, which uses the whole test video and
    hides that videos are not comparable.
    """

    head: int = 8
    """Frames dropped from the start of every video."""
    tail: int = 7
    """Frames dropped from the end of every video."""
    normalise: Literal["per-video min-max", "none"] = "per-video min-max"
    component: str = "score"
    """Which of a method's outputs the paper ranks frames by; higher = odder (so minus the PSNR, for LNRA)."""
    smoothing: float | None = None
    """Standard deviation in frames of a Gaussian along each video; it looks into the future."""
    moving_mean: int = 0
    """Frames of a moving mean over the scores of all videos end to end (`moving_mean`); 0 = none. It runs across the
    borders of videos and into the future, and draws both ends of the whole sequence towards 0."""
    include_training: bool = False
    """Whether all frames of the training videos count too, before the test videos and as normal ones."""
    pipeline: Pipeline | None = None
    """For papers that rank frames by more than one component; takes the place of `component`."""

    @property
    def components(self) -> tuple[str, ...]:
        """The method's outputs that the paper looks at."""
        return self.pipeline.components if self.pipeline else (self.component,)

    @property
    def optimistic(self) -> bool:
        """Whether the paper fitted something to the labels of its test videos."""
        return self.pipeline is not None and self.pipeline.uses_labels

    def record(self) -> dict[str, Any]:
        """Plain values, for provenance."""
        pipeline = self.pipeline and {"name": self.pipeline.name, "components": list(self.pipeline.components)}
        return {**vars(self), "pipeline": pipeline}


class ProtocolScores(NamedTuple):
    """What a protocol hands to the metrics: scores, labels and numbers of the videos that are left."""

    scores: list[NDArray[np.float64]]
    labels: list[NDArray[np.bool_]]
    videos: list[int]

    def videos_from(self, first: int) -> ProtocolScores:
        """Those of the videos whose number is at least `first`."""
        kept = [k for k, video in enumerate(self.videos) if video >= first]
        return ProtocolScores(
            [self.scores[k] for k in kept], [self.labels[k] for k in kept], [self.videos[k] for k in kept]
        )


def clean(scores: Sequence[ArrayLike], labels: Sequence[ArrayLike]) -> ProtocolScores:
    """Every frame of every video, on the one scale its detector gave it.

    Raises:
        DataError: numbers of videos or frames differ, or a score is NaN.
    """
    values, truth = check_videos(scores, labels)
    return ProtocolScores(values, truth, list(range(len(values))))


def apply_paper(protocol: PaperProtocol, scores: Sequence[VideoScores], labels: Sequence[ArrayLike]) -> ProtocolScores:
    """Scores and labels as the paper's code hands them to its metric.

    A video with no frame left after cropping is dropped, a constant one becomes 0.5; both with a warning.

    Args:
        protocol: what the paper did.
        scores: for each of V videos one score a frame `(T_v,)` of the whole video, higher = odder, or several by
            component; those of the training videos first, where the protocol includes them.
        labels: V arrays `(T_v,)` of 0 and 1.

    Raises:
        DataError: numbers of videos or frames differ, a score is not finite, a component is missing, or no video is
            long enough.

    Example:
        >>> protocol = PaperProtocol(head=1, tail=0)
        >>> apply_paper(protocol, [[9.0, 20.0, 25.0, 30.0]], [[0, 0, 0, 1]]).scores[0].tolist()
        [0.0, 0.5, 1.0]
    """
    series, truth = _checked(protocol, scores, labels)
    cropped: list[dict[str, Series]] = []
    result = ProtocolScores([], [], [])
    for v, (video, y) in enumerate(zip(series, truth)):
        kept = slice(protocol.head, len(y) - protocol.tail)
        if kept.stop <= kept.start:
            warnings.warn(f"video {v} has {len(y)} frames and is dropped by the paper's protocol", stacklevel=2)
            continue
        cropped.append({name: s[kept] for name, s in video.items()})
        result.labels.append(y[kept])
        result.videos.append(v)
    if not result.videos:
        needed = protocol.head + protocol.tail + 1
        raise DataError("videos", f"none has the {needed} frames the paper's protocol needs", "use longer videos")
    for v, s in zip(result.videos, _one_series(protocol, cropped, result)):
        result.scores.append(_transform(protocol, s, v))
    if protocol.moving_mean:
        ends = np.cumsum([len(y) for y in result.labels])[:-1]
        smooth = moving_mean(np.concatenate(result.scores), protocol.moving_mean)
        result = result._replace(scores=np.split(smooth, ends))
    return result


def moving_mean(values: ArrayLike, length: int) -> NDArray[np.float64]:
    """Mean of `length` values around each: of 10, the 5 before, the value itself and the 4 after.

    Beyond both ends the values are taken as 0 and the divisor stays `length` (LBR-SPR's official code).

    Example:
        >>> moving_mean([1, 2, 3, 4, 5, 6], 4).tolist()
        [0.75, 1.5, 2.5, 3.5, 4.5, 3.75]
    """
    sequence = np.asarray(values, dtype=np.float64)
    sums = np.convolve(sequence, np.ones(length))
    after = (length - 1) // 2
    mean: NDArray[np.float64] = sums[after : after + len(sequence)] / length
    return mean


def min_max(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stretch one video's scores to 0..1; a constant video, which has no scale, becomes 0.5.

    Example:
        >>> min_max(np.array([20.0, 25.0, 22.5, 30.0, 21.0])).tolist()
        [0.0, 0.5, 0.25, 1.0, 0.1]
    """
    low, high = scores.min(), scores.max()
    if low == high:
        return np.full(len(scores), 0.5)
    scaled: NDArray[np.float64] = (scores - low) / (high - low)
    return scaled


def _checked(
    protocol: PaperProtocol, scores: Sequence[VideoScores], labels: Sequence[ArrayLike]
) -> tuple[list[dict[str, Series]], list[NDArray[np.bool_]]]:
    """The components that the paper looks at, by video, and the labels."""
    videos: list[dict[str, Series]] = [{} for _ in scores]
    for name in protocol.components:
        chosen = [_component(video, name, v) for v, video in enumerate(scores)]
        values, truth = check_videos(chosen, labels)
        for video, value in zip(videos, values):
            video[name] = value
    return videos, truth


def _component(video: VideoScores, name: str, number: int) -> ArrayLike:
    if not isinstance(video, Mapping):
        return video
    if name not in video:
        raise DataError(f"video {number}", f"has no component '{name}'", f"it has {', '.join(video) or 'none'}")
    return video[name]


def _one_series(protocol: PaperProtocol, videos: Sequence[dict[str, Series]], kept: ProtocolScores) -> list[Series]:
    """One series for each video that is kept: the only component, or what the pipeline makes of several."""
    for number, video in zip(kept.videos, videos):
        if not all(np.isfinite(s).all() for s in video.values()):
            raise DataError(f"video {number}", "a score is infinite", "the paper's protocol needs finite scores")
    if protocol.pipeline is None:
        return [video[protocol.component] for video in videos]
    known = (videos, kept.labels) if protocol.optimistic else (videos,)
    return [np.asarray(s, np.float64) for s in protocol.pipeline.transform(*known)]


def _transform(protocol: PaperProtocol, scores: Series, video: int) -> Series:
    if protocol.smoothing is not None:
        scores = gaussian_filter1d(scores, protocol.smoothing, mode="nearest")
    if protocol.normalise == "none":
        return scores
    if scores.min() == scores.max():
        warnings.warn(f"video {video} has constant scores: the paper's protocol sets them to 0.5", stacklevel=3)
    return min_max(scores)
