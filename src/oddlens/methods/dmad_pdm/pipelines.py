"""What DMAD-PDM's official code makes of the components of all test videos: its numbers under the protocol `paper`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, TypeAlias

from oddlens.evaluation.protocols import Pipeline
from oddlens.methods.dmad_pdm.smoothing import (
    Series,
    by_video,
    inverted_min_max,
    kalman_filter,
    late_smooth,
    robust_smooth,
)
from oddlens.methods.dmad_pdm.static_anomalies import OFFSET_CHANGE, PATCH_CHANGE, fuse_changes

Clip: TypeAlias = Mapping[str, Series]
"""Series of one video by component, higher = odder."""
PipelineName: TypeAlias = Literal["ped2", "avenue", "avenue-static", "shanghai"]

DEFORMATION, RECONSTRUCTION, GRADIENT, OBJECT = "deformation", "reconstruction", "gradient", "object"
_FUSION = (0.2, 0.4, 0.6)
_PED2_WINDOW, _PED2_KEPT = 11, 5
_PED2_WEIGHTS = (1.0, 1.0, 1.0, 1.0, 1.2, 1.6, 1.2, 1.0, 1.0, 1.0, 1.0)
_CLIP_WINDOW, _SET_WINDOW, _FUSED_WINDOW = (69, 25), (55, 49), (55, 27)
"""ShanghaiTech: values looked at and kept of each smoothing."""


def paper_pipeline(name: PipelineName, official: bool = True) -> Pipeline:
    """The pipeline of one of the published models, for a `PaperProtocol`.

    `avenue-static` is Avenue after the removal of static anomalies, as published; `avenue` is what the official
    training loop prints.

    Args:
        name: whose.
        official: as the official code does it. Otherwise smoothing is centred, stays inside a video, and frames at
            its ends take the nearest smoothed value; no published number rests on that.

    Example:
        >>> paper_pipeline("ped2").components
        ('deformation', 'reconstruction', 'gradient')
    """
    components, transform = _PIPELINES[name]
    title = f"dmad-pdm {name}" if official else f"dmad-pdm {name}, smoothed inside each video"
    return Pipeline(title, components, partial(transform, official=official))


def ped2_scores(clips: Sequence[Clip], official: bool = True) -> list[Series]:
    """Inverted min-max per video, robust smoothing of each component across all videos, fused; minus that.

    The first five frames of the whole sequence count as most normal.
    """
    left = 1.0 if official else None
    smooth = [
        by_video(videos, lambda s: robust_smooth(s, _PED2_WINDOW, _PED2_KEPT, _PED2_WEIGHTS, left), official)
        for videos in _normalities(clips, (DEFORMATION, RECONSTRUCTION, GRADIENT))
    ]
    return [-normality for normality in _fused(smooth)]


def avenue_scores(clips: Sequence[Clip], official: bool = True) -> list[Series]:
    """Inverted min-max per video, fused, not smoothed; minus that."""
    return [-normality for normality in _fused(_normalities(clips, (DEFORMATION, RECONSTRUCTION, GRADIENT)))]


def avenue_static_scores(clips: Sequence[Clip], official: bool = True) -> list[Series]:
    """Both scores of the removal of static anomalies, fused: see `fuse_changes`."""
    return fuse_changes([clip[PATCH_CHANGE] for clip in clips], [clip[OFFSET_CHANGE] for clip in clips], official)


def shanghai_scores(clips: Sequence[Clip], official: bool = True) -> list[Series]:
    """Inverted min-max and smoothing per video, smoothing of each component and of their sum, Kalman; minus that.

    The first 35 and the last 33 frames of every video count as most normal, and all of a shorter one.
    """
    smooth = late_smooth if official else robust_smooth
    short = sum(len(clip[DEFORMATION]) < _CLIP_WINDOW[0] for clip in clips)
    if short and official:
        told = f"{short} of {len(clips)} videos have fewer than {_CLIP_WINDOW[0]} frames"
        warnings.warn(f"{told}: the paper's smoothing takes them as normal throughout", stacklevel=2)
    series = _normalities(clips, (DEFORMATION, RECONSTRUCTION, OBJECT))
    series = [by_video(videos, lambda s: smooth(s, *_CLIP_WINDOW)) for videos in series]
    series = [by_video(videos, lambda s: smooth(s, *_SET_WINDOW), official) for videos in series]
    fused = by_video(_fused(series), lambda s: smooth(s, *_FUSED_WINDOW), official)
    return [-kalman_filter(normality) for normality in fused]


_PIPELINES = {
    "ped2": ((DEFORMATION, RECONSTRUCTION, GRADIENT), ped2_scores),
    "avenue": ((DEFORMATION, RECONSTRUCTION, GRADIENT), avenue_scores),
    "avenue-static": ((PATCH_CHANGE, OFFSET_CHANGE), avenue_static_scores),
    "shanghai": ((DEFORMATION, RECONSTRUCTION, OBJECT), shanghai_scores),
}


def _normalities(clips: Sequence[Clip], names: Sequence[str]) -> list[list[Series]]:
    """Normality of every video, for each of the components."""
    return [[inverted_min_max(clip[name]) for clip in clips] for name in names]


def _fused(components: Sequence[Sequence[Series]]) -> list[Series]:
    """Weighted sum of three components, for every video."""
    return [sum(weight * series for weight, series in zip(_FUSION, video)) for video in zip(*components)]
