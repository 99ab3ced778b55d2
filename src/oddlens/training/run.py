"""A whole run: footage -> frame store -> training -> calibration -> detector."""

from __future__ import annotations

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
from oddlens.datasets.open_photographs import open_photographs
from oddlens.datasets.photographs import PhotographSet
from oddlens.errors import SettingsError
from oddlens.media.store import Footage, fingerprint_footage
from oddlens.methods import method_class
from oddlens.methods.base import Method
from oddlens.methods.objects import ObjectMethod
from oddlens.recipes import find_recipe
from oddlens.scoring.calibration import Calibration
from oddlens.scoring.detector import Detector, runtime
from oddlens.scoring.table import DEFAULT_FPS
from oddlens.training.best_test import CHOSEN_ON_LABELS, label_ranking
from oddlens.training.earlier import OPTIMISTIC, complete_settings
from oddlens.training.feeds import Feed, chosen_videos, clip_feed
from oddlens.training.folder import begin, check_folder, check_origin, finish, finished
from oddlens.training.loop import FitResult, Ranking, fit, make_accelerator
from oddlens.training.object_feed import object_feed
from oddlens.training.photograph_feed import photograph_feed, photograph_footage
from oddlens.training.progress import Progress
from oddlens.training.second_stage import DESTROYER, FIRST_STAGES, GENERATOR
from oddlens.training.settings import RunSettings


@dataclass(frozen=True)
class RunResult:
    """Where a run's results lie, and what they are."""

    folder: Path
    detector: Detector
    fit: FitResult
    footage: str
    """One line about the frames trained on."""
    resumed: bool
    faults: tuple[str, ...] = ()
    """Photographs that could not be read and were left out, one line each."""


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

    On a CPU the process keeps from then on the memory that it frees: faster, and as large as it once was. With
    `MALLOC_TRIM_THRESHOLD_` or the like in the environment it does not.

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
    folder = Path(out)
    run, earlier = complete_settings(resolve_settings(method, data, config, settings or {}, assignments), folder)
    network = _build_method(run)
    accelerator = make_accelerator(run.training, network.learns_in_parts)
    if accelerator.is_main_process:
        check_folder(folder, run, overwrite)
    accelerator.wait_for_everyone()
    dataset, footage = _open_data(network, run)
    provenance = None if overwrite else finished(folder)
    if provenance:
        check_origin(folder, {"data_fingerprint": fingerprint_footage(footage), **earlier})
        accelerator.end_training()
        return _past_result(folder, provenance, run)
    ranking = _ranking(network, dataset, run)
    progress = Progress(quiet or not accelerator.is_main_process)
    feed = _feed(network, run, footage, str(dataset.root), progress)
    if accelerator.is_main_process:
        begin(folder, run, _origin(run, dataset, feed) | earlier, overwrite)
    accelerator.wait_for_everyone()
    resumed = (folder / "checkpoints" / "last.pt").exists()
    with progress.training():
        fitted = fit(network, feed.train, feed.held_out, run.training, folder, accelerator, progress.step, ranking)
    if accelerator.is_main_process:
        detector = Detector(network.eval(), Calibration(frames=0), run.scoring)
        with progress.message("calibrating"):
            calibration = feed.calibrate(detector)
            calibration = replace(calibration, warnings=(*calibration.warnings, *network.training_faults()))
        provenance = _origin(run, dataset, feed) | earlier | _outcome(fitted)
        replace(detector, calibration=calibration, provenance=provenance).save(folder / "detector")
        finish(folder, provenance)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    detector = Detector.load(folder / "detector", run.training.device)
    return RunResult(folder, detector, fitted, feed.summary, resumed, feed.faults)


def _open_data(method: Method, run: RunSettings) -> tuple[DataSet | PhotographSet, list[Footage]]:
    """The data set, and what of it is trained on."""
    data = run.data
    if method.subject == "photographs":
        if data.labels != "default":
            raise SettingsError(
                "data.labels", "is about video", "leave it out: photographs have the label of their folder"
            )
        photographs = open_photographs(data.root, data.layout)
        return photographs, photograph_footage(photographs, data.split)
    videos = open_dataset(data.root, data.layout, data.labels)
    return videos, [Footage(video.name, video.path, videos.fps) for video in chosen_videos(videos, data.split)]


