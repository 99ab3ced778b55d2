"""The patch gate and the Destroyer's loss against the specification's values (section 11.4), and patch by patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from oddlens.methods.destroyer.gate import destroyer_loss, gate, similarity
from oddlens.nn.patch_grid import cut_patches
from oddlens.nn.ssim import ssim

Wave = Callable[..., Tensor]
BLACK = torch.full((3, 256, 256), -1.0)


@pytest.fixture(scope="module")
def frames(wave: Wave) -> dict[str, Tensor]:
    """A, T, G, and N: A with a hole, and a band of another contrast."""
    shape = (2, 3, 256, 256)
    predicted = wave(shape, 0.05, 0.03, 1.0, 0.8)
    damaged = predicted.clone()
    damaged[:, :, 64:96, 32:64] = 0
    damaged[:, 1, 128:160] *= 1.4
    return {
        "A": predicted,
        "T": wave(shape, 0.05, 0.03, 1.02, 0.8),
        "G": wave(shape, 0.04, 0.035, 1.1, 0.7),
        "N": damaged,
    }


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(("steepness", "expected"), [(4.0, 40.466679), (1.0, 33.887291)])
def test_loss(steepness: float, expected: float, frames: dict[str, Tensor]) -> None:
    gates = gate(frames["N"], frames["T"], steepness=steepness)
    loss = destroyer_loss(frames["G"], frames["A"], BLACK, gates)
    assert loss.shape == (2,) and loss.sum().item() == close(expected)


def test_similarity_and_gate(frames: dict[str, Tensor]) -> None:
    found, gates = similarity(frames["N"], frames["T"]), gate(frames["N"], frames["T"])
    assert found.shape == (2, 64)
    assert found.mean().item() == close(0.9678504) and found.min().item() == pytest.approx(0.0019539, abs=1e-6)
    assert found[0].argmin() == found[1].argmin() == 17
    assert gates.mean().item() == close(0.0818521) and int((gates == 1).sum()) == 2
    lowest = cut_patches(frames["N"], 8, 8).amin(dim=(2, 3, 4))
    assert int((lowest < -0.5).sum()) == 126


def test_the_gate_is_that_of_single_patches(frames: dict[str, Tensor]) -> None:
    patches = [cut_patches(frames[name], 8, 8) for name in ("N", "T")]
    single = []
    for sample in range(2):
        for number in range(64):
            damaged, true = (part[sample, number][None] for part in patches)
            value_range = 2.0 if damaged.min() < -0.5 else 1.0
            single.append(1 - ssim(damaged, true, value_range))
    expected = (4 * torch.cat(single)).clamp(max=1).reshape(2, 64)
    torch.testing.assert_close(gate(frames["N"], frames["T"]), expected, rtol=1e-5, atol=5e-6)


def test_perfect_frames_lose_nothing(frames: dict[str, Tensor]) -> None:
    a = frames["A"]
    gates = gate(a, a)
    assert destroyer_loss(a, a, BLACK, gates).abs().max() < 1e-4
    error = (a - BLACK).square().mean().item()
    assert error == close(1.3229686)
    black = BLACK.expand_as(a)
    assert destroyer_loss(black, a, BLACK, gates).sum().item() == close(169.33998)


def test_the_gate_has_no_gradient_and_the_loss_has(frames: dict[str, Tensor]) -> None:
    damaged = frames["N"].clone().requires_grad_(True)
    gates = gate(damaged, frames["T"])
    assert not gates.requires_grad
    destroyed = frames["G"].clone().requires_grad_(True)
    destroyer_loss(destroyed, frames["A"], BLACK, gates).sum().backward()
    shares = gates.reshape(2, 1, 8, 1, 8, 1).expand(2, 3, 8, 32, 8, 32).reshape(2, 3, 256, 256)
    wanted = shares * BLACK + (1 - shares) * frames["A"]
    torch.testing.assert_close(destroyed.grad, 2 * (frames["G"] - wanted) / (3 * 32 * 32), rtol=1e-4, atol=1e-7)


def test_frames_that_are_not_square() -> None:
    damaged, true = torch.rand(2, 3, 64, 96), torch.rand(2, 3, 64, 96)
    gates = gate(damaged, true)
    assert gates.shape == (2, 64)
    assert destroyer_loss(true, damaged, torch.zeros(3, 64, 96), gates).shape == (2,)
