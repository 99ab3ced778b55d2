"""`oddlens train`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import tyro

from oddlens.commands.options import DeviceName, MethodName, Number, PaceName, SplitName, Text, Whole


def train(
    method: MethodName,
    /,
    data: Text = None,
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
        out: run folder: settings, logs, checkpoints and the finished detector.
        config: a YAML file, or a recipe's name such as lnra/cpu.
        set: change one setting, e.g. --set training.iterations=500 (may be repeated).
        self_paced: how training samples with large losses count less: for footage that is not all normal.
        split: which videos to train on: the training ones, the unlabelled test footage itself, or both.
        layout: how the data lies, where it is not recognised.
        labels: which labels to read (they are not used in training).
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
    from oddlens.training.loop import Interrupted
    from oddlens.training.run import RunResult
    from oddlens.training.run import train as run

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
    try:
        result: RunResult = run(
            method,
            data,
            out,
            config=config,
            settings=settings,
            assignments=set,
            overwrite=overwrite,
            quiet=quiet,
        )
    except Interrupted as stop:
        print(f"oddlens: {stop}; the checkpoint is written, repeat the command to go on", file=sys.stderr)
        return 130
    if not quiet and os.environ.get("RANK", "0") == "0":  # under torchrun one process speaks for all
        _summarise(result)
    return 0


def _summarise(result: object) -> None:
    from oddlens.commands.output import console, say_faults
    from oddlens.scoring.session import threshold_source
    from oddlens.training.run import RunResult

    assert isinstance(result, RunResult)
    detector, out = result.detector, console()
    minutes = result.fit.seconds / 60
    out.print(f"[bold]{detector.name}[/] trained: {result.fit.steps} steps in {minutes:.1f} min; {result.footage}")
    if result.fit.pace_widths:
        first, last = result.fit.pace_widths
        out.print(f"self-paced: samples count less from {first:.2f} standard deviations at first, {last:.2f} at last")
    out.print(f"threshold {detector.calibration.threshold:.2f}: {threshold_source(detector.calibration)}")
    say_faults("fault", result.faults)
    say_faults("warning", detector.calibration.warnings)
    out.print(f"detector: {result.folder / 'detector'}")
    inputs = "PHOTOGRAPHS" if detector.method.subject == "photographs" else "VIDEO"
    out.print(f"next: oddlens score {result.folder} {inputs} --out scores", markup=False)
