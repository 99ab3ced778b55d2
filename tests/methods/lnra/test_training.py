"""Losses and optimiser steps against the oracles of the LNRA specification, section 11.3.

The oracles are the official code's in float32. Adam turns rounding errors of tiny gradients into whole steps, so that
after three steps float32 agrees with them to 1e-4 on some machines only. From the same start float64 does everywhere.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from oddlens.methods.lnra.masks import MASKS
from oddlens.methods.lnra.method import Lnra, LnraSettings
from oddlens.methods.lnra.pseudo import PseudoAnomaly
from oddlens.sampling.clips import FrameRun
from oddlens.sampling.intruders import TextureIntruder
from oddlens.sampling.order import ClipSet, StepSampler, Timetable
from oddlens.types import Losses, SamplingSpec


@pytest.fixture
def paper_method() -> Lnra:
    """The paper's network at PyTorch's default initialisation (of float32) from seed 0."""
    torch.manual_seed(0)
    return Lnra(LnraSettings(height=64, width=64)).train().double()


def waves(batch: int) -> Tensor:
    """The clip X(B) of the specification, `(B, 1, 16, 64, 64)`."""
    b, t, i, j = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (batch, 16, 64, 64)), indexing="ij")
    return (torch.sin(0.7 * b + 0.3 * t + 0.11 * i) * torch.cos(0.2 * t - 0.07 * j + 0.5 * b)).unsqueeze(1)


def train(method: Lnra, batch: dict[str, Tensor], steps: int) -> list[Losses]:
    optimizer = method.configure_optimizers()["main"]
    losses = []
    for step in range(steps):
        losses.append(method(batch, step, "main"))
        optimizer.zero_grad()
        losses[-1].total.backward()
        optimizer.step()
    return losses


def test_five_steps_of_the_baseline(paper_method: Lnra) -> None:
    clips = waves(2)
    losses = train(paper_method, {"input": clips, "target": clips, "pseudo": torch.zeros(2)}, 5)
    expected = [0.8636217, 0.7581762, 0.6769606, 0.6020772, 0.5319285]
    assert [loss.total.item() for loss in losses] == pytest.approx(expected, abs=1e-4)
    assert [loss.terms["normal"].item() for loss in losses] == pytest.approx(expected, abs=1e-4)


def test_the_target_of_a_pseudo_anomaly_is_clean(paper_method: Lnra) -> None:
    clean = waves(2)
    corrupted = clean.clone()
    corrupted[1, :, :, 20:40, 10:30] = 1
    losses = train(paper_method, {"input": corrupted, "target": clean, "pseudo": torch.tensor([0.0, 1.0])}, 3)
    normal, pseudo = [0.8063683, 0.6024933, 0.4024202], [0.8811328, 0.7622877, 0.6705155]
    assert [loss.terms["normal"].item() for loss in losses] == pytest.approx(normal, abs=1e-4)
    assert [loss.terms["pseudo"].item() for loss in losses] == pytest.approx(pseudo, abs=1e-4)
    batch = [0.8437506, 0.6823905, 0.5364679]
    assert [loss.total.item() for loss in losses] == pytest.approx(batch, abs=1e-4)
    for loss, a, b in zip(losses, normal, pseudo):
        assert loss.per_sample is not None
        assert loss.per_sample.tolist() == pytest.approx([a, b], abs=1e-4)
    scores = paper_method.eval().score(clean[:1], [8])
    assert scores.components["frame_error"].item() == pytest.approx(-6.100843, abs=1e-3)
    assert scores.pictures["error"].mean().item() == pytest.approx(0.2454233, abs=1e-3)


def test_the_optimiser_is_the_papers() -> None:
    method = Lnra(LnraSettings(widths=(2, 3, 4)))
    (optimizer,) = method.configure_optimizers().values()
    assert isinstance(optimizer, torch.optim.Adam)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (1e-4, (0.9, 0.999), 1e-8, 0)
    assert len(group["params"]) == 30


class Noise:
    """Gives every method the same intruder."""

    def open_intruder(self, name: str, spec: SamplingSpec) -> TextureIntruder:
        return TextureIntruder(spec)


@pytest.mark.parametrize("size", [(32, 48), (48, 32)])
def test_rectangular_frames_train_with_every_pseudo_anomaly(size: tuple[int, int]) -> None:
    kinds = [PseudoAnomaly(kind=kind, probability=0.15) for kind in sorted(MASKS)]
    kinds.append(PseudoAnomaly(kind="skip-frame", probability=0.2))
    settings = LnraSettings(
        height=size[0], width=size[1], length=8, widths=(4, 4, 8), learning_rate=3e-3, pseudo=tuple(kinds)
    )
    torch.manual_seed(0)
    method = Lnra(settings).train()
    method.prepare_training(Noise())
    optimizer = method.configure_optimizers()["main"]
    rows, columns, time = np.mgrid[0 : size[0], 0 : size[1], 0:60]
    frames = (127 + 60 * np.sin(rows / 5 + time / 6) + 60 * np.cos(columns / 7 - time / 9)).astype(np.uint8)
    run = FrameRun("waves", 0, np.ascontiguousarray(np.moveaxis(frames, -1, 0))[..., None])
    clips = ClipSet([run], method, seed=0)
    losses, kinds_seen = [], 0.0
    for step, keys in enumerate(StepSampler(Timetable((len(clips),), 8, 25), 0, 0, 25)):
        batch = clips.__getitems__(keys)
        loss = method(batch, step, "main")
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(loss.total.item())
        kinds_seen += batch["pseudo"].sum().item()
    assert kinds_seen / (25 * 8) == pytest.approx(0.8, abs=0.1)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    scores = method.eval().score(batch["target"], method.sampling.fast_targets)
    assert scores.score.shape == (8, 4)
    assert scores.map is not None and scores.map.shape == (8, 4, *size)
