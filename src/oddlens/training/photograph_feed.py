"""From photographs to what a run trains on: single frames, some of the good ones held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from oddlens.datasets.photographs import Photograph, PhotographSet
from oddlens.errors import DataError
from oddlens.media.store import Footage, FrameStore, build_store
from oddlens.methods.base import Method
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.holdout import split_holdout
from oddlens.sampling.order import ClipSet
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector
from oddlens.scoring.reject import calibrate_photographs
from oddlens.scoring.windows import FrameScore
from oddlens.training.feeds import MAP_SAMPLE, Feed
from oddlens.training.progress import Progress
from oddlens.training.resources import TrainingResources, cache_budget, cache_folder
from oddlens.training.settings import RunSettings

_CALIBRATION_PHOTOGRAPHS = 2000


def photograph_footage(dataset: PhotographSet, split: str) -> list[Footage]:
    """What to train on: `train` (the good photographs), `test` (the unlabelled test ones themselves) or `merge`.

    Raises:
        DataError: there are none.
    """
    chosen = {"train": dataset.train, "test": dataset.test, "merge": dataset.train + dataset.test}[split]
    if not chosen:
        fault = "; ".join(dataset.faults) or f"holds no {'test' if split == 'test' else 'good'} photographs"
        raise DataError(dataset.root, fault, "see 'oddlens data check' on it")
    held_out = dataset.held_out if split != "test" else ()
    parts = {dataset.name: chosen, f"{dataset.name}, held out": held_out}
    return [Footage(name, dataset.root, photographs=_paths(items)) for name, items in parts.items() if items]


def photograph_feed(
    method: Method, run: RunSettings, footage: Sequence[Footage], root: str, progress: Progress
) -> Feed:
    """Photographs, decoded and resized once; those held out are evenly spread over the others.

    Raises:
        DataError: there are fewer than a batch takes.
        OddLensError: not one can be read, or the cache cannot be written.
    """
    spec, folder, budget = method.sampling, cache_folder(run.data), cache_budget(run.data)
    with progress.decoding("reading photographs") as advance:
        store = build_store(footage, spec, folder, budget, advance)
    kept, *put_aside = (_singles(store, item.name) for item in footage)
    kept, held = (kept, put_aside[0]) if put_aside else split_holdout(kept, run.training.holdout, spec)
    if len(kept) < run.training.batch_size:  # said before the run folder is begun
        fault = f"holds {len(kept)} photograph{'' if len(kept) == 1 else 's'} to train on"
        raise DataError(
            root, f"{fault}, a batch takes {run.training.batch_size}", "give more, or a smaller training.batch_size"
        )
    method.prepare_training(TrainingResources(folder, budget, store, run.training.device, progress))
    with progress.message("looking at the photographs"):
        method.prepare_footage(kept)
    seed = run.training.seed
    return Feed(
        train=ClipSet(kept, method, seed),
        held_out=ClipSet(held, method, seed) if held else None,
        fingerprint=store.fingerprint,
        summary=_summary(store, footage, len(held)),
        frames=store.kept_frames,
        frames_seen=store.total_frames,
        fps=None,
        calibrate=lambda detector: calibrate_detector(detector, held or kept, bool(held), len(kept) + len(held)),
        faults=store.faults,
    )


def calibrate_detector(detector: Detector, runs: Sequence[FrameRun], held_out: bool, available: int) -> Calibration:
    """Calibration of `detector` from good photographs, each a run of one frame; evenly spread ones of very many."""
    chosen = np.unique(np.linspace(0, len(runs) - 1, min(len(runs), _CALIBRATION_PHOTOGRAPHS)).astype(int))
    scores, peaks, sample = [], [], []
    for scored in _scored(detector, [runs[k] for k in chosen]):
        scores.append(scored.score)
        if scored.map is not None:
            peaks.append(float(scored.map.max()))
            sample.append(scored.map.ravel()[::MAP_SAMPLE].copy())
    return calibrate_photographs(
        scores,
        detector.scoring.false_reject_rate,
        held_out=held_out,
        peaks=peaks or None,
        map_values=np.concatenate(sample) if sample else None,
        available=available,
    )


def _scored(detector: Detector, runs: Sequence[FrameRun]) -> Iterator[FrameScore]:
    scorer = detector.scorer(details=True)
    for run in runs:
        yield from scorer.push(run.frames[0])
    yield from scorer.finish()


def _singles(store: FrameStore, name: str) -> list[FrameRun]:
    """The kept photographs of a part, each a run of its own: they are no sequence."""
    return [run.part(k, k + 1) for run in store.runs() if run.video == name for k in range(len(run))]


def _summary(store: FrameStore, footage: Sequence[Footage], held_out: int) -> str:
    files = sum(len(item.photographs) for item in footage)
    told = f"{store.kept_frames} of {files}" if store.kept_frames < files else str(files)
    budget = " (raise --cache-gb to keep more)" if store.kept_frames < store.total_frames else ""
    broken = f", {len(store.faults)} could not be read" if store.faults else ""
    return f"{told} photographs{broken}{budget}, {held_out or 'none'} of them held out"


def _paths(items: Sequence[Photograph]) -> tuple[Path, ...]:
    return tuple(item.path for item in items)
