"""Self-paced refinement: samples whose loss lies far above the others' count less, and ever more strictly.

It came with LBR-SPR (Yu et al., CVPR 2022), but works with any method that gives the loss of each sample, so that any
of them can be trained on footage that is not all normal.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from oddlens.errors import SettingsError
from oddlens.methods.base import Batch, Method, sample_losses
from oddlens.sampling.order import Place, Timetable
from oddlens.training.settings import PaceMode, SelfPacedSettings, TrainingSettings
from oddlens.types import Losses

_MANY = 64
"""So many scores have a mean and a standard deviation of their own that say something."""
_REMEMBERED = 256


def pace_weights(scores: Tensor, mode: PaceMode, width: float, over: Tensor | None = None) -> Tensor:
    """Weights 0..1 of samples: 1 near the mean, less or nothing from `width` standard deviations above it.

    With mu and sd (n - 1) of the scores, lambda1 = mu + sd and lambda2 = mu + width * sd: `hard` drops s >= lambda2;
    `linear` is 1 - s / lambda2 below it; `huber` is lambda2 / s from there on; `mixture` falls from 1 at lambda1 to
    0 at lambda2. A single score gets 1; equal ones 0, but for `huber` (1). "LBR-SPR", section on self-paced refinement.

    Args:
        scores: `(B,)`, higher = worse; not negative, but for `hard`.
        mode: the rule; `none` gives 1.
        width: k, 1 or more.
        over: scores that mu and sd are taken from; by default `scores`.

    Example:
        >>> pace_weights(torch.tensor([1.0, 1.0, 1.0, 9.0]), "hard", 1.0).tolist()
        [1.0, 1.0, 1.0, 0.0]
    """
    known = scores if over is None else over
    ones = torch.ones_like(scores)
    if mode == "none" or len(known) < 2:
        return ones
    mean, deviation = known.mean(), known.std()
    constant = known.max() == known.min()  # else rounding would decide about ties
    mean, deviation = torch.where(constant, known[0], mean), torch.where(constant, 0, deviation)
    inner, outer = mean + deviation, mean + width * deviation
    if mode == "huber":
        return torch.where((scores >= outer) & (scores > 0), outer / scores, ones).clamp(0, 1)
    if mode == "linear":
        weights = 1 - scores / outer
    elif mode == "mixture":
        weights = inner * (outer - scores) / (scores * (outer - inner))
        weights = torch.where((scores > inner) & (scores < outer), weights, ones)
    else:
        weights = ones
    return torch.where(scores >= outer, 0, weights).clamp(0, 1)


def width(t: int, initial: float, shrink_rate: float) -> float:
    """k(t): how many standard deviations above the mean samples are dropped after `t` weighted batches.

    Example:
        >>> [width(t, 4.0, 0.005) for t in (0, 100, 600)]
        [4.0, 3.5, 1.0]
    """
    return max(initial - t * shrink_rate, 1.0)


class SelfPacing(nn.Module):
    """Weights the samples of a method's training steps; the loop hangs it into the method as `pacing`.

    In every part of the samples it begins anew: first the warm-up, in which all weights are 1, then ever stricter
    weights. Its only state, the last scores and counts, is part of the method's state while training goes on.
    """

    recent: Tensor
    known: Tensor
    weighed: Tensor
    """Samples that have been given a weight after the warm-up, and how many of them one below 1."""

    def __init__(self, training: TrainingSettings) -> None:
        super().__init__()
        self.settings: SelfPacedSettings = training.self_paced
        self.by_epochs = training.epochs > 0
        kind = self.settings.statistics
        self.remembers = kind == "recent" or (kind == "auto" and training.batch_size < _MANY)
        self.register_buffer("recent", torch.zeros(_REMEMBERED if self.remembers else 0))
        self.register_buffer("known", torch.zeros((), dtype=torch.int64))
        self.register_buffer("weighed", torch.zeros(2, dtype=torch.int64))
        self._width: float | None = None
        self._weights: Tensor | None = None
        self._terms: dict[str, Tensor] = {}

    def warm_up(self, place: Place) -> int:
        """Steps of a part in which all weights are 1."""
        if self.by_epochs:
            return self.settings.warm_up_epochs * place.per_epoch
        return int(self.settings.warm_up * place.steps)

    def width(self, place: Place) -> float | None:
        """k at a step, `None` in the warm-up."""
        t = place.step - 1 - self.warm_up(place)
        if t < 0:
            return None
        initial = self.settings.initial_width
        if self.settings.schedule == "batches":
            return width(t, initial, self.settings.shrink_rate)
        falling = self.settings.narrowest_at * place.steps - self.warm_up(place)
        return width(t, initial, (initial - 1) / falling) if falling > 0 else 1.0

    def widths(self, timetable: Timetable) -> tuple[float, float]:
        """k at the first weighted step of the training, and at its last step."""
        first, last = timetable.place(1), timetable.place(timetable.steps)
        begun = replace(first, step=min(self.warm_up(first) + 1, first.steps))
        return self.width(begun) or float("nan"), self.width(last) or float("nan")

    @property
    def lessened(self) -> float:
        """Share of the samples after the warm-up that counted less than 1; 0 before there were any."""
        every, less = self.weighed.tolist()
        return float(less / max(every, 1))

    def enter(self, place: Place) -> None:
        """Get ready for the step at `place`."""
        self._width = self.width(place)
        if place.step == self.warm_up(place) + 1:
            self.recent.zero_()
            self.known.zero_()

    def forward(self, method: Method, batch: Batch, step: int, phase: str) -> Losses:
        """The training step of `method` with weighted samples.

        The weights rest on the first phase; phases without losses of single samples are left as they are.

        Raises:
            SettingsError: the method does not give the loss of each sample, or scores are negative.
        """
        first = phase == method.phases[0]
        if first:
            self._weights, self._terms = None, {}
            if self._width is not None and not self.settings.one_pass:
                self._weigh(_eval_scores(method, batch), self._width)
        losses = method.training_step(batch, step, phase)
        if losses.per_sample is None and not first:
            return losses
        per_sample = sample_losses(losses, method.name)
        if first and self._width is not None and self.settings.one_pass:
            self._weigh(per_sample.detach().float(), self._width)
        total = losses.total
        if self._weights is not None:
            total = total + ((self._weights - 1) * per_sample).mean()
        terms = {**losses.terms, **(self._terms or _plain_terms(total.device))} if first else losses.terms
        return replace(losses, total=total, terms=terms)

    def _weigh(self, scores: Tensor, k: float) -> None:
        """Set the weights of this step's samples, and the terms to log."""
        every, mine = _of_all_processes(scores)
        mode = self.settings.mode
        if mode != "hard" and bool(every.min() < 0):
            fault = f"is {mode}, but the method's scores can be negative"
            raise SettingsError("training.self_paced.mode", fault, "set it to hard")
        over = self._remember(every) if self.remembers else every
        if self.remembers and len(over) < _MANY:
            weights = torch.ones_like(every)
        else:
            weights = pace_weights(every, mode, k, over)
            if not self.settings.paper:
                weights = torch.where(over.max() == over.min(), 1, weights)
        self._weights = weights[mine]
        self.weighed[0] += len(weights)
        self.weighed[1] += (weights < 1).sum()
        dropped = (weights == 0).float().mean()
        self._terms = _terms(weights.mean(), dropped, torch.tensor(k))

    def _remember(self, scores: Tensor) -> Tensor:
        """All scores remembered, these included."""
        self.recent.copy_(torch.cat([scores, self.recent])[: len(self.recent)])
        self.known.add_(len(scores)).clamp_(max=len(self.recent))
        return self.recent[: int(self.known)]


@torch.no_grad()
def _eval_scores(method: Method, batch: Batch) -> Tensor:
    method.eval()
    try:
        return method.pace_scores(batch).float()
    finally:
        method.train()


def _of_all_processes(scores: Tensor) -> tuple[Tensor, slice]:
    """The scores of the whole batch, and which of them are this process' own."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return scores, slice(None)
    parts = [torch.empty_like(scores) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, scores.contiguous())
    start = distributed.get_rank() * len(scores)
    return torch.cat(parts), slice(start, start + len(scores))


def _terms(weight: Tensor, dropped: Tensor, k: Tensor) -> dict[str, Tensor]:
    return {"pace_weight": weight, "pace_dropped": dropped, "pace_width": k}


def _plain_terms(device: torch.device) -> dict[str, Tensor]:
    """What is logged in the warm-up."""
    one = torch.ones((), device=device)
    return _terms(one, one - 1, one * float("nan"))
