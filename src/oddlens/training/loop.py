"""The one training loop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from torch import Tensor
from torch.utils.data import DataLoader

from oddlens.errors import DataError, DetectorError, OddLensError
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


class Interrupted(Exception):  # noqa: N818 - it is no error, but the user's wish
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


def make_accelerator(settings: TrainingSettings, phases: int = 1) -> Accelerator:
    """Devices, processes and precision for the run, from the settings and from `torchrun`'s environment."""
    device = pick_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    precision = "bf16" if use_bfloat16(settings.precision, device) else "no"
    # accelerate keeps one state a process, and refuses another device or precision in a second run there
    AcceleratorState._reset_state(reset_partial_state=True)
    # with several phases no single one of them reaches every parameter
    parallel = DistributedDataParallelKwargs(find_unused_parameters=phases > 1)
    return Accelerator(cpu=device.type == "cpu", mixed_precision=precision, kwargs_handlers=[parallel])


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
    _check_batch(settings, accelerator)
    clips = ClipSet(train, method.sampling, method.training_sample, settings.seed)
    optimizers = method.configure_optimizers()
    plan = _Plan.of(settings, clips, optimizers)
    state = _resume(folder / "checkpoints" / "last.pt", method, optimizers)
    first_step = state.step if state else 0

    model: Any = accelerator.prepare(method)
    prepared = {name: accelerator.prepare(optimizer) for name, optimizer in optimizers.items()}
    loader = _loader(clips, settings, first_step, plan.steps, accelerator)
    recorder = _Recorder(method, prepared, settings, plan, folder, accelerator, held_out, state)

    with _ctrl_c() as stop, closing(recorder):
        for step, batch in enumerate(loader, first_step + 1):
            model.train()
            moved = {name: value.to(accelerator.device, non_blocking=True) for name, value in batch.items()}
            values = _optimise(model, method.phases, prepared, moved, step, plan, accelerator)
            if not np.isfinite(values["loss"]):
                remedy = "lower the learning rate, or set training.precision: float32"
                raise OddLensError(folder, f"the loss is no longer a number at step {step}", remedy)
            recorder.record(step, values)
            if on_step:
                on_step(step, plan.steps, values["loss"])
            stopping = _any_process(stop.is_set(), accelerator)
            if stopping or recorder.checkpoint_due(step):
                recorder.checkpoint(step)
            if stopping and step < plan.steps:
                accelerator.wait_for_everyone()  # else a process that ends first could end the one that writes
                raise Interrupted(step)
    return recorder.finish()


@dataclass(frozen=True)
class _Plan:
    """How long, and at which learning rates."""

    steps: int
    per_epoch: int
    schedule: str
    rates: dict[str, list[float]]

    @classmethod
    def of(cls, settings: TrainingSettings, clips: ClipSet, optimizers: dict[str, Any]) -> _Plan:
        per_epoch = StepSampler(len(clips), settings.batch_size, settings.seed, 0, 0).steps_per_epoch
        rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in optimizers.items()}
        return cls(settings.iterations or settings.epochs * per_epoch, per_epoch, settings.schedule, rates)

    def factor(self, step: int) -> float:
        """Factor on the learning rates at `step`, counted from 1."""
        return schedule_factor(self.schedule, step - 1, self.steps)


def _optimise(
    model: Any,
    phases: Sequence[str],
    optimizers: dict[str, Any],
    batch: dict[str, Tensor],
    step: int,
    plan: _Plan,
    accelerator: Accelerator,
) -> dict[str, float]:
    """One step of every phase; returns the loss terms and their sum, `loss`."""
    values = {"loss": 0.0}
    for phase in phases:
        optimizer = optimizers[phase]
        for group, rate in zip(optimizer.param_groups, plan.rates[phase]):
            group["lr"] = rate * plan.factor(step)
        losses = model(batch, step, phase)
        optimizer.zero_grad()
        accelerator.backward(losses.total)
        optimizer.step()
        values |= {name: float(value.detach()) for name, value in losses.terms.items()}
        values["loss"] += float(losses.total.detach())
    return values


