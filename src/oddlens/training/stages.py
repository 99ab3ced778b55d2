"""Both stages of F2LM in one go: the generator, then the Destroyer on top of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from oddlens.config import build, merge, read_yaml
from oddlens.errors import SettingsError
from oddlens.files import is_leftover
from oddlens.methods import method_class
from oddlens.methods.base import Method
from oddlens.methods.destroyer.method import Destroyer
from oddlens.recipes import find_recipe
from oddlens.training.feeds import divided_frames
from oddlens.training.folder import check_folder
from oddlens.training.progress import Progress
from oddlens.training.resources import TrainingResources
from oddlens.training.run import RunResult, check_data, resolve_settings, train
from oddlens.training.second_stage import DESTROYER, FIRST_STAGES, GENERATOR, holds_stages
from oddlens.training.settings import RunSettings

Stages = Literal["generator", "destroyer", "both"]
METHODS = {GENERATOR: FIRST_STAGES[DESTROYER][0], DESTROYER: DESTROYER}
"""Method of each stage."""


@dataclass(frozen=True)
class StagesResult:
    """What the stages became; a stage that was not asked for is `None`."""

    folder: Path
    generator: RunResult | None
    destroyer: RunResult | None

    @property
    def runs(self) -> list[RunResult]:
        """The stages there are, in order."""
        return [run for run in (self.generator, self.destroyer) if run]


@dataclass(frozen=True)
class StageSettings:
    """What one stage is told: see `resolve_settings`."""

    config: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    assignments: tuple[str, ...] = ()

    def resolved(self, stage: str, data: str | Path | None) -> RunSettings:
        """The settings of the stage's run.

        Raises:
            SettingsError: an unknown key, a wrong value or no data.
        """
        try:
            return resolve_settings(METHODS[stage], data, self.config, self.settings, self.assignments)
        except SettingsError as error:
            raise SettingsError(f"{stage}: {error.subject}", error.fault, error.remedy) from None


def train_stages(
    stages: Stages,
    data: str | Path | None = None,
    out: str | Path = "run",
    *,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    assignments: Iterable[str] = (),
    generator: str | Path | None = None,
    overwrite: bool = False,
    quiet: bool = True,
) -> StagesResult:
    """Train F2LM's generator, its Destroyer, or one after the other.

    What has been trained before is not trained again, and what was interrupted goes on.

    Args:
        stages: `generator` and `destroyer` make `out` a run folder; `both` makes the run folders `out/generator` and
            `out/destroyer`, and `out` may be named wherever a detector is wanted: it is the Destroyer's.
        data: as for `train`.
        out: where the results go.
        config: of the generator, a file or a recipe; see `split_settings` for the Destroyer's.
        settings: laid over both configurations; `method` over the first stage's that is trained.
        assignments: likewise.
        generator: run that `destroyer` begins with; a folder of both stages will do.
        overwrite: start all of it afresh.
        quiet: no progress.

    Raises:
        OddLensError: what was asked for cannot be done; the message says why and what to do.
        Interrupted: Ctrl-C; the same call goes on where it stopped.
    """
    if generator is not None and stages != DESTROYER:
        remedy = f"leave it out, or train with --stages {DESTROYER} alone"
        raise SettingsError("--generator", f"has no use with --stages {stages}, which trains one", remedy)
    folder, wanted = Path(out), (GENERATOR, DESTROYER) if stages == "both" else (stages,)
    parts = split_settings(wanted, config, settings or {}, list(assignments))
    if generator is not None:
        parts[DESTROYER] = _beginning_with(parts[DESTROYER], generator)
    if stages == "both":
        return _train_both(parts, data, folder, overwrite, quiet)
    if stages == DESTROYER and not parts[DESTROYER].resolved(DESTROYER, data).method["generator"]:
        remedy = "name the run folder of a finished 'oddlens train f2lm' with --generator, or train --stages both"
        raise SettingsError(f"--stages {stages}", "there is no generator to begin with", remedy)
    run = _train_stage(stages, parts[stages], data, folder, overwrite, quiet)
    return StagesResult(folder, *(run if stage == stages else None for stage in METHODS))


def split_settings(
    stages: Sequence[str],
    config: str | Path | None,
    settings: Mapping[str, Any],
    assignments: Sequence[str],
) -> dict[str, StageSettings]:
    """What each stage is told.

    A configuration is the generator's. The Destroyer takes the one of the same name in the folder `destroyer` beside
    its folder `f2lm`, where that is how they lie, and its section `destroyer`, which is laid over that; `data` is for
    both. What is given besides is for both too, but `method` for the first stage that is trained, `generator` and
    `destroyer` for the one of that name: `training.seed=1`, `method.features=8`, `destroyer.training.iterations=500`.

    Args:
        stages: those that are trained, in order.
        config: a file, the name of a recipe, or nothing: then both stages begin with their defaults.
        settings: nested as in a file.
        assignments: `key.sub=value`.

    Raises:
        SettingsError: a configuration says nothing about the Destroyer, or what is said is for a stage left out.
    """
    _check_names(stages, settings, "settings")
    parts = {}
    for stage in stages:
        shared = {key: value for key, value in settings.items() if key not in METHODS}
        if stage != stages[0]:
            shared.pop("method", None)
        part = _configured(stage, config)
        given = merge(merge(part.settings, shared), _section(settings, stage, "settings"))
        lines = [line for item in assignments if (line := _assignment_for(stage, stages, item))]
        parts[stage] = replace(part, settings=given, assignments=tuple(lines))
    return parts


def _configured(stage: str, config: str | Path | None) -> StageSettings:
    """What the configuration tells a stage."""
    if config is None:
        return StageSettings()
    file = find_recipe(str(config))
    if stage == GENERATOR:
        return StageSettings(file)
    values, place = read_yaml(file), file.resolve()
    if (values.get("method") or {}).get("name") == DESTROYER:
        return StageSettings(file)
    sibling = place.parent.parent / DESTROYER / place.name
    same = place.parent.name == METHODS[GENERATOR] and sibling.is_file()
    if not same and DESTROYER not in values:
        remedy = f"add its settings as '{DESTROYER}:', or name a recipe such as f2lm/cpu"
        raise SettingsError(config, f"says nothing about the {DESTROYER}", remedy)
    data = {"data": values["data"]} if "data" in values else {}
    return StageSettings(sibling if same else None, merge(data, _section(values, DESTROYER, str(config))))


def _section(values: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    found = values.get(name) or {}
    if not isinstance(found, Mapping):
        raise SettingsError(where, f"'{name}' is {str(found)[:60]!r}", "give it 'key: value' pairs")
    return dict(found)


def _check_names(stages: Sequence[str], names: Iterable[str], where: str) -> None:
    for name in names:
        if name in METHODS and name not in stages:
            raise SettingsError(where, f"'{name}' is no stage that is trained here", "leave it out")


def _assignment_for(stage: str, stages: Sequence[str], assignment: str) -> str | None:
    """An assignment as `stage` is told it, `None` where it is for another stage."""
    key, _, text = assignment.partition("=")
    head, _, rest = (part.strip() for part in key.partition("."))
    _check_names(stages, [head], f"--set {assignment}")
    if head in METHODS:
        if not rest:
            raise SettingsError(f"--set {assignment}", "is not KEY=VALUE", f"write e.g. --set {head}.training.seed=1")
        return f"{rest}={text}" if head == stage else None
    return assignment if head != "method" or stage == stages[0] else None


def _beginning_with(part: StageSettings, generator: str | Path) -> StageSettings:
    return replace(part, settings=merge(part.settings, {"method": {"generator": str(generator)}}))


def _train_both(
    parts: Mapping[str, StageSettings], data: str | Path | None, folder: Path, overwrite: bool, quiet: bool
) -> StagesResult:
    places = {stage: folder / stage for stage in parts}
    if parts[DESTROYER].resolved(DESTROYER, data).method["generator"]:
        remedy = f"leave it out, or train with --stages {DESTROYER} alone"
        raise SettingsError("destroyer.method.generator", "is the generator that is trained here", remedy)
    told = {**parts, DESTROYER: _beginning_with(parts[DESTROYER], places[GENERATOR])}
    there, silent = folder.exists(), quiet or not _speaks()
    try:
        _check(told, data, folder, overwrite, Progress(silent))
        runs = []
        for number, stage in enumerate(parts, 1):
            Progress(silent).console.print(f"stage {number} of {len(parts)}: {stage}, in {places[stage]}", markup=False)
            runs.append(_train_stage(stage, told[stage], data, places[stage], overwrite, quiet))
    finally:
        if not there:
            with suppress(OSError):  # refused: nothing is in it
                folder.rmdir()
    return StagesResult(folder, *runs)


def _check(
    parts: Mapping[str, StageSettings], data: str | Path | None, folder: Path, overwrite: bool, progress: Progress
) -> None:
    """Refuse now what would be refused when the first stage has been trained."""
    if folder.is_file():
        raise SettingsError(folder, "is a file", "name a folder with --out")
    if (folder / "run.yaml").exists():
        raise SettingsError(folder, "is a run folder", "name another folder with --out: two stages go into it")
    known = (*METHODS, "evaluation-")
    if folder.is_dir() and not holds_stages(folder):
        strangers = [item for item in folder.iterdir() if not item.name.startswith(known) and not is_leftover(item)]
        if strangers:
            raise SettingsError(folder, "is not empty and holds no stages", "name another folder with --out")
    first = parts[GENERATOR].resolved(GENERATOR, data)
    untrained = _untrained(first)
    second = parts[DESTROYER].resolved(DESTROYER, data)
    kind = method_class(DESTROYER)
    values = {key: value for key, value in second.method.items() if key != "name"}
    settings = kind.complete(build(kind.settings_type, values, DESTROYER), lambda path: untrained)
    second = replace(second, method={"name": DESTROYER, **settings.to_dict()})
    if _speaks():
        check_folder(folder / GENERATOR, first, overwrite)
        check_folder(folder / DESTROYER, second, overwrite)
    check_data(untrained, first)
    network = _untrained(second)
    dataset, footage = check_data(network, second)
    if isinstance(network, Destroyer):
        network.open_background(TrainingResources.open_pictures)
    divided_frames(network, second, footage, str(dataset.root), progress)


def _speaks() -> bool:
    """Whether this process speaks and writes for all: under `torchrun` the first one does."""
    return os.environ.get("RANK", "0") == "0"


def _untrained(run: RunSettings) -> Method:
    values = {key: value for key, value in run.method.items() if key != "name"}
    return method_class(run.method["name"]).from_values(values, "method")


def _train_stage(
    stage: str, part: StageSettings, data: str | Path | None, folder: Path, overwrite: bool, quiet: bool
) -> RunResult:
    part.resolved(stage, data)  # for its messages
    return train(
        METHODS[stage],
        data,
        folder,
        config=part.config,
        settings=part.settings,
        assignments=part.assignments,
        overwrite=overwrite,
        quiet=quiet,
    )
