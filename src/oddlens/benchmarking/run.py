"""A whole benchmark: job after job, tables after each, and what is missing at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from oddlens.benchmarking.folder import BenchmarkFolder
from oddlens.benchmarking.job import run_job
from oddlens.benchmarking.plan import Job
from oddlens.benchmarking.tables import write_tables
from oddlens.errors import OddLensError

Told = Callable[[str], None]
"""Called with a line about what is being done."""


@dataclass
class BenchmarkResult:
    """What came of a benchmark."""

    folder: Path
    results: list[dict[str, Any]] = field(default_factory=list)
    """Of all jobs that the folder has, not only of those asked for."""
    missing: list[str] = field(default_factory=list)
    """Jobs that could not be done, one line each."""


def run_benchmark(
    jobs: Sequence[Job],
    folder: BenchmarkFolder,
    *,
    absent: Sequence[str] = (),
    command: str = "",
    told: Told = lambda line: None,
    **options: Any,
) -> BenchmarkResult:
    """Do what is not done yet, and write the tables after every job.

    A job that fails is reported, and the others are done. Killed at any moment, the same call goes on.

    Args:
        jobs: what to do.
        folder: of the benchmark.
        absent: what was asked for and is not there, one line each; the tables say so.
        command: told in the tables.
        told: for progress.
        options: as for `run_job`.

    Raises:
        SettingsError: the folder holds something else.
        Interrupted: Ctrl-C while training; the tables are written.
    """
    outcome = BenchmarkResult(folder.path, missing=list(absent))
    with folder.open():
        for number, job in enumerate(jobs, 1):
            name = f"[{number}/{len(jobs)}] {job.target.name}, {job.entry.name}, seed {job.seed}"
            try:
                result, before = run_job(job, folder, told=partial(_say, told, name), **options)
            except OddLensError as error:
                outcome.missing.append(f"{job.target.name}, {job.entry.name}, seed {job.seed}: {error}")
                told(f"{name}: left out: {error}")
                continue
            told(f"{name}: {'was done before' if before else 'done'}, {headline(result)}")
            if number < len(jobs):
                left = [f"{each.target.name}, {each.entry.name}, seed {each.seed}: to come" for each in jobs[number:]]
                write_tables(folder, [*outcome.missing, *left], command)
        outcome.results = write_tables(folder, outcome.missing, command)
    return outcome


def _say(told: Told, name: str, line: str) -> None:
    told(f"{name}: {line}")


def headline(result: dict[str, Any]) -> str:
    """The number that stands for a result: `image AUROC 91.2 %`."""
    clean = result["evaluation"]["protocols"]["clean"]
    name, key = ("image AUROC", "image_auroc") if "image_auroc" in clean else ("micro AUC", "micro_auc")
    value = clean.get(key)
    return f"{name} {'-' if value is None else f'{100 * value:.1f} %'} (clean)"
