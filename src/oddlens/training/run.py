"""A whole run: footage -> frame store -> training -> calibration -> detector."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch

from oddlens.config import apply_assignments, build, merge, read_yaml
from oddlens.datasets.base import DataSet
from oddlens.datasets.open import open_dataset
from oddlens.errors import DataError, SettingsError
from oddlens.media.store import Footage, FrameStore, build_store, fingerprint_footage
from oddlens.methods import method_class
from oddlens.methods.base import Method
from oddlens.recipes import find_recipe
from oddlens.sampling.clips import FrameRun, count_clips
from oddlens.sampling.holdout import split_holdout
from oddlens.scoring.calibration import Calibration, NormalScores, calibrate
from oddlens.scoring.detector import Detector, runtime
from oddlens.scoring.table import DEFAULT_FPS
from oddlens.scoring.windows import score_run
from oddlens.training.folder import begin, check_folder, check_footage, finish, finished
from oddlens.training.loop import FitResult, fit, make_accelerator
from oddlens.training.progress import Progress
from oddlens.training.resources import TrainingResources
from oddlens.training.settings import RunSettings

_CALIBRATION_FRAMES = 100_000
_MAP_SAMPLE = 97
"""Every so many map values enter the heat-map scale (a prime, so columns do not repeat)."""


@dataclass(frozen=True)
class RunResult:
    """Where a run's results lie, and what they are."""

    folder: Path
    detector: Detector
    fit: FitResult
    footage: str
    """One line about the frames trained on."""
    resumed: bool


def train(
    method: str | None = None,
    data: str | Path | None = None,
    out: str | Path = "run",
    *,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    assignments: Iterable[str] = (),
    overwrite: bool = False,
    quiet: bool = True,
) -> RunResult:
    """Train a detector on normal footage.

    Args:
        method: name of the method; may stand in the configuration instead.
        data: a data set, a folder of own footage, or one video.
        out: run folder; an unfinished run of the same settings there goes on where it stood.
        config: a YAML file, or the name of a recipe (`lnra/cpu`).
        settings: values laid over the configuration, nested as there.
        assignments: `key.sub=value`, laid over all that.
        overwrite: start afresh although `out` holds another run.
        quiet: no progress bars.

    Returns:
        The finished run; its detector is ready to score.

    Raises:
        OddLensError: what was asked for cannot be done; the message says why and what to do.
        Interrupted: Ctrl-C; the same call goes on where it stopped.
    """
    run = resolve_settings(method, data, config, settings or {}, assignments)
    folder = Path(out)
    network = _build_method(run)
    accelerator = make_accelerator(run.training, len(network.phases))
    if accelerator.is_main_process:
        check_folder(folder, run, overwrite)
    accelerator.wait_for_everyone()
    dataset = open_dataset(run.data.root, run.data.layout, run.data.labels)
    if not dataset.train:
        raise DataError(dataset.root, "holds no training videos", "see 'oddlens data check' on it")
    footage = [Footage(video.name, video.path, dataset.fps) for video in dataset.train]
    provenance = None if overwrite else finished(folder)
    if provenance:
        check_footage(folder, fingerprint_footage(footage))
        accelerator.end_training()
        return _past_result(folder, provenance, run)
    progress = Progress(quiet or not accelerator.is_main_process)
    with progress.decoding() as advance:
        store = build_store(footage, network.sampling, cache_folder(run), _budget(run), advance)
    kept, held = split_holdout(store.runs(), run.training.holdout, network.sampling)
    if not kept:
        span = network.sampling.span
        raise DataError(dataset.root, f"no training video has {span} frames", "give longer footage")
    clips = sum(count_clips(len(part), network.sampling) for part in kept)
    if clips < run.training.batch_size:  # said before the run folder is begun
        fault = f"holds {clips} clips to train on, a batch takes {run.training.batch_size}"
        raise DataError(dataset.root, fault, "give more footage or a smaller training.batch_size")
    network.prepare_training(TrainingResources(cache_folder(run), _budget(run)))
    if accelerator.is_main_process:
        begin(folder, run, _origin(run, dataset, store), overwrite)
    accelerator.wait_for_everyone()
    resumed = (folder / "checkpoints" / "last.pt").exists()
    with progress.training():
        fitted = fit(network, kept, held, run.training, folder, accelerator, progress.step)
    if accelerator.is_main_process:
        detector = Detector(network.eval(), Calibration(frames=0), run.scoring)
        with progress.message("calibrating on normal footage"):
            calibration = calibrate_detector(detector, held or kept, bool(held), dataset.fps)
        provenance = _origin(run, dataset, store) | _outcome(fitted)
        replace(detector, calibration=calibration, provenance=provenance).save(folder / "detector")
        finish(folder, provenance)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    detector = Detector.load(folder / "detector", run.training.device)
    return RunResult(folder, detector, fitted, store.summary(), resumed)