def check_data(method: Method, run: RunSettings) -> tuple[DataSet | PhotographSet, list[Footage]]:
    """The data set, and what of it is trained on; it has labels where these choose the weights.

    Raises:
        OddLensError: they are not, or have none.
    """
    dataset, footage = _open_data(method, run)
    _ranking(method, dataset, run)
    return dataset, footage


def _ranking(method: Method, dataset: DataSet | PhotographSet, run: RunSettings) -> Ranking | None:
    return label_ranking(method, dataset, run.scoring) if run.training.select == "best-test" else None


def _feed(method: Method, run: RunSettings, footage: Sequence[Footage], root: str, progress: Progress) -> Feed:
    of_frames = method.subject == "video" and not isinstance(method, ObjectMethod)
    if run.training.sampling == "videos" and not of_frames:
        fault = f"is videos, but {method.name} does not learn from clips"
        raise SettingsError("training.sampling", fault, "set it to clips")
    if method.subject == "photographs":
        return photograph_feed(method, run, footage, root, progress)
    if run.scoring.tile:
        raise SettingsError("scoring.tile", f"is about photographs, and {method.name} looks at video", "leave it out")
    if isinstance(method, ObjectMethod):
        return object_feed(method, run, footage, root, progress)
    return clip_feed(method, run, footage, root, progress)


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
    values = merge(_of_one_stage(read_yaml(file), method) if file else {}, settings)
    values = apply_assignments(values, assignments)
    stage = next((name for name in (GENERATOR, DESTROYER) if name in values), None)
    if stage:
        raise SettingsError(where, f"'{stage}' is for a stage of f2lm", "give --stages both, or leave it out")
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


def _of_one_stage(values: dict[str, Any], method: str | None) -> dict[str, Any]:
    """A file's settings without those of a second stage, which may stand beside the first one's."""
    named = values.get("method")
    name = (named.get("name") if isinstance(named, Mapping) else None) or method
    return {key: value for key, value in values.items() if FIRST_STAGES.get(key, ("",))[0] != name}


def _build_method(run: RunSettings) -> Method:
    values = {key: value for key, value in run.method.items() if key != "name"}
    torch.manual_seed(run.training.seed)
    return method_class(run.method["name"]).from_values(values, "method")


def _origin(run: RunSettings, dataset: DataSet | PhotographSet, feed: Feed) -> dict[str, Any]:
    """Provenance as far as it is known before training."""
    rate = {"frames_per_second": feed.fps or dataset.fps or DEFAULT_FPS} if isinstance(dataset, DataSet) else {}
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dataset": dataset.name,
        "split": run.data.split,
        "data_fingerprint": feed.fingerprint,
        "footage": feed.summary,
        "frames": feed.frames,
        "frames_seen": feed.frames_seen,
        **rate,
        **feed.rests_on,
        "seed": run.training.seed,
        **runtime(),
    }


def _outcome(fitted: FitResult) -> dict[str, Any]:
    """Provenance that training adds."""
    return {
        "steps": fitted.steps,
        "training_seconds": round(fitted.seconds, 1),
        "validation_loss": None if np.isnan(fitted.validation_loss) else round(fitted.validation_loss, 6),
        "pace_widths": None if fitted.pace_widths is None else [round(width, 4) for width in fitted.pace_widths],
        "pace_lessened": None if fitted.pace_lessened is None else round(fitted.pace_lessened, 6),
    } | _chosen(fitted)


def _chosen(fitted: FitResult) -> dict[str, Any]:
    """Provenance of weights that test labels chose."""
    if fitted.chosen_on_test is None:
        return {}
    step, auc = fitted.chosen_on_test
    return {OPTIMISTIC: CHOSEN_ON_LABELS, "chosen_step": step, "chosen_test_auc": round(auc, 6)}


def _past_result(folder: Path, provenance: Mapping[str, Any], run: RunSettings) -> RunResult:
    """The result of a run that had been finished before."""
    loss = provenance["validation_loss"]
    widths = provenance.get("pace_widths")
    fitted = FitResult(
        provenance["steps"],
        provenance["training_seconds"],
        float("nan") if loss is None else loss,
        None if widths is None else (widths[0], widths[1]),
        provenance.get("pace_lessened"),
        (provenance["chosen_step"], provenance["chosen_test_auc"]) if "chosen_step" in provenance else None,
    )
    detector = Detector.load(folder / "detector", run.training.device)
    return RunResult(folder, detector, fitted, str(provenance.get("footage", "")), True)
