"""Patches round objects for a run: background, flow, boxes and crops of all its footage, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.media.open import open_source
from oddlens.media.store import Footage
from oddlens.methods.objects import ObjectMethod
from oddlens.motion.store import FlowStore, build_flow_store, weights_print
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.holdout import split_holdout
from oddlens.sampling.patch_set import PatchSet
from oddlens.sampling.patch_store import PatchStore, build_patch_store
from oddlens.scoring.calibration import Calibration, NormalScores, calibrate
from oddlens.scoring.detector import Detector
from oddlens.scoring.objects import open_finder, open_stream
from oddlens.scoring.table import DEFAULT_FPS
from oddlens.training.devices import autocast
from oddlens.training.feeds import Feed
from oddlens.training.plan import Plan
from oddlens.training.progress import Progress
from oddlens.training.resources import cache_budget, cache_folder
from oddlens.training.settings import Precision, RunSettings

_CHUNK = 1024


@dataclass(frozen=True)
class Stretch:
    """Frames `start` to `end` (excluded) of one video of a store."""

    video: int
    start: int
    end: int


def object_feed(
    method: ObjectMethod, run: RunSettings, footage: Sequence[Footage], root: str, progress: Progress
) -> Feed:
    """Patches round the foreground objects of `footage`.

    Raises:
        DataError: grey and colour footage side by side, or footage of several sizes before one background; ready
            boxes for videos that share a name, or of other footage; no object was found in all the footage, or fewer
            than a batch takes.
        SettingsError: there are fewer steps than blocks with patches.
        OddLensError: the footage, weights of a detector or ready boxes cannot be read, or the cache not be written.
    """
    from oddlens.objects.finder import BoxFinder

    finder = BoxFinder(method.object_settings)
    _check_footage(footage, finder.needs_background)
    if "file" in method.object_settings.sources:
        _check_names(footage, root)
        for item in footage:
            finder.check_footage(item.name, item.path)
    if finder.needs_background and not method.background():
        with progress.message("learning the background"):
            learn_background(method, footage)
    folder, budget, device = cache_folder(run.data), cache_budget(run.data), run.training.device
    found_by = open_finder(method, device).provenance()
    identity = _identity(method, found_by)
    with progress.decoding("finding objects") as advance:
        store = build_patch_store(
            footage,
            method.patches,
            lambda: open_stream(method, device),
            identity,
            folder,
            budget,
            advance,
            lambda: stored_flow(method, footage, folder, budget, device, advance),
        )
    if not store.patches:
        remedy = "nothing moves in it, or lower the thresholds of method.objects; 'oddlens boxes' shows what is found"
        raise DataError(root, f"not one object was found in {store.frames} frames", remedy)
    kept, held = _split(store, run.training.holdout)
    train, held_out = PatchSet(store, _within(store, kept), method.every), PatchSet(store, _within(store, held))
    if not len(train):
        raise DataError(root, "the footage left for training holds no object", "lower training.holdout")
    Plan.of(run.training, train, {})  # too few patches, or steps: said before the run folder is begun
    fps = next((video.fps for video in store.videos if video.fps), None)
    return Feed(
        train=train,
        held_out=held_out if len(held_out) else None,
        fingerprint=store.fingerprint,
        summary=store.summary(),
        frames=store.frames,
        frames_seen=store.frames,
        fps=fps,
        rests_on=found_by,
        calibrate=lambda detector: calibrate_on_store(detector, store, held or kept, bool(held), run.unlabelled),
    )


def _check_footage(footage: Sequence[Footage], one_size: bool) -> None:
    """Refuse grey beside colour and, before one background, frames of several sizes; the message names the file."""
    infos = [open_source(item.path, fps=item.fps).info for item in footage]
    first = infos[0]
    for item, info in zip(footage, infos):
        if info.channels != first.channels:
            fault = "is colour where the other footage is grey, or the reverse"
            raise DataError(item.path, fault, "give footage of one kind")
        if one_size and (info.height, info.width) != (first.height, first.width):
            fault = f"is {info.width}x{info.height}, the footage before it {first.width}x{first.height}"
            remedy = "train one detector for each camera, or leave 'background' out of method.objects.sources"
            raise DataError(item.path, fault, remedy)


def _check_names(footage: Sequence[Footage], root: str) -> None:
    """Refuse ready boxes where two videos have one name: they are found by it."""
    names = [item.name for item in footage]
    if twice := [name for name in names if names.count(name) > 1]:
        fault = f"has two videos called '{twice[0]}', which ready boxes cannot tell apart"
        raise DataError(root, fault, "train on one of the splits, or rename the videos")


def learn_background(method: ObjectMethod, footage: Sequence[Footage]) -> None:
    """Learn the still background from frames spread evenly over `footage`, and keep it in `method`."""
    from oddlens.media.spread import spread_images
    from oddlens.objects.background import learn_background as learn

    sources = [open_source(item.path, fps=item.fps) for item in footage]
    method.set_background(learn(spread_images(sources)).to_arrays())


def stored_flow(
    method: ObjectMethod,
    footage: Sequence[Footage],
    cache_dir: Path,
    budget_bytes: int,
    device: str = "auto",
    advance: Callable[[str, int, int | None], None] | None = None,
) -> FlowStore | None:
    """RAFT's flow of `footage`, kept for other boxes and patches; `None` where it is not wanted or over the budget."""
    from oddlens.objects.finder import BoxFinder

    settings = replace(method.motion_settings, units="native")
    wanted = method.patches.flow or BoxFinder(method.object_settings).needs_flow
    if not (wanted and settings.is_raft):
        return None
    # numbered, as the two splits of a data set may share names
    named = [replace(item, name=f"{number} {item.name}") for number, item in enumerate(footage)]
    return build_flow_store(named, settings, cache_dir, budget_bytes, advance, device=device)


