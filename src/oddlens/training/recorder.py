"""Validation, logs and checkpoints: everything about a training step but the step itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from oddlens.methods.base import Method
from oddlens.sampling.order import Place, ReadyBatch
from oddlens.training.checkpoint import Checkpoint, random_state, save_checkpoint
from oddlens.training.logs import MeanOfSteps, RunLog
from oddlens.training.plan import Plan
from oddlens.training.settings import TrainingSettings


class Recorder:
    """Validates, logs and writes checkpoints while a method is trained, and keeps its best weights.

    Args:
        judge: gives the AUC on test labels of the method as it is, where these choose its weights; it may leave what
            belongs to the method's state changed.
    """

    def __init__(
        self,
        method: Method,
        optimizers: dict[str, Any],
        settings: TrainingSettings,
        plan: Plan,
        folder: Path,
        accelerator: Accelerator,
        validation: Sequence[ReadyBatch],
        state: Checkpoint | None,
        judge: Callable[[], float] | None = None,
    ) -> None:
        self.method, self.optimizers, self.settings, self.plan = method, optimizers, settings, plan
        self.folder, self.accelerator, self.validation, self.judge = folder, accelerator, validation, judge
        self.validate_every = settings.validate_every or max(1, plan.steps // 10)
        self.best_loss = state.best_loss if state else float("inf")
        self.best_method = state.best_method if state else None
        self.best_auc = state.best_auc if state else -math.inf
        self.best_step = state.best_step if state else 0
        self.before = state.seconds if state else 0.0
        self.first_step = state.step if state else 0
        self.began = self.saved_at = self.logged_at = time.monotonic()
        self.samples = 0
        self.means = MeanOfSteps()
        self.log: RunLog | None = None

    @property
    def seconds(self) -> float:
        """Training time so far, over all sittings."""
        return self.before + time.monotonic() - self.began

    def record(self, step: int, place: Place, values: dict[str, float], samples: int) -> None:
        """Validate where it is due, and log the terms of a step of so many samples."""
        self.means.add(values)
        self.samples += samples
        row: dict[str, Any] = {}
        if place.last or step % self.validate_every == 0:
            row |= self._validate() | self._rank(step)
        if place.last:
            self._choose(step)
        if self.accelerator.is_main_process and (row or place.last or step % self.settings.log_every == 0):
            self._write(step, place, row, [*sorted(set(values) - {"loss"}), *(["test_auc"] if self.judge else [])])

    def _validate(self) -> dict[str, float]:
        """The loss on held-out normal footage, if there is any."""
        if not self.validation:
            return {}
        loss = validate(self.method, self.validation, self.accelerator)
        if loss < self.best_loss:
            self.best_loss = loss
            if not self.judge:
                self.best_method = _copy(self.method)
        return {"validation_loss": loss}

    def _rank(self, step: int) -> dict[str, float]:
        """The AUC on test labels, where these choose."""
        if not self.judge:
            return {}
        weights = _copy(self.method)
        auc = self.judge()
        self.method.load_state_dict(weights)  # as if nobody had looked
        if auc > self.best_auc:
            self.best_auc, self.best_step, self.best_method = auc, step, weights
        return {"test_auc": auc}

    def _choose(self, step: int) -> None:
        """Put the chosen weights into the method, when a part ends."""
        if self.settings.select != "last" and self.best_method is not None:
            self.method.load_state_dict(self.best_method)
        if step < self.plan.steps:
            self.best_auc = -math.inf  # the next part is judged together with what this one became

    def _write(self, step: int, place: Place, row: dict[str, Any], terms: list[str]) -> None:
        self.log = self.log or RunLog(self.folder / "logs", terms, self.first_step)
        now = time.monotonic()
        speed = self.samples / max(now - self.logged_at, 1e-9)
        rate = self.plan.rates(self.method.phases[0], place)[0]
        row |= {"step": step, "epoch": place.epoch, "seconds": self.seconds}
        row |= {"clips_per_second": speed, "learning_rate": rate, **self.means.take()}
        self.log.write(row)
        self.logged_at, self.samples = now, 0

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
            best_auc=self.best_auc,
            best_step=self.best_step,
        )
        if self.log:
            self.log.flush()
        save_checkpoint(self.folder / "checkpoints" / "last.pt", state)
        self.saved_at = time.monotonic()

    def close(self) -> None:
        """Finish the logs."""
        if self.log:
            self.log.close()

    def validation_loss(self) -> float:
        """Held-out normal loss of the weights as they are, NaN without held-out footage."""
        return validate(self.method, self.validation, self.accelerator) if self.validation else float("nan")


@torch.no_grad()
def validate(method: Method, batches: Sequence[ReadyBatch], accelerator: Accelerator) -> float:
    """Mean loss over fixed batches of held-out normal samples, without pseudo anomalies."""
    method.eval()
    total, count = 0.0, 0
    for batch in batches:
        moved = {name: value.to(accelerator.device) for name, value in batch.items()}
        with accelerator.autocast():
            loss = method.training_step(moved, 0, method.phases[0]).total
        size = len(next(iter(batch.values())))
        total, count = total + float(loss) * size, count + size
    return total / count


def _copy(method: Method) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in method.state_dict().items()}