class _Recorder:
    """Validation, logs and checkpoints: everything about a step but the step itself."""

    def __init__(
        self,
        method: Method,
        optimizers: dict[str, Any],
        settings: TrainingSettings,
        plan: _Plan,
        folder: Path,
        accelerator: Accelerator,
        held_out: Sequence[FrameRun],
        state: Checkpoint | None,
    ) -> None:
        self.method, self.optimizers, self.settings, self.plan = method, optimizers, settings, plan
        self.folder, self.accelerator = folder, accelerator
        self.validation = _validation_batches(method, held_out, settings)
        self.validate_every = settings.validate_every or max(1, plan.steps // 10)
        self.best_loss = state.best_loss if state else float("inf")
        self.best_method = state.best_method if state else None
        self.before = state.seconds if state else 0.0
        self.first_step = self.logged_step = state.step if state else 0
        self.began = self.saved_at = self.logged_at = time.monotonic()
        self.means = MeanOfSteps()
        self.log: RunLog | None = None

    @property
    def seconds(self) -> float:
        """Training time so far, over all sittings."""
        return self.before + time.monotonic() - self.began

    def record(self, step: int, values: dict[str, float]) -> None:
        """Validate where it is due, and log."""
        self.means.add(values)
        row: dict[str, Any] = {}
        last = step == self.plan.steps
        if self.validation and (last or step % self.validate_every == 0):
            row["validation_loss"] = loss = validate(self.method, self.validation, self.accelerator)
            if loss < self.best_loss:
                self.best_loss, self.best_method = loss, _copy(self.method)
        if self.accelerator.is_main_process and (row or last or step % self.settings.log_every == 0):
            self._write(step, row, sorted(set(values) - {"loss"}))

    def _write(self, step: int, row: dict[str, Any], terms: list[str]) -> None:
        self.log = self.log or RunLog(self.folder / "logs", terms, self.first_step)
        now = time.monotonic()
        speed = (step - self.logged_step) * self.settings.batch_size / max(now - self.logged_at, 1e-9)
        rate = self.plan.rates[self.method.phases[0]][0] * self.plan.factor(step)
        row |= {"step": step, "epoch": (step - 1) // self.plan.per_epoch, "seconds": self.seconds}
        row |= {"clips_per_second": speed, "learning_rate": rate, **self.means.take()}
        self.log.write(row)
        self.logged_at, self.logged_step = now, step

    def checkpoint_due(self, step: int) -> bool:
        """Whether it is time for a checkpoint."""
        by_steps = bool(self.settings.checkpoint_steps) and step % self.settings.checkpoint_steps == 0
        by_time = time.monotonic() - self.saved_at >= self.settings.checkpoint_seconds
        return by_steps or by_time or step == self.plan.steps

    def checkpoint(self, step: int) -> None:
        """Write everything needed to go on after `step`."""
        if not self.accelerator.is_main_process:
            return
        state = Checkpoint(
            step=step,
            method=_copy(self.method),
            optimizers={name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            best_loss=self.best_loss,
            best_method=self.best_method,
            seconds=self.seconds,
            random=random_state(),
        )
        if self.log:
            self.log.flush()
        save_checkpoint(self.folder / "checkpoints" / "last.pt", state)
        self.saved_at = time.monotonic()

    def close(self) -> None:
        """Finish the logs."""
        if self.log:
            self.log.close()

    def finish(self) -> FitResult:
        """Put the chosen weights into the method."""
        if self.settings.select == "best-validation" and self.best_method is not None:
            self.method.load_state_dict(self.best_method)
        seconds = self.seconds
        final = validate(self.method, self.validation, self.accelerator) if self.validation else float("nan")
        return FitResult(self.plan.steps, seconds, final)


def schedule_factor(schedule: str, step: int, steps: int) -> float:
    """Factor on the learning rate at `step` (from 0) of `steps`.

    Example:
        >>> [round(schedule_factor("one-cycle", step, 101), 3) for step in (0, 5, 50, 100)]
        [0.167, 1.0, 0.541, 0.0]
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
    return DataLoader(
        clips,
        batch_sampler=order,
        num_workers=settings.workers,
        collate_fn=collate,
        pin_memory=accelerator.device.type == "cuda",
        generator=torch.Generator(),  # without one it draws from torch's own, once more in each sitting
    )


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
    try:
        method.load_state_dict(state.method)
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(state.optimizers[name])
    except (RuntimeError, ValueError, KeyError) as error:
        fault = "does not fit the method (was it written by another version?)"
        raise DetectorError(path, fault, "start afresh with --overwrite") from error
    restore_random_state(state.random)
    return state


def _copy(method: Method) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in method.state_dict().items()}


def _any_process(told: bool, accelerator: Accelerator) -> bool:
    """Whether any process was told to stop: all of them have to stop after the same step."""
    if accelerator.num_processes == 1:
        return told
    count: Any = accelerator.reduce(torch.tensor(float(told), device=accelerator.device), "sum")
    return bool(count > 0)


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