def calibrate_on_store(
    detector: Detector, store: PatchStore, stretches: Sequence[Stretch], held_out: bool, unlabelled: bool = False
) -> Calibration:
    """Calibration of `detector` from the patches of the frames in `stretches`: the scores live frames would get."""
    method = detector.method
    assert isinstance(method, ObjectMethod)
    inside = _within(store, stretches)
    scores = np.full(store.patches, np.nan)
    scores[inside] = score_store(method, store, detector.scoring.precision, np.flatnonzero(inside))
    videos, frames = np.asarray(store.array("videos")), np.asarray(store.array("frames"))
    runs = []
    for stretch in stretches:
        fps = (store.videos[stretch.video].fps or DEFAULT_FPS) / store.every
        mine = (videos == stretch.video) & (frames >= stretch.start) & (frames < stretch.end)
        first, end = _kept_frames(store, stretch)
        highest = np.full(end - first, -np.inf)
        np.maximum.at(highest, frames[mine] // store.every - first, scores[mine])
        highest[np.isinf(highest)] = method.empty_score
        runs.append(NormalScores(_causal_mean(highest, max(1, round(method.smoothing / store.every))), fps))
    return calibrate(runs, detector.alarm_rule, held_out, scores[inside], unlabelled)


def score_store(
    method: ObjectMethod, store: PatchStore, precision: Precision = "auto", chosen: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """Scores `(N,)` of all patches of a store, or of those in the rows `chosen`."""
    chosen = np.arange(store.patches) if chosen is None else chosen
    device = next(method.parameters()).device
    kinds = ("raw", "flow") if store.spec.flow else ("raw",)
    arrays = {kind: store.array(kind) for kind in kinds}
    blocks = store.array("blocks")
    scores = []
    for start in range(0, len(chosen), _CHUNK):
        rows = chosen[start : start + _CHUNK]
        raw, *flow = (torch.from_numpy(np.array(arrays[kind][rows])).to(device) for kind in kinds)
        where = torch.from_numpy(np.array(blocks[rows], np.int64)).to(device)
        with torch.inference_mode(), autocast(precision, device):
            scores.append(method.score_patches(raw, flow[0] if flow else None, where).score.double().cpu().numpy())
    return np.concatenate(scores) if scores else np.zeros(0)


def _identity(method: ObjectMethod, found_by: Mapping[str, str]) -> dict[str, Any]:
    """What the patches depend on besides the footage and the spec, ready for JSON; `found_by` names the files."""
    import hashlib

    digest = hashlib.sha256(b"".join(value.tobytes() for _, value in sorted(method.background().items())))
    flow, objects = method.motion_settings.to_dict(), method.object_settings.to_dict()
    known = {"flow": flow, "objects": objects, "background": digest.hexdigest()}
    if method.motion_settings.is_raft:
        known["flow_weights"] = weights_print(method.motion_settings)
    return {**known, **found_by}


def _split(store: PatchStore, share: float) -> tuple[list[Stretch], list[Stretch]]:
    """Training and held-out stretches of the videos, as for clips; none of which the store kept no frame."""
    from oddlens.types import SamplingSpec

    runs = [
        FrameRun(str(number), 0, np.zeros((video.frames, 0), np.uint8)) for number, video in enumerate(store.videos)
    ]
    parts = split_holdout(runs, share, SamplingSpec(height=1, width=1))
    stretches = [[Stretch(int(r.video), r.start, r.start + len(r)) for r in part] for part in parts]
    kept, held = ([s for s in part if np.diff(_kept_frames(store, s)).any()] for part in stretches)
    return kept, held


def _kept_frames(store: PatchStore, stretch: Stretch) -> tuple[int, int]:
    """First and last (excluded) of the frames that the store kept of a stretch, counted in steps of `store.every`."""
    return -(-stretch.start // store.every), -(-stretch.end // store.every)


def _within(store: PatchStore, stretches: Sequence[Stretch]) -> NDArray[np.bool_]:
    """Which patches lie in one of `stretches`."""
    videos, frames = np.asarray(store.array("videos")), np.asarray(store.array("frames"))
    chosen = np.zeros(store.patches, np.bool_)
    for part in stretches:
        chosen |= (videos == part.video) & (frames >= part.start) & (frames < part.end)
    return chosen


def _causal_mean(values: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """Mean of each value and those before it, at most `frames` in all."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - frames, 0)
    means: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return means
