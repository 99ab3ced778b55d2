"""Training one model of the toy on odd digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from oddlens.nn.magnitude import magnitude
from oddlens.nn.quantiser import VectorQuantiser
from oddlens.nn.smoothness import smoothness
from oddlens.toy.models import Kind, Redrawn, ToyModel
from oddlens.toy.settings import ToySettings

StepDone = Callable[[int, int, float], None]
"""Called after every step with the steps done, their total, and the loss."""

_BETA = 0.25
"""Weight of the features' pull towards the prototypes."""
_SMOOTHING_SIDES = (7, 3)
"""Pixels a side of the smoothness filter, for the coarse and the fine field."""
_WARM_UP = 0.1


def new_model(kind: Kind, settings: ToySettings, seed: int) -> ToyModel:
    """An untrained model, alike for alike seeds; torch's generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        memory = VectorQuantiser(settings.codes, settings.features, settings.start, settings.restart_after)
        return ToyModel(kind, memory, settings.features, settings.trunk)


def train_model(
    kind: Kind, pictures: Tensor, settings: ToySettings, seed: int, device: torch.device, step_done: StepDone
) -> ToyModel:
    """Train a model and return it in eval mode.

    Args:
        kind: which of the three.
        pictures: `uint8 (N, 28, 28)`, the normal digits.
        settings: of network and training.
        seed: of weights and order.
        device: where to compute.
        step_done: told of every step.
    """
    model = place_model(new_model(kind, settings, seed), device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate)
    schedule = OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.iterations + 1, pct_start=_WARM_UP, div_factor=10
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # the memory draws from torch's generator
        batches = _batches(len(pictures), settings.batch_size)
        for step in range(1, settings.iterations + 1):
            batch = network_values(pictures[next(batches)]).to(device, memory_format=torch.channels_last)
            loss = torch.stack(list(loss_terms(batch, model(batch), settings.gamma).values())).sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            step_done(step, settings.iterations, float(loss.detach()))
    model.eval()
    return model


def place_model(model: ToyModel, device: torch.device) -> ToyModel:
    """The model on its device, laid out for speed: a quarter faster on the CPU."""
    return model.to(device, memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def network_values(pictures: Tensor) -> Tensor:
    """Digits `uint8 (B, 28, 28)` as the networks take them: `float32 (B, 1, 28, 28)`, 0..1."""
    return pictures[:, None].float() / 255


def loss_terms(target: Tensor, redrawn: Redrawn, gamma: float) -> dict[str, Tensor]:
    """Terms of the loss of a batch, scalars, by name; their sum is what training minimises.

    The error after every field, the memory's two terms, and gamma2 times size and roughness of the fields (DMAD's
    L_all without background, mask and gradient).
    """
    terms = {f"error_{k}": (picture - target).square().mean() for k, picture in enumerate(redrawn.pictures, 1)}
    terms |= {"embed": redrawn.memory.embed, "commit": _BETA * redrawn.memory.commit}
    for k, (offset, side) in enumerate(zip(redrawn.offsets, _SMOOTHING_SIDES), 1):
        terms[f"offset_{k}"] = gamma * magnitude(offset).mean()
        terms[f"smoothness_{k}"] = gamma * smoothness(offset, side)
    return terms


def _batches(count: int, size: int) -> Iterator[Tensor]:
    """Numbers of the digits of each step: shuffled anew in every round, the rest of a round dropped."""
    size = min(size, count)
    while True:
        order = torch.randperm(count)
        for first in range(0, count - size + 1, size):
            yield order[first : first + size]
