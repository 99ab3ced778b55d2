"""The generator's losses against the specification's values (section 11.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from oddlens.methods.f2lm.losses import (
    _distance,
    adversarial_loss,
    discriminator_loss,
    gradient_loss,
    intensity_loss,
    triplet_loss,
)
from oddlens.methods.f2lm.network import Imitation

Wave = Callable[..., Tensor]


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-5, abs=1e-6)


@pytest.fixture
def frames(wave: Wave) -> tuple[Tensor, Tensor]:
    shape = (2, 3, 16, 20)
    return wave(shape, 0.3, 0.2, 1.0, 0.9), wave(shape, 0.25, 0.22, 0.9, 0.8)


@pytest.fixture
def features(wave: Wave) -> Imitation:
    shape = (2, 8, 4, 6)
    planes = [wave(shape, *numbers) for numbers in ((0.3, 0.2, 0.7), (0.2, 0.4, 0.5), (0.5, 0.1, 0.9))]
    return Imitation(*(normalize(plane, dim=1) for plane in planes))


def test_intensity_and_gradient(frames: tuple[Tensor, Tensor]) -> None:
    assert intensity_loss(*frames).mean().item() == close(0.0589974)
    assert gradient_loss(*frames).mean().item() == close(0.1139988)
    assert gradient_loss(frames[1], frames[0]).mean().item() == close(0.1139988)


def test_gradients_beyond_the_border_are_those_to_zero(frames: tuple[Tensor, Tensor]) -> None:
    def inside(values: Tensor, axis: int) -> Tensor:
        return values.diff(dim=axis).abs()

    parts = [(inside(frames[0], axis) - inside(frames[1], axis)).abs().mean() for axis in (2, 3)]
    assert sum(parts).item() == close(0.0946093)  # type: ignore[union-attr]
    flat = torch.ones(1, 3, 8, 8)
    assert gradient_loss(flat, torch.zeros_like(flat)).item() == close(2 / 8)


def test_adversarial_and_discriminator(wave: Wave) -> None:
    first, second = (wave((2, 1, 5, 5), a, b, 0.0).sigmoid() for a, b in ((0.4, 0.3), (0.2, 0.6)))
    assert adversarial_loss(first).mean().item() == close(0.0546347)
    assert discriminator_loss(first, second).mean().item() == close(0.2652580)


def test_triplet(features: Imitation) -> None:
    assert triplet_loss(features).mean().item() == close(0.1938279)
    assert triplet_loss(features, "width").mean().item() == close(0.1938279)
    assert triplet_loss(features, "channel").mean().item() == close(0.0271431)
    assert _distance(features.imitated, features.true, "width").shape == (2, 8, 4)
    assert _distance(features.imitated, features.true, "channel").shape == (2, 4, 6)


@pytest.mark.parametrize("axis", ["width", "channel"])
def test_equal_features_lose_the_margin(axis: Any, features: Imitation) -> None:
    same = Imitation(features.true, features.true, features.true)
    assert triplet_loss(same, axis).tolist() == [close(0.2)] * 2


def test_losses_are_those_of_single_samples(frames: tuple[Tensor, Tensor], features: Imitation) -> None:
    for loss in (intensity_loss, gradient_loss):
        both = loss(*frames)
        alone = [loss(frames[0][n : n + 1], frames[1][n : n + 1]) for n in (0, 1)]
        assert both.shape == (2,) and both.tolist() == [close(part.item()) for part in alone]
    first = Imitation(*(plane[:1] for plane in (features.imitated, features.true, features.frames)))
    assert triplet_loss(features)[0].item() == close(triplet_loss(first).item())


def test_gradients_reach_all_three_features(features: Imitation) -> None:
    planes = [plane.clone().requires_grad_(True) for plane in (features.imitated, features.true, features.frames)]
    triplet_loss(Imitation(*planes)).sum().backward()
    assert all(plane.grad is not None and plane.grad.abs().sum() > 0 for plane in planes)
