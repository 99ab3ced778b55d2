"""`oddlens benchmark mvtec` and `oddlens benchmark video`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from oddlens.commands.options import DeviceName

if TYPE_CHECKING:
    from oddlens.benchmarking.folder import BenchmarkFolder
    from oddlens.benchmarking.plan import Job

Names = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME...")]
Paths = Annotated[tuple[Path, ...], tyro.conf.arg(metavar="PATH...")]
Seeds = Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT...")]
Changes = Annotated[tuple[tuple[str, ...], ...], tyro.conf.arg(metavar="KEY=VALUE..."), tyro.conf.UseAppendAction]


def mvtec(
    root: Path,
    out: Path = Path("benchmark"),
    categories: Names = (),
    methods: Names = ("dmad-ppdm", "reverse-distillation"),
    recipes: Names = ("cpu",),
    seeds: Seeds = (0,),
    set: Changes = (),
    resamples: int = 1000,
    device: DeviceName = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Train and evaluate on each category of MVTec AD, or of a folder laid out alike, and write the tables.

    What is done already is not done again; an interrupted benchmark goes on with the same command.

    Args:
        root: folder of the categories, or one category.
        out: folder for runs, results and tables.
        categories: some of them; default: all that are there.
        methods: methods of photographs, each with a recipe of its own where wanted (dmad-ppdm/mvtec-image).
            reverse-distillation is dmad-ppdm without its deformation.
        recipes: for methods named without one: recipes (cpu), files, or defaults.
        seeds: each method is trained once for each.
        set: settings laid over all recipes, such as training.epochs=10.
        resamples: of the bootstrap over photographs.
        device: where to compute.
        quiet: no progress, no summary.
    """
    from oddlens.benchmarking.folder import BenchmarkFolder
    from oddlens.benchmarking.plan import make_entries, make_jobs
    from oddlens.benchmarking.targets import category_targets

    targets, absent = category_targets(root, categories)
    changes = tuple(chain(*set))
    jobs = make_jobs(targets, make_entries(methods, recipes, "photographs"), seeds, changes)
    folder = BenchmarkFolder(out, "photographs")
    given = {"--root": [root], "--categories": categories, "--methods": methods}
    command = _command("mvtec", given, out, recipes, seeds, changes)
    return _run(jobs, folder, absent, command, resamples=resamples, device=device, quiet=quiet)


def video(
    data: Paths,
    out: Path = Path("benchmark"),
    methods: Names = (),
    recipes: Names = ("cpu",),
    seeds: Seeds = (0,),
    set: Changes = (),
    resamples: int = 1000,
    device: DeviceName = None,
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False,
) -> int:
    """Train and evaluate methods on labelled footage, and write a table for each data set.

    What is done already is not done again; an interrupted benchmark goes on with the same command.

    Args:
        data: data sets with labels.
        out: folder for runs, results and tables.
        methods: methods of video, each with a recipe of its own where wanted (lnra/ped2-skip); default: all that have
            one of the recipes. A method that begins with a trained detector brings that along.
        recipes: for methods named without one: recipes (cpu), files, or defaults.
        seeds: each method is trained once for each.
        set: settings laid over all recipes, such as training.iterations=500.
        resamples: of the bootstrap over videos.
        device: where to compute.
        quiet: no progress, no summary.
    """
    from oddlens.benchmarking.folder import BenchmarkFolder
    from oddlens.benchmarking.plan import make_entries, make_jobs
    from oddlens.benchmarking.targets import video_targets

    changes = tuple(chain(*set))
    jobs = make_jobs(video_targets(data), make_entries(methods, recipes, "video"), seeds, changes)
    folder = BenchmarkFolder(out, "video")
    command = _command("video", {"--data": data, "--methods": methods}, out, recipes, seeds, changes)
    return _run(jobs, folder, (), command, resamples=resamples, device=device, quiet=quiet)


def _run(jobs: Sequence[Job], folder: BenchmarkFolder, absent: Sequence[str], command: str, **options: Any) -> int:
    from oddlens.benchmarking.run import run_benchmark
    from oddlens.benchmarking.tables import MARKDOWN
    from oddlens.commands.output import console, say_faults
    from oddlens.training.loop import Interrupted

    screen, quiet = console(), options["quiet"]

    def told(line: str) -> None:
        if not quiet:
            screen.print(line, markup=False)

    try:
        result = run_benchmark(jobs, folder, absent=absent, command=command, told=told, **options)
    except Interrupted as stop:
        print(f"oddlens: {stop}; the checkpoint is written, repeat the command to go on", file=sys.stderr)
        return 130
    say_faults("missing", result.missing)
    told(f"tables: {folder.path / MARKDOWN}")
    return 1 if result.missing else 0


def _command(
    name: str,
    given: dict[str, Sequence[object]],
    out: Path,
    recipes: Sequence[str],
    seeds: Sequence[int],
    changes: Sequence[str],
) -> str:
    """The command that does the same again."""
    options = {**given, "--recipes": recipes, "--seeds": seeds, "--set": changes, "--out": [out]}
    words = [str(word) for option, values in options.items() if values for word in (option, *values)]
    return shlex.join(["oddlens", "benchmark", name, *words])
