"""From photographs to what a run trains on: single frames, some of the good ones held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from oddlens.datasets.photographs import Photograph, PhotographSet
from oddlens.errors import DataError
from oddlens.media.store import Footage, FrameStore, build_store, fingerprint_footage
from oddlens.media.tiles import Tiles
from oddlens.methods.base import Method
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.holdout import split_holdout, spread_holdout
from oddlens.sampling.order import ClipSet
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector, tiles_of
from oddlens.scoring.photographs import score_photographs
from oddlens.scoring.reject import calibrate_photographs
from oddlens.scoring.windows import FrameScore
from oddlens.training.feeds import MAP_SAMPLE, Feed
from oddlens.training.progress import Progress
from oddlens.training.resources import TrainingResources, cache_budget, cache_folder
from oddlens.training.settings import RunSettings

_CALIBRATION_PHOTOGRAPHS = 2000
_LEAST_HELD_OUT = 2
_CALIBRATION_IN_TILES = 200
"""Fewer where a photograph takes a hundred times as long."""
_MAP_VALUES = 100_000
"""Of one map, at most, for the heat-map scale."""
_Item = TypeVar("_Item")
Calibrate = Callable[[Detector], Calibration]


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
    """Photographs, or their tiles, decoded and resized once; those held out are evenly spread over the others.

    What is held out are whole photographs, also where tiles are learned from: the threshold then rests on what those
    photographs score in tiles, as any other will.

    Raises:
        DataError: there are fewer than a batch takes.
        OddLensError: not one can be read, or the cache cannot be written.
    """
    spec, folder, budget = method.sampling, cache_folder(run.data), cache_budget(run.data)
    tiles, fingerprint = tiles_of(run.scoring, spec), ""
    if tiles:
        fingerprint = fingerprint_footage(footage)  # of the photographs, however they are divided below
        footage = _in_tiles(footage, tiles, run.training.holdout)
    with progress.decoding("reading photographs") as advance:
        store = build_store(footage, spec, folder, budget, advance)
    kept, *put_aside = (_singles(store, item.name) for item in footage)
    if put_aside or tiles:
        held = put_aside[0] if put_aside else []
    else:
        kept, held = split_holdout(kept, run.training.holdout, spec)
    if len(kept) < run.training.batch_size:  # said before the run folder is begun
        what = "tile" if tiles else "photograph"
        fault = f"holds {len(kept)} {what}{'' if len(kept) == 1 else 's'} to train on"
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
        fingerprint=fingerprint or store.fingerprint,
        summary=_summary(store, footage, len(held)),
        frames=store.kept_frames,
        frames_seen=store.total_frames,
        fps=None,
        calibrate=_calibrator(kept, held, footage if tiles else ()),
        faults=store.faults,
    )


def _calibrator(kept: list[FrameRun], held: list[FrameRun], in_tiles: Sequence[Footage]) -> Calibrate:
    if in_tiles:
        return lambda detector: calibrate_in_tiles(detector, in_tiles)
    if len(held) < _LEAST_HELD_OUT:  # a single one cannot tell how far good photographs differ
        return lambda detector: calibrate_detector(detector, [*kept, *held], False, len(kept) + len(held))
    return lambda detector: calibrate_detector(detector, held, True, len(kept) + len(held))


def calibrate_detector(detector: Detector, runs: Sequence[FrameRun], held_out: bool, available: int) -> Calibration:
    """Calibration of `detector` from good photographs, each a run of one frame; evenly spread ones of very many."""
    scores = _scored(detector, _spread(runs, _CALIBRATION_PHOTOGRAPHS))
    return _calibration(detector, scores, held_out, available)


def calibrate_in_tiles(detector: Detector, footage: Sequence[Footage]) -> Calibration:
    """Calibration of `detector` from good photographs as it scores them: at full resolution, in tiles.

    Args:
        detector: trained with tiles.
        footage: what it was trained on; then what was held out, if anything was.
    """
    every = [path for item in footage for path in item.photographs]
    held = [path for item in footage[1:] for path in item.photographs]
    chosen = held if len(held) >= _LEAST_HELD_OUT else every
    photographs = [Photograph(path.name, path, "train") for path in _spread(chosen, _CALIBRATION_IN_TILES)]
    scored = score_photographs(detector, photographs, [])  # one that cannot be read has been told of before
    return _calibration(detector, (item.raw for item in scored), chosen is held, len(every))


def _calibration(detector: Detector, scored: Iterable[FrameScore], held_out: bool, available: int) -> Calibration:
    scores, peaks, sample = [], [], []
    for item in scored:
        scores.append(item.score)
        if item.map is not None:
            peaks.append(float(item.map.max()))
            step = max(MAP_SAMPLE, item.map.size // _MAP_VALUES | 1)
            sample.append(item.map.ravel()[::step].copy())
    if not scores:
        raise DataError("calibration", "none of the photographs held out can be read", "replace or remove them")
    return calibrate_photographs(
        scores,
        detector.scoring.false_reject_rate,
        held_out=held_out,
        peaks=peaks or None,
        map_values=np.concatenate(sample) if sample else None,
        available=available,
    )


def _spread(items: Sequence[_Item], most: int) -> list[_Item]:
    """At most so many of `items`, evenly spread."""
    return [items[k] for k in np.unique(np.linspace(0, len(items) - 1, min(len(items), most)).astype(int))]


def _in_tiles(footage: Sequence[Footage], tiles: Tiles, share: float) -> list[Footage]:
    """The same photographs in tiles; some of them held out, where the set itself has none that are."""
    first, *others = footage
    if not others and (held := spread_holdout(len(first.photographs), share)):
        parts = [
            [path for k, path in enumerate(first.photographs) if (k in held) == wanted] for wanted in (False, True)
        ]
        first, others = (
            replace(first, photographs=tuple(parts[0])),
            [replace(first, name=f"{first.name}, held out", photographs=tuple(parts[1]))],
        )
    return [replace(item, tiles=tiles) for item in (first, *others)]


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
    if footage[0].tiles:
        return _summary_of_tiles(store, footage, files)
    told = f"{store.kept_frames} of {files}" if store.kept_frames < files else str(files)
    budget = " (raise --cache-gb to keep more)" if store.kept_frames < store.total_frames else ""
    broken = f", {len(store.faults)} could not be read" if store.faults else ""
    return f"{told} photographs{broken}{budget}, {held_out or 'none'} of them held out"


def _summary_of_tiles(store: FrameStore, footage: Sequence[Footage], files: int) -> str:
    told = f"{store.kept_frames:,} of {store.total_frames:,}"
    tiles = f"{told} tiles kept (raise --cache-gb to keep more)"
    if store.kept_frames == store.total_frames:
        tiles = f"{store.total_frames:,} tiles"
    broken = f", {len(store.faults)} could not be read" if store.faults else ""
    held = sum(len(item.photographs) for item in footage[1:])
    return f"{files} photographs{broken} in {tiles}, {held or 'none'} of the photographs held out"


def _paths(items: Sequence[Photograph]) -> tuple[Path, ...]:
    return tuple(item.path for item in items)
