"""`oddlens train`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from oddlens.commands.options import DeviceName, MethodName, Number, PaceName, SplitName, StagesName, Text, Whole
from oddlens.errors import SettingsError
from oddlens.training.second_stage import FIRST_STAGES

if TYPE_CHECKING:
    from oddlens.training.run import RunResult


def train(
    method: MethodName,
    /,
    data: Text = None,
    stages: StagesName = None,
    generator: Text = None,
    out: Path = Path("run"),
    config: Text = None,
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction] = (),
    self_paced: PaceName = None,
    split: SplitName = None,
    layout: Text = None,
    labels: Text = None,
    cache_gb: Number = None,
    cache_dir: Text = None,
    seed: Whole = None,
    device: DeviceName = None,
    false_alarms_per_hour: Number = None,
    false_reject_rate: Number = None,
    tile: Whole = None,
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Train a detector on normal footage, or on photographs of good parts.

    An unfinished run of the same settings in the run folder goes on where it stood.

    Args:
        method: name of the method, see 'oddlens list'.
        data: a data set, a folder with normal/ (and test/), a folder of videos, or one video; for photographs a
            category of MVTec AD, a folder with good/, a folder of images or a glob.
        stages: of f2lm: the generator alone (as without this), the Destroyer on top of one, or both, one after the
            other, in the folders generator and destroyer of the run folder.
        generator: run of f2lm that the Destroyer begins with, or a folder of both stages.
        out: run folder: settings, logs, checkpoints and the finished detector.
        config: a YAML file, or a recipe's name such as lnra/cpu.
        set: change one setting, e.g. --set training.iterations=500 (may be repeated). With --stages both
            --set destroyer.KEY=VALUE is for the Destroyer alone, generator.KEY and method.KEY for the generator.
        self_paced: how training samples with large losses count less: for footage that is not all normal.
        split: which videos to train on: the training ones, the unlabelled test footage itself, or both.
        layout: how the data lies, where it is not recognised.
        labels: which labels to read (training does not use them, unless training.select is best-test).
        cache_gb: largest size of the frame store; longer footage is sampled evenly over time.
        cache_dir: where frame stores live.
        seed: seed of weights, order and pseudo anomalies.
        device: where to compute.
        false_alarms_per_hour: alarm rate to set the threshold for.
        false_reject_rate: share of good photographs (0.01 = 1 %) to set the threshold for.
        tile: learn from large photographs, and score them, at full resolution in tiles so many pixels wide.
        overwrite: start afresh although the run folder holds another run.
        quiet: no progress, no summary.
    """
    from oddlens.commands.output import say_faults
    from oddlens.training.loop import Interrupted
    from oddlens.training.run import train as run
    from oddlens.training.stages import train_stages

    given: dict[str, dict[str, Any]] = {
        "data": {"split": split, "layout": layout, "labels": labels, "cache_gb": cache_gb, "cache_dir": cache_dir},
        "training": {"seed": seed, "device": device, "self_paced": self_paced and {"mode": self_paced}},
        "scoring": {
            "false_alarms_per_hour": false_alarms_per_hour,
            "false_reject_rate": false_reject_rate,
            "tile": tile,
        },
    }
    settings = {
        part: {key: value for key, value in values.items() if value is not None} for part, values in given.items()
    }
    settings = {part: values for part, values in settings.items() if values}
    common: dict[str, Any] = {"config": config, "assignments": set, "overwrite": overwrite, "quiet": quiet}
    _check_stages(method, stages, generator)
    try:
        if stages is not None:
            both = train_stages(stages, data, out, settings=settings, generator=generator, **common)
            runs, folder = both.runs, both.folder
        else:
            begun = {"method": {"generator": generator}} if generator is not None else {}
            runs = [run(method, data, out, settings={**settings, **begun}, **common)]
            folder = runs[0].folder
    except Interrupted as stop:
        print(f"oddlens: {stop}; the checkpoint is written, repeat the command to go on", file=sys.stderr)
        return 130
    if os.environ.get("RANK", "0") == "0":  # under torchrun one process speaks for all
        if quiet:
            say_faults("fault", (fault for each in runs for fault in each.faults))
        else:
            _summarise(runs, folder)
    return 0


def _check_stages(method: str, stages: str | None, generator: str | None) -> None:
    """Refuse options about stages with methods that have none."""
    first = [name for name, _ in FIRST_STAGES.values()]
    if stages is not None and method not in first:
        begun = method in FIRST_STAGES
        remedy = f"write 'oddlens train {FIRST_STAGES[method][0]} --stages ...'" if begun else "leave it out"
        raise SettingsError("--stages", f"is for {', '.join(first)}, not {method}", remedy)
    if generator is not None and stages is None and method not in FIRST_STAGES:
        wanted = ", ".join(f"{name} begins with one" for name in FIRST_STAGES)
        also = f", and so does {method} with --stages destroyer" if method in first else ""
        raise SettingsError("--generator", f"has no use with {method}", f"leave it out: only {wanted}{also}")


def _summarise(runs: Sequence[RunResult], folder: Path) -> None:
    from oddlens.commands.output import console

    out = console()
    for run in runs:
        _summarise_run(run)
    for run in runs:
        name = "detector" if len(runs) == 1 else f"detector of {run.detector.name}"
        out.print(f"{name}: {run.folder / 'detector'}")
    if len(runs) > 1:
        out.print(
            f"{folder} may be named wherever a detector is wanted: it is {runs[-1].detector.name}'s", markup=False
        )
    inputs = "PHOTOGRAPHS" if runs[-1].detector.method.subject == "photographs" else "VIDEO"
    out.print(f"next: oddlens score {folder} {inputs} --out scores", markup=False)


def _summarise_run(result: RunResult) -> None:
    from oddlens.commands.output import console, say_faults
    from oddlens.scoring.session import threshold_source

    detector, out = result.detector, console()
    minutes = result.fit.seconds / 60
    out.print(f"[bold]{detector.name}[/] trained: {result.fit.steps} steps in {minutes:.1f} min; {result.footage}")
    if result.fit.pace_widths:
        out.print(_paced(*result.fit.pace_widths, result.fit.pace_lessened))
    if chosen := detector.provenance.get("optimistic"):
        out.print(f"optimistic: {chosen}{_where(result)}", markup=False)
    out.print(f"threshold {detector.calibration.threshold:.2f}: {threshold_source(detector.calibration)}")
    say_faults("fault", result.faults)
    if result.fit.pace_lessened == 0:
        say_faults("warning", ["self-paced training gave no sample less weight: train longer, or in larger batches"])
    say_faults("warning", detector.calibration.warnings)


def _paced(first: float, last: float, lessened: float | None) -> str:
    """What self-paced training did."""
    share = "" if lessened is None else f"; {100 * lessened:.1f} % of the samples after the warm-up counted less"
    return f"self-paced: k from {first:.2f} to {last:.2f} standard deviations above the mean{share}"


def _where(result: RunResult) -> str:
    """Step and AUC of a checkpoint that test labels chose; of a generator that they chose nothing is known here."""
    if result.fit.chosen_on_test is None:
        return " (the generator's)"
    step, auc = result.fit.chosen_on_test
    return f" (step {step}: micro AUC {100 * auc:.2f} % under paper)"
