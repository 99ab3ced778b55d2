"""The one training loop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader

from oddlens.errors import DataError, OddLensError
from oddlens.methods.base import Method
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.order import ClipSet, StepSampler, collate
from oddlens.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    random_state,
    restore_random_state,
    save_checkpoint,
)
from oddlens.training.devices import pick_device, use_bfloat16
from oddlens.training.logs import MeanOfSteps, RunLog
from oddlens.training.settings import TrainingSettings

_WARM_UP = 0.05
OnStep = Callable[[int, int, float], None]
"""Called after each step with (steps done, steps in all, mean loss)."""


class Interrupted(Exception):
    """Training was stopped by the user after a checkpoint had been written."""

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


@dataclass(frozen=True)
class FitResult:
    """What a finished training says of itself."""

    steps: int
    seconds: float
    validation_loss: float
    """Held-out normal loss of the weights kept, NaN without held-out footage."""


def make_accelerator(settings: TrainingSettings) -> Accelerator:
    """Devices, processes and precision for the run, from the settings and from `torchrun`'s environment."""
    device = pick_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    precision = "bf16" if use_bfloat16(settings.precision, device) else "no"
    return Accelerator(cpu=device.type == "cpu", mixed_precision=precision)


def fit(
    method: Method,
    train: Sequence[FrameRun],
    held_out: Sequence[FrameRun],
    settings: TrainingSettings,
    folder: Path,
    accelerator: Accelerator,
    on_step: OnStep | None = None,
) -> FitResult:
    """Train `method` in place, from the last checkpoint in `folder` if there is one.

    Every sample depends on (seed, epoch, clip) and every batch on (seed, step) alone, so an interrupted run goes on
    as if nothing had happened; on CPU it ends with the same weights, bit for bit.

    Raises:
        DataError: there are fewer clips than a batch holds.
        Interrupted: the user pressed Ctrl-C; a checkpoint was written first.
        OddLensError: the loss is no longer a number.
    """
    torch.manual_seed(settings.seed)
    clips = ClipSet(train, method.sampling, method.training_sample, settings.seed)
    _check_batch(settings, accelerator)
    per_epoch = StepSampler(len(clips), settings.batch_size, settings.seed, 0, 0).steps_per_epoch
    last_step = settings.iterations or settings.epochs * per_epoch
    optimizers = method.configure_optimizers()
    rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in optimizers.items()}

    state = _resume(folder / "checkpoints" / "last.pt", method, optimizers)
    first_step = state.step if state else 0
    best_loss = state.best_loss if state else float("inf")
    best_method = state.best_method if state else None
    before = state.seconds if state else 0.0

    model: Any = accelerator.prepare(method)
    prepared = {name: accelerator.prepare(optimizer) for name, optimizer in optimizers.items()}
    loader = _loader(clips, settings, first_step, last_step, accelerator)
    validation = _validation_batches(method, held_out, settings)
    validate_every = settings.validate_every or max(1, last_step // 10)
    log: RunLog | None = None
    means, saved_at, began, logged_at = MeanOfSteps(), time.monotonic(), time.monotonic(), time.monotonic()

    def checkpoint(step: int) -> None:
        names = prepared.items()
        state = Checkpoint(
            step=step,
            method=_copy(method),
            optimizers={name: optimizer.state_dict() for name, optimizer in names},
            best_loss=best_loss,
            best_method=best_method,
            seconds=before + time.monotonic() - began,
            random=random_state(),
        )
        save_checkpoint(folder / "checkpoints" / "last.pt", state)

    with _ctrl_c() as stop:
        for step, batch in enumerate(loader, first_step + 1):
            batch = {name: value.to(accelerator.device, non_blocking=True) for name, value in batch.items()}
            values: dict[str, float] = {}
            model.train()
            for phase in method.phases:
                optimizer = prepared[phase]
                factor = schedule_factor(settings.schedule, step - 1, last_step)
                for group, rate in zip(optimizer.param_groups, rates[phase]):
                    group["lr"] = rate * factor
                losses = model(batch, step, phase)
                optimizer.zero_grad()
                accelerator.backward(losses.total)
                optimizer.step()
                values |= {name: float(value.detach()) for name, value in losses.terms.items()}
                values["loss"] = values.get("loss", 0.0) + float(losses.total.detach())
            if not np.isfinite(values["loss"]):
                remedy = "lower the learning rate, or set training.precision: float32"
                raise OddLensError(folder, f"the loss is no longer a number at step {step}", remedy)
            means.add(values)

            row: dict[str, Any] = {}
            if validation and (step % validate_every == 0 or step == last_step):
                row["validation_loss"] = loss = validate(method, validation, accelerator)
                if loss < best_loss:
                    best_loss, best_method = loss, _copy(method)
            if accelerator.is_main_process:
                if row or step % settings.log_every == 0 or step == last_step:
                    now, row_means = time.monotonic(), means.take()
                    log = log or RunLog(folder / "logs", sorted(set(values) - {"loss"}), first_step)
                    steps_logged = (step - first_step - 1) % settings.log_every + 1
                    speed = steps_logged * settings.batch_size / max(now - logged_at, 1e-9)
                    row |= {"step": step, "epoch": (step - 1) // per_epoch, "seconds": before + now - began}
                    row |= {"clips_per_second": speed, "learning_rate": rates[method.phases[0]][0] * factor}
                    log.write(row | row_means)
                    logged_at = now
                if on_step:
                    on_step(step, last_step, values["loss"])
                by_steps = settings.checkpoint_steps and step % settings.checkpoint_steps == 0
                by_time = time.monotonic() - saved_at >= settings.checkpoint_seconds
                if by_steps or by_time or step == last_step or stop.is_set():
                    checkpoint(step)
                    saved_at = time.monotonic()
            if stop.is_set() and step < last_step:
                raise Interrupted(step)
    if log:
        log.close()
    if settings.select == "best-validation" and best_method is not None:
        method.load_state_dict(best_method)
    final = validate(method, validation, accelerator) if validation else float("nan")
    return FitResult(last_step, before + time.monotonic() - began, final)


def schedule_factor(schedule: str, step: int, steps: int) -> float:
    """Factor on the learning rate at `step` (from 0) of `steps`.

    Example:
        >>> [round(schedule_factor("one-cycle", step, 101), 3) for step in (0, 5, 50, 100)]
        [0.167, 1.0, 0.539, 0.0]
    """
    if schedule == "constant":
        return 1.0
    warm = max(1, round(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + cos(pi * (step - warm) / max(1, steps - 1 - warm)))


@torch.no_grad()
def validate(method: Method, batches: Sequence[dict[str, Tensor]], accelerator: Accelerator) -> float:
    """Mean loss over fixed batches of held-out normal clips, without pseudo anomalies."""
    method.eval()
    total, count = 0.0, 0
    for batch in batches:
        moved = {name: value.to(accelerator.device) for name, value in batch.items()}
        with accelerator.autocast():
            loss = method.training_step(moved, 0, method.phases[0]).total
        size = len(next(iter(batch.values())))
        total, count = total + float(loss) * size, count + size
    return total / count


def _check_batch(settings: TrainingSettings, accelerator: Accelerator) -> None:
    if settings.batch_size % accelerator.num_processes:
        fault = f"{settings.batch_size} samples cannot be shared by {accelerator.num_processes} processes"
        raise DataError("training.batch_size", fault, "give a multiple of the number of processes")


def _loader(
    clips: ClipSet, settings: TrainingSettings, first_step: int, last_step: int, accelerator: Accelerator
) -> DataLoader[dict[str, Tensor]]:
    rank, world = accelerator.process_index, accelerator.num_processes
    order = StepSampler(len(clips), settings.batch_size, settings.seed, first_step, last_step, rank, world)
    pin = accelerator.device.type == "cuda"
    return DataLoader(clips, batch_sampler=order, num_workers=settings.workers, collate_fn=collate, pin_memory=pin)


def _validation_batches(
    method: Method, held_out: Sequence[FrameRun], settings: TrainingSettings
) -> list[dict[str, Tensor]]:
    clips = ClipSet(held_out, method.sampling, lambda clip, _: method.validation_sample(clip), settings.seed)
    if not len(clips):
        return []
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(settings.validation_clips, len(clips))).astype(int))
    samples = [clips[(0, int(index))] for index in chosen]
    size = settings.batch_size
    return [collate(samples[start : start + size]) for start in range(0, len(samples), size)]


def _resume(path: Path, method: Method, optimizers: dict[str, Any]) -> Checkpoint | None:
    if not path.exists():
        return None
    state = load_checkpoint(path)
    method.load_state_dict(state.method)
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(state.optimizers[name])
    restore_random_state(state.random)
    return state


def _copy(method: Method) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in method.state_dict().items()}


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends the program at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    old = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, old)
