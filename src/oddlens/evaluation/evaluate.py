"""Evaluation of a detector on labelled footage: both protocols side by side, baselines beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import DataSet, Video
from oddlens.datasets.labels import check_labels
from oddlens.datasets.open import open_dataset
from oddlens.datasets.photographs import PhotographSet
from oddlens.datasets.probe import count_frames
from oddlens.errors import DataError, SettingsError
from oddlens.evaluation.baselines import clock_scores
from oddlens.evaluation.evaluate_photographs import evaluate_photographs
from oddlens.evaluation.event_rates import recall_at_rates
from oddlens.evaluation.judge import Judge
from oddlens.evaluation.protocols import PaperProtocol
from oddlens.evaluation.tracks import Track, score_video
from oddlens.files import fingerprint_files
from oddlens.media.locate import underlying_files
from oddlens.methods.floors import FLOORS
from oddlens.metrics.map_boxes import map_levels
from oddlens.scoring.detector import Detector, runtime
from oddlens.scoring.events import Run, alarm_runs
from oddlens.scoring.table import DEFAULT_FPS, open_for
from oddlens.scoring.windows import Mode, Scorer, WindowScorer

Progress = Callable[[str, int, int], None]
"""Called with (video name, videos done, videos in all)."""


def evaluate(
    detector: Detector | str | Path,
    data: DataSet | PhotographSet | str | Path,
    *,
    layout: str = "auto",
    labels: str = "default",
    mode: Mode | None = None,
    floors: bool = True,
    seed: int = 0,
    resamples: int = 1000,
    curves: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate on the labelled test videos of a data set, or on photographs of known kind.

    Args:
        detector: a detector, or the folder of one or of the run that made it.
        data: a data set or its folder.
        layout: see `open_dataset`.
        labels: which version of the labels, where there are several.
        mode: `exact` or `fast`; default: the detector's.
        floors: also score the no-learning floors.
        seed: of the bootstrap and the random baseline.
        resamples: of the bootstrap over videos.
        curves: also give the ROC curve of each protocol, as `roc`.
        progress: called before each video.

    Returns:
        Of photographs what `evaluate_photographs` does; else
        `method`, `dataset`, `frames`, `protocols` (`clean`, `paper`, and `paper_test_only` where the paper counts
        training frames too), `baselines`, `event_recall_at` (of the method, the clock and the floors, see
        `recall_at_rates`), `provenance`, and `optimistic`: what of the detector was chosen on test labels, if anything
        was; all metrics in 0..1 and `None` where undefined, ready for JSON.

    Raises:
        OddLensError: no labelled test video, labels that do not fit, or footage that cannot be read.
    """
    model = detector if isinstance(detector, Detector) else Detector.load(detector)
    if model.method.subject == "photographs" or isinstance(data, PhotographSet):
        asked: dict[str, Any] = {"layout": layout, "floors": floors, "seed": seed, "resamples": resamples}
        return _on_photographs(model, data, labels, mode, **asked, curves=curves, progress=progress)
    dataset = data if isinstance(data, DataSet) else open_dataset(data, layout, labels)
    rules = [kind() for kind in FLOORS] if floors else []
    shortest = max(method.shortest for method in (model.method, *rules))
    videos, notes = usable_videos(dataset, shortest)
    paper = model.method.paper_protocol()
    if model.provenance.get("split") == "merge":  # trained on both, and officially judged on both
        paper = replace(paper, include_training=True)
    training, more = _training(dataset, shortest) if paper.include_training else ([], [])
    scorers: dict[str, Scorer] = {model.name: model.scorer(mode, details=True)}
    scorers |= {rule.name: WindowScorer(rule, precision="float32", details=True) for rule in rules}
    before = {name: Track() for name in scorers}
    tracks = {name: Track(levels=_levels(model) if name == model.name else None) for name in scorers}
    counted, previewed = [], Track()
    for number, video in enumerate([*training, *videos]):
        if progress:
            progress(video.name, number, len(training) + len(videos))
        source = open_for(model, video.path, dataset.fps, video.name)
        earlier = number < len(training)
        frames = score_video(video, source, scorers, before if earlier else tracks, paper)
        if not earlier and (adapted := model.method.previewed(source)):
            # the paper looks through the video first: only what `paper` ranks comes of it
            again = {model.name: replace(model, method=adapted).scorer(mode, details=True)}
            score_video(replace(video, masks=None), source, again, {model.name: previewed}, paper)
        check_labels(video, frames)
        counted.append((frames, source.info.fps or dataset.fps or DEFAULT_FPS))
        more += [f"{video.name}: {fault}" for fault in source.faults]
    tracks[model.name].paper_scores = previewed.paper_scores or tracks[model.name].paper_scores
    truth = [np.asarray(video.labels, np.uint8) for video in videos]
    rates = [rate for _, rate in counted[len(training) :]]
    judge = Judge(truth, rates, paper, counted[: len(training)], seed, resamples)
    alarms = _alarms(model, tracks[model.name].scores, rates)
    others = [name for name in scorers if name != model.name]
    drawn = {"roc": judge.curves(tracks[model.name], before[model.name])} if curves else {}
    return {
        "method": model.name,
        "dataset": dataset.name,
        "frames": int(sum(len(labels) for labels in truth)),
        "protocols": judge.protocols(tracks[model.name], before[model.name], alarms),
        "baselines": judge.trivial() | {name: judge.baseline(tracks[name], before[name]) for name in others},
        "event_recall_at": _recalls(model, {name: track.scores for name, track in tracks.items()}, truth, rates),
        "provenance": _provenance(model, dataset, videos, mode, paper, seed, resamples, notes + more),
        **drawn,
    } | {key: value for key, value in model.provenance.items() if key == "optimistic"}


