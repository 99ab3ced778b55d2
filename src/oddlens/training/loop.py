"""The one training loop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from torch import Tensor
from torch.utils.data import DataLoader

from oddlens.errors import DataError, DetectorError, OddLensError
from oddlens.heap import keep_freed_memory
from oddlens.methods.base import Method
from oddlens.sampling.order import Place, ReadyBatch, Samples, StepSampler, whole
from oddlens.training.checkpoint import Checkpoint, load_checkpoint, restore_random_state
from oddlens.training.devices import pick_device, use_bfloat16
from oddlens.training.pacing import SelfPacing
from oddlens.training.plan import Plan
from oddlens.training.recorder import Recorder
from oddlens.training.settings import TrainingSettings

Ranking = Callable[[Method], float]
"""AUC on test labels of a method in evaluation mode; see `best_test.LabelRanking`."""
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
    pace_widths: tuple[float, float] | None = None
    """k of self-paced training at its first weighted step and at the last one, `None` without it."""
    pace_lessened: float | None = None
    """Share of the samples after the warm-up that self-paced training gave less weight, `None` without it."""
    chosen_on_test: tuple[int, float] | None = None
    """Step and micro AUC of the weights kept, where test labels chose them."""


def make_accelerator(settings: TrainingSettings, in_parts: bool = False) -> Accelerator:
    """Devices, processes and precision for the run, from the settings and from `torchrun`'s environment.

    On a CPU the process keeps from now on the memory that it frees (see `keep_freed_memory`).

    Args:
        settings: of the training.
        in_parts: some steps or phases leave parameters out.
    """
    device = pick_device(settings.device)
    if device.type == "cpu":
        keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    precision = "bf16" if use_bfloat16(settings.precision, device) else "no"
    # accelerate keeps one state a process, and refuses another device or precision in a second run there
    AcceleratorState._reset_state(reset_partial_state=True)
    parallel = DistributedDataParallelKwargs(find_unused_parameters=in_parts)
    return Accelerator(cpu=device.type == "cpu", mixed_precision=precision, kwargs_handlers=[parallel])


def fit(
    method: Method,
    samples: Samples,
    held_out_samples: Samples | None,
    settings: TrainingSettings,
    folder: Path,
    accelerator: Accelerator,
    on_step: OnStep | None = None,
    ranking: Ranking | None = None,
) -> FitResult:
    """Train `method` in place, from the last checkpoint in `folder` if there is one.

    Every sample depends on (seed, epoch, number) and every batch on (seed, step) alone, so an interrupted run goes on
    as if nothing had happened; on CPU it ends with the same weights, bit for bit. The parts of `samples` are trained
    one after another, each as if alone: the method is told the step within the part, counted from 1.

    With `ranking` every validation also judges the method by it, and the weights that it likes best are kept.

    Raises:
        DataError: there are fewer samples than a batch holds.
        Interrupted: the user pressed Ctrl-C; a checkpoint was written first.
        OddLensError: the loss is no longer a number.
    """
    torch.manual_seed(settings.seed)
    _check_processes(settings, samples, accelerator)
    pacing = SelfPacing(settings) if settings.self_paced.mode != "none" else None
    method.pacing = pacing
    try:
        recorder = _train(method, samples, held_out_samples, settings, folder, accelerator, on_step, ranking)
    finally:
        method.pacing = None  # it is no part of the detector
    _conclude(method, samples, settings, accelerator)
    seconds, timetable = recorder.seconds, recorder.plan.timetable
    widths = pacing.widths(timetable) if pacing else None
    chosen = (recorder.best_step, recorder.best_auc) if ranking else None
    lessened = pacing.lessened if pacing else None
    return FitResult(timetable.steps, seconds, recorder.validation_loss(), widths, lessened, chosen)


def _conclude(method: Method, samples: Samples, settings: TrainingSettings, accelerator: Accelerator) -> None:
    """Make the method ready to score."""
    method.eval()
    with torch.no_grad(), accelerator.autocast():
        method.conclude_training(samples, settings.batch_size)


def _train(
    method: Method,
    samples: Samples,
    held_out_samples: Samples | None,
    settings: TrainingSettings,
    folder: Path,
    accelerator: Accelerator,
    on_step: OnStep | None,
    ranking: Ranking | None,
) -> Recorder:
    """All steps that are left."""
    optimizers = method.configure_optimizers()
    plan = Plan.of(settings, samples, optimizers, method.adjust_rates)
    state = _resume(folder / "checkpoints" / "last.pt", method, optimizers)
    first_step = state.step if state else 0

    model: Any = accelerator.prepare(method)
    prepared = {name: accelerator.prepare(optimizer) for name, optimizer in optimizers.items()}
    loader = _loader(samples, settings, first_step, plan, accelerator)
    fixed = (
        held_out_samples.validation_batches(settings.validation_clips, settings.batch_size) if held_out_samples else []
    )

    def judge(ranking: Ranking) -> float:
        _conclude(method, samples, settings, accelerator)
        return ranking(method)

    judged = partial(judge, ranking) if ranking else None
    recorder = Recorder(method, prepared, settings, plan, folder, accelerator, fixed, state, judged)

    with _ctrl_c() as stop, closing(recorder):
        for step, batch in enumerate(loader, first_step + 1):
            model.train()
            place = plan.timetable.place(step)
            if isinstance(method.pacing, SelfPacing):
                method.pacing.enter(place)
            moved = {name: value.to(accelerator.device, non_blocking=True) for name, value in batch.items()}
            values = _optimise(model, method.phases, prepared, moved, place, plan, accelerator)
            if not np.isfinite(values["loss"]):
                remedy = "lower the learning rate, or set training.precision: float32"
                raise OddLensError(folder, f"the loss is no longer a number at step {step}", remedy)
            recorder.record(step, place, values, _size(batch) * accelerator.num_processes)
            if on_step:
                on_step(step, plan.steps, values["loss"])
            stopping = _any_process(stop.is_set(), accelerator)
            if stopping or recorder.checkpoint_due(step):
                recorder.checkpoint(step)
            if stopping and step < plan.steps:
                accelerator.wait_for_everyone()  # else a process that ends first could end the one that writes
                raise Interrupted(step)
    return recorder


def _optimise(
    model: Any,
    phases: Sequence[str],
    optimizers: dict[str, Any],
    batch: dict[str, Tensor],
    place: Place,
    plan: Plan,
    accelerator: Accelerator,
) -> dict[str, float]:
    """One step of every phase; returns the loss terms and their sum, `loss`."""
    values = {"loss": 0.0}
    for phase in phases:
        optimizer = optimizers[phase]
        for group, rate in zip(optimizer.param_groups, plan.rates(phase, place)):
            group["lr"] = rate
        losses = model(batch, place.step, phase)
        optimizer.zero_grad()
        accelerator.backward(losses.total)
        optimizer.step()
        values |= {name: float(value.detach()) for name, value in losses.terms.items()}
        values["loss"] += float(losses.total.detach())
    return values


def _check_processes(settings: TrainingSettings, samples: Samples, accelerator: Accelerator) -> None:
    """Refuse batches that the processes cannot share; let them wait for no part that rests."""
    if settings.batch_size % accelerator.num_processes:
        fault = f"{settings.batch_size} samples cannot be shared by {accelerator.num_processes} processes"
        raise DataError("training.batch_size", fault, "give a multiple of the number of processes")
    if sum(count > 0 for count in samples.parts) > 1 and accelerator.ddp_handler is not None:
        accelerator.ddp_handler.find_unused_parameters = True


def _loader(
    samples: Samples, settings: TrainingSettings, first_step: int, plan: Plan, accelerator: Accelerator
) -> DataLoader[ReadyBatch]:
    rank, world = accelerator.process_index, accelerator.num_processes
    order = StepSampler(plan.timetable, settings.seed, first_step, plan.steps, rank, world)
    dataset: Any = samples  # torch asks for batches by __getitems__
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=settings.workers,
        collate_fn=whole,
        pin_memory=accelerator.device.type == "cuda",
        generator=torch.Generator(),  # without one it draws from torch's own, once more in each sitting
    )


def _size(batch: ReadyBatch) -> int:
    return len(next(iter(batch.values())))


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
