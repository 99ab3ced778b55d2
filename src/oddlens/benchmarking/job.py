"""One job: training, evaluation, speed; what is done of it already is not done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from oddlens.benchmarking.folder import EDITION, BenchmarkFolder
from oddlens.benchmarking.plan import Job
from oddlens.benchmarking.speed import SECONDS, measure_speed
from oddlens.datasets.open import open_dataset
from oddlens.datasets.open_photographs import open_photographs
from oddlens.evaluation.evaluate import evaluate
from oddlens.scoring.detector import runtime
from oddlens.training.run import resolve_settings, train
from oddlens.training.second_stage import FIRST_STAGES

Told = Callable[[str], None]
"""Called with a line about what is being done."""


def run_job(
    job: Job,
    folder: BenchmarkFolder,
    *,
    device: str | None = None,
    resamples: int = 1000,
    seconds: float = SECONDS,
    quiet: bool = True,
    told: Told = lambda line: None,
) -> tuple[dict[str, Any], bool]:
    """The result of a job, and whether it had been there before.

    A training that was interrupted goes on where it stood; evaluation and the measurement of speed begin again.

    Args:
        job: what to do.
        folder: of the benchmark.
        device: where to compute.
        resamples: of the bootstrap.
        seconds: for which speed is measured.
        quiet: no progress bars.
        told: for progress.

    Raises:
        OddLensError: it cannot be done.
        Interrupted: Ctrl-C while training.
    """
    data, config = str(job.target.path), job.entry.recipe
    settings = {**job.settings, "training": {**job.settings.get("training", {}), "seed": job.seed}}
    if device:
        settings["training"]["device"] = device
    assignments = _assignments(job, folder)
    wanted = resolve_settings(job.entry.method, data, config, settings, assignments).to_dict()
    done = folder.result_of(job, wanted)
    if done is not None:
        return done, True
    told("training")
    run = train(
        job.entry.method,
        data,
        folder.run_of(job),
        config=config,
        settings=settings,
        assignments=assignments,
        quiet=quiet,
    )
    told("evaluating")
    numbers = evaluate(run.detector, data, seed=0, resamples=resamples)
    told("measuring speed")
    speed = measure_speed(run.detector, _opened(job.target.path, folder.subject), seconds)
    result = {
        "edition": EDITION,
        "target": job.target.name,
        "entry": job.entry.name,
        "method": job.entry.method,
        "recipe": None if config is None or Path(config).is_file() else config,
        "seed": job.seed,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": runtime(),
        "training_minutes": round(run.fit.seconds / 60, 2),
        "steps": run.fit.steps,
        "parameters": sum(weights.numel() for weights in run.detector.method.parameters()),
        "speed": speed,
        "warnings": list(run.detector.calibration.warnings),
        "settings": wanted,
        "evaluation": numbers,
    }
    folder.keep(job, result)
    return result, False


def _assignments(job: Job, folder: BenchmarkFolder) -> tuple[str, ...]:
    """The entry's own, what the user asked for, and the run that a second stage begins with."""
    found = (*job.entry.assignments, *job.assignments)
    first = job.entry.first_stage
    if first is None:
        return found
    earlier = Job(job.target, first, job.seed)
    return (*found, f"{FIRST_STAGES[job.entry.method][1]}={folder.run_of(earlier)}")


def _opened(path: Path, subject: str) -> Any:
    return open_photographs(path) if subject == "photographs" else open_dataset(path)