def _on_photographs(
    model: Detector, data: DataSet | PhotographSet | str | Path, labels: str, mode: Mode | None, **options: Any
) -> dict[str, Any]:
    """`evaluate_photographs`, once it is sure that the method, the data and what was asked for fit together."""
    if isinstance(data, DataSet) or model.method.subject != "photographs":
        looks_at = model.method.subject
        raise DataError(
            data if isinstance(data, str | Path) else data.root,
            f"'{model.name}' looks at {looks_at}",
            f"give {looks_at}",
        )
    if labels != "default" or mode is not None:
        raise SettingsError("labels" if mode is None else "mode", "is about video, not photographs", "leave it out")
    return evaluate_photographs(model, data, **options)


def usable_videos(dataset: DataSet, shortest: int) -> tuple[list[Video], list[str]]:
    """Labelled test videos of at least `shortest` frames, and notes on those left out.

    Raises:
        DataError: there is none.
    """
    labelled = [video for video in dataset.test if video.labels is not None]
    if not labelled:
        raise DataError(
            dataset.root,
            "has no labelled test video",
            "see 'oddlens data check' on it, and docs/data-sets.md",
        )
    short = [video for video in labelled if video.labels is not None and len(video.labels) < shortest]
    notes = [f"{video.name}: left out, shorter than {shortest} frames" for video in short]
    usable = [video for video in labelled if video not in short]
    if not usable:
        raise DataError(dataset.root, f"no test video has {shortest} frames", "give longer footage")
    unlabelled = len(dataset.test) - len(labelled)
    return usable, notes + ([f"{unlabelled} test videos have no labels and are left out"] if unlabelled else [])


def _training(dataset: DataSet, shortest: int) -> tuple[list[Video], list[str]]:
    """Training videos of at least `shortest` frames, without labels and masks, and notes on the rest."""
    if not dataset.train:
        return [], ["the paper's protocol counts training frames too, but there is no training video"]
    usable = [video for video in dataset.train if count_frames(video.path) >= shortest]
    short = [video.name for video in dataset.train if video not in usable]
    notes = [f"{name}: training video left out, shorter than {shortest} frames" for name in short]
    return [replace(video, labels=None, masks=None) for video in usable], notes


def _levels(detector: Detector) -> NDArray[np.float32] | None:
    """Levels that make boxes of the detector's maps, from normal footage alone."""
    calibration = detector.calibration
    return map_levels(calibration.map_low, calibration.map_high) if calibration.quantiles else None


def _alarms(
    detector: Detector, scores: Sequence[NDArray[np.float64]], rates: Sequence[float]
) -> list[list[Run]] | None:
    calibration, rule = detector.calibration, detector.alarm_rule
    if not calibration.quantiles:
        return None
    threshold = calibration.threshold
    runs = []
    for raw, fps in zip(scores, rates):
        close = max(1, round(rule.close_seconds * fps))
        surprise = calibration.surprise(raw)
        runs.append(alarm_runs(surprise, threshold, threshold - rule.hysteresis, rule.open_frames, close))
    return runs


def _recalls(
    detector: Detector,
    scores: Mapping[str, Sequence[NDArray[np.float64]]],
    truth: Sequence[NDArray[np.uint8]],
    rates: Sequence[float],
) -> dict[str, dict[str, float | None]]:
    every = {**scores, "clock": clock_scores([len(labels) for labels in truth], rates)}
    return {name: recall_at_rates(values, truth, rates, detector.alarm_rule) for name, values in every.items()}


def _provenance(
    detector: Detector,
    dataset: DataSet,
    videos: Sequence[Video],
    mode: Mode | None,
    paper: PaperProtocol,
    seed: int,
    resamples: int,
    notes: Sequence[str],
) -> dict[str, Any]:
    files = [file for video in videos for file in underlying_files(video.path)]
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "mode": mode or detector.scoring.mode,
        "labels": dataset.label_version,
        "test_fingerprint": fingerprint_files(files),
        "bootstrap": {"over": "videos", "resamples": resamples, "seed": seed},
        "paper_protocol": paper.record(),
        "notes": [*dataset.notes, *notes],
        "runtime": runtime(),
        "detector": detector.provenance,
    }
