"""All numbers of one method under one protocol, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oddlens.evaluation.bootstrap import RESAMPLES, micro_auc_interval
from oddlens.metrics.events import FrameRate, event_metrics
from oddlens.metrics.pixel import PixelAUC, PixelLevelAUC
from oddlens.metrics.ranking import average_precision, equal_error_rate
from oddlens.metrics.regions import RegionDetection
from oddlens.metrics.validation import check_videos
from oddlens.metrics.video import macro_auc, pairwise_wins
from oddlens.scoring.events import Run


def summarise(
    scores: Sequence[ArrayLike],
    labels: Sequence[ArrayLike],
    *,
    pixel: PixelAUC | None = None,
    pixel_level: PixelLevelAUC | None = None,
    regions: RegionDetection | None = None,
    alarms: Sequence[Sequence[Run]] | None = None,
    fps: FrameRate | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Every metric of V videos, as a protocol left their scores; None where undefined.

    Args:
        scores: V arrays `(T_v,)`, higher = odder.
        labels: V arrays `(T_v,)` of 0 and 1.
        pixel: the pixels of all frames, where the method gives maps and the data set masks.
        pixel_level: the same for the UCSD pixel-level criterion, where the protocol asks for it.
        regions: the boxes of all frames, where the method gives boxes or maps and the data set masks.
        alarms: V lists of runs, first and last frame included.
        fps: frames a second; without it there are no rates an hour and no times.
        seed: of the bootstrap over videos.
        resamples: of the bootstrap.

    Returns:
        `frames`, `abnormal_frames`, `videos`; `micro_auc` with `interval` [lo, hi] (95 %, over videos),
        `macro_auc` over `macro_videos` videos, `ap`, `eer`, `pixel_auc`, `pixel_ap`, `pixel_level_auc`, `rbdc`,
        `tbdc`; `events`, `event_recall`, `undetected_events`, `alarmed_normal_share`, `false_alarms_per_hour`, and
        in seconds `time_to_detect` (median) and `time_to_detect_p95`.

    Raises:
        DataError: numbers of videos or frames differ, a score is NaN, a label is neither 0 nor 1.
    """
    values, truth = check_videos(scores, labels)
    wins = pairwise_wins(values, truth)
    all_scores, all_labels = np.concatenate(values), np.concatenate(truth)
    macro = macro_auc(values, truth)
    interval = [number(end) for end in micro_auc_interval(wins, resamples, seed)]
    return {
        "frames": len(all_labels),
        "abnormal_frames": int(all_labels.sum()),
        "videos": len(truth),
        "micro_auc": number(wins.micro_auc()[0]),
        "interval": None if None in interval else interval,
        "macro_auc": number(macro.value),
        "macro_videos": macro.videos,
        "ap": number(average_precision(all_labels, all_scores)),
        "eer": number(equal_error_rate(all_labels, all_scores)),
        "pixel_auc": None if pixel is None else number(pixel.auc()),
        "pixel_ap": None if pixel is None else number(pixel.average_precision()),
        "pixel_level_auc": None if pixel_level is None else number(pixel_level.auc()),
        "rbdc": None if regions is None else number(regions.rbdc()),
        "tbdc": None if regions is None else number(regions.tbdc()),
        **_event_numbers(truth, alarms, fps),
    }


def _event_numbers(
    labels: Sequence[ArrayLike], alarms: Sequence[Sequence[Run]] | None, fps: FrameRate | None
) -> dict[str, Any]:
    timed = fps is not None
    found = None if alarms is None else event_metrics(labels, alarms, 1.0 if fps is None else fps)
    return {
        "events": found.events if found else None,
        "event_recall": number(found.recall) if found else None,
        "undetected_events": found.undetected if found else None,
        "alarmed_normal_share": number(found.alarmed_normal_share) if found else None,
        "false_alarms_per_hour": number(found.false_alarms_per_hour) if found and timed else None,
        "time_to_detect": number(found.time_to_detect) if found and timed else None,
        "time_to_detect_p95": number(found.time_to_detect_p95) if found and timed else None,
    }


def number(value: float | np.floating[Any]) -> float | None:
    """A plain number, None for what JSON cannot hold."""
    plain = float(value)
    return plain if math.isfinite(plain) else None
