"""`oddlens toy`."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from oddlens.commands.options import DeviceName, File
from oddlens.errors import SettingsError

if TYPE_CHECKING:
    from oddlens.toy.data import ToyData
    from oddlens.toy.settings import ToySettings

Start = Annotated[Literal["uniform", "k-means"], tyro.conf.arg(metavar="{uniform,k-means}")]
Seeds = Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT...")]
Weights = Annotated[tuple[float, ...], tyro.conf.arg(metavar="NUMBER...")]


def toy(
    data: File = None,
    out: Path = Path("toy"),
    seeds: Seeds = (0, 1, 2),
    iterations: int = 300,
    alpha: Weights = (0.01, 0.05, 0.2, 1.0),
    gamma: float = 0.1,
    codes: int = 20,
    start: Start = "k-means",
    restart_after: int = 20,
    device: DeviceName = None,
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Show on digits what a measurable deformation is good for: odd digits are normal, even ones are anomalies.

    Trains three small models (memory only, memory + skip, memory + deformation) on odd digits and compares them. What
    an interrupted run has trained is not trained again.

    Args:
        data: folder with MNIST's four idx files, packed or not; default: digits that are drawn.
        out: folder for figure, tables and weights.
        seeds: the three models are trained once for each.
        iterations: training steps of each model.
        alpha: weights of the diversity in the score; the figure shows the first.
        gamma: weight of the deformation in the loss.
        codes: prototypes in memory.
        start: where prototypes begin: drawn at random, or in the first batch's clusters.
        restart_after: steps after which an unused prototype is moved to where features are; 0 = never.
        device: where to compute.
        overwrite: start afresh although the folder holds another experiment.
        quiet: no progress, no summary.
    """
    from oddlens.commands.output import console
    from oddlens.toy.experiment import run_experiment
    from oddlens.toy.report import write_results
    from oddlens.toy.settings import ToySettings
    from oddlens.toy.tables import terminal_table
    from oddlens.training.devices import pick_device
    from oddlens.training.progress import Progress

    _check(seeds, alpha)
    try:
        settings = ToySettings(
            iterations=iterations, gamma=gamma, codes=codes, start=start, restart_after=restart_after
        )
    except SettingsError as error:
        raise SettingsError(f"--{error.subject.replace('_', '-')}", error.fault, error.remedy) from None
    place, progress = pick_device(device or "auto"), Progress(quiet)
    with progress.message("reading digits" if data else "drawing digits"):
        digits = _digits(data)
    with progress.bar("training steps") as update:
        outcome = run_experiment(digits, out, settings, seeds, place, overwrite, update)
    command = _command(data, out, seeds, settings, alpha)
    result = write_results(out, digits, outcome, settings, alpha, place, command)
    if not quiet:
        console().print(terminal_table(result))
        console().print(f"figure: {out / 'figure.png'}; tables: {out / 'results.md'}; weights: {out / 'weights'}")
        console().print(f"next: {_next(data, out)}", markup=False)
    return 0


def _check(seeds: Sequence[int], alphas: Sequence[float]) -> None:
    for name, values in (("--seeds", seeds), ("--alpha", alphas)):
        if not values:
            raise SettingsError(name, "names none", "give one or more")
        if len(set(values)) < len(values):
            raise SettingsError(
                name, f"names one twice ({', '.join(f'{value:g}' for value in values)})", "name it once"
            )
    for seed in seeds:
        if seed < 0 or seed >= 2**63:
            raise SettingsError("--seeds", f"is {seed}", "give whole numbers from 0 up")
    for alpha in alphas:
        if not math.isfinite(alpha) or alpha < 0:
            raise SettingsError("--alpha", f"is {alpha:g}", "give numbers of 0 or more")


def _digits(folder: Path | None) -> ToyData:
    from oddlens.toy.data import read_folder
    from oddlens.toy.drawn import draw_data

    return read_folder(folder) if folder else draw_data()


def _command(data: Path | None, out: Path, seeds: Sequence[int], settings: ToySettings, alphas: Sequence[float]) -> str:
    """The command that does the same again, whatever the defaults will be then."""
    options: dict[str, Sequence[object]] = {
        "--data": [] if data is None else [data],
        "--out": [out],
        "--seeds": seeds,
        "--iterations": [settings.iterations],
        "--alpha": [f"{alpha:g}" for alpha in alphas],
        "--gamma": [f"{settings.gamma:g}"],
        "--codes": [settings.codes],
        "--start": [settings.start],
        "--restart-after": [settings.restart_after],
    }
    words = [str(word) for name, values in options.items() if values for word in (name, *values)]
    return shlex.join(["oddlens", "toy", *words])


def _next(data: Path | None, out: Path) -> str:
    """A command worth typing after this one."""
    if data is None:
        return "oddlens toy --data FOLDER --out toy-mnist, with MNIST's four files in FOLDER"
    other = out.with_name(f"{out.name}-strict")
    words = ["oddlens", "toy", "--data", str(data), "--out", str(other), "--gamma", "0.5"]
    return f"{shlex.join(words)}, to see what dearer deformation gives"
