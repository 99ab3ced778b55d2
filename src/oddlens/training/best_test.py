"""How well a method in training ranks the test labels: what the originals choose their checkpoint by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from oddlens.datasets.base import DataSet, Video
from oddlens.datasets.labels import check_labels
from oddlens.datasets.photographs import PhotographSet
from oddlens.datasets.probe import count_frames
from oddlens.errors import DataError, SettingsError
from oddlens.evaluation.evaluate import usable_videos
from oddlens.evaluation.protocols import apply_paper
from oddlens.evaluation.tracks import Track, score_video
from oddlens.methods.base import Method
from oddlens.metrics.video import micro_auc
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.table import open_for
from oddlens.training.settings import ScoringSettings

CHOSEN_ON_LABELS = "checkpoint chosen on test labels"
"""What provenance and tables call `optimistic` about such a detector."""
_SETTING, _REMEDY = "training.select", "set it to last or best-validation"


@dataclass(frozen=True)
class LabelRanking:
    """Micro AUC of the test videos under the paper's protocol, in 0..1; test frames alone count."""

    videos: Sequence[Video]
    fps: float | None
    scoring: ScoringSettings

    def __call__(self, method: Method) -> float:
        """Score all videos by the method, in evaluation mode, with the code that scores for `oddlens evaluate`.

        Raises:
            MediaError: a video cannot be decoded.
        """
        detector = Detector(method, Calibration(frames=0), self.scoring)
        track, paper = Track(), method.paper_protocol()
        for video in self.videos:
            source = open_for(detector, video.path, self.fps, video.name)
            shown = replace(detector, method=method.previewed(source) or method)
            score_video(video, source, {method.name: shown.scorer()}, {method.name: track}, paper)
        ranked = apply_paper(paper, track.paper_scores, [np.asarray(video.labels) for video in self.videos])
        return micro_auc(ranked.scores, ranked.labels)


def label_ranking(method: Method, dataset: DataSet | PhotographSet, scoring: ScoringSettings) -> LabelRanking:
    """What to judge checkpoints of `method` by.

    Raises:
        SettingsError: the method looks at photographs, or the data set has no labelled test video.
        DataError: labels do not fit their videos.
    """
    if isinstance(dataset, PhotographSet) or method.subject != "video":
        raise SettingsError(_SETTING, "is best-test, which is about video, not photographs", _REMEDY)
    try:
        videos, _ = usable_videos(dataset, method.shortest)
    except DataError as error:
        raise SettingsError(_SETTING, f"is best-test, but {error.subject} {error.fault}", _REMEDY) from error
    paper = method.paper_protocol()
    for video in videos:
        check_labels(video, count_frames(video.path))
    counted = [np.asarray(video.labels)[paper.head :] for video in videos]
    kept = np.concatenate([labels[: len(labels) - paper.tail] for labels in counted])
    if not kept.size or kept.min() == kept.max():
        fault = f"is best-test, but the test frames of {dataset.root} are all normal or all abnormal"
        raise SettingsError(_SETTING, fault, _REMEDY)
    return LabelRanking([replace(video, masks=None) for video in videos], dataset.fps, scoring)
