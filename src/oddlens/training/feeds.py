"""From footage to what a run trains on: clips of whole frames, or patches round objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oddlens.datasets.base import DataSet, Video
from oddlens.errors import DataError
from oddlens.media.open import open_source
from oddlens.media.store import Footage, FrameStore, build_store
from oddlens.methods.base import Method
from oddlens.sampling.clips import FrameRun, count_clips
from oddlens.sampling.holdout import split_holdout
from oddlens.sampling.order import ClipSet, RunSet, Samples
from oddlens.scoring.calibration import Calibration, NormalScores, calibrate
from oddlens.scoring.detector import Detector
from oddlens.scoring.table import DEFAULT_FPS
from oddlens.scoring.windows import score_run
from oddlens.training.progress import Progress
from oddlens.training.resources import TrainingResources, cache_budget, cache_folder
from oddlens.training.settings import RunSettings

_CALIBRATION_FRAMES = 100_000
MAP_SAMPLE = 97
"""Every so many map values enter the heat-map scale (a prime, so columns do not repeat)."""


@dataclass(frozen=True)
class Feed:
    """What a run trains on, and how its detector is calibrated."""

    train: Samples
    held_out: Samples | None
    fingerprint: str
    """SHA-256 of the footage."""
    summary: str
    """One line about it."""
    frames: int
    """Frames that training sees."""
    frames_seen: int
    """Frames decoded."""
    fps: float | None
    calibrate: Callable[[Detector], Calibration]
    rests_on: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files that its samples rest on besides the footage, by the names they have in the provenance."""
    faults: tuple[str, ...] = ()
    """What could not be read and was left out, one line each."""


def chosen_videos(dataset: DataSet, split: str) -> tuple[Video, ...]:
    """The videos to train on: `train`, `test` (the unlabelled test footage itself) or `merge` (both).

    Raises:
        DataError: the data set has none of them.
    """
    videos = {"train": dataset.train, "test": dataset.test, "merge": dataset.train + dataset.test}[split]
    if not videos:
        kind = "test" if split == "test" else "training"
        remedy = "see 'oddlens data check' on it, or choose other videos with --split"
        raise DataError(dataset.root, f"holds no {kind} videos", remedy)
    return videos


def clip_feed(method: Method, run: RunSettings, footage: Sequence[Footage], root: str, progress: Progress) -> Feed:
    """Clips of whole frames, decoded and resized once.

    Raises:
        DataError: the footage is shorter than a window, holds fewer clips than a batch, or is grey for a method that
            wants colour.
        OddLensError: it cannot be read, or the cache cannot be written.
    """
    folder, budget, by_video = cache_folder(run.data), cache_budget(run.data), run.training.sampling == "videos"
    store, kept, held = divided_frames(method, run, footage, root, progress)
    method.prepare_training(TrainingResources(folder, budget, store, run.training.device, progress))
    with progress.message("looking at the footage"):
        method.prepare_footage(kept)
    seed, fps = run.training.seed, next((item.fps for item in footage if item.fps), None)
    return Feed(
        train=RunSet(kept, method, seed) if by_video else ClipSet(kept, method, seed),
        held_out=ClipSet(held, method, seed) if held else None,
        fingerprint=store.fingerprint,
        summary=store.summary(),
        frames=store.kept_frames,
        frames_seen=store.total_frames,
        fps=next((segment.fps for segment in store.segments if segment.fps), fps),
        calibrate=lambda detector: calibrate_detector(detector, held or kept, bool(held), fps, run.unlabelled),
    )


def divided_frames(
    method: Method, run: RunSettings, footage: Sequence[Footage], root: str, progress: Progress
) -> tuple[FrameStore, list[FrameRun], list[FrameRun]]:
    """Decoded frames, those to train on, and those held out.

    Raises:
        DataError, OddLensError: as `clip_feed` does.
    """
    spec = method.sampling
    _check_colour(method, footage)
    with progress.decoding() as advance:
        store = build_store(footage, spec, cache_folder(run.data), cache_budget(run.data), advance)
    kept, held = split_holdout(store.runs(), run.training.holdout, spec)
    if not kept:
        raise DataError(root, f"no training video has {spec.span} frames", "give longer footage")
    by_video = run.training.sampling == "videos"
    count, kind = (len(kept), "videos") if by_video else (sum(count_clips(len(part), spec) for part in kept), "clips")
    if count < run.training.batch_size:  # said before the run folder is begun
        fault = f"holds {count} {kind} to train on, a batch takes {run.training.batch_size}"
        more = ", or set training.sampling: clips" if by_video else ""
        raise DataError(root, fault, f"give more footage or a smaller training.batch_size{more}")
    return store, kept, held


def _check_colour(method: Method, footage: Sequence[Footage]) -> None:
    """Refuse grey footage where colour is wanted: the detector could not score footage of its own kind."""
    for item in footage if method.colour == "rgb" else ():
        if open_source(item.path, fps=item.fps).info.channels == 1:
            raise DataError(item.path, "is grey, the method is set to colour", "set method.channels: 1")


def calibrate_detector(
    detector: Detector, runs: Sequence[FrameRun], held_out: bool, fps: float | None = None, unlabelled: bool = False
) -> Calibration:
    """Calibration of `detector` from runs of normal frames (evenly spread ones, if they are many)."""
    scorer = detector.scorer(details=True)
    normal: list[NormalScores] = []
    sample: list[NDArray[np.float32]] = []
    for run in _spread(runs, _CALIBRATION_FRAMES, detector.method.sampling.span):
        scored = score_run(scorer, run)
        normal.append(NormalScores(np.array([s.score for s in scored]), run.fps or fps or DEFAULT_FPS))
        sample += [s.map.ravel()[::MAP_SAMPLE] for s in scored if s.map is not None]
    maps = np.concatenate(sample) if sample else None
    return calibrate(normal, detector.alarm_rule, held_out, maps, unlabelled)


def _spread(runs: Sequence[FrameRun], frames: int, span: int) -> list[FrameRun]:
    """All runs that a window fits in, cut alike where they hold more than `frames` frames in all."""
    share = min(1.0, frames / max(1, sum(len(run) for run in runs)))
    cut = [(run, max(span, round(share * len(run)))) for run in runs if len(run) >= span]
    return [run.part(0, length) for run, length in cut]