def resolve_settings(
    method: str | None,
    data: str | Path | None,
    config: str | Path | None,
    settings: Mapping[str, Any],
    assignments: Iterable[str],
) -> RunSettings:
    """The settings of a run from recipe, overrides and assignments, in this order.

    Raises:
        SettingsError: an unknown key, a wrong value, no method or no data.
    """
    file = find_recipe(str(config)) if config else None
    where = str(config or "settings")
    values = merge(read_yaml(file) if file else {}, settings)
    values = apply_assignments(values, assignments)
    chosen = values.get("method") or {}
    if not isinstance(chosen, Mapping):
        raise SettingsError(where, f"'method' is {str(chosen)[:60]!r}", "write method: {name: lnra}, or leave it out")
    chosen = dict(chosen)
    if method and chosen.setdefault("name", method) != method:
        raise SettingsError(where, f"is for method '{chosen['name']}', not '{method}'", "name the same method twice")
    if data is not None:
        values = merge(values, {"data": {"root": str(data)}})
    run = build(RunSettings, {**values, "method": chosen}, where)
    if "name" not in chosen:
        raise SettingsError(where, "names no method", "write e.g. 'oddlens train lnra ...'")
    if not run.data.root:
        raise SettingsError(where, "names no footage", "give --data FOLDER")
    method_values = {key: value for key, value in chosen.items() if key != "name"}
    checked = build(method_class(chosen["name"]).settings_type, method_values, f"{where}: method")
    return replace(run, method={"name": chosen["name"], **checked.to_dict()})


def calibrate_detector(
    detector: Detector, runs: Sequence[FrameRun], held_out: bool, fps: float | None = None
) -> Calibration:
    """Calibration of `detector` from runs of normal frames (evenly spread ones, if they are many)."""
    scorer = detector.scorer(details=True)
    normal, sample = [], []
    for run in _spread(runs, _CALIBRATION_FRAMES, detector.method.sampling.span):
        scored = score_run(scorer, run)
        normal.append(NormalScores(np.array([s.score for s in scored]), run.fps or fps or DEFAULT_FPS))
        sample += [s.map.ravel()[::_MAP_SAMPLE] for s in scored if s.map is not None]
    return calibrate(normal, detector.alarm_rule, held_out, np.concatenate(sample) if sample else None)


def _spread(runs: Sequence[FrameRun], frames: int, span: int) -> list[FrameRun]:
    """All runs that a window fits in, cut alike where they hold more than `frames` frames in all."""
    share = min(1.0, frames / max(1, sum(len(run) for run in runs)))
    cut = [(run, max(span, round(share * len(run)))) for run in runs if len(run) >= span]
    return [FrameRun(run.video, run.start, run.frames[:length], run.fps) for run, length in cut]


def cache_folder(run: RunSettings) -> Path:
    """Where frame stores live."""
    if run.data.cache_dir:
        return Path(run.data.cache_dir)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "oddlens" / "frames"


def _budget(run: RunSettings) -> int:
    return int(run.data.cache_gb * 1e9)


def _build_method(run: RunSettings) -> Method:
    values = {key: value for key, value in run.method.items() if key != "name"}
    torch.manual_seed(run.training.seed)
    return method_class(run.method["name"]).from_values(values, "method")


def _origin(run: RunSettings, dataset: DataSet, store: FrameStore) -> dict[str, Any]:
    """Provenance as far as it is known before training."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dataset": dataset.name,
        "data_fingerprint": store.fingerprint,
        "footage": store.summary(),
        "frames": store.kept_frames,
        "frames_seen": store.total_frames,
        "frames_per_second": next((s.fps for s in store.segments if s.fps), dataset.fps) or DEFAULT_FPS,
        "seed": run.training.seed,
        **runtime(),
    }


def _outcome(fitted: FitResult) -> dict[str, Any]:
    """Provenance that training adds."""
    return {
        "steps": fitted.steps,
        "training_seconds": round(fitted.seconds, 1),
        "validation_loss": None if np.isnan(fitted.validation_loss) else round(fitted.validation_loss, 6),
    }


def _past_result(folder: Path, provenance: Mapping[str, Any], run: RunSettings) -> RunResult:
    """The result of a run that had been finished before."""
    loss = provenance["validation_loss"]
    fitted = FitResult(provenance["steps"], provenance["training_seconds"], float("nan") if loss is None else loss)
    detector = Detector.load(folder / "detector", run.training.device)
    return RunResult(folder, detector, fitted, str(provenance.get("footage", "")), True)
