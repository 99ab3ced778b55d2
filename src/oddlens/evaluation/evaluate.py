"""Evaluation of a detector on labelled footage: both protocols side by side, baselines beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import DataSet, Video
from oddlens.datasets.labels import check_labels
from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError
from oddlens.evaluation.baselines import clock_scores, random_baseline
from oddlens.evaluation.protocols import PaperProtocol, apply_paper, clean
from oddlens.evaluation.summary import summarise
from oddlens.evaluation.tracks import Track, score_video
from oddlens.files import fingerprint_files
from oddlens.media.locate import underlying_files
from oddlens.methods.floors import FLOORS
from oddlens.scoring.detector import Detector, runtime
from oddlens.scoring.events import Run, alarm_runs
from oddlens.scoring.table import DEFAULT_FPS, open_for
from oddlens.scoring.windows import Mode, WindowScorer

Progress = Callable[[str, int, int], None]
"""Called with (video name, videos done, videos in all)."""


def evaluate(
    detector: Detector | str | Path,
    data: DataSet | str | Path,
    *,
    layout: str = "auto",
    labels: str = "default",
    mode: Mode | None = None,
    floors: bool = True,
    seed: int = 0,
    resamples: int = 1000,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate on the labelled test videos of a data set.

    Args:
        detector: a detector, or the folder of one or of the run that made it.
        data: a data set or its folder.
        layout: see `open_dataset`.
        labels: which version of the labels, where there are several.
        mode: `exact` or `fast`; default: the detector's.
        floors: also score the no-learning floors.
        seed: of the bootstrap and the random baseline.
        resamples: of the bootstrap over videos.
        progress: called before each video.

    Returns:
        `method`, `dataset`, `frames`, `protocols` (`clean`, `paper`), `baselines` and `provenance`; all metrics
        in 0..1 and `None` where undefined, ready for JSON.

    Raises:
        OddLensError: no labelled test video, labels that do not fit, or footage that cannot be read.
    """
    model = detector if isinstance(detector, Detector) else Detector.load(detector)
    dataset = data if isinstance(data, DataSet) else open_dataset(data, layout, labels)
    videos, notes = _usable(dataset, model)
    paper = model.method.paper_protocol()
    scorers = {model.name: model.scorer(mode, details=True)}
    if floors:
        scorers |= {kind.name: WindowScorer(kind(), precision="float32", details=True) for kind in FLOORS}
    tracks = {name: Track() for name in scorers}
    rates = []
    for number, video in enumerate(videos):
        if progress:
            progress(video.name, number, len(videos))
        source = open_for(model, video.path, dataset.fps)
        check_labels(video, score_video(video, source, scorers, tracks, paper))
        rates.append(source.info.fps or dataset.fps or DEFAULT_FPS)
        notes += [f"{video.name}: {fault}" for fault in source.faults]
    truth = [np.asarray(video.labels, np.uint8) for video in videos]
    judge = _Judge(truth, rates, paper, seed, resamples)
    alarms = _alarms(model, tracks[model.name].scores, rates)
    baselines = judge.trivial() | {name: judge.baseline(tracks[name]) for name in scorers if name != model.name}
    return {
        "method": model.name,
        "dataset": dataset.name,
        "frames": int(sum(len(labels) for labels in truth)),
        "protocols": judge.both(tracks[model.name], alarms),
        "baselines": baselines,
        "provenance": _provenance(model, dataset, videos, mode, paper, seed, resamples, notes),
    }


class _Judge:
    """Turns score tracks into numbers under both protocols."""

    def __init__(
        self,
        truth: Sequence[NDArray[np.uint8]],
        rates: list[float],
        paper: PaperProtocol,
        seed: int,
        resamples: int,
    ) -> None:
        self.truth, self.rates, self.paper = truth, rates, paper
        self.options: dict[str, Any] = {"seed": seed, "resamples": resamples}

    def both(self, track: Track, alarms: Sequence[Sequence[Run]] | None = None) -> dict[str, Any]:
        """`clean` and `paper` summaries."""
        ours = clean(track.scores, self.truth)
        theirs = apply_paper(self.paper, track.paper_scores, self.truth)
        return {
            "clean": summarise(
                ours.scores, ours.labels, pixel=track.pixel, alarms=alarms, fps=self.rates, **self.options
            ),
            "paper": summarise(theirs.scores, theirs.labels, pixel=track.paper_pixel, **self.options),
        }

    def baseline(self, track: Track) -> dict[str, Any]:
        """The clean summary, with the paper's under `paper`."""
        pair = self.both(track)
        return {**pair["clean"], "paper": pair["paper"]}

    def trivial(self) -> dict[str, Any]:
        """Clock and random scores through both protocols."""
        lengths = [len(labels) for labels in self.truth]
        clock = clock_scores(lengths, self.rates)
        chance = random_baseline(self.truth, clean, resamples=self.options["resamples"])
        chance["paper"] = random_baseline(
            self.truth, lambda s, y: apply_paper(self.paper, s, y), resamples=self.options["resamples"]
        )
        return {"clock": self.baseline(Track(clock, clock)), "random": chance}


def _usable(dataset: DataSet, detector: Detector) -> tuple[list[Video], list[str]]:
    """Labelled test videos long enough for a window, and notes on those left out."""
    span = detector.method.sampling.span
    labelled = [video for video in dataset.test if video.labels is not None]
    if not labelled:
        raise DataError(
            dataset.root,
            "has no labelled test video",
            "see 'oddlens data check' on it, and docs/data-sets.md",
        )
    short = [video for video in labelled if video.labels is not None and len(video.labels) < span]
    notes = [f"{video.name}: left out, shorter than one window of {span} frames" for video in short]
    usable = [video for video in labelled if video not in short]
    if not usable:
        raise DataError(dataset.root, f"no test video has {span} frames", "give longer footage")
    unlabelled = len(dataset.test) - len(labelled)
    return usable, notes + ([f"{unlabelled} test videos have no labels and are left out"] if unlabelled else [])


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
        "paper_protocol": vars(paper),
        "notes": [*dataset.notes, *notes],
        "runtime": runtime(),
        "detector": detector.provenance,
    }
